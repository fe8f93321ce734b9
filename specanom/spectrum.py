"""One spectrum: a frozen record of wavelength, flux, noise and what is known of the object."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ArgumentError, DataError, ShapeError, choice, message
from .face import dashboard, opener
from .quantities import angstrom, as_quantity, backwards, check_angstrom, per_angstrom
from .seeds import content_hash
from .slips import OF_SPECTRUM, slip

FRAMES = ("observed", "rest")
SCALES = ("flux", "normalised")
COLUMNS = ("id", "survey", "survey_program", "instrument", "plate", "mjd", "fiber", "ra", "dec", "z", "z_err",
           "z_noqso", "zwarning", "class", "subclass", "objtype", "snr", "ebv", "lsf", "path", "row", "specobjid",
           "petal", "tile", "healpix", "deltachi2", "exptime")
"""What every survey tells of a spectrum: columns of the table of what it reads, and keys of ``Spectrum.meta``.

As read, ``snr`` is the survey's own number where it gives one (SN_MEDIAN_ALL of the SDSS); preprocessing measures it
anew, by :func:`median_snr`, and calls that of the survey ``snr_survey``.
"""


def as_wavelength(wave: Any) -> NDArray[np.float64]:
    """Return wavelengths as float64 Å; an astropy Quantity of any length unit (or frequency) is converted.

    Raises
    ------
    ShapeError, DataError
        When they are not one-dimensional, finite, positive and strictly increasing.
    """
    try:
        values = np.array(angstrom(wave)[0], dtype=np.float64)
    except ValueError as exc:
        raise exc if isinstance(exc, DataError) else DataError(
            message("wave", expected="numbers, vacuum Å", got=str(exc))) from exc
    if values.ndim != 1 or values.size == 0:
        raise ShapeError(message("wave", expected="a (p,) array of wavelengths", got=f"shape {values.shape}"))
    if not (np.isfinite(values).all() and values[0] > 0 and (np.diff(values) > 0).all()):
        raise DataError(message("wave", expected="finite, positive, strictly increasing vacuum Å", got="other values",
                                hint="sort wave, flux and ivar together, or give a Quantity in nm"))
    values.flags.writeable = False
    return values


def frozen(array: ArrayLike | None, dtype: Any) -> NDArray[Any] | None:
    """Return a read-only view or copy of `array` with `dtype` in native byte order."""
    if array is None:
        return None
    view = np.asarray(array).astype(dtype, copy=False).view()
    view.flags.writeable = False
    return view


def finite_noise(ivar: Any) -> Any:
    """Return inverse variances with 0 for infinite ones, as in files: a pixel without any noise is one without data.

    Warns
    -----
    UserWarning
        When there are any, with their number.
    """
    if ivar is None or np.fmax.reduce(ivar, axis=None, initial=0) < np.inf:
        return ivar
    infinite = np.isposinf(ivar)
    warnings.warn(f"ivar: {int(infinite.sum()):,} infinite of {infinite.size:,} values are taken as 0, a bad pixel",
                  stacklevel=4)
    made = np.where(infinite, ivar.dtype.type(0), ivar)
    made.flags.writeable = False
    return made


def median_snr(flux: ArrayLike, ivar: ArrayLike) -> float:
    """Return the signal-to-noise ratio of a spectrum: the median of flux·√ivar over its good pixels.

    The same as SN_MEDIAN_ALL of BOSS and eBOSS, which leaves out pixels beyond 3280–9860 Å as well. The number of older
    SDSS files is the median of |flux|·√ivar: alike for all but the faintest, and about 0.6 where there is no light.

    Parameters
    ----------
    flux, ivar : (p,) arrays
        Pixels count whose flux is finite, and whose inverse variance is finite and above zero.

    Returns
    -------
    float
        Per pixel; NaN without a good pixel.

    Examples
    --------
    >>> median_snr([2.0, 4.0, 6.0, 50.0], [1.0, 1.0, 1.0, 0.0])
    4.0
    """
    values, weight = np.asarray(flux), np.asarray(ivar)
    good = np.isfinite(values) & (weight > 0) & np.isfinite(weight)
    return float(np.median(values[good] * np.sqrt(weight[good]))) if good.any() else float("nan")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A spectrum and what is known of its object.

    Parameters
    ----------
    wave : (p,) array or Quantity
        Vacuum wavelengths, increasing; Å unless a unit says otherwise; a warning tells of plain numbers that look like
        nm, µm or logarithms. A Quantity may be of frequency or energy and
        run either way: when its wavelengths fall, the other arrays are reversed with them.
    flux : (p,) array or Quantity
        Flux density per Å in the survey's unit, or normalised (see `scale`). A Quantity of any flux density, such as
        Jy, is converted to 1e-17 erg/s/cm²/Å, which ``meta["unit"]`` then says; without dimension it stays.
    ivar : (p,) array or Quantity, optional
        Inverse variance of `flux`, in the unit that `flux` is given in unless it has its own; 0 marks a bad pixel, as
        NaN does; infinite values become 0, and a warning tells how many; None when the noise is not known.
    mask : (p,) array of int, optional
        The survey's mask bits; 0 is good.
    z : float, optional
        The pipeline's redshift.
    id : str, optional
        Name of the object; a hash of the content when not given. Always text.
    frame : {"observed", "rest"}
        What `wave` is measured in.
    scale : {"flux", "normalised"}
        As read, or divided by the median.
    imputed : (p,) bool array, optional
        Pixels whose flux was filled in by preprocessing.
    meta : mapping, optional
        Everything else: plate, mjd, fiber, ra, dec, class, snr, ebv, instrument, …

    Raises
    ------
    ShapeError, DataError
        When arrays differ in length, wavelengths do not increase, or a unit cannot be converted.

    Examples
    --------
    >>> s = Spectrum([4000.0, 4001.0], [1.0, 2.0], id="a")
    >>> s
    Spectrum 'a': 2 pixels, 4000–4001 Å observed, z unknown, S/N unknown
    """

    wave: NDArray[np.float64]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32] | None = None
    mask: NDArray[np.uint32] | None = None
    z: float | None = field(default=None, kw_only=True)
    id: str = field(default="", kw_only=True)
    frame: str = field(default="observed", kw_only=True)
    scale: str = field(default="flux", kw_only=True)
    imputed: NDArray[np.bool_] | None = field(default=None, kw_only=True)
    meta: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        put = object.__setattr__
        with_unit = as_quantity(self.wave) is not None
        wave, falling = angstrom(self.wave)
        if falling:
            wave = wave[::-1]
            for name in ("flux", "ivar", "mask", "imputed"):
                put(self, name, backwards(getattr(self, name)))
        put(self, "wave", as_wavelength(wave))
        check_angstrom(self.wave, given=with_unit, level=4)
        if self.flux is None:
            raise DataError(message("flux", expected=f"an array of shape {self.wave.shape}", got="None"))
        flux, ivar, unit = per_angstrom(self.flux, self.ivar, self.wave)
        put(self, "flux", flux)
        put(self, "ivar", ivar)
        _check_bits(self.mask)
        for name, dtype in (("flux", np.float32), ("ivar", np.float32), ("mask", np.uint32), ("imputed", np.bool_)):
            value = frozen(getattr(self, name), dtype)
            if value is not None and value.shape != self.wave.shape:
                raise ShapeError(message(name, expected=f"shape {self.wave.shape} as wave", got=f"shape {value.shape}"))
            put(self, name, value)
        put(self, "ivar", finite_noise(self.ivar))
        choice("frame", self.frame, FRAMES)
        choice("scale", self.scale, SCALES)
        put(self, "z", _redshift(self.z))
        put(self, "id", str(self.id) if self.id not in ("", None) else content_hash(self.wave, self.flux))
        meta = dict(self.meta or {})
        put(self, "meta", MappingProxyType(meta if unit is None else meta | {"unit": unit}))

    if not TYPE_CHECKING:  # which would take any attribute for granted

        def __getattr__(self, name):
            raise slip(self, name, OF_SPECTRUM, keys=self.__dict__.get("meta", {}), where=".meta")

    def __len__(self) -> int:
        return int(self.wave.size)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Pixels with a finite flux, a non-zero ivar and no imputed value, shape ``(p,)``."""
        good = np.isfinite(self.flux)
        if self.ivar is not None:
            good &= self.ivar > 0
        return good if self.imputed is None else good & ~self.imputed

    @property
    def snr(self) -> float:
        """Signal-to-noise ratio per observed pixel, see :func:`median_snr`; NaN when it is not known.

        As read, it is that of the valid pixels. Preprocessing puts spectra on other pixels, which overlap in the noise
        and leave out the ends of the detector: of such a spectrum (at rest, or normalised) it is ``meta["snr"]``,
        which was measured before, and of the pixels at hand only where that is not known.
        """
        known = self.meta.get("snr")
        told = float(known) if isinstance(known, (int, float, np.number)) else float("nan")
        if (self.frame, self.scale) != ("observed", "flux") and np.isfinite(told):
            return told
        own = float("nan") if self.ivar is None else median_snr(self.flux[self.valid], self.ivar[self.valid])
        return own if np.isfinite(own) else told

    def replace(self, **fields: Any) -> Spectrum:
        """Return a copy with other values for the named fields."""
        return replace(self, **fields)

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled, and arrays come back writable: worker processes build it anew.
        return partial(Spectrum, **{**self.__dict__, "meta": dict(self.meta)}), ()

    @classmethod
    def read(cls, path: Any, *, row: int | None = None, id: str | None = None) -> Spectrum:
        """Read one spectrum from a file of any known survey.

        Parameters
        ----------
        path : path-like
            The file.
        row, id : int or str, optional
            Which one, when the file holds many.

        Returns
        -------
        Spectrum
        """
        result: Spectrum = opener("read spectrum")(path, row=row, id=id)
        return result

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure of the spectrum; see :func:`specanom.plots.spectrum` for the options."""
        return opener("plot spectrum")(self, **options)

    def interact(self) -> Any:
        """Open the spectrum as a dashboard: lines that follow the redshift, frames, units, smoothing, overlays.

        Returns
        -------
        SpectrumViewer
            Shown by a notebook when it is the last line of a cell; its ``result`` is the spectrum with the redshift
            that was chosen.

        Raises
        ------
        MissingDependency
            When ipywidgets or anywidget is not installed.
        """
        return dashboard("interact")(self)

    def to_specutils(self) -> Any:
        """Return a ``specutils.Spectrum`` with units, inverse-variance uncertainty, mask and meta.

        Raises
        ------
        MissingDependency
            When specutils is not installed.
        """
        return opener("to specutils")(self)

    @classmethod
    def from_specutils(cls, spectrum: Any, *, id: str = "", z: float | None = None) -> Spectrum:
        """Make a Spectrum from a one-dimensional ``specutils.Spectrum``, flux in 1e-17 erg/s/cm²/Å if it has a unit.

        Parameters
        ----------
        spectrum : specutils.Spectrum
            Any spectral axis that converts to a wavelength; taken as vacuum.
        id : str, optional
            Name; otherwise ``meta["id"]`` or a hash of the content.
        z : float, optional
            Redshift; otherwise ``meta["z"]`` or the spectrum's own redshift or radial velocity; specutils gives a
            spectrum without one a redshift of 0, which is taken as not known.

        Raises
        ------
        ShapeError, DataError
            When it holds several spectra, its flux is no flux density, or its uncertainty no inverse variance.
        """
        made: Spectrum = opener("from specutils")(spectrum, id=id, z=z)
        return made

    def __repr__(self) -> str:
        z = "z unknown" if self.z is None else f"z = {self.z:.5f}"
        snr = "S/N unknown" if np.isnan(self.snr) else f"S/N {self.snr:.1f}"
        scaled = ", normalised" if self.scale == "normalised" else ""
        span = f"{self.wave[0]:.0f}–{self.wave[-1]:.0f} Å {self.frame}"
        return f"Spectrum {self.id!r}: {len(self)} pixels, {span}{scaled}, {z}, {snr}"

    def _repr_html_(self) -> str:
        html: str = opener("thumbnail")(self)
        return html


