"""Line fluxes of one spectrum: stars, windows, Gaussians, errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..lines import line
from ..spectrum import Spectrum
from .components import (
    BROAD,
    BROAD_WINDOWS,
    NARROW,
    NARROW_WINDOWS,
    Component,
    Window,
    line_pixels,
    window_design,
)
from .continuum import Continuum, fit_continuum
from .fluxes import Data, FittedLines, blank_row, inflation, kinematic_values, line_values, tied_values
from .gaussians import STRONG, Kinematics, Pixels, fit_lines, response, start
from .templates import template_bank

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MASKED_VELOCITY = 700.0
"""Half width left out around each line when the stars are fitted, km/s."""
BROAD_VELOCITY = 7000.0
"""The same around Balmer lines that turn out broad."""
MIN_PIXELS = 300
BROAD_LIMITS = (1500.0, 450.0, 6000.0)
"""Largest shift, smallest and largest width of a broad component, km/s."""


@dataclass(frozen=True)
class FitSettings:
    """How lines are fitted.

    Attributes
    ----------
    broad : {"auto", "never"}
        Whether a broad component of Hγ, Hβ and Hα is tried where the narrow fit leaves a residual.
    tie_oiii : bool
        Whether [O III] 4960 is held at 1/2.98 of 5008.
    max_velocity : float
        Largest shift from the given redshift, km/s.
    sigma_range : (float, float)
        Narrowest and widest narrow line, km/s, instrument included.
    default_sigma : float
        Width used where no line is seen, so that limits are those of a usual line.
    """

    broad: str = "auto"
    tie_oiii: bool = True
    max_velocity: float = 400.0
    sigma_range: tuple[float, float] = (50.0, 600.0)
    default_sigma: float = 120.0

    def __post_init__(self) -> None:
        choice("broad", self.broad, ("auto", "never"))
        low, high = self.sigma_range
        if not 0 < low <= self.default_sigma <= high:
            raise ArgumentError(
                message(
                    "sigma_range",
                    expected="0 < low <= default_sigma <= high, km/s",
                    got=f"{self.sigma_range} with default_sigma={self.default_sigma}",
                )
            )
        if not self.max_velocity > 0:
            raise ArgumentError(message("max_velocity", expected="above 0 km/s", got=self.max_velocity))

    @property
    def components(self) -> tuple[Component, ...]:
        """The narrow components."""
        if self.tie_oiii:
            return NARROW
        free = {
            "OIII5008": (
                Component("OIII4960", (line("OIII4960").wave,), (1.0,)),
                Component("OIII5008", (line("OIII5008").wave,), (1.0,)),
            )
        }
        return tuple(made for item in NARROW for made in free.get(item.name, (item,)))

    @property
    def first(self) -> Kinematics:
        """Where velocity and width start."""
        return Kinematics(0.0, self.default_sigma, False, (self.max_velocity, *self.sigma_range))


@dataclass(frozen=True, eq=False)
class LineMeasurement:
    """All that was measured on one spectrum.

    Attributes
    ----------
    values : dict
        One row of the table of :func:`.measure_lines`.
    wave : (p,) array
        Rest-frame Å.
    stars : (p,) array
        The stellar continuum, in the units of the spectrum; NaN where there is none.
    model : (p,) array
        Stars and lines; NaN outside the fitted windows.
    """

    values: dict[str, float | bool | str]
    wave: Floats = field(repr=False)
    stars: Floats = field(repr=False)
    model: Floats = field(repr=False)


def pixel_width(wave: Floats) -> Floats:
    """Return the width of each pixel; a gap in the grid does not make its neighbours wide."""
    step = np.gradient(wave)
    local = np.minimum(np.diff(wave, prepend=2 * wave[0] - wave[1]), np.diff(wave, append=2 * wave[-1] - wave[-2]))
    return np.asarray(np.minimum(step, 1.5 * local))


def noise_from_scatter(flux: Floats, good: Bools) -> Floats:
    """Return an inverse variance from how neighbouring pixels differ, for spectra that come without one."""
    second = np.zeros_like(flux)
    second[1:-1] = flux[1:-1] - 0.5 * (flux[:-2] + flux[2:])
    usable = good.copy()
    usable[1:-1] &= good[:-2] & good[2:]
    usable[[0, -1]] = False
    places = np.array_split(np.arange(flux.size), max(1, flux.size // 200))
    overall = np.median(np.abs(second[usable])) if usable.any() else np.nan
    sigma = [np.median(np.abs(second[p][usable[p]])) if usable[p].sum() > 20 else overall for p in places]
    at = np.array([p.mean() for p in places])
    scatter = 1.4826 * np.interp(np.arange(flux.size), at, sigma) / np.sqrt(1.5)
    return np.where(good & (scatter > 0), 1 / np.maximum(scatter, 1e-30) ** 2, 0.0)


def _prepare(spectrum: Spectrum, templates: tuple[Floats, Floats] | None) -> Data | str:
    """Return the data of a fit, or why there is none."""
    if spectrum.frame == "observed" and (spectrum.z is None or not spectrum.z > -0.9):
        return "no redshift"
    wave = spectrum.wave / (1 + (spectrum.z or 0.0)) if spectrum.frame == "observed" else np.asarray(spectrum.wave)
    good = spectrum.valid
    inside = good & (wave > 3300) & (wave < 9300)
    if inside.sum() < MIN_PIXELS:
        return f"only {int(inside.sum())} valid pixels in the rest-frame optical"
    flux = np.where(good, spectrum.flux, 0.0).astype(np.float64)
    if spectrum.ivar is None:
        ivar = noise_from_scatter(flux, good)
    else:
        ivar = np.where(good, spectrum.ivar, 0.0).astype(np.float64)
    scale = float(np.median(np.abs(flux[inside])))
    if not scale > 0:
        return "median flux is 0"
    if templates is None:
        bank = template_bank()
        templates = bank.on(wave), bank.sigmas
    good = good & (ivar > 0)
    return Data(wave, pixel_width(wave), flux / scale, ivar * scale**2, good, scale, templates)


def _pixels(data: Data, continuum: Continuum, windows: tuple[Window, ...]) -> tuple[NDArray[np.intp], Pixels]:
    rows, basis = window_design(data.wave, windows)
    keep = data.good[rows] & np.isfinite(continuum.model[rows]) & (continuum.model[rows] > 0)
    rows, basis = rows[keep], basis[keep]
    return rows, Pixels(
        data.wave[rows], data.width[rows], data.flux[rows], data.ivar[rows], continuum.model[rows], basis
    )


def _stars(data: Data, *, broad: bool) -> Continuum:
    use = data.good & (data.wave > 3400) & (data.wave < 9000) & ~line_pixels(data.wave, MASKED_VELOCITY)
    if broad:
        use &= ~line_pixels(data.wave, BROAD_VELOCITY, ("Hd", "Hg", "Hb", "Ha"))
    return fit_continuum(data.wave, data.flux, data.ivar, use, data.templates)


def _fit_narrow(data: Data, continuum: Continuum, settings: FitSettings, windows: tuple[Window, ...]) -> FittedLines:
    rows, pixels = _pixels(data, continuum, windows)
    components = settings.components
    fit = fit_lines(pixels, components, {"narrow": start(pixels, settings.first)})
    fitted = FittedLines(data, continuum, rows, pixels, components, fit)
    if fit.kinematics["narrow"].free and not _any_line(fitted):
        # What the filter saw was the misfit of the stars: velocity and width mean nothing.
        fit = fit_lines(pixels, components, {"narrow": settings.first})
        fitted = FittedLines(data, continuum, rows, pixels, components, fit)
    return fitted


def _with_stars(fitted: FittedLines) -> FittedLines:
    """Add to the covariance of the lines what is not known of the stars: how deep the Balmer lines under them are."""
    parts = fitted.continuum.parts[:, fitted.rows]
    if not len(parts):
        return fitted
    by_star = response(fitted.pixels, fitted.fit, parts)
    widened = by_star @ (fitted.continuum.covariance * max(1.0, fitted.continuum.chi2)) @ by_star.T
    return replace(fitted, fit=replace(fitted.fit, covariance=fitted.fit.covariance + widened))


def _any_line(fitted: FittedLines) -> bool:
    for j, item in enumerate(fitted.components):
        variance = fitted.fit.covariance[j, j]
        snr = fitted.fit.amplitudes[j] / np.sqrt(variance)
        if item.name in STRONG and snr > 4 and snr > 4 * inflation(fitted, item.waves[0]):
            return True
    return False


def _wants_broad(fitted: FittedLines) -> bool:
    """Say whether the narrow lines leave something around Hα or Hβ that a broad component may explain."""
    pulls = (fitted.pixels.flux - fitted.fit.model) * np.sqrt(fitted.pixels.ivar)
    for name in ("Ha", "Hb"):
        near = np.abs(fitted.pixels.wave - line(name).wave) < 60
        if near.sum() > 30 and np.mean(pulls[near] ** 2) > 1.5:
            return True
    return fitted.fit.kinematics["narrow"].free and fitted.fit.kinematics["narrow"].sigma > 380


def _fit_broad(narrow: FittedLines, settings: FitSettings) -> FittedLines | None:
    """Fit broad Balmer lines as well; None when they are not there."""
    data = narrow.data
    continuum = _stars(data, broad=True)
    without = _fit_narrow(data, continuum, settings, BROAD_WINDOWS)
    seen = without.fit.kinematics["narrow"]
    first = replace(seen, sigma=min(seen.sigma, 300.0), free=True)
    components = settings.components + BROAD
    fits = [
        fit_lines(
            without.pixels, components, {"narrow": first, "broad": Kinematics(0.0, sigma, True, BROAD_LIMITS)}, turns=20
        )
        for sigma in (800.0, 2000.0)
    ]
    best = min(fits, key=lambda fit: fit.chi2)
    fitted = FittedLines(data, continuum, without.rows, without.pixels, components, best)
    return fitted if _is_broad(fitted, without.fit.chi2) else None


def _is_broad(fitted: FittedLines, chi2_without: float) -> bool:
    """Say whether a broad component is there, and more than the wings of strong narrow lines."""
    fit, n = fitted.fit, len(fitted.components)
    chi2 = max(1.0, fit.chi2 / max(1, fitted.rows.size - n))
    errors = np.sqrt(np.diag(fit.covariance))
    place = {(item.name, item.family): j for j, item in enumerate(fitted.components)}
    strongest = max(("Ha", "Hb"), key=lambda name: fit.amplitudes[place[name, "broad"]] / errors[place[name, "broad"]])
    broad, narrow = place[strongest, "broad"], place[strongest, "narrow"]
    if fit.amplitudes[broad] < 7 * errors[broad] * np.sqrt(chi2) or chi2_without - fit.chi2 < 60 * chi2:
        return False
    width = fit.kinematics["broad"].sigma
    if width < max(600.0, 1.8 * fit.kinematics["narrow"].sigma):
        return False
    # Gas that flows out of starbursts and type-2 nuclei gives strong lines weak wings of some hundred km/s.
    return width > 1500 or fit.amplitudes[broad] > 0.5 * fit.amplitudes[narrow]


def measure_spectrum(
    spectrum: Spectrum, settings: FitSettings | None = None, *, templates: tuple[Floats, Floats] | None = None
) -> LineMeasurement:
    """Measure the emission lines of one spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        In the observed frame with a redshift, or in the rest frame. Missing, masked and imputed pixels are left out.
    settings : FitSettings, optional
        How to fit.
    templates : pair of arrays, optional
        ``(bank.on(wave), bank.sigmas)``, when many spectra share a rest-frame grid.

    Returns
    -------
    LineMeasurement
        With ``values["note"]`` saying why nothing was measured, where that is so.
    """
    settings = settings or FitSettings()
    data = _prepare(spectrum, templates)
    empty = np.full(len(spectrum), np.nan)
    if isinstance(data, str):
        return LineMeasurement(blank_row(data), np.asarray(spectrum.wave), empty, empty)
    continuum = _stars(data, broad=False)
    if not (np.nan_to_num(continuum.model) > 0).any() or _pixels(data, continuum, NARROW_WINDOWS)[0].size < 50:
        return LineMeasurement(blank_row("no line window is covered"), data.wave, empty, empty)
    fitted = _fit_narrow(data, continuum, settings, NARROW_WINDOWS)
    if settings.broad == "auto" and _wants_broad(fitted):
        fitted = _fit_broad(fitted, settings) or fitted
    fitted = _with_stars(fitted)
    return _result(fitted, settings, 1 + (spectrum.z or 0.0) if spectrum.frame == "observed" else 1.0)


def _result(fitted: FittedLines, settings: FitSettings, stretch: float) -> LineMeasurement:
    data = fitted.data
    values: dict[str, float | bool | str] = {**blank_row("")}
    lines = line_values(fitted, data.scale)
    lines |= tied_values(lines, oiii=settings.tie_oiii)
    for name, value in lines.items():
        values[name] = value * stretch if name.endswith(("_flux", "_err")) and not name.endswith("_ew_err") else value
    values |= kinematic_values(fitted)
    values["chi2"] = fitted.fit.chi2 / max(
        1, fitted.rows.size - fitted.fit.amplitudes.size - fitted.pixels.basis.shape[1]
    )
    values["stars_chi2"], values["stars_sigma"] = fitted.continuum.chi2, fitted.continuum.sigma
    model = np.full(data.wave.size, np.nan)
    model[fitted.rows] = fitted.fit.model * data.scale
    return LineMeasurement(values, data.wave, fitted.continuum.model * data.scale, model)
