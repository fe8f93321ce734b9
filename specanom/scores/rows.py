"""A few rows of anything that can be scored, and what has been computed of them so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, GridError, ShapeError, message, unprepared
from ..protocols import Encoder, Informed
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet

BLOCK = 1024
"""Rows reconstructed at once."""

GRID_TOLERANCE = 1e-3
"""Å by which two grids may differ and still be one."""


def same_grid(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two wavelength grids agree pixel by pixel within :data:`GRID_TOLERANCE`."""
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= GRID_TOLERANCE)


@dataclass(eq=False)
class Batch:
    """Some rows, with each model's reconstruction and each score computed at most once.

    Attributes
    ----------
    flux : (n, p) array
    wave : (p,) array or None
        None for plain arrays, which know no wavelengths.
    ivar, imputed : (n, p) arrays or None
    ids : list of str or None
        None for plain arrays.
    frame : str
    snr, z : (n,) arrays
        NaN where unknown.
    about : DataFrame, list of dict or None
        What else is known of the rows, with a column ``id``, for models that ask.
    """

    flux: NDArray[Any]
    wave: NDArray[np.float64] | None = None
    ivar: NDArray[Any] | None = None
    imputed: NDArray[np.bool_] | None = None
    ids: list[str] | None = None
    frame: str = "rest"
    snr: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    z: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    about: Any = field(default=None, repr=False)
    _made: dict[tuple[str, int], tuple[Any, NDArray[Any]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        unknown = np.full(len(self.flux), np.nan)
        self.snr = self.snr if self.snr.size else unknown
        self.z = self.z if self.z.size else unknown

    def __len__(self) -> int:
        return len(self.flux)

    def __getstate__(self) -> dict[str, Any]:
        # What was computed is keyed by identity, which means nothing in another process.
        return {**self.__dict__, "_made": {}}

    def refuse_broken(self) -> None:
        """Raise when a pixel is not finite: copies of such a spectrum cannot be judged."""
        if self.broken.any():
            count = int((~np.isfinite(self.flux)).sum())
            raise DataError(message("spectrum", expected="finite flux in each pixel", got=f"{count} NaN or infinite",
                                    hint="missing pixels are imputed by Preprocessor"))

    def reconstruction(self, model: Any) -> NDArray[Any]:
        """The model's reconstruction of these rows, ``(n, p)``."""
        return self._once("reconstruct", model, self._reconstruct)

    def encoding(self, model: Any) -> NDArray[Any]:
        """The model's latent vectors of these rows, ``(n, d)``, by its reference network."""
        return self._once("encode", model, self._encode)

    def score(self, scorer: Any) -> NDArray[np.float64]:
        """The scorer's values for these rows, ``(n,)``."""
        return self._once("score", scorer, lambda one: one.evaluate(self))

    def _once(self, what: str, maker: Any, make: Any) -> NDArray[Any]:
        key = (what, id(maker))
        if key not in self._made:
            self._made[key] = (maker, make(maker))  # the maker is kept so that its id cannot be used again
        return self._made[key][1]

    @cached_property
    def broken(self) -> NDArray[np.bool_]:
        """Which rows have a pixel that is not finite, ``(n,)``."""
        return np.asarray(~np.isfinite(self.flux).all(axis=1))

    @cached_property
    def whole(self) -> NDArray[Any]:
        """The flux for a model: pixels that are not finite lie on a straight line between their neighbours.

        A pixel that does not count need not be known; a score of one that does count is NaN all the same.
        """
        if not self.broken.any():
            return self.flux
        made = self.flux.copy()
        pixel = np.arange(made.shape[1])
        for row in (made[at] for at in np.flatnonzero(self.broken)):  # views
            good = np.isfinite(row)
            row[~good] = np.interp(pixel[~good], pixel[good], row[good]) if good.any() else 0.0
        return made

    def told(self, model: Any) -> Any:
        """The model, told what is known of these rows when it asks for that."""
        if self.about is None or not isinstance(model, Informed):
            return model
        import pandas as pd

        return model.knowing(pd.DataFrame(self.about))

    def check_grid(self, model: Any) -> None:
        """Raise when these rows are on another grid than the model."""
        wave = getattr(model, "wave", None)
        if wave is None:
            return
        if self.flux.shape[1] != len(wave):
            raise ShapeError(message("sample", expected=f"{len(wave)} pixels as the model", got=self.flux.shape[1],
                                     hint="prepare it with the Preprocessor the model was trained with"))
        if self.wave is not None and not same_grid(self.wave, np.asarray(wave)):
            raise GridError(message("sample", expected=f"the model's grid, {wave[0]:.2f}–{wave[-1]:.2f} Å",
                                    got=f"{self.wave[0]:.2f}–{self.wave[-1]:.2f} Å with other steps",
                                    hint="prepare it with the Preprocessor the model was trained with"))

    def _reconstruct(self, model: Any) -> NDArray[Any]:
        self.check_grid(model)
        made = np.asarray(self.told(model).reconstruct(self.whole, ids=self.ids))
        if made.shape != self.flux.shape:
            raise ShapeError(message("model.reconstruct", expected=f"shape {self.flux.shape} as its input",
                                     got=f"shape {made.shape}"))
        return made

    def _encode(self, model: Any) -> NDArray[Any]:
        self.check_grid(model)
        if isinstance(model, Encoder):  # it is told which pixels nobody knows
            made = np.array(model.encode(self.whole, self.ivar), dtype=np.float64)
        else:
            made = np.array(self.told(model).encode(self.whole, ids=self.ids), dtype=np.float64)
        made[self.broken] = np.nan  # an encoder sees every pixel
        return made


def batches(sample: Any, n: int = BLOCK) -> Iterator[Batch]:
    """Cut anything that can be scored into batches of at most `n` rows.

    Parameters
    ----------
    sample : SpectrumSet, Spectrum, sequence of Spectrum, or (n, p) or (p,) array
        A plain array has no ids, ivar, imputed pixels, S/N or redshift.
    n : int
        Rows in a batch.

    Raises
    ------
    ShapeError, GridError
        When an array is not one- or two-dimensional, or spectra of a sequence are on several grids.
    """
    if isinstance(sample, SpectrumSet):
        yield from (_of_set(block) for block in sample.blocks(n))
    elif isinstance(sample, Spectrum):
        yield _of_spectra([sample])
    elif isinstance(sample, np.ndarray) or not _holds_spectra(sample):
        flux = _as_rows(sample)
        yield from (Batch(flux[start : start + n]) for start in range(0, len(flux), n))
    else:
        rest = iter(sample)
        while some := list(islice(rest, n)):
            yield _of_spectra(some)


def _holds_spectra(sample: Any) -> bool:
    return isinstance(sample, Sequence) and len(sample) > 0 and all(isinstance(one, Spectrum) for one in sample)


def _as_rows(sample: Any) -> NDArray[Any]:
    flux = np.asarray(sample)
    if not np.issubdtype(flux.dtype, np.number):
        raise DataError(message("sample", expected="a SpectrumSet, a Spectrum, a list of them or an array of numbers",
                                got=type(sample).__name__, hint=unprepared(sample)))
    flux = flux[None, :] if flux.ndim == 1 else flux
    if flux.ndim != 2:
        raise ShapeError(message("sample", expected="an (n, p) array", got=f"shape {flux.shape}"))
    return flux


def _column(table: Any, name: str) -> NDArray[np.float64]:
    if name not in table:
        return np.full(len(table), np.nan)
    return np.asarray(table[name].to_numpy(dtype=np.float64, na_value=np.nan))


def _of_set(block: SpectrumSet) -> Batch:
    return Batch(block.flux, block.wave, block.ivar, block.imputed, block.ids, block.frame, about=block.table,
                 snr=_column(block.table, "snr"), z=_column(block.table, "z"))


def snr_of(spectrum: Spectrum) -> float:
    """The S/N that the table of its set gives, as there, or else the spectrum's own."""
    known = spectrum.meta.get("snr")
    return spectrum.snr if known is None or not np.isfinite(known) else float(known)


def _of_spectra(spectra: list[Spectrum]) -> Batch:
    first = spectra[0]
    for other in spectra[1:]:
        if not same_grid(first.wave, other.wave) or other.frame != first.frame:
            raise GridError(message("sample", expected="spectra on one grid in one frame", got="several",
                                    hint="bring them to one grid with a fitted Preprocessor"))
    return Batch(
        np.stack([one.flux for one in spectra]), first.wave, _stack([one.ivar for one in spectra], np.float32),
        _stack([one.imputed for one in spectra], np.bool_), [one.id for one in spectra], first.frame,
        about=[{**one.meta, "id": one.id} for one in spectra],
        snr=np.array([snr_of(one) for one in spectra]),
        z=np.array([np.nan if one.z is None else one.z for one in spectra]),
    )


def _stack(rows: list[NDArray[Any] | None], dtype: Any) -> NDArray[Any] | None:
    """Stack rows; a spectrum without the array gets zeros: no known noise, nothing imputed."""
    known = [row for row in rows if row is not None]
    if not known:
        return None
    return np.stack([np.zeros(known[0].shape, dtype) if row is None else row for row in rows])


def places(sample: Any) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Return ids, S/N and redshifts ``(n,)`` of a SpectrumSet or spectra, NaN where unknown; no pixel is read.

    Raises
    ------
    DataError
        For a plain array, of which none is known.
    """
    if isinstance(sample, SpectrumSet):
        return sample.ids, _column(sample.table, "snr"), _column(sample.table, "z")
    spectra = [sample] if isinstance(sample, Spectrum) else sample
    if not _holds_spectra(spectra):
        raise DataError(message("sample", expected="a SpectrumSet or a list of spectra, with S/N and redshifts",
                                got=type(sample).__name__, hint="SpectrumSet(wave, flux, ivar, table)"))
    z = [np.nan if one.z is None else one.z for one in spectra]
    return [one.id for one in spectra], np.array([snr_of(one) for one in spectra]), np.array(z)