def _redshift(z: Any) -> float | None:
    """Return a redshift as a number; None when it is not finite."""
    if isinstance(z, str) or np.ndim(z) > 0:
        came = repr(z) if isinstance(z, str) else f"{np.size(z):,} of them"
        raise ArgumentError(message("z", expected="a number, or None when it is not known", got=came,
                                    hint="" if isinstance(z, str) else "z=float(z[0]), if all of them are the same"))
    return None if z is None or not np.isfinite(z) else float(z)


def _check_bits(mask: Any) -> None:
    """Refuse a mask of fractions: a redshift, or errors, given in its place."""
    if np.ndim(mask) == 0 and mask is not None:
        raise ShapeError(message("mask", expected="an integer a pixel", got=repr(mask), hint="z=0.1 by its name"))
    if mask is not None and np.asarray(mask).dtype.kind == "f" and (np.mod(mask, 1) != 0).any():
        raise ArgumentError(message("mask", expected="integers, 0 where a pixel is good", got="numbers that are none",
                                    hint="a redshift is given by its name, z=0.1"))


def is_quasar(spectrum: Spectrum) -> bool:
    """Say whether the pipeline calls it a quasar: ``meta["class"]`` is QSO."""
    return str(spectrum.meta.get("class") or "").strip().upper() == "QSO"
