"""The scores of one sample by setting: those given, those computed so far, and how to compute more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from specanom.errors import ArgumentError, message
from specanom.plots.counting import Doubles
from specanom.scores import CalibratedScorer, Scorer
from specanom.scores.rows import Batch, batches, places
from specanom.spectrumset import SpectrumSet

from .given import align, places_of, score_names
from .settings import Family, Key, base_of, calibrated_elsewhere, key_of, neighbours_of

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 0.3
"""Seconds that a score may take and still be computed while the slider moves."""
FIRST_GUESS, SLOW = 2e-4, {"multiscale": 5e-4}
"""Seconds a spectrum takes, before it has been measured, and metrics that take longer."""
KEPT_PIXELS = 12_000_000
"""Up to how many pixels spectra and reconstructions are kept in memory; four bytes each and both."""
CALIBRATION = 5e-5
"""Seconds a spectrum takes to be calibrated."""
MODEL = "model"
"""What the time for reconstructions is noted under."""
BLOCK = 256
"""Spectra scored between two looks at the cancel button."""
CHECKED = 3
"""Spectra that are scored anew to see that a given column was made with these settings."""

Obtained = tuple[Scorer, Doubles, Doubles | None]


def ignore(share: float) -> None:
    """Take a share of work done and do nothing with it."""


def never() -> bool:
    """Return that nothing was cancelled."""
    return False


class ScoreBook:
    """Scores of a sample by setting, each computed at most once.

    Parameters
    ----------
    scorer : Scorer or CalibratedScorer
        Whose model and other settings all scores share.
    sample : SpectrumSet
        What is scored; read block by block.
    table : DataFrame, optional
        Scores that are known, by ``id``: columns called as those of a run.

    Attributes
    ----------
    family : Family
        What scorers there are.
    ids : list of str
    places : DataFrame
        ``id``, ``z``, ``snr``, ``bin`` … as far as known, in the order of the sample.
    others : dict
        Name → values of given scores that are no metric × filter × trim, e.g. ``combined_cal``.
    given : CalibratedScorer or None
        The scorer given, when it was calibrated with other spectra than the sample: its score keeps that calibration.
        All others are calibrated against the sample.
    """

    def __init__(self, scorer: Scorer | CalibratedScorer, sample: SpectrumSet,
                 table: pd.DataFrame | None = None) -> None:
        if not isinstance(sample, SpectrumSet):
            raise ArgumentError(message("sample", expected="a SpectrumSet", got=type(sample).__name__,
                                        hint="sa.SpectrumSet(wave, flux, ivar, table)"))
        self.family = Family(base_of(scorer))
        self.sample, self.ids = sample, sample.ids
        self.neighbours = neighbours_of(scorer, len(sample))
        self.given = scorer if calibrated_elsewhere(scorer, sample) else None
        self._kept = self.given
        self._raw: dict[Key, Doubles] = {}
        self._cal: dict[Key, Doubles] = {}
        self._scorers: dict[Key, Scorer] = {}
        self._given: set[Key] = set()
        self._given_cal: set[Key] = set()
        self.others: dict[str, Doubles] = {}
        self._batches: list[Batch] | None = None
        self._seconds: dict[str, float] = {}
        aligned = None if table is None else align(table, self.ids)
        self.places = places_of(sample.table, aligned)
        if aligned is not None:
            self._take(aligned)

    # -- what is known ---------------------------------------------------------------------------------------------

    def known(self, *, calibrated: bool) -> dict[str, Doubles]:
        """Return the scores that need no computing, by name; those of calibrated ones end in ``_cal``."""
        end = "_cal" if calibrated else ""
        kept = self._cal if calibrated else self._raw
        mine = {self.family.label(self._scorers[key]) + end: values for key, values in kept.items()}
        return mine | {name: values for name, values in self.others.items() if name.endswith("_cal") == calibrated}

    def scorer_named(self, label: str) -> Scorer | None:
        """Return the scorer called `label` (without ``_cal``), None when there is none of that name."""
        found = {self.family.label(scorer): scorer for scorer in self._scorers.values()}
        return found.get(label) or self.family.named(label)

    def values(self, scorer: Scorer, *, calibrated: bool) -> Doubles | None:
        """Return the scores of the sample, None when they must be computed first."""
        kept = self._cal if calibrated else self._raw
        return kept.get(key_of(scorer))

    def raw(self, scorer: Scorer) -> Doubles | None:
        """Return the scores before calibration, None when they must be computed first."""
        return self._raw.get(key_of(scorer))

    def put(self, scorer: Scorer, values: Doubles, *, calibrated: bool = False) -> None:
        """Keep scores that have been computed."""
        key = key_of(scorer)
        self._scorers.setdefault(key, scorer)
        (self._cal if calibrated else self._raw)[key] = values

    def check(self, scorer: Scorer, *, calibrated: bool) -> bool:
        """Score a few spectra anew where a given column is about to be used, and forget the column if it differs.

        Returns
        -------
        bool
            Whether what was given may be used; True as well when nothing was.
        """
        key = key_of(scorer)
        raw = self._raw.get(key, np.empty(0))
        rows = np.flatnonzero(np.isfinite(raw))
        rows = np.unique(rows[np.linspace(0, rows.size - 1, CHECKED).astype(int)]) if rows.size else rows
        same = True
        if key in self._given:
            self._given.discard(key)
            fresh = [scorer.evaluate(self.batch_of(int(row)))[0] for row in rows]
            same = _agree(fresh, raw[rows])
        if not same:
            del self._raw[key]
            self._cal.pop(key, None)
        elif calibrated and key in self._given_cal:
            self._given_cal.discard(key)
            about = self.places.iloc[rows]
            again = self.calibrate(scorer, raw).of_raw(raw[rows], about["snr"], about["z"], list(about["id"]))
            same = _agree(again, self._cal[key][rows])
            if not same:
                del self._cal[key]
        return same

    # -- computing more --------------------------------------------------------------------------------------------

    def missing(self, scorers: Sequence[Scorer], *, calibrated: bool) -> list[Scorer]:
        """Return those of the scorers whose values must be computed first."""
        return [scorer for scorer in scorers if self.values(scorer, calibrated=calibrated) is None]

    def quick(self, scorers: Sequence[Scorer], *, calibrated: bool = False) -> bool:
        """Whether computing these takes less than a moment."""
        fresh = [scorer for scorer in scorers if self.raw(scorer) is None]
        known = {scorer.metric: self._seconds.get(scorer.metric, SLOW.get(scorer.metric, FIRST_GUESS))
                 for scorer in fresh}
        seconds = sum(known[scorer.metric] for scorer in fresh)
        seconds += self._seconds.get(MODEL, FIRST_GUESS) if fresh else 0.0
        seconds += CALIBRATION * len(scorers) if calibrated else 0.0
        return len(self.ids) * seconds < AT_ONCE

    def obtain(self, scorers: Sequence[Scorer], *, calibrated: bool, progress: Callable[[float], None] = ignore,
               cancelled: Callable[[], bool] = never) -> list[Obtained] | None:
        """Compute what is missing, in one pass over the sample; changes nothing here, so any thread may.

        Returns
        -------
        list of (Scorer, raw values, calibrated values or None), or None
            To be given to :meth:`keep`. None when it was cancelled.
        """
        fresh = [scorer for scorer in scorers if self.raw(scorer) is None]
        columns = self._compute(fresh, progress, cancelled) if fresh else []
        if columns is None:
            return None
        raws = dict(zip(map(key_of, fresh), columns, strict=True))
        found: list[Obtained] = []
        for scorer in scorers:
            if cancelled():
                return None
            known = self.raw(scorer)
            raw = raws[key_of(scorer)] if known is None else known
            found.append((scorer, raw, self._calibrated(scorer, raw) if calibrated else None))
        return found

    def keep(self, found: Sequence[Obtained]) -> None:
        """Keep what was obtained."""
        for scorer, raw, cal in found:
            self.put(scorer, raw)
            if cal is not None:
                self.put(scorer, cal, calibrated=True)

    def reference_of(self, scorer: Scorer) -> CalibratedScorer | None:
        """Return the calibration given, when it counts for this scorer; None when that is the sample."""
        kept = self._kept
        return kept if kept is not None and key_of(base_of(kept)) == key_of(scorer) else None

    def calibrate(self, scorer: Scorer, raw: Doubles) -> CalibratedScorer:
        """Return the scorer in excess of spectra of like S/N and redshift: of this sample, but see :attr:`given`."""
        kept = self.reference_of(scorer)
        return scorer.calibrate(self.sample, neighbours=self.neighbours, values=raw) if kept is None else kept

    def keep_given(self, keep: bool) -> None:
        """Use the calibration given for its score, or calibrate that one against the sample too."""
        if self.given is not None and keep != (self._kept is not None):
            self._kept = self.given if keep else None
            key = key_of(base_of(self.given))
            self._cal.pop(key, None)
            self._given_cal.discard(key)

    def _calibrated(self, scorer: Scorer, raw: Doubles) -> Doubles:
        made = self.calibrate(scorer, raw)
        if self.reference_of(scorer) is None:
            return made.reference
        ids, snr, z = places(self.sample)
        return made.of_raw(raw, snr, z, ids)

    def batch_of(self, row: int) -> Batch:
        """Return one spectrum, ready to be reconstructed; only its row is read."""
        return next(batches(self.sample[row]))

    def about(self, row: int) -> dict[str, Any]:
        """Return where a spectrum is, as far as known."""
        return {str(name): self.places[name].iloc[row] for name in self.places}

    def _compute(self, scorers: Sequence[Scorer], progress: Callable[[float], None],
                 cancelled: Callable[[], bool]) -> list[Doubles] | None:
        """Score the sample with several scorers in one pass; None when it was cancelled."""
        columns = [np.full(len(self.ids), np.nan) for _ in scorers]
        spent = dict.fromkeys([MODEL, *(scorer.metric for scorer in scorers)], 0.0)
        at = 0
        for batch in self._blocks():
            if cancelled():
                return None
            began = time.perf_counter()
            batch.reconstruction(self.family.base.model)
            spent[MODEL] += time.perf_counter() - began
            for column, scorer in zip(columns, scorers, strict=True):
                began = time.perf_counter()
                column[at : at + len(batch)] = scorer.evaluate(batch)
                spent[scorer.metric] += time.perf_counter() - began
            at += len(batch)
            progress(at / len(self.ids))
        self._learn(spent, scorers, at)
        return columns

    def _learn(self, spent: dict[str, float], scorers: Sequence[Scorer], rows: int) -> None:
        """Note how long a spectrum takes; what is kept in memory is not reconstructed again."""
        times = Counter(scorer.metric for scorer in scorers)
        self._seconds |= {name: seconds / max(rows * times.get(name, 1), 1) for name, seconds in spent.items()}
        if self._batches is not None:
            self._seconds[MODEL] = 0.0

    def _blocks(self) -> Iterator[Batch]:
        if self._batches is None and np.prod(self.sample.shape) <= KEPT_PIXELS:
            self._batches = list(batches(self.sample, BLOCK))
        if self._batches is not None:
            yield from self._batches
        else:
            yield from batches(self.sample, BLOCK)

    # -- the table given -------------------------------------------------------------------------------------------

    def _take(self, table: pd.DataFrame) -> None:
        """Keep the scores of a table by setting, those that no setting makes by name."""
        for name in score_names(table):
            values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
            scorer = self.family.named(name.removesuffix("_cal"))
            if scorer is None or (name.endswith("_cal") and name.removesuffix("_cal") not in table):
                self.others[name] = values
                continue
            self.put(scorer, values, calibrated=name.endswith("_cal"))
            (self._given_cal if name.endswith("_cal") else self._given).add(key_of(scorer))


def _agree(fresh: ArrayLike, given: Doubles) -> bool:
    slack = 5e-3 * float(np.abs(given).mean()) if given.size else 0.0
    return bool(np.allclose(np.asarray(fresh), given, rtol=5e-3, atol=slack))
