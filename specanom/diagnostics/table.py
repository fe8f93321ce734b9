"""Line measurements of many spectra as one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, choice, message
from ..parallel import map_blocks
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .bpt import bpt_class
from .catalogue import catalogue_row
from .fluxes import blank_row
from .measure import FitSettings, measure_spectrum
from .ratios import line_ratios
from .templates import template_bank

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
BLOCK = 64


def _fit_block(task: tuple[list[Spectrum], FitSettings]) -> list[Row]:
    spectra, settings = task
    rows, grid, templates = [], None, None
    for spectrum in spectra:
        shared = None
        if spectrum.frame == "rest":
            if grid is None or not np.array_equal(grid, spectrum.wave):
                grid, bank = spectrum.wave, template_bank()
                templates = bank.on(np.asarray(grid)), bank.sigmas
            shared = templates
        rows.append({"id": spectrum.id, **measure_spectrum(spectrum, settings, templates=shared).values})
    return rows


def _catalogue_block(task: tuple[list[Spectrum], FitSettings]) -> list[Row]:
    return [{"id": s.id, **catalogue_row(s.meta, blank_row(""))} for s in task[0]]


def _spectra(sample: Any) -> Iterable[Spectrum]:
    if isinstance(sample, Spectrum):
        return [sample]
    if isinstance(sample, SpectrumSet) or hasattr(sample, "__iter__"):
        spectra: Iterable[Spectrum] = iter(sample)
        return spectra
    raise ArgumentError(
        message(
            "sample",
            expected="a Spectrum, a SpectrumSet, or an iterable of Spectrum",
            got=type(sample).__name__,
            hint="SpectrumSet(wave, flux, ivar)",
        )
    )


def _tasks(spectra: Iterable[Spectrum], settings: FitSettings) -> Iterator[tuple[list[Spectrum], FitSettings]]:
    held: list[Spectrum] = []
    for spectrum in spectra:
        if not isinstance(spectrum, Spectrum):
            raise ArgumentError(
                message(
                    "sample",
                    expected="Spectrum objects",
                    got=type(spectrum).__name__,
                    hint="SpectrumSet(wave, flux, ivar)",
                )
            )
        held.append(spectrum)
        if len(held) == BLOCK:
            yield held, settings
            held = []
    if held:
        yield held, settings


def measure_lines(
    sample: Any,
    settings: FitSettings | None = None,
    *,
    source: str = "fit",
    min_snr: float = 3.0,
    division: str = "schawinski2007",
    executor: Any = None,
) -> pd.DataFrame:
    """Measure emission lines, their ratios and the BPT class of each spectrum.

    Lines are Gaussians over stars of several ages, so that Balmer absorption does not bias the decrement. All narrow
    lines share velocity and width; [O III], [N II] and [O I] doublets have their ratios fixed by atomic physics. Errors
    include the uncertainty of width, shift and continuum, and the correlation of neighbouring pixels. Missing, masked
    and imputed pixels are left out; a line without pixels is NaN.

    Parameters
    ----------
    sample : Spectrum, SpectrumSet, Survey or iterable of Spectrum
        In the rest frame, or in the observed frame with redshifts.
    settings : FitSettings, optional
        How to fit.
    source : {"fit", "catalogue"}
        ``"catalogue"`` takes columns ``Ha_flux``, ``Ha_err``, … of the table (or meta), or an SPZLINE table in
        ``meta["spzline"]``, instead of fitting.
    min_snr : float
        Ratios and classes need every line at this S/N.
    division : {"schawinski2007", "steep"}
        Line between Seyferts and LINERs, see :func:`.bpt_class`.
    executor : optional
        As in :func:`specanom.parallel.map_blocks`.

    Returns
    -------
    DataFrame
        One row a spectrum, in order: ``id``; for each line ``_flux``, ``_err``, ``_ew``, ``_ew_err`` (rest-frame Å,
        positive in emission) and ``_limit`` (below 3σ: 3·err is then an upper limit); ``velocity`` and ``sigma`` in
        km/s (instrument included) with errors; broad Balmer lines where found; ratios with errors; ``bpt``; ``note``.
        Flux is in the spectrum's unit times Å in the spectrum's own frame.

    Raises
    ------
    ArgumentError
        For anything that is not spectra, or an unknown source or division.
    """
    import pandas as pd

    work = {"fit": _fit_block, "catalogue": _catalogue_block}[choice("source", source, ("fit", "catalogue"))]
    settings = settings or FitSettings()
    rows = [row for block in map_blocks(work, _tasks(_spectra(sample), settings), executor) for row in block]
    table = pd.DataFrame(rows) if rows else pd.DataFrame([{"id": "", **blank_row("")}]).iloc[:0]
    ratios = line_ratios(table, min_snr=min_snr)
    classes = bpt_class(np.log10(ratios["N2"].to_numpy()), np.log10(ratios["O3"].to_numpy()), division=division)
    return pd.concat([table, ratios.assign(bpt=classes)], axis=1)
