"""Reads what a model is given: a SpectrumSet, a Spectrum or a plain array, checked before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, GridError, ShapeError, message, unprepared
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .folds import Hashes

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rows:
    """Spectra as arrays: flux ``(n, p)``, and what came with them.

    `contents` are the hashes of the pixels of each row where they are known already, `scratch` is a folder for what
    is too large for memory.
    """

    flux: Floats
    ivar: Floats | None = None
    ids: tuple[str, ...] | None = None
    wave: NDArray[np.float64] | None = None
    contents: Hashes | None = None
    scratch: Path | None = None

    def __len__(self) -> int:
        return int(self.flux.shape[0])


def read_rows(argument: str, given: Any, ids: Sequence[str] | None = None, *, finite: bool = True) -> Rows:
    """Return the rows of a SpectrumSet, a Spectrum or an ``(n, p)`` array; `finite`: flux that is not is refused.

    Raises
    ------
    ShapeError
        When an array is not two-dimensional, or `ids` are not one for each row.
    GridError
        When spectra are not at rest and normalised.
    DataError
        When a flux is not finite.
    """
    if isinstance(given, Spectrum):
        check_state(argument, given)
        ivar = None if given.ivar is None else given.ivar[None, :]
        rows = Rows(given.flux[None, :], ivar, (given.id,), given.wave)
    elif isinstance(given, SpectrumSet):
        check_state(argument, given)
        rows = Rows(given.flux, given.ivar, tuple(given.ids), given.wave)
    else:
        rows = Rows(_as_matrix(argument, given))
    if ids is not None:
        if isinstance(ids, str) or len(ids) != len(rows):
            raise ShapeError(message("ids", expected=f"{len(rows)} ids, one a spectrum",
                                     got=repr(ids) if isinstance(ids, str) else f"{len(ids)}"))
        rows = Rows(rows.flux, rows.ivar, tuple(str(id) for id in ids), rows.wave)
    if finite:
        check_finite(argument, rows.flux)
    return rows


def with_ivar(rows: Rows, ivar: Any) -> Rows:
    """Return the rows with the inverse variance given beside them; None keeps their own.

    Raises
    ------
    ShapeError
        When there is not one value for each pixel.
    """
    if ivar is None:
        return rows
    values = np.asarray(ivar, dtype=np.float32)
    if values.shape != rows.flux.shape:
        raise ShapeError(message("ivar", expected=f"shape {rows.flux.shape} as flux", got=f"shape {values.shape}"))
    return Rows(rows.flux, values, rows.ids, rows.wave)


def check_state(argument: str, given: Spectrum | SpectrumSet) -> None:
    """Refuse spectra that are not at rest and normalised.

    Raises
    ------
    GridError
        When they are not.
    """
    if given.frame != "rest" or given.scale != "normalised":
        raise GridError(message(argument, expected="spectra at rest and normalised",
                                got=f"frame {given.frame!r}, scale {given.scale!r}",
                                hint="Preprocessor(...).fit_transform(survey)"))


def _as_matrix(argument: str, given: Any) -> Floats:
    try:
        array = np.asarray(given)
        matrix = np.ascontiguousarray(array, dtype=np.float32)
    except (TypeError, ValueError) as exc:
        raise ShapeError(message(argument, expected="a SpectrumSet or an (n, p) array of numbers",
                                 got=type(given).__name__, hint=unprepared(given))) from exc
    if array.ndim != 2:
        raise ShapeError(message(argument, expected="an (n, p) array", got=f"shape {array.shape}",
                                 hint="one spectrum is flux[None, :]"))
    return matrix


def check_finite(argument: str, flux: Floats, *, first: int = 0) -> None:
    """Refuse flux that is not finite, naming the first row, counted from `first`.

    Raises
    ------
    DataError
        With the rows that have NaN or infinite pixels.
    """
    # A row sum is finite when its pixels are, short of overflow: one pass finds the rows worth a closer look.
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = np.flatnonzero(~np.isfinite(flux @ np.ones(flux.shape[1], dtype=np.float32)))
    bad = suspect[~np.isfinite(flux[suspect]).all(axis=1)]
    if bad.size:
        raise DataError(message(argument, expected="finite flux in each pixel",
                                got=f"NaN or infinity in {bad.size} rows, first row {first + bad[0]}",
                                hint="missing pixels are imputed by Preprocessor"))


def check_grid(argument: str, rows: Rows, wave: NDArray[np.float64] | None, n_pixels: int) -> None:
    """Refuse rows on another grid than a model's.

    Raises
    ------
    ShapeError
        When the number of pixels differs.
    GridError
        When wavelengths are known on both sides and differ.
    """
    if rows.wave is not None and wave is not None and not np.array_equal(rows.wave, wave):
        raise GridError(message(argument, expected=f"the model's grid ({_span(wave)})", got=_span(rows.wave),
                                hint="use the Preprocessor that was fitted with this model: .transform(survey)"))
    if rows.flux.shape[1] != n_pixels:
        raise ShapeError(message(argument, expected=f"{n_pixels} pixels a spectrum", got=rows.flux.shape[1]))


def _span(wave: NDArray[np.float64]) -> str:
    return f"{wave.size} pixels, {wave[0]:.1f}–{wave[-1]:.1f} Å"
