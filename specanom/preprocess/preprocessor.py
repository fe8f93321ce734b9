"""The Preprocessor: joins the steps, learns grid, imputation and S/N bins, and reports."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message, not_fitted
from ..folders import writable
from ..foreign import damaged
from ..spectrumset import SpectrumSet
from ..store import FORMAT
from .assemble import check_store, join, used_up, write
from .fitting import Fitted, Gathered
from .options import Options, full_grid
from .parted import PartedFit
from .pipeline import Pipeline
from .provenance import provenance
from .report import PreprocessReport
from .storage import as_tuple, load_state, save_state

if TYPE_CHECKING:
    import pandas as pd


@dataclass(eq=False, repr=False)
class Preprocessor(Options):
    """Brings observed spectra to the rest frame on one grid, normalised and complete.

    In this order: cuts on class, ZWARNING and redshift; bad pixels and the airglow line at 5577 Å made missing; S/N
    measured and cut; foreground extinction undone; rest frame; common grid; spectra and then wavelengths with too much
    missing dropped; divided by the median; missing pixels filled in; S/N bins.

    Parameters
    ----------
    grid : (first, last, number) or (m,) array
        Rest-frame vacuum wavelengths, Å (or Quantities).
    preset : None, "paper", "qso-0.8-1.5", "qso-1.5-2.5" or "qso-2.1-3.2"
        ``"paper"`` gives every option below that is not named in the call its value of Ortiz & Boquien 2025 [in
        brackets]. The others are for quasars of a bin of redshift: its grid of constant log λ (see
        :func:`.quasars.quasar_bins`), its `z_range`, ``target="qso"``, ``min_snr=2`` and ``resample="conserving"``;
        :class:`.QuasarPreprocessors` joins all three.
    redshift : "z" or "z_noqso"
        The pipeline's, or the one fitted without quasar templates where there is one; what is used becomes `z`. [paper:
        ``"z_noqso"``]
    z_range : (low, high) or None
        Redshifts strictly between these stay.
    target : None or class
        Spectra that the survey classified as something else are dropped; None takes them as they were read.
        [paper: ``"galaxy"``]
    zwarning : bits, "any" or None
        Bits of ZWARNING that drop a spectrum; 2, 4 and 6 pass with a note. [paper: ``"any"``]
    min_snr : float or None
        Spectra with a median S/N above this stay. None keeps also those of unknown noise.
    mask_bits : bits or None
        Mask bits that make a pixel missing; None takes the fatal ones of the survey. [paper: none]
    keep_mask : bool
        Carry the survey's mask bits to the new grid, as context for explanations; the fatal ones are missing pixels
        either way.
    airglow : "mask", "overwrite" or None
        What happens at 5565–5590 Å observed. [paper: ``"overwrite"``, which makes ghosts, see :class:`Airglow`]
    min_pixel_snr : float or None
        Pixels with flux·√ivar below this become missing. [paper: 1.0]
    extinction : "F99" or None
        Undo the Milky Way's extinction by the curve of Fitzpatrick (1999) where the column `ebv` is known.
    ebv_scale, r_v : float
        Factor on E(B−V) of the SFD map; ratio of total to selective extinction.
    dust_map : None or "sfd"
        Where a missing `ebv` is looked up.
    conserve : None or "flux"
        ``"flux"`` multiplies by 1+z.
    resample : "linear" or "conserving"
        Interpolation, or overlap-weighted means, see :class:`ToRest`.
    max_missing, max_missing_wave : float
        Spectra with a larger share of missing pixels are dropped, then wavelengths missing in a larger share of these.
    impute : "median" or "self"
        Fill with the median of the normalised sample at that wavelength, or with the spectrum's own median, 1.
        [paper: ``"self"``]
    bins : int
        Bins of equally many spectra by S/N; the column `bin` counts from 0, the lowest. [paper: 4]
    block : int
        Spectra in memory at a time while streaming.

    Attributes
    ----------
    wave_ : (p,) array
        The kept wavelengths, Å; `fit` finds them, and later spectra are brought to the same.
    typical_ : (p,) float32 array
        What missing pixels are filled with.
    snr_edges_ : (bins − 1,) array
        Inner edges of the S/N bins.
    report : PreprocessReport
        Of the last call of fit, fit_transform or transform.

    Notes
    -----
    `z`, of the table and of each :class:`~specanom.Spectrum` of the result, is the redshift that brought the spectrum
    to rest. With ``redshift="z_noqso"`` that is z_noqso where there is one, and the pipeline's own is in the column
    `z_pipeline`.

    The columns added to the table: `z` (the one used), `snr` (median of flux·√ivar over the valid observed pixels,
    before any cut on the S/N of pixels; the survey's own goes to `snr_survey`), `ebv`, `missing` (share of the grid
    missing), `bin`, `median` (what the flux was divided by, in the survey's unit) and `note`. ivar is in units of the
    normalised flux, 0 where imputed, and NaN in rows of unknown noise among rows of known.

    The imputation medians of a sample of more than 4096 spectra are taken of 4096 of them, chosen by their ids, so
    that a sample of any size streams through memory once and any order of the spectra gives the same result.

    Examples
    --------
    >>> import numpy as np
    >>> from specanom.spectrum import Spectrum
    >>> wave = 10 ** np.arange(3.58, 3.96, 1e-4)
    >>> some = [Spectrum(wave, 2 + np.sin(wave / (90 + k)), np.full(wave.size, 100.0), z=0.1) for k in range(8)]
    >>> sample = Preprocessor(extinction=None).fit_transform(some)
    >>> sample
    SpectrumSet: 8 spectra x 3975 pixels, 3500–7500 Å rest, normalised
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._grid = full_grid(self.grid)
        self._fitted: Fitted | None = None
        self._report: PreprocessReport | None = None
        self._failures: pd.DataFrame | None = None

    # -- what was learnt -------------------------------------------------------------------------------------------

    @property
    def fitted_(self) -> Fitted:
        """Everything that was learnt."""
        if self._fitted is None:
            raise not_fitted(self)
        return self._fitted

    @property
    def fitted(self) -> bool:
        """Whether anything was learnt yet."""
        return self._fitted is not None

    @property
    def wave_(self) -> NDArray[np.float64]:
        """The kept wavelengths, Å, shape ``(p,)``."""
        return self.fitted_.wave

    @property
    def typical_(self) -> NDArray[np.float32]:
        """What missing pixels are filled with, shape ``(p,)``."""
        return self.fitted_.typical

    @property
    def snr_edges_(self) -> NDArray[np.float64]:
        """Inner edges of the S/N bins, shape ``(bins − 1,)``."""
        return self.fitted_.snr_edges

    @property
    def report(self) -> PreprocessReport:
        """What the last call did to every spectrum."""
        if self._report is None:
            raise not_fitted(self)
        return self._report

    @property
    def failures(self) -> pd.DataFrame | None:
        """Partitions of a survey that could not be read, see :class:`specanom.parallel.Outcome`; None without any.

        Their spectra are in the report too, as skipped. What was saved and loaded again does not know of them.
        """
        return self._failures if self._failures is not None and len(self._failures) else None

    # -- what it does ----------------------------------------------------------------------------------------------

    def fit(self, survey: Any, *, progress: bool = False) -> Preprocessor:
        """Learn the kept wavelengths, the imputation medians and the S/N bins from a sample; returns self.

        Parameters
        ----------
        survey : Survey, SpectrumSet or iterable of Spectrum
            Observed spectra.
        progress : bool
            Show a progress bar.

        Raises
        ------
        DataError
            When no spectrum passes the cuts; the text holds the waterfall.
        """
        run = self._run("fit", survey, progress)
        fitted = self._learn(run, run.tally.leave)
        self._conclude(run.report(fitted.kept, fitted.missing))
        return self

    def fit_transform(
        self, survey: Any, *, store: str | Path | None = None, progress: bool = False, executor: Any = None,
        precision: str = "full", only: int | None = None,
    ) -> SpectrumSet:
        """Learn from a sample and return it preprocessed.

        Parameters
        ----------
        survey : Survey, SpectrumSet or iterable of Spectrum
            Observed spectra; or a :class:`~specanom.surveys.PartedSurvey`, which is worked off in partitions.
        store : path-like, optional
            Folder to write the result to, block by block: the survey is read twice and memory stays flat. Without it
            the survey is read once and the result is in memory.
        progress : bool
            Show a progress bar.
        executor : optional
            Where the partitions of a survey are worked off, see :func:`specanom.parallel.workers`. The result does not
            depend on it, nor on the size of the partitions. What was done when it was stopped, or when some partitions
            failed, is kept in the survey's ``work``, or beside `store`: another call goes on from there.
        precision : {"full", "rounded"}
            Of the store, see :meth:`.SpectrumSet.save`.
        only : int, optional
            Store no more than so many spectra of a survey in partitions: those whose ids hash lowest, a fair draw.
            All are learnt from, and :attr:`report` is of :meth:`fit`: of all of them.

        Returns
        -------
        SpectrumSet
            At rest, normalised; opened lazily when it was stored.

        Raises
        ------
        DataError
            When no spectrum passes the cuts, `store` is given and the survey can be read only once, or something is at
            `store` that is neither saved spectra nor an empty folder.
        ArgumentError
            For `precision` without `store`, or `only` of a survey that is not in partitions.
        """
        check_store(store, precision)
        if callable(getattr(survey, "partitions", None)):
            fit = PartedFit(self.plain(), survey, executor, "preprocess" if progress else "", only, precision)
            return self._in_partitions(fit, store)
        if only is not None:
            raise ArgumentError(message("only", expected="None, for a survey that is not in partitions", got=only,
                                        hint="specanom.surveys.PartedSurvey.of(survey, folder) parts it"))
        run = self._run("fit_transform", survey, progress)
        if store is not None:
            run.source.refuse_once()
            writable(store, FORMAT)
        held: list[SpectrumSet] = []
        fitted = self._learn(run, held.append if store is None else None)
        blocks = run.finished(used_up(held) if store is None else run.prepared(again=True), fitted)
        if store is None:
            sample = join(blocks, fitted.n, fitted.wave, run.tally.columns).replace(
                provenance=provenance(self, run.tally))
        else:
            write(blocks, store, fitted.wave, arrays=run.arrays, provenance=provenance(self, run.tally),
                  kinds=run.tally.columns, precision=precision)
            sample = SpectrumSet.open(store)
        self._conclude(run.report(fitted.kept, fitted.missing))
        return sample

    def transform(self, survey: Any, *, store: str | Path | None = None, progress: bool = False,
                  precision: str = "full") -> SpectrumSet:
        """Preprocess other spectra onto the fitted wavelengths, with the fitted imputation and S/N bins.

        Parameters, result and errors are those of :meth:`fit_transform`; one reading is enough, with `store` too.
        """
        check_store(store, precision)
        fitted = self.fitted_
        run = self._run("transform", survey, progress)
        gathered = Gathered(fitted.grid, draw=False)
        blocks = run.finished(gathered.counted(run.prepared()), fitted)
        if store is None:
            held = list(blocks)
            sample = join(used_up(held), run.tally.n_out, fitted.wave, run.tally.columns).replace(
                provenance=provenance(self, run.tally))
        else:
            arrays = ("flux", "imputed", "ivar", "mask") if self.keep_mask else ("flux", "imputed", "ivar")
            write(blocks, store, fitted.wave, arrays=arrays, provenance=provenance(self, run.tally),
                  kinds=run.tally.columns, precision=precision)
            sample = SpectrumSet.open(store)
        self._conclude(run.report(fitted.kept, gathered.missing))
        return sample

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, report: bool = True) -> Path:
        """Write options, what was learnt and the report as ``path.json`` and ``path.npz``; returns the JSON's path.

        A report names every spectrum that was dropped, and may be left out.
        """
        return save_state(path, self.settings(), self.fitted_, self._report if report else None)

    @classmethod
    def load(cls, path: str | Path) -> Preprocessor:
        """Read a Preprocessor that was saved.

        Raises
        ------
        DataError
            When the files are missing, of another version, or do not belong together.
        """
        settings, fitted, report = load_state(path)
        grid = settings.pop("grid")
        known = {item.name for item in fields(cls)}
        with damaged(path, "a saved Preprocessor"):
            made = cls(tuple(grid) if len(grid) == 3 and fitted.grid.size > 3 else fitted.grid,
                       **{name: as_tuple(value) for name, value in settings.items() if name in known})
        made._fitted, made._report = fitted, report
        return made

    def __repr__(self) -> str:
        plain = Options(preset=self.preset)
        given = [f"{item.name}={getattr(self, item.name)!r}" for item in fields(self)
                 if item.name not in ("grid", "preset") and getattr(self, item.name) != getattr(plain, item.name)]
        if self.preset is not None:
            given.insert(0, f"preset={self.preset!r}")
        state = "not fitted" if self._fitted is None else f"{self.wave_.size} wavelengths of {self.fitted_.n} spectra"
        span = f"{self._grid[0]:.0f}–{self._grid[-1]:.0f} Å, {self._grid.size} pixels"
        return f"Preprocessor({', '.join([span, *given])}): {state}"

    # -- its parts -------------------------------------------------------------------------------------------------

    def _run(self, action: str, survey: Any, progress: bool) -> Pipeline:
        return Pipeline(self, self._grid, survey, action=action, progress=progress)

    def _learn(self, run: Pipeline, each: Callable[[SpectrumSet], None] | None) -> Fitted:
        """Read everything once, learn, and hand each block at rest to `each`."""
        gathered = Gathered(self._grid, draw=self.impute == "median")
        for block in gathered.counted(run.prepared()):
            if each is not None:
                each(block)
        self._fitted = gathered.conclude(self.max_missing_wave, int(self.bins))
        return self._fitted

    def _in_partitions(self, fit: PartedFit, store: str | Path | None) -> SpectrumSet:
        if store is None:
            raise ArgumentError(message("store", expected="a folder for the sample of a survey in partitions",
                                        got="None", hint='store="sample.zarr"'))
        parts = fit(Path(store))
        self._fitted, self._failures = parts.fitted, parts.failures
        self._conclude(parts.report, level=4)
        return SpectrumSet.open(store)

    def _conclude(self, report: PreprocessReport, *, level: int = 3) -> None:
        """Take the report and warn of mixed extinction, at a `level` of callers."""
        self._report = report
        if report.extinction.mixed:
            warnings.warn(f"{report.extinction}.", UserWarning, stacklevel=level)
