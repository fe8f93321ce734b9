"""What may have been meant by an attribute a record does not have: other packages call things otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .errors import nearest

WAVE = ("wavelength", "wavelengths", "lam", "lamb", "lambda_", "wav", "wl", "loglam", "spectral_axis", "x")
NOISE = ("err", "error", "errors", "sigma", "std", "noise", "uncertainty", "variance", "var", "weight", "weights")
FLUX = ("fluxes", "data", "values", "intensity", "y", "spectra")
OF_SPECTRUM = {
    **dict.fromkeys(WAVE, ".wave, vacuum Å"),
    **dict.fromkeys(("redshift", "zred", "z_pipe"), ".z, the redshift of the pipeline"),
    **dict.fromkeys(NOISE, ".ivar, the inverse variance: the error is ivar**-0.5"),
    **dict.fromkeys(FLUX, ".flux"),
    **dict.fromkeys(("name", "objid", "targetid", "specobjid"), ".id"),
    **dict.fromkeys(("sn", "s2n", "SNR"), ".snr"),
    **dict.fromkeys(("header", "hdr", "info", "table"), ".meta"),
}
"""Attribute → what :class:`~specanom.Spectrum` calls it."""
OF_SET = {
    **dict.fromkeys(WAVE, ".wave, vacuum Å"),
    **dict.fromkeys(("redshift", "redshifts", "zred"), ".table['z']"),
    **dict.fromkeys(NOISE, ".ivar, the inverse variance: the error is ivar**-0.5"),
    **dict.fromkeys(FLUX, ".flux"),
    **dict.fromkeys(("id", "name", "names", "objid", "targetid"), ".ids"),
    **dict.fromkeys(("head", "columns", "iloc", "loc", "describe", "meta", "to_csv", "sort_values"),
                    ".table, a DataFrame with a row a spectrum"),
    **dict.fromkeys(("write", "to_fits", "writeto"), ".save('sample.zarr')"),
}
"""Attribute → what :class:`~specanom.SpectrumSet` calls it."""
WITHOUT_FLUX = ("SpectrumSet(wave, flux, ivar) of arrays; of spectra Preprocessor(...).fit_transform([s1, s2]), or, "
                "on one grid, SpectrumSet(s1.wave, [s1.flux, s2.flux], frame=s1.frame, scale=s1.scale)")
"""What to try for a set that is made of spectra alone."""
OF_SURVEY = {
    **dict.fromkeys((*WAVE, *NOISE, *FLUX, "flux", "ivar", "wave", "mask", "z", "redshift"),
                    "next(iter(survey)) is its first spectrum, next(survey.blocks(100)) a SpectrumSet of 100"),
    **dict.fromkeys(("table", "ids", "head", "columns", "meta"), "next(survey.blocks(100)).table"),
    **dict.fromkeys(("save", "plot", "by_id", "select"), "Preprocessor(...).fit_transform(survey) makes a SpectrumSet, "
                    "which has it"),
}
"""Attribute → where it is to be had of a :class:`~specanom.surveys.Survey`, which holds no spectra itself."""


def slip(record: object, name: str, meant: Mapping[str, str], *, keys: Iterable[str] = (), where: str = ""
         ) -> AttributeError:
    """Return the error for an attribute that `record` does not have, with what to try; of a property, its own error.

    Parameters
    ----------
    record : object
    name : str
        What was asked for.
    meant : mapping
        Attribute → what it is called here.
    keys : iterable of str
        What the record has by key.
    where : str
        Of which attribute these are keys, e.g. ``".table"``.
    """
    if hasattr(type(record), name):  # there is one, and what it does went wrong
        try:
            object.__getattribute__(record, name)
        except AttributeError as exc:
            return exc
    text = f"{type(record).__name__!r} object has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(text, name=name, obj=record)
    hint = meant.get(name, "") or (f"{where}[{name!r}]" if name in keys else "")
    if not hint:
        near = nearest(name, [one for one in dir(type(record)) if not one.startswith("_")])
        hint = f".{near}" if near else ""
    return AttributeError(f"{text}. Try: {hint}" if hint else text, name=name, obj=record)
