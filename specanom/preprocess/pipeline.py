"""The steps in their order, run over the blocks of one source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..parallel.progress import Progress
from ..spectrumset import SpectrumSet
from .columns import texts, with_columns
from .extinction import Extinction
from .fitting import Fitted
from .medians import row_medians
from .normalise import Finish
from .options import Options
from .pixels import Airglow, BadPixels, FaintPixels, SignalToNoise
from .report import PreprocessReport, waterfall_text
from .resample import ToRest
from .select import (
    bad_zwarning,
    choose_redshift,
    median_not_positive,
    note_zwarning,
    nothing_valid,
    redshift_missing,
    redshift_outside,
    snr_low,
    snr_unknown,
    too_many_missing,
    wrong_class,
)
from .sources import Incoming
from .tally import Tally


class NothingPasses(DataError):
    """No spectrum passes every cut; the text holds the waterfall."""


class Pipeline:
    """One run of a Preprocessor over a source, with its bookkeeping.

    Parameters
    ----------
    options : Options
        What is done.
    grid : (m,) array
        All wavelengths, Å.
    data : Survey, SpectrumSet or iterable of Spectrum
        What is read.
    action : str
        What the report calls this.
    progress : bool
        Show a bar while reading.

    Attributes
    ----------
    tally : Tally
        Who was dropped, and why.
    arrays : tuple of str
        What the result has: flux and imputed, and ivar and mask when any block so far had them.
    """

    def __init__(
        self, options: Options, grid: NDArray[np.float64], data: Any, *, action: str, progress: bool = False
    ) -> None:
        self.options = options
        self.grid = grid
        self.source = Incoming(data, int(options.block))
        self.tally = Tally()
        self.arrays: tuple[str, ...] = ("flux", "imputed")
        self._action = action
        self._progress = progress

    def prepared(self, *, again: bool = False, some: bool = False) -> Iterator[SpectrumSet]:
        """Yield blocks at rest on the full grid that passed the cuts; a second reading is not counted again.

        Parameters
        ----------
        again : bool
            Whether this is a second reading.
        some : bool
            Whether none is as good as any: this is a part of a sample.

        Raises
        ------
        NothingPasses
            In the end, when there was none.
        """
        tally = Tally() if again else self.tally
        for raw in self._shown("write" if again else "preprocess"):
            tally.enter(raw)
            block = self._cut_by_table(raw, tally)
            if len(block):
                block = self._cut_by_pixels(block, tally)
            if len(block):
                some = True
                self.arrays += tuple(name for name in ("ivar", "mask")
                                     if name not in self.arrays and getattr(block, name) is not None)
                yield block
        if not some:
            raise self.nothing_left()

    def finished(self, blocks: Iterable[SpectrumSet], fitted: Fitted) -> Iterator[SpectrumSet]:
        """Yield the blocks normalised and filled in, counted as they leave.

        Raises
        ------
        NothingPasses
            In the end, when there was none.
        """
        for block in blocks:
            done = finish(block, fitted, self.tally)
            if len(done):
                yield done
        if not self.tally.n_out:
            raise self.nothing_left()

    def report(self, kept: NDArray[np.bool_], missing: NDArray[np.float64]) -> PreprocessReport:
        """Return the report of what has happened so far."""
        return self.tally.report(self._action, self.source, missing=missing, grid=self.grid, kept=kept,
                                  settings=self.options.settings())

    def nothing_left(self) -> NothingPasses:
        """Return what is raised when no spectrum passes; the text holds the waterfall."""
        report = self.report(np.ones(self.grid.size, dtype=bool), np.full(self.grid.size, np.nan))
        return NothingPasses(message("survey", expected="at least one spectrum that passes every cut",
                                     got=f"none of {report.n_in}:\n{waterfall_text(report)}\n",
                                     hint=_what_to_try(report)))

    def _cut_by_table(self, block: SpectrumSet, tally: Tally) -> SpectrumSet:
        options = self.options
        # In every block, so that the order of columns does not depend on which block is the first with a remark.
        block = with_columns(block, {"note": texts(block.table, "note")})
        block = choose_redshift(block, options.redshift)
        drops = [redshift_missing(block)]
        if options.z_range is not None:
            drops.append(redshift_outside(block, options.z_range))
        if options.zwarning is not None:
            drops.insert(0, bad_zwarning(block, options.zwarning))
        if options.target is not None:
            drops.insert(0, wrong_class(block, options.target))
        return note_zwarning(tally.drop(block, *drops))

    def _cut_by_pixels(self, block: SpectrumSet, tally: Tally) -> SpectrumSet:
        options = self.options
        block = BadPixels(options.mask_bits)(block)
        if not options.keep_mask and block.mask is not None:
            block = block.replace(mask=None)
        if options.airglow is not None:
            block = Airglow(options.airglow)(block)
        block = SignalToNoise()(block)
        drops = [nothing_valid(block)]
        if options.min_snr is not None:
            drops += [snr_unknown(block), snr_low(block, options.min_snr)]
        block = tally.drop(block, *drops)
        if not len(block):
            return block
        if options.min_pixel_snr is not None:
            block = FaintPixels(options.min_pixel_snr)(block)
        if options.extinction is not None:
            block = Extinction(options.ebv_scale, options.r_v, options.dust_map)(block)
        block = ToRest(self.grid, options.resample, options.conserve)(block)
        share = np.isnan(block.flux).sum(axis=1) / self.grid.size
        block = with_columns(block, {"missing": share})
        return tally.drop(block, too_many_missing(block, options.max_missing))

    def _shown(self, label: str) -> Iterator[SpectrumSet]:
        if not self._progress:
            yield from self.source
            return
        with Progress(label, 0, self.source.total() or 0) as bar:
            for block in self.source:
                yield block
                bar.done(len(block))


def finish(block: SpectrumSet, fitted: Fitted, tally: Tally) -> SpectrumSet:
    """Return a block at rest normalised and filled in, without the spectra that cannot be; both are counted."""
    step = Finish(fitted)
    flux = step.kept(block)
    medians = row_medians(flux)
    drop = median_not_positive(medians)
    kept, good = tally.drop(block, drop), ~drop.rows
    done = step(kept, flux if good.all() else flux[good], medians[good])
    tally.leave(done)
    return done


TRIES = {
    "redshift is missing": "give each a redshift: Spectrum(..., z=0.1), or a column z of the table that is read",
    "no pipeline class": "target=None takes all; a column class (GALAXY, QSO, STAR) of the table says what each is",
    "class is not": "target=None takes all; else galaxy, qso or star, as the classes of your spectra are called",
    "S/N is unknown": "min_snr=None, or give ivar or err with the flux",
}
"""How a cut's reason begins → what to try when it took most of the spectra and none is left."""


def _what_to_try(report: PreprocessReport) -> str:
    most = max(report.waterfall, key=lambda cut: cut.count, default=None)
    return next((tried for start, tried in TRIES.items() if most is not None and most.reason.startswith(start)),
                "widen the cut that takes most: each is an option of Preprocessor")
