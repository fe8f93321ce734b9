"""Between our records and those of specutils."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DataError, ShapeError, message, require
from .quantities import SURVEY_FLUX_UNIT
from .spectrum import Spectrum


def to_specutils(spectrum: Spectrum) -> Any:
    """Return `spectrum` as a ``specutils.Spectrum``; see :meth:`Spectrum.to_specutils`."""
    specutils = require("specutils", extra="specutils")
    from astropy import units
    from astropy.nddata import InverseVariance

    flux_unit = units.dimensionless_unscaled
    if spectrum.scale == "flux":
        named = spectrum.meta.get("unit")
        flux_unit = units.Unit(SURVEY_FLUX_UNIT if named is None else named)
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
    if spectrum.flux.ndim != 1:
        raise ShapeError(message("spectrum", expected="one spectrum, flux of shape (p,)",
                                 got=f"shape {spectrum.flux.shape}", hint="take one row, e.g. spectrum[0]"))
    meta = dict(getattr(spectrum, "meta", None) or {})
    bits, imputed = meta.pop("mask_bits", None), meta.pop("imputed", None)
    frame, scale = meta.pop("frame", "observed"), meta.pop("scale", "flux")
    named, known = meta.pop("id", None), meta.pop("z", None)
    if known is None:
        known = _own_redshift(spectrum)
    ivar = _ivar(spectrum)
    if bits is None and spectrum.mask is not None:
        if ivar is None:
            raise DataError(message("spectrum.mask", expected="an uncertainty beside the mask", got="none",
                                    hint="give the spectrum an InverseVariance uncertainty"))
        ivar[np.asarray(spectrum.mask, dtype=bool)] = 0
    return Spectrum(spectrum.spectral_axis, spectrum.flux, ivar, bits, z=known if z is None else z,
                    id=id or str(named or ""), frame=frame, scale=scale, imputed=imputed, meta=meta)


def _own_redshift(spectrum: Any) -> float | None:
    """Return the redshift that the spectrum carries, from its velocity too; 0 is what specutils gives when unknown."""
    own = getattr(spectrum, "redshift", None)
    return float(own) if own is not None and np.size(own) == 1 and float(own) != 0 else None


def _ivar(spectrum: Any) -> Any:
    """Return the inverse variance with its unit; 0 where the error is 0, which is no error."""
    from astropy import units
    from astropy.nddata import InverseVariance

    if spectrum.uncertainty is None:
        return None
    try:
        with np.errstate(divide="ignore"):
            found = spectrum.uncertainty.represent_as(InverseVariance)
    except TypeError as exc:
        raise DataError(message("spectrum.uncertainty", expected="a standard deviation, variance or inverse variance",
                                got=type(spectrum.uncertainty).__name__,
                                hint="StdDevUncertainty(spectrum.uncertainty.array)")) from exc
    values = np.array(found.array, dtype=np.float64)
    values[np.isinf(values)] = 0
    return values * (spectrum.flux.unit**-2 if found.unit is None else units.Unit(found.unit))
