"""A calibrated probability that sky or instrument, not the object, made a score what it is.

A logistic regression on the marks of an explanation (:mod:`.marks`), fitted to simulated surveys whose anomalies are
known, with the sign of each coefficient held to what the mark means. The coefficients ship with the package and
nothing but numpy is needed to apply them. There is one set for each state of knowledge, so that a spectrum without
redshift, noise or line-spread function gets the probability that what is left allows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..errors import ArgumentError, DataError, message
from .marks import MARKS, usable

VERSION = 1
SIGN = {mark.name: mark.sign for mark in MARKS}
LEAST = {"foreign": 0.5}
"""Least coefficients: that sky, masks and spikes speak for an artefact is known beforehand, and the simulated kinds say
it less than once, since other marks go with it. ROC-AUC of dead blocks left out of the fit: 0.88, without it 0.77."""
RIDGE = 20.0  # of the standardised coefficients, against a weight of one a spectrum
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Regression:
    """A logistic regression on standardised, clipped marks.

    Attributes
    ----------
    names : tuple of str
        Marks.
    mean, scale, low, high, coefficients : tuple of float
        Of each mark: what standardises it, the range met in the calibration (values beyond count as its ends), and
        the coefficient.
    intercept : float
        For even odds.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def logit(self, marks: Mapping[str, float]) -> float:
        """Return the log odds at even prior odds; NaN when a mark is."""
        total = self.intercept
        for name, mean, scale, low, high, slope in zip(
                self.names, self.mean, self.scale, self.low, self.high, self.coefficients, strict=True):
            value = marks[name]
            if np.isnan(value):  # min and max would hide it
                return float("nan")
            total += slope * (min(max(value, low), high) - mean) / scale
        return total

    @classmethod
    def fit(
        cls, names: tuple[str, ...], rows: Doubles, artefact: NDArray[np.bool_], *, weight: Doubles,
        ridge: float = RIDGE,
    ) -> Regression:
        """Fit to marks ``(n, m)`` of known spectra; coefficients keep the signs of their marks.

        Raises
        ------
        DataError
            When a mark is not finite, or only one kind is there.
        """
        if not np.isfinite(rows).all() or artefact.all() or not artefact.any():
            raise DataError(message("rows", expected="finite marks of artefacts and of other spectra",
                                    got=f"{int(artefact.sum())} artefacts of {artefact.size} rows"))
        low, high = np.quantile(rows, 0.005, axis=0), np.quantile(rows, 0.995, axis=0)
        inside = np.clip(rows, low, high)
        mean = np.average(inside, axis=0, weights=weight)
        scale = np.sqrt(np.average((inside - mean) ** 2, axis=0, weights=weight)) + 1e-6
        z, y = (inside - mean) / scale, artefact.astype(np.float64)

        def loss(beta: Doubles) -> tuple[float, Doubles]:
            odds = z @ beta[1:] + beta[0]
            gap = weight * (1.0 / (1.0 + np.exp(-odds)) - y)
            value = float((weight * (np.logaddexp(0.0, odds) - y * odds)).sum() + 0.5 * ridge * (beta[1:] ** 2).sum())
            return value, np.concatenate([[gap.sum()], z.T @ gap + ridge * beta[1:]])

        bounds = [(None, None), *(_bounds(name) for name in names)]
        found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B",
                         options={"maxiter": 2000}).x
        return cls(names, _rounded(mean), _rounded(scale), _rounded(low), _rounded(high), _rounded(found[1:]),
                   intercept=_rounded(found[:1])[0])


def _regression(plain: Mapping[str, Any]) -> Regression:
    mean, scale, low, high, slopes = (tuple(map(float, plain[part])) for part in
                                      ("mean", "scale", "low", "high", "coefficients"))
    return Regression(tuple(plain["names"]), mean, scale, low, high, slopes, intercept=float(plain["intercept"]))


def _bounds(name: str) -> tuple[float | None, float | None]:
    return {1: (LEAST.get(name, 0.0), None), -1: (None, 0.0), 0: (None, None)}[SIGN[name]]


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
        sets = {key: {name: list(value) if isinstance(value, tuple) else value for name, value in vars(one).items()}
                for key, one in self.regressions.items()}
        return json.dumps({"version": self.version, "training": dict(self.training), "regressions": sets},
                          ensure_ascii=False, indent=1)

    @classmethod
    def of_json(cls, text: str) -> Calibration:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        DataError
            When it is of another version, or is no calibration.
        """
        try:
            found = json.loads(text)
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
        return cls.of_json(Path(path).read_text(encoding="utf-8"))

    def save(self, path: str | Path) -> Path:
        """Write a file."""
        path = Path(path)
        path.write_text(self.to_json() + "\n", encoding="utf-8")
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
