"""A calibrated probability that sky or instrument, not the object, made a score what it is.

It is the probability *given that the spectrum is odd for a reason*: that this reason is an artefact and not the object.
For an ordinary spectrum that noise alone has brought to the top there is no right answer.

Artefacts are of kinds nobody has simulated yet, so no mechanism gets a coefficient of its own, which only a survey with
that mechanism could teach. Each mark of a mechanism (:mod:`.marks`) is first turned into how surprising its value would
be of an object, which objects alone teach; one coefficient, shared by all, weighs the strongest surprises, and a few
more weigh what speaks for the object. The odds are then set right on anomalies whose kind was left out of the fit
(Platt 1999). The numbers ship with the package and nothing but numpy is needed to apply them. There is one set for
each state of knowledge, so that a spectrum without redshift, noise or line-spread function gets the probability that
what is left allows.

Quasars get none. The numbers are those of galaxies, and a fit to simulated quasars does not tell kinds of artefacts
that it has not seen from broad absorption and odd lines well enough.

Some kinds cannot be told from one spectrum: starlight of a neighbouring fibre and a star in front of the galaxy, or
emission lines of a neighbour and of a lensed galaxy, are the same picture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..errors import ArgumentError, DataError, message
from ..folders import write_text
from ..foreign import ListOf, MapOf, Number, Record, Text, Whole, check, damaged, parse_json, regular
from .marks import MARKS, usable

VERSION = 2
_REGRESSION = Record({
    "mechanisms": ListOf(Text(), most=1000), "knots": ListOf(ListOf(Number(), most=1000), most=1000),
    "signs": ListOf(Text(), most=1000), "slopes": ListOf(Number(), most=100_000), "intercept": Number()})
FORM = Record({"version": Whole(), "regressions": MapOf(_REGRESSION, most=1000)}, more=True)
"""Of a calibration in JSON."""
LARGEST = 2**24
"""Bytes of such a file."""
UNTOLD = "not calibrated for quasars"
"""Why there is no probability of quasars: the calibration is of galaxies, and takes broad absorption for artefacts."""
SIGN = {mark.name: mark.sign for mark in MARKS}
LEVELS = np.array([0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995])
"""Shares of the objects below the knots of a mark."""
SURPRISE = np.log10((1.0 - LEVELS[0]) / (1.0 - LEVELS))
"""What the knots are worth: 0 for what half of the objects have, 2 for one in 200."""
STRONGEST = np.array([1.0, 0.5, 0.25])
"""Weights of the strongest surprises: several weak ones are worth something, but not what independent ones would be."""
RIDGE = 50.0  # of the standardised coefficients, against a weight of one a spectrum
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """The log odds of an artefact from the marks of a spectrum.

    ``intercept + slope · surprise − Σ against · marks``, where the surprise is that of the three strongest mechanisms.

    Attributes
    ----------
    mechanisms : tuple of str
        Marks that speak for an artefact.
    knots : tuple of tuples of float
        Of each mechanism, the values below which LEVELS of the objects lie.
    signs : tuple of str
        Marks that speak against.
    slopes : tuple of float
        Of the surprise, ≥ 0, and of each of the signs, ≤ 0.
    intercept : float
        For even odds.
    """

    mechanisms: tuple[str, ...]
    knots: tuple[tuple[float, ...], ...]
    signs: tuple[str, ...]
    slopes: tuple[float, ...]
    intercept: float

    def logit(self, marks: Mapping[str, float]) -> float:
        """Return the log odds at even prior odds; NaN when a mark is."""
        row = np.array([[marks[name] for name in (*self.mechanisms, *self.signs)]])
        return float(self.logits(row)[0])

    def logits(self, rows: Doubles) -> Doubles:
        """Return the log odds ``(n,)`` of marks ``(n, m)``: those of `mechanisms`, then those of `signs`."""
        split = len(self.mechanisms)
        told = _surprise(rows[:, :split], self.knots) * self.slopes[0]
        return np.asarray(told + rows[:, split:] @ np.array(self.slopes[1:]) + self.intercept)

    def recalibrated(self, slope: float, offset: float) -> Regression:
        """Return it with log odds ``slope · odds + offset``."""
        slopes = _rounded(np.array(self.slopes) * slope)
        return replace(self, slopes=slopes, intercept=_rounded(np.array([self.intercept * slope + offset]))[0])

    @classmethod
    def fit(
        cls, names: tuple[str, ...], rows: Doubles, artefact: NDArray[np.bool_], *, weight: Doubles,
        ridge: float = RIDGE,
    ) -> Regression:
        """Fit to marks ``(n, m)`` of known spectra.

        Raises
        ------
        DataError
            When a mark is not finite, or only one kind is there.
        """
        if not np.isfinite(rows).all() or artefact.all() or not artefact.any():
            raise DataError(message("rows", expected="finite marks of artefacts and of other spectra",
                                    got=f"{int(artefact.sum())} artefacts of {artefact.size} rows"))
        mechanisms = tuple(name for name in names if SIGN[name] > 0)
        signs = tuple(name for name in names if SIGN[name] < 0)
        sound = ~artefact
        knots = tuple(_knots(rows[sound, names.index(name)], weight[sound]) for name in mechanisms)
        told = _surprise(rows[:, [names.index(name) for name in mechanisms]], knots)
        x = np.column_stack([told, rows[:, [names.index(name) for name in signs]]])
        mean = np.average(x, axis=0, weights=weight)
        scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)) + 1e-6
        bounds = [(0.0, None), *[(None, 0.0)] * len(signs)]
        found = _logistic((x - mean) / scale, artefact, weight=weight, ridge=ridge, bounds=bounds)
        slopes = found[1:] / scale
        intercept = found[0] - float(slopes @ mean)
        return cls(mechanisms, knots, signs, _rounded(slopes), _rounded(np.array([intercept]))[0])


def _surprise(rows: Doubles, knots: Sequence[Sequence[float]]) -> Doubles:
    """Return how surprising the strongest marks ``(n, m)`` would be of an object, shape ``(n,)``; NaN if any is."""
    each = np.empty(rows.shape)
    for i, one in enumerate(knots):
        each[:, i] = np.interp(rows[:, i], one, SURPRISE)
    each.sort(axis=1)  # NaN last, so first below
    best = each[:, : -1 - STRONGEST.size : -1]
    return np.asarray(best @ STRONGEST[: best.shape[1]])


def _knots(values: Doubles, weight: Doubles) -> tuple[float, ...]:
    """Return the weighted quantiles LEVELS, apart by so little that equal ones count as the lowest."""
    order = np.argsort(values, kind="stable")
    found = np.interp(LEVELS, np.cumsum(weight[order]) / weight.sum(), values[order])
    return tuple(float(f"{value:.6g}") for value in np.maximum.accumulate(found) + 1e-6 * np.arange(1, found.size + 1))


def _logistic(
    x: Doubles, truth: NDArray[np.bool_], *, weight: Doubles, ridge: float = 0.0,
    bounds: Sequence[tuple[float | None, float | None]] = (),
) -> Doubles:
    """Return intercept and coefficients ``(m + 1,)`` of a logistic regression; the intercept is not shrunk."""
    y = truth.astype(np.float64)

    def loss(beta: Doubles) -> tuple[float, Doubles]:
        odds = x @ beta[1:] + beta[0]
        gap = weight * (1.0 / (1.0 + np.exp(-odds)) - y)
        value = float((weight * (np.logaddexp(0.0, odds) - y * odds)).sum() + 0.5 * ridge * (beta[1:] ** 2).sum())
        return value, np.concatenate([[gap.sum()], x.T @ gap + ridge * beta[1:]])

    limits = [(None, None), *(bounds or [(None, None)] * x.shape[1])]
    return np.asarray(minimize(loss, np.zeros(x.shape[1] + 1), jac=True, bounds=limits, method="L-BFGS-B",
                               options={"maxiter": 2000}).x)


def recalibration(logits: Doubles, artefact: NDArray[np.bool_], *, weight: Doubles) -> tuple[float, float]:
    """Return slope and offset that set log odds right, given what they were of; the slope is never negative.

    Of kinds that a fit had not seen, they say how far it may be believed (Platt 1999, Advances in Large Margin
    Classifiers, p. 61).
    """
    offset, slope = _logistic(logits[:, None], artefact, weight=weight, bounds=[(0.0, None)])
    return float(slope), float(offset)


def _regression(plain: Mapping[str, Any]) -> Regression:
    return Regression(tuple(plain["mechanisms"]), tuple(tuple(map(float, one)) for one in plain["knots"]),
                      tuple(plain["signs"]), tuple(map(float, plain["slopes"])), float(plain["intercept"]))


def _rounded(values: Doubles) -> tuple[float, ...]:
    return tuple(float(f"{value:.5g}") for value in values)


@dataclass(frozen=True)
class Calibration:
    """What turns marks into a probability.

    Attributes
    ----------
    regressions : mapping
        By what is known, e.g. ``"model+ivar+lsf+z+join"``.
    training : mapping
        What it was fitted to, and how it did there, as plain values.
    version : int
        Of the marks and this format.
    """

    regressions: Mapping[str, Regression]
    training: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def __post_init__(self) -> None:
        for name in ("regressions", "training"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def probability(
        self, marks: Mapping[str, float], knowledge: tuple[str, ...], *, prior: float = 0.5
    ) -> float:
        """Return the probability of an artefact, 0–1; NaN when it cannot be told.

        Parameters
        ----------
        marks : mapping
            Values by name; see :mod:`.marks`.
        knowledge : tuple of str
            What is known of the spectrum, in the order of ``marks.KNOWLEDGE``.
        prior : float
            Share of artefacts among the spectra that are looked at; see :func:`at_prior`.
        """
        chosen = self.regressions.get("+".join(knowledge))
        if chosen is None:
            return float("nan")
        return at_prior(float(1.0 / (1.0 + np.exp(-chosen.logit(marks)))), prior)

    def to_json(self) -> str:
        """Return it as JSON text, which :meth:`of_json` reads."""
        head = json.dumps({"version": self.version, "training": dict(self.training)}, ensure_ascii=False, indent=1)
        sets = ",\n".join(f"  {json.dumps(key)}: {json.dumps(vars(one))}" for key, one in self.regressions.items())
        return f'{head[:-2]},\n "regressions": {{\n{sets}\n }}\n}}'

    @classmethod
    def of_json(cls, text: str) -> Calibration:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        DataError
            When it is of another version, or is no calibration.
        """
        try:
            found = parse_json(text)
            check(found, FORM, "the calibration")
            version = found["version"]
            sets = {key: _regression(one) for key, one in found["regressions"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise DataError(message("text", expected="a calibration of artefacts", got=str(exc))) from exc
        if version != VERSION:
            raise DataError(message("text", expected=f"version {VERSION}", got=version,
                                    hint="python -m benchmarks.artefact fits it again"))
        return cls(sets, found.get("training", {}), version)

    @classmethod
    def open(cls, path: str | Path) -> Calibration:
        """Read a file."""
        with damaged(path, "a calibration of artefacts"):
            if regular(path) > LARGEST:
                raise ValueError(f"more than {LARGEST} bytes")
            return cls.of_json(Path(path).read_text(encoding="utf-8"))

    def save(self, path: str | Path) -> Path:
        """Write a file."""
        path = Path(path)
        write_text(path, self.to_json() + "\n")
        return path


def at_prior(probability: float, prior: float) -> float:
    """Return what a probability given for even odds becomes when artefacts have the share `prior`.

    ``odds = p/(1 − p) · prior/(1 − prior)`` (Saerens, Latinne & Decaestecker 2002, Neural Computation 14, eq. 2.4).

    Raises
    ------
    ArgumentError
        When the prior is not inside 0–1.

    Examples
    --------
    >>> round(at_prior(0.9, 0.1), 3)
    0.5
    """
    if not 0.0 < prior < 1.0:
        raise ArgumentError(message("prior", expected="a share between 0 and 1, ends excluded", got=prior))
    for_it, against = probability * prior, (1.0 - probability) * (1.0 - prior)
    return for_it / (for_it + against) if for_it + against > 0 else float("nan")


@cache
def shipped() -> Calibration:
    """Return the calibration that comes with the package."""
    return Calibration.of_json((files(__package__) / "data" / "artefact.json").read_text(encoding="utf-8"))


def marks_for(knowledge: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the marks that can be read with this knowledge."""
    return tuple(mark.name for mark in MARKS if usable(mark, knowledge))
