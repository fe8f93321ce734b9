"""Between our records and those of specutils."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DataError, ShapeError, message, require
from .spectrum import Spectrum

SURVEY_FLUX_UNIT = "1e-17 erg / (s cm2 Angstrom)"
"""What SDSS and DESI files mean by their flux densities."""


def to_specutils(spectrum: Spectrum) -> Any:
    """Return `spectrum` as a ``specutils.Spectrum``; see :meth:`Spectrum.to_specutils`."""
    specutils = require("specutils", extra="specutils")
    from astropy import units
    from astropy.nddata import InverseVariance

    flux_unit = units.dimensionless_unscaled
    if spectrum.scale == "flux":
        flux_unit = units.Unit(spectrum.meta.get("unit") or SURVEY_FLUX_UNIT)
    uncertainty = None if spectrum.ivar is None else InverseVariance(np.array(spectrum.ivar, dtype=float),
                                                                   unit=flux_unit**-2)
    meta = dict(spectrum.meta) | {"id": spectrum.id, "z": spectrum.z, "frame": spectrum.frame, "scale": spectrum.scale}
    if spectrum.mask is not None:
        meta["mask_bits"] = np.array(spectrum.mask)
    if spectrum.imputed is not None:
        meta["imputed"] = np.array(spectrum.imputed)
    return specutils.Spectrum(flux=np.array(spectrum.flux, dtype=float) * flux_unit,
                              spectral_axis=np.array(spectrum.wave) * units.AA,
                              uncertainty=uncertainty, mask=~spectrum.valid, meta=meta)


def from_specutils(spectrum: Any, *, id: str = "", z: float | None = None) -> Spectrum:
    """Make a Spectrum from a ``specutils.Spectrum``; see :meth:`Spectrum.from_specutils`."""
    from astropy import units
    from astropy.nddata import InverseVariance

    flux = spectrum.flux
    if flux.ndim != 1:
        raise ShapeError(message("spectrum", expected="one spectrum, flux of shape (p,)", got=f"shape {flux.shape}",
                                 hint="take one row, e.g. spectrum[0]"))
    wave = spectrum.spectral_axis.to_value(units.AA, equivalencies=units.spectral())
    order = np.argsort(wave)
    meta = dict(getattr(spectrum, "meta", None) or {})
    bits, imputed = meta.pop("mask_bits", None), meta.pop("imputed", None)
    frame, scale = meta.pop("frame", "observed"), meta.pop("scale", "flux")
    ivar = None
    if spectrum.uncertainty is not None:
        ivar = spectrum.uncertainty.represent_as(InverseVariance).array
    if bits is None and spectrum.mask is not None:
        if ivar is None:
            raise DataError(message("spectrum.mask", expected="an uncertainty beside the mask", got="none",
                                    hint="give the spectrum an InverseVariance uncertainty"))
        ivar = np.where(spectrum.mask, 0.0, ivar)
    if scale == "flux":
        meta.setdefault("unit", flux.unit.to_string())
    known = z if z is not None else meta.pop("z", None)

    def sort(values: Any) -> Any:
        return None if values is None else np.asarray(values)[order]

    return Spectrum(wave[order], sort(flux.value), sort(ivar), sort(bits), z=known,
                    id=id or str(meta.pop("id", "") or ""), frame=frame, scale=scale, imputed=sort(imputed), meta=meta)
