"""Quasars: rest-frame grids by redshift, and one Preprocessor for each.

No one window of rest wavelengths is observed at every redshift. Three bins of redshift have a window each, that which
DESI observes of every quasar of the bin: 3600/(1+z_min) to 9824/(1+z_max) Å.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, SpecanomError, choice, message, not_fitted
from ..folders import writable
from ..spectrumset import SpectrumSet
from ..store import FORMAT
from .columns import numbers
from .pipeline import NothingPasses
from .preprocessor import Preprocessor
from .presets import QUASAR_BINS, QUASAR_PRESETS, QuasarBin
from .report import PreprocessReport
from .select import wrong_class
from .sources import Incoming


def quasar_bins() -> tuple[QuasarBin, ...]:
    """Return the bins of redshift in which quasars are preprocessed: names, redshifts and grids.

    Examples
    --------
    >>> [(one.name, round(one.wave[0]), round(one.wave[-1])) for one in quasar_bins()]
    [('qso-0.8-1.5', 2000, 3929), ('qso-1.5-2.5', 1440, 2807), ('qso-2.1-3.2', 1161, 2339)]
    """
    return QUASAR_BINS


def bin_of(z: float) -> QuasarBin | None:
    """Return the bin a redshift belongs to: of those that hold it, the one whose middle is nearest; None outside.

    Examples
    --------
    >>> bin_of(2.2).name, bin_of(2.4).name, bin_of(0.3)
    ('qso-1.5-2.5', 'qso-2.1-3.2', None)
    """
    holding = [one for one in QUASAR_BINS if one.z_range[0] <= z <= one.z_range[1]]
    return min(holding, key=lambda one: abs(z - one.middle), default=None)


class Outside(NamedTuple):
    """A quasar that is in no bin, and why."""

    id: str
    reason: str


@dataclass(eq=False)
class QuasarPreprocessors:
    """One Preprocessor for each bin of redshift; each quasar goes to the bin whose middle is nearest.

    Parameters
    ----------
    preprocessors : mapping, optional
        Name of a bin → Preprocessor, for those that are not to be ``Preprocessor(preset=name)``. Their own `z_range`
        holds besides.

    Attributes
    ----------
    preprocessors : dict
        Name of the bin → Preprocessor, all three.
    skipped : list of Outside
        Quasars of the last reading whose redshift is in no bin, with the reason. What a bin drops is in its report.
    reports : dict
        Name of the bin → PreprocessReport of the last reading, for the bins that held a spectrum.
    empty : dict
        Name of the bin → why the last reading gave nothing for it.

    Notes
    -----
    The survey is read once for each bin, so that memory stays flat; it must be one that can be read again.

    Examples
    --------
    >>> sets = QuasarPreprocessors().fit_transform(survey)                              # doctest: +SKIP
    >>> sets["qso-1.5-2.5"]                                                             # doctest: +SKIP
    SpectrumSet: 412 spectra x 2899 pixels, 1440–2807 Å rest, normalised
    """

    preprocessors: Mapping[str, Preprocessor] | None = None

    def __post_init__(self) -> None:
        given = dict(self.preprocessors or {})
        for name in given:
            choice("preprocessors", name, tuple(QUASAR_PRESETS))
        # the bin decides by redshift, its edges included
        self.preprocessors = {one.name: given.get(one.name) or Preprocessor(preset=one.name, z_range=None)
                              for one in QUASAR_BINS}
        self.skipped: list[Outside] = []
        self.reports: dict[str, PreprocessReport] = {}
        self.empty: dict[str, str] = {}

    def fit_transform(
        self, survey: Any, *, store: str | Path | None = None, progress: bool = False
    ) -> dict[str, SpectrumSet]:
        """Learn from the quasars of each bin and return them preprocessed.

        Parameters
        ----------
        survey : Survey, SpectrumSet or sequence of Spectrum
            Observed spectra.
        store : path-like, optional
            Folder in which ``NAME.zarr`` is written for each bin.
        progress : bool
            Show progress bars.

        Returns
        -------
        dict
            Name of the bin → SpectrumSet at rest, normalised; without the bins that no spectrum passes.

        Raises
        ------
        DataError
            When no spectrum passes in any bin, the survey can be read only once, something else is at one of the
            stores, or a bin cannot be fitted: it has fewer spectra than its Preprocessor makes S/N bins.
        """
        return self._each("fit_transform", survey, store, progress)

    def transform(
        self, survey: Any, *, store: str | Path | None = None, progress: bool = False
    ) -> dict[str, SpectrumSet]:
        """Preprocess other quasars with what was fitted; parameters, result and errors as :meth:`fit_transform`."""
        return self._each("transform", survey, store, progress)

    def _each(self, action: str, survey: Any, store: str | Path | None, progress: bool) -> dict[str, SpectrumSet]:
        assert self.preprocessors is not None
        self._check(action, survey)
        stores = {name: None if store is None else Path(store) / f"{name}.zarr" for name in self.preprocessors}
        for path in stores.values():
            if path is not None:
                writable(path, FORMAT)
        made: dict[str, SpectrumSet] = {}
        self.reports, self.skipped, self.empty = {}, [], {}
        for name, preprocessor in self.preprocessors.items():
            if action == "transform" and not preprocessor.fitted:
                self.empty[name] = "it was not fitted: there were no such quasars then"
                continue
            view = InBin(survey, name, preprocessor)
            try:
                made[name] = getattr(preprocessor, action)(view, store=stores[name], progress=progress)
                self.reports[name] = preprocessor.report
            except NothingPasses as exc:
                self.empty[name] = str(exc)
            except SpecanomError as exc:
                exc.add_note(f"in the bin {name}")
                raise
            self.skipped = self.skipped or view.outside
        if not made:
            raise DataError(message("survey", expected="quasars of redshift 0.8 to 3.2 that pass the cuts",
                                    got="none in any bin:\n" + "\n".join(self.empty.values())))
        return made

    def _check(self, action: str, survey: Any) -> None:
        assert self.preprocessors is not None
        if not callable(getattr(survey, "blocks", None)) and iter(survey) is survey:
            raise DataError(message("survey", expected="something that can be read three times, once for each bin",
                                    got="a generator", hint="give a list or a Survey"))
        if action == "transform" and not any(one.fitted for one in self.preprocessors.values()):
            raise not_fitted(self, "fit_transform")

    def __repr__(self) -> str:
        assert self.preprocessors is not None
        return "QuasarPreprocessors:\n" + "\n".join(f"  {name}: {one!r}" for name, one in self.preprocessors.items())


class InBin:
    """The spectra of a survey whose redshift belongs to one bin; a view that streams.

    Attributes
    ----------
    count : int
        Spectra in the bin at the last reading.
    outside : list of Outside
        Those of the last reading that are in no bin, where their class is one the Preprocessor would take.
    """

    def __init__(self, survey: Any, name: str, preprocessor: Preprocessor) -> None:
        self._survey, self._name, self._target = survey, name, preprocessor.target
        self.count = 0
        self.outside: list[Outside] = []

    @property
    def skipped(self) -> Any:
        """What the survey itself left out."""
        return getattr(self._survey, "skipped", ())

    @property
    def notes(self) -> Any:
        """What the survey remarked on."""
        return getattr(self._survey, "notes", ())

    def blocks(self, n: int) -> Iterator[SpectrumSet]:
        """Yield blocks of at most `n` spectra."""
        self.count, self.outside = 0, []
        for block in Incoming(self._survey, n):
            z = numbers(block.table, "z")
            found = [bin_of(float(one)) for one in z]
            self._list_outside(block, z, np.array([one is None for one in found], dtype=bool))
            inside: NDArray[np.bool_] = np.array([one is not None and one.name == self._name for one in found], bool)
            self.count += int(inside.sum())
            if inside.any():
                yield block if inside.all() else block[inside]

    def _list_outside(self, block: SpectrumSet, z: NDArray[np.float64], rows: NDArray[np.bool_]) -> None:
        if self._target is not None:  # a galaxy at redshift 0.1 is no quasar that was left out
            rows = rows & ~wrong_class(block, self._target).rows
        ends = f"{QUASAR_BINS[0].z_range[0]:g}–{QUASAR_BINS[-1].z_range[1]:g}"
        ids = block.ids
        self.outside += [Outside(ids[row], f"redshift {z[row]:.3f} is outside {ends}" if np.isfinite(z[row])
                                 else "redshift is missing") for row in np.flatnonzero(rows).tolist()]


__all__ = ["InBin", "Outside", "QuasarBin", "QuasarPreprocessors", "bin_of", "quasar_bins"]
