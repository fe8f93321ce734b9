"""Which scorer the controls mean: made, named, told apart and written as code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard
from zlib import crc32

import numpy as np

from specanom.errors import ArgumentError, message
from specanom.lines import FILTER_KMS, LINES
from specanom.scores import METRICS, CalibratedScorer, Scorer
from specanom.scores.neighbourhood import default_neighbours
from specanom.scores.rows import places
from specanom.spectrumset import SpectrumSet

VELOCITY = FILTER_KMS["vacuum"]
"""Half width of a filter of chosen lines in km/s, as published."""
TRIM = 0.03
"""Trimmed share, as published."""
LISTS = tuple(FILTER_KMS)
"""Line lists that have a name."""
OTHERS = ("delta", "weight", "norm", "ignore_imputed", "trim_by", "name")
"""Settings that are written as code only where they are not the usual ones."""
LINE_NAMES = tuple(line.name for line in LINES)
PLAIN = re.compile(rf"({'|'.join(sorted(METRICS, key=len, reverse=True))})(_filtered)?(_trimmed)?")

Key = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Family:
    """The scorers that can be reached from one by metric, line filter and trim.

    Everything else (δ, weight, norm, preset, imputed pixels) stays as the first one has it.

    Parameters
    ----------
    base : Scorer
        The first one.
    """

    base: Scorer

    @property
    def velocity(self) -> float:
        """What ``_filtered`` in the name of a score means, km/s."""
        usual = FILTER_KMS.get(self.lines, VELOCITY) if isinstance(self.lines, str) else VELOCITY
        return usual if self.base.velocity is None else float(self.base.velocity)

    @property
    def trim(self) -> float:
        """What ``_trimmed`` in the name of a score means."""
        return self.base.trim or TRIM

    @property
    def lines(self) -> str | tuple[str, ...]:
        """The lines of the filter."""
        given = self.base.lines
        return given if isinstance(given, str) else tuple(given or ())

    def scorer(self, metric: str, *, velocity: float | None = None, trim: float = 0.0,
               lines: str | Sequence[str] | None = None) -> Scorer:
        """Return the scorer of these settings, called :meth:`label`."""
        chosen = self.lines if lines is None else lines if isinstance(lines, str) else tuple(lines)
        norm = self.base.norm if METRICS[metric].squared else None
        made = replace(self.base, metric=metric, velocity=velocity, trim=trim, lines=chosen, norm=norm, name="")
        return replace(made, name=self.label(made))

    def named(self, name: str) -> Scorer | None:
        """Return the scorer that a column called `name` was made with, or None when it is no such name."""
        found = PLAIN.fullmatch(name)
        if found is None:
            return None
        metric, filtered, trimmed = found.groups()
        return self.scorer(metric, velocity=self.velocity if filtered else None, trim=self.trim if trimmed else 0.0)

    def label(self, scorer: Scorer) -> str:
        """Return what a score is called: as a run calls it, with the numbers where they are not the usual ones."""
        text = scorer.metric
        if scorer.velocity is not None:
            text += "_filtered"
            text += "" if scorer.velocity == self.velocity else _number(scorer.velocity)
            text += "" if _listed(scorer.lines) == self.lines else f"_{_lines_word(scorer.lines)}"
        if scorer.trim > 0:
            text += "_trimmed"
            text += "" if scorer.trim == self.trim else _number(100 * scorer.trim)
        return text


def base_of(scorer: Scorer | CalibratedScorer) -> Scorer:
    """Return the scorer under a calibration, or the scorer itself.

    Raises
    ------
    ArgumentError
        For scorers that have no metric, line filter and trim.
    """
    inner = scorer.scorer if isinstance(scorer, CalibratedScorer) else scorer
    if not isinstance(inner, Scorer):
        raise ArgumentError(message("scorer", expected="a Scorer or CalibratedScorer", got=type(inner).__name__,
                                    hint='sa.Scorer(model, "chi2_ivar")'))
    return inner


def key_of(scorer: Scorer) -> Key:
    """Return what two scorers have in common that give the same scores with one model."""
    recipe = scorer.recipe
    weight = (recipe.weight, recipe.delta) if recipe.metric == "chi2" else None
    lines = None if scorer.velocity is None else (float(scorer.velocity), _listed(scorer.lines))
    cut = (recipe.trim, recipe.trim_by) if recipe.trim else None
    return recipe.metric, lines, cut, weight, recipe.norm, bool(scorer.ignore_imputed), scorer.preset


def code_of(scorer: Scorer, *, calibrated: bool, neighbours: int | None = None,
            given: CalibratedScorer | None = None) -> str:
    """Return Python that makes the scorer from ``model`` and ``sample`` and scores the sample.

    Parameters
    ----------
    scorer : Scorer
    calibrated : bool
    neighbours : int, optional
        Of a calibration against the sample, when they are not as many as usual.
    given : CalibratedScorer, optional
        The calibration, when it is against other spectra: they are called ``reference``.
    """
    plain = Scorer(scorer.model, scorer.metric, preset=scorer.preset, velocity=scorer.velocity, trim=scorer.trim)
    words = [repr(scorer.metric)]
    words += [] if scorer.velocity is None else [f"velocity={scorer.velocity!r}"]
    words += [f"trim={scorer.trim!r}"] if scorer.trim else []
    words += [] if scorer.velocity is None else [f"lines={_listed(scorer.lines)!r}"]
    words += [f"{name}={getattr(scorer, name)!r}" for name in OTHERS if getattr(scorer, name) != getattr(plain, name)]
    words += [] if scorer.preset is None else [f"preset={scorer.preset!r}"]
    made = [
        "import specanom as sa",
        "",
        "# model: what reconstructs; sample: the spectra that are ranked",
        f"scorer = sa.Scorer(model, {', '.join(words)})",
    ]
    if calibrated:
        against = "sample"
        if given is not None:
            against, n = "reference", len(given.neighbourhood)
            neighbours = neighbours_of(given, n)
            made.append(f"# reference: the {n:,} spectra it was calibrated with")
        extra = "" if neighbours is None else f", neighbours={neighbours}"
        made.append(f"scorer = scorer.calibrate({against}{extra})")
    return "\n".join([*made, "scores = scorer(sample)", ""])


def sentence_of(scorer: Scorer, *, calibrated: bool, given: CalibratedScorer | None = None) -> str:
    """Return the score in words; `given` is its calibration, when that is against other spectra than the sample."""
    parts = [scorer.metric]
    if scorer.velocity is not None:
        lines = _listed(scorer.lines)
        which = f"the {lines} list" if isinstance(lines, str) else f"{len(lines)} chosen lines"
        parts.append(f"without ±{scorer.velocity:g} km/s of {which}")
    if scorer.trim:
        parts.append(f"without the {100 * scorer.trim:g} % largest residuals")
    if scorer.preset:
        parts.append("as published")
    if calibrated:
        others = "" if given is None else f" among the {len(given.neighbourhood):,} it was calibrated with"
        parts.append(f"in σ above spectra of like S/N and z{others}")
    return ", ".join(parts)


def calibrated_elsewhere(scorer: Scorer | CalibratedScorer, sample: SpectrumSet) -> TypeGuard[CalibratedScorer]:
    """Whether a scorer is calibrated, and with other spectra than those of `sample`."""
    if not isinstance(scorer, CalibratedScorer):
        return False
    (ids, *here), place = places(sample), scorer.neighbourhood
    same = all(np.array_equal(mine, theirs, equal_nan=True)
               for mine, theirs in zip(here, (place.snr, place.z), strict=True))
    return list(place.ids) != ids or not same


def neighbours_of(scorer: Scorer | CalibratedScorer, n: int) -> int | None:
    """Return how many neighbours a calibrated scorer asks for, None when as many as usual for `n` spectra."""
    if not isinstance(scorer, CalibratedScorer):
        return None
    asked = scorer.neighbourhood.neighbours
    return None if asked == default_neighbours(len(scorer.neighbourhood)) or asked >= n else asked


def _listed(lines: str | Sequence[str] | None) -> str | tuple[str, ...]:
    return lines if isinstance(lines, str) else tuple(lines or ())


def _number(value: float) -> str:
    return f"{value:g}".replace(".", "p").replace("-", "m").replace("+", "")


def _lines_word(lines: str | Sequence[str] | None) -> str:
    """Return a short word for a list of lines; different lists get different words."""
    listed = _listed(lines)
    if isinstance(listed, str):
        return listed
    return "_".join(listed) if len(listed) < 4 else f"{len(listed)}lines{crc32(' '.join(listed).encode()):08x}"
