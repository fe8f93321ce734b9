"""Scores in excess of spectra of like signal-to-noise ratio and redshift, so that a score is no noise meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, ShapeError, message
from ..spectrum import Spectrum
from .bound import BoundScore
from .chunks import Doubles
from .evaluate import Evaluated, evaluate, scored
from .false_alarms import Null
from .neighbourhood import Neighbourhood, Usual, default_neighbours, usual_of
from .picking import Pickable
from .rows import BLOCK, Batch, batches, places

if TYPE_CHECKING:
    import pandas as pd

TINY = 1e-300
"""What a score of zero counts as when its logarithm is taken."""


class Calibratable(Evaluated, Protocol):
    """A scorer that can be bound to a spectrum and calibrated."""

    @property
    def model(self) -> Any: ...

    @property
    def can_be_negative(self) -> bool:
        """Whether values below zero occur, so that logarithms cannot be taken."""
        ...

    def bind(self, spectrum: Any) -> Any: ...


@dataclass(frozen=True)
class Excess:
    """The smooth monotone map from a raw score to its calibrated value, for one spectrum.

    ``(log s − centre) / width``, or ``(s − centre) / width`` for scores that can be negative.
    """

    centre: float
    width: float
    logarithm: bool = True

    def __call__(self, raw: Doubles) -> Doubles:
        """Map ``(m,)`` raw scores; NaN stays NaN."""
        return np.asarray((scaled(raw, self.logarithm) - self.centre) / self.width)

    def slope(self, raw: Doubles) -> Doubles:
        """Return the derivative at ``(m,)`` raw scores; zero at and below the smallest positive number."""
        if not self.logarithm:
            return np.full_like(raw, 1.0 / self.width, dtype=np.float64)
        return np.where(raw > TINY, 1.0 / (np.maximum(raw, TINY) * self.width), 0.0)


def scaled(raw: Doubles, logarithm: bool) -> Doubles:
    """Return log s (of at least the smallest positive number), or s itself."""
    return np.log(np.maximum(raw, TINY)) if logarithm else np.asarray(raw, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class CalibratedScorer(Pickable):
    """A scorer whose values are in robust standard deviations above spectra of like S/N and redshift.

    The same face as :class:`Scorer`. Made by :meth:`Scorer.calibrate`.

    Attributes
    ----------
    scorer : Scorer
        What is calibrated.
    neighbourhood : Neighbourhood
        Where each reference spectrum lies in S/N and redshift, and which are near.
    raw : (n,) array
        The raw scores of the reference sample.
    name : str
        ``NAME_cal``.
    """

    scorer: Calibratable
    neighbourhood: Neighbourhood
    raw: Doubles
    name: str

    can_be_negative = True
    nan = "last"

    def __call__(self, sample: Any, /, *, block_size: int = BLOCK) -> Doubles:
        """Return the ``(n,)`` calibrated scores of a SpectrumSet, a Spectrum, or a list of spectra, seen or not.

        A spectrum of unknown S/N or redshift is compared with those near in what is known of it; a plain array,
        of which nothing is known, with the whole reference sample.
        """
        return scored(self, sample, block_size)

    def evaluate(self, batch: Batch) -> Doubles:
        """Return the calibrated scores of a batch."""
        return self.of_raw(batch.score(self.scorer), batch.snr, batch.z, batch.ids)

    def of_raw(
        self, raw: ArrayLike, snr: ArrayLike, z: ArrayLike, ids: Sequence[str] | None = None
    ) -> Doubles:
        """Return the calibrated values of ``(n,)`` raw scores at S/N `snr` and redshift `z`.

        Parameters
        ----------
        raw, snr, z : (n,) arrays
            Raw scores and where they are.
        ids : sequence of str, optional
            A spectrum of the reference sample is found by its id and not compared with itself.
        """
        return self._in_excess(raw, self._local(snr, z, ids))

    def calibrate(self, sample: Any, *, neighbours: int | None = None) -> CalibratedScorer:
        """Return its scorer calibrated anew, as when a cell of a notebook is run twice: see ``Scorer``."""
        return calibrate(self.scorer, sample, neighbours=neighbours)

    def bind(self, spectrum: Spectrum) -> BoundScore:
        """Return the calibrated score for perturbed copies of one spectrum.

        All copies are judged at the S/N and redshift of the spectrum itself: the map from raw to calibrated is one
        :class:`Excess`, kept as ``link``, so that evaluators can work on the raw score.
        """
        batch = next(batches(spectrum))
        centre, width = self._local(batch.snr, batch.z, batch.ids)
        bound: BoundScore = self.scorer.bind(spectrum)
        return replace(bound, name=self.name, link=Excess(float(centre[0]), float(width[0]), self.logarithm))

    # -- what a value means ----------------------------------------------------------------------------------------

    def percentile(self, sample: Any, *, block_size: int = BLOCK) -> Doubles:
        """Return the percentage of the reference sample that is less odd, ``(n,)`` in 0–100; NaN for NaN."""
        return self.percentile_of(self(sample, block_size=block_size))

    def percentile_of(self, values: ArrayLike) -> Doubles:
        """Return the percentile of calibrated values that are known already."""
        asked = np.asarray(values, dtype=np.float64)
        low, high = (np.searchsorted(self._sorted, asked, side=side) for side in ("left", "right"))
        share = 0.5 * (low + high) / max(self._sorted.size, 1)
        return np.asarray(np.where(np.isnan(asked), np.nan, 100.0 * share))

    def above(self, threshold: ArrayLike) -> NDArray[np.int64]:
        """Return how many reference spectra have a calibrated score of at least `threshold`."""
        return np.asarray(self._sorted.size - np.searchsorted(self._sorted, np.asarray(threshold), side="left"))

    def false_alarms(self, threshold: ArrayLike, n: int | None = None) -> Doubles:
        """Return how many ordinary spectra are expected at or above each threshold.

        Parameters
        ----------
        threshold : float or array
            In calibrated units.
        n : int, optional
            Among how many spectra; the size of the reference sample when not given.
        """
        many = self._sorted.size if n is None else n
        return np.asarray(many * self._null.survival(np.asarray(threshold, dtype=np.float64)))

    def _in_excess(self, raw: ArrayLike, usual: tuple[Doubles, Doubles]) -> Doubles:
        centre, width = usual
        return np.asarray((scaled(np.asarray(raw, dtype=np.float64), self.logarithm) - centre) / width)

    @property
    def logarithm(self) -> bool:
        """Whether the logarithm of the score is calibrated; the score itself when it can be negative."""
        return not self.scorer.can_be_negative

    @cached_property
    def _local(self) -> Usual:
        return Usual(self.neighbourhood, scaled(self.raw, self.logarithm))

    @cached_property
    def reference(self) -> Doubles:
        """The calibrated scores of the reference sample, in its order."""
        place = self.neighbourhood
        return self.of_raw(self.raw, place.snr, place.z, place.ids)

    @cached_property
    def _sorted(self) -> Doubles:
        return np.sort(self.reference[np.isfinite(self.reference)])

    @cached_property
    def _null(self) -> Null:
        return Null.of(self._sorted)

    def __repr__(self) -> str:
        place = self.neighbourhood
        return f"CalibratedScorer {self.name!r}: {self.scorer.name} against {place.neighbours} of {len(place)} spectra"


def calibrate(
    scorer: Calibratable, sample: Any, *, neighbours: int | None = None, values: NDArray[Any] | None = None
) -> CalibratedScorer:
    """Return `scorer` in excess of the spectra of `sample` of like S/N and redshift.

    Parameters
    ----------
    scorer : Scorer or the like
        What to calibrate.
    sample : SpectrumSet or sequence of Spectrum
        The reference. The few odd ones in it do no harm: medians are taken.
    neighbours : int, optional
        Size of a neighbourhood.
    values : (n,) array, optional
        The raw scores of `sample`, when known.

    Raises
    ------
    DataError
        When the reference is too small, or neither S/N nor redshift is known in it.
    """
    return calibrate_all({scorer.name: scorer}, sample, neighbours=neighbours,
                         values=None if values is None else {scorer.name: values})[scorer.name]


def calibrate_all(
    scorers: Mapping[str, Calibratable],
    sample: Any,
    *,
    neighbours: int | None = None,
    values: Mapping[str, ArrayLike] | None = None,
) -> dict[str, CalibratedScorer]:
    """Calibrate several scorers at once; the sample is reconstructed once per model.

    Parameters
    ----------
    scorers : mapping
        Name → scorer.
    sample : SpectrumSet or sequence of Spectrum
        The reference.
    neighbours : int, optional
        Size of a neighbourhood.
    values : mapping or DataFrame, optional
        Name → raw scores ``(n,)``, for those that are known already, e.g. columns of :func:`table`.

    Returns
    -------
    dict
        Name → CalibratedScorer, whose own name is ``NAME_cal``.
    """
    ids, snr, z = places(sample)
    given = {} if values is None else values
    known = {name: _column(name, given[name], len(ids)) for name in scorers if name in given}
    missing = [name for name in scorers if name not in known]
    known.update(zip(missing, evaluate([scorers[name] for name in missing], sample), strict=True))
    return _against(scorers, known, Neighbourhood(snr, z, ids, _size(neighbours, len(ids))))


def calibrate_from_table(
    scorers: Mapping[str, Calibratable], table: pd.DataFrame, *, neighbours: int | None = None
) -> dict[str, CalibratedScorer]:
    """Calibrate scorers against a kept table of scores, so that new spectra are judged as the old ones were.

    Parameters
    ----------
    scorers : mapping
        Name → scorer.
    table : DataFrame
        ``id``, ``snr``, ``z`` and the raw score of each name, e.g. ``scores.parquet`` of a run.
    neighbours : int, optional
        Size of a neighbourhood.

    Returns
    -------
    dict
        As :func:`calibrate_all`.
    """
    wanted = ["id", "snr", "z", *scorers]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise DataError(message("table", expected=f"columns {wanted}", got=f"none called {missing}"))
    snr, z = (table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("snr", "z"))
    known = {name: _column(name, table[name], len(table)) for name in scorers}
    ids = [str(id) for id in table["id"]]
    return _against(scorers, known, Neighbourhood(snr, z, ids, _size(neighbours, len(ids))))


def calibrated_values(
    calibrated: Mapping[str, CalibratedScorer], raw: Mapping[str, ArrayLike] | pd.DataFrame, snr: ArrayLike,
    z: ArrayLike, ids: Sequence[str] | None = None,
) -> dict[str, Doubles]:
    """Return the calibrated values of several raw scores at once, as :meth:`CalibratedScorer.of_raw` gives each.

    Scorers that were calibrated together share their neighbours, which take longest and are sought only once.

    Parameters
    ----------
    calibrated : mapping
        Name → calibrated scorer, as :func:`calibrate_all` and :func:`calibrate_from_table` return them.
    raw : mapping or DataFrame
        Name → raw scores ``(n,)``.
    snr, z, ids
        See :meth:`CalibratedScorer.of_raw`.

    Returns
    -------
    dict
        Name → ``(n,)`` values.
    """
    groups: dict[int, list[str]] = {}
    for name, one in calibrated.items():
        groups.setdefault(id(one.neighbourhood), []).append(name)
    found = {}
    for names in groups.values():
        local = usual_of([calibrated[name]._local for name in names], snr, z, ids)
        for name, usual in zip(names, local, strict=True):
            found[name] = calibrated[name]._in_excess(raw[name], usual)
    return {name: found[name] for name in calibrated}


def _size(neighbours: int | None, n: int) -> int:
    return default_neighbours(n) if neighbours is None else neighbours


def _against(
    scorers: Mapping[str, Calibratable], values: Mapping[str, Doubles], near: Neighbourhood
) -> dict[str, CalibratedScorer]:
    if not (np.isfinite(near.snr).any() or np.isfinite(near.z).any()):
        raise DataError(message("sample", expected="the S/N or the redshift of its spectra", got="neither",
                                hint="give the table of the SpectrumSet columns 'snr' and 'z'"))
    return {name: CalibratedScorer(scorer, near, values[name], f"{name}_cal") for name, scorer in scorers.items()}


def _column(name: str, values: ArrayLike, n: int) -> Doubles:
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (n,):
        raise ShapeError(message(f"values[{name!r}]", expected=f"shape ({n},), one a spectrum",
                                 got=f"shape {column.shape}"))
    return column
