"""Line fluxes of one spectrum: stars, windows, Gaussians, errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, GridError, choice, message
from ..lines import C_KMS, line
from ..spectrum import Spectrum
from .components import (
    BROAD,
    BROAD_WINDOWS,
    MEASURED,
    NARROW,
    NARROW_WINDOWS,
    TIED_LINES,
    Component,
    Window,
    line_pixels,
    window_design,
)
from .continuum import Continuum, fit_continuum
from .gaussians import Kinematics, LineFit, Pixels, fit_lines, start
from .templates import template_bank

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MASKED_VELOCITY = 700.0
"""Half width left out around each line when the stars are fitted, km/s."""
BROAD_VELOCITY = 7000.0
"""The same around Balmer lines that turn out broad."""
MIN_PIXELS = 300


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


@dataclass(frozen=True, eq=False)
class _Data:
    """One spectrum in its rest frame, flux in units of its median."""

    wave: Floats
    width: Floats
    flux: Floats
    ivar: Floats
    good: Bools
    scale: float
    templates: tuple[Floats, Floats]


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


def _prepare(spectrum: Spectrum, templates: tuple[Floats, Floats] | None) -> _Data | str:
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
    return _Data(wave, pixel_width(wave), flux / scale, ivar * scale**2, good, scale, templates)


def _pixels(data: _Data, continuum: Continuum, windows: tuple[Window, ...]) -> tuple[NDArray[np.intp], Pixels]:
    rows, basis = window_design(data.wave, windows)
    keep = data.good[rows] & np.isfinite(continuum.model[rows]) & (continuum.model[rows] > 0)
    rows, basis = rows[keep], basis[keep]
    return rows, Pixels(
        data.wave[rows], data.width[rows], data.flux[rows], data.ivar[rows], continuum.model[rows], basis
    )


def _stars(data: _Data, *, broad: bool) -> Continuum:
    use = data.good & (data.wave > 3400) & (data.wave < 9000) & ~line_pixels(data.wave, MASKED_VELOCITY)
    if broad:
        use &= ~line_pixels(data.wave, BROAD_VELOCITY, ("Hd", "Hg", "Hb", "Ha"))
    return fit_continuum(data.wave, data.flux, data.ivar, use, data.templates)


@dataclass(frozen=True, eq=False)
class _Fitted:
    data: _Data
    continuum: Continuum
    rows: NDArray[np.intp]
    pixels: Pixels
    components: tuple[Component, ...]
    fit: LineFit


def _fit_narrow(data: _Data, continuum: Continuum, settings: FitSettings, windows: tuple[Window, ...]) -> _Fitted:
    rows, pixels = _pixels(data, continuum, windows)
    components = settings.components
    kinematics = {"narrow": start(pixels, components, settings.first)}
    return _Fitted(data, continuum, rows, pixels, components, fit_lines(pixels, components, kinematics))


def _wants_broad(fitted: _Fitted) -> bool:
    """Say whether the narrow lines leave something around Hα or Hβ that a broad component may explain."""
    pulls = (fitted.pixels.flux - fitted.fit.model) * np.sqrt(fitted.pixels.ivar)
    for name in ("Ha", "Hb"):
        near = np.abs(fitted.pixels.wave - line(name).wave) < 60
        if near.sum() > 30 and np.mean(pulls[near] ** 2) > 1.5:
            return True
    return fitted.fit.kinematics["narrow"].free and fitted.fit.kinematics["narrow"].sigma > 380


def _fit_broad(narrow: _Fitted, settings: FitSettings) -> _Fitted | None:
    """Fit broad Balmer lines as well; None when they are not there."""
    data = narrow.data
    continuum = _stars(data, broad=True)
    without = _fit_narrow(data, continuum, settings, BROAD_WINDOWS)
    first = replace(settings.first, velocity=0.0, sigma=min(without.fit.kinematics["narrow"].sigma, 300.0), free=True)
    best: LineFit | None = None
    components = settings.components + BROAD
    for sigma in (800.0, 2000.0):
        wide = Kinematics(0.0, sigma, True, (1500.0, 450.0, 6000.0))
        fit = fit_lines(without.pixels, components, {"narrow": first, "broad": wide}, turns=20)
        best = fit if best is None or fit.chi2 < best.chi2 else best
    assert best is not None
    n = len(components)
    snr = [best.amplitudes[j] / np.sqrt(best.covariance[j, j]) for j in range(n - len(BROAD), n)]
    chi2 = max(1.0, best.chi2 / max(1, without.rows.size - n))
    real = max(snr[1], snr[2]) > 7 * np.sqrt(chi2) and without.fit.chi2 - best.chi2 > 60 * chi2
    if not real or best.kinematics["broad"].sigma < 1.8 * best.kinematics["narrow"].sigma:
        return None
    return _Fitted(data, continuum, without.rows, without.pixels, components, best)


def _inflation(fitted: _Fitted, wave: float) -> float:
    """Return by how much errors near `wave` exceed those of independent pixels with the given ivar.

    Residuals larger than the noise widen the errors. So do residuals of neighbours that go together, as they do once a
    spectrum has been interpolated to a finer grid: a sum over correlated pixels scatters by 1 + 2ρ₁ + 2ρ₂ more.
    """
    pulls = (fitted.pixels.flux - fitted.fit.model) * np.sqrt(fitted.pixels.ivar)
    near = np.abs(fitted.pixels.wave - wave) < 45
    count = int(near.sum())
    excess = float(np.sum(pulls[near] ** 2)) / max(count - 5, 1) if count > 20 else 1.0
    wide = np.abs(fitted.pixels.wave - wave) < 800
    shared = 1.0
    clipped = np.clip(pulls, -4, 4)
    power = float(np.mean(clipped[wide] ** 2)) if wide.any() else 1.0
    for lag in (1, 2):
        pairs = wide[lag:] & wide[:-lag]
        pairs &= (fitted.rows[lag:] - fitted.rows[:-lag]) == lag
        if pairs.sum() > 50 and power > 0:
            shared += 2 * float(np.mean((clipped[lag:] * clipped[:-lag])[pairs])) / power
    return float(np.sqrt(max(1.0, excess) * np.clip(shared, 1.0, 6.0)))


def _covered(fitted: _Fitted, wave: float, family: str) -> bool:
    """Say whether valid pixels cover at least 70 % of the core of a line."""
    now = fitted.fit.kinematics[family]
    half = wave * max(2 * now.sigma, 250.0) / C_KMS
    near = np.abs(fitted.pixels.wave - wave * (1 + now.velocity / C_KMS)) < half
    return float(fitted.pixels.width[near].sum()) >= 0.7 * 2 * half


def _line_values(name: str, flux: tuple[float, float], level: float) -> dict[str, float | bool]:
    value, error = flux
    ew = value / level if level > 0 else float("nan")
    return {
        f"{name}_flux": value,
        f"{name}_err": error,
        f"{name}_ew": ew,
        f"{name}_ew_err": error / level if level > 0 else float("nan"),
        f"{name}_limit": bool(value < 3 * error),
    }


def _level(fitted: _Fitted, wave: float) -> float:
    near = np.abs(fitted.pixels.wave - wave) < 15
    return float(np.mean(fitted.fit.continuum[near])) if near.any() else float("nan")


def _line_table(fitted: _Fitted, flux_unit: float) -> dict[str, float | bool]:
    values: dict[str, float | bool] = {}
    nothing = (float("nan"), float("nan"))
    index = {(c.name, c.family): j for j, c in enumerate(fitted.components)}
    cov = fitted.fit.covariance
    for j, item in enumerate(fitted.components):
        wave = item.waves[0]
        name = item.name if item.family == "narrow" else f"{item.name}_broad"
        ok = _covered(fitted, wave, item.family) and np.isfinite(cov[j, j])
        error = float(np.sqrt(cov[j, j])) * _inflation(fitted, wave) if ok else float("nan")
        flux = (float(fitted.fit.amplitudes[j]), error) if ok else nothing
        values |= _line_values(name, (flux[0] * flux_unit, flux[1] * flux_unit), _level(fitted, wave) * flux_unit)
    a, b = index["OII3727", "narrow"], index["OII3730", "narrow"]
    both = nothing
    if np.isfinite(values["OII3727_flux"]) and np.isfinite(values["OII3730_flux"]):
        spread = float(np.sqrt(cov[a, a] + cov[b, b] + 2 * cov[a, b])) * _inflation(fitted, 3728.5)
        both = float(fitted.fit.amplitudes[[a, b]].sum()) * flux_unit, spread * flux_unit
    return values | _line_values("OII", both, _level(fitted, 3728.5) * flux_unit)


def _tied_values(values: dict[str, float | bool], settings: FitSettings) -> dict[str, float | bool]:
    made: dict[str, float | bool] = {}
    for name, (other, ratio) in TIED_LINES.items():
        if name == "OIII4960" and not settings.tie_oiii:
            continue
        for part in ("flux", "err", "ew", "ew_err"):
            made[f"{name}_{part}"] = values[f"{other}_{part}"] * ratio
        made[f"{name}_limit"] = values[f"{other}_limit"]
    return made


def _kinematic_values(fitted: _Fitted) -> dict[str, float]:
    values = {}
    for family, prefix in (("narrow", ""), ("broad", "broad_")):
        now = fitted.fit.kinematics.get(family)
        seen = now is not None and now.free
        values[f"{prefix}velocity"] = now.velocity if now is not None and seen else float("nan")
        values[f"{prefix}sigma"] = now.sigma if now is not None and seen else float("nan")
        errors = fitted.fit.errors.get(family, (float("nan"), float("nan")))
        values[f"{prefix}velocity_err"], values[f"{prefix}sigma_err"] = errors
    return values


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

    Raises
    ------
    GridError
        When a normalised spectrum is in the observed frame, where no redshift has been applied.
    """
    settings = settings or FitSettings()
    if spectrum.frame == "observed" and spectrum.scale == "normalised" and spectrum.z is None:
        raise GridError(
            message("spectrum", expected="the rest frame, or a redshift", got="the observed frame without one")
        )
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
    return _result(fitted, settings, 1 + (spectrum.z or 0.0) if spectrum.frame == "observed" else 1.0)


def _result(fitted: _Fitted, settings: FitSettings, stretch: float) -> LineMeasurement:
    data = fitted.data
    values: dict[str, float | bool | str] = {**blank_row("")}
    lines = _line_table(fitted, data.scale)
    lines |= _tied_values(lines, settings)
    for name, value in lines.items():
        values[name] = value * stretch if name.endswith(("_flux", "_err")) and not name.endswith("_ew_err") else value
    values |= _kinematic_values(fitted)
    values["chi2"] = fitted.fit.chi2 / max(
        1, fitted.rows.size - fitted.fit.amplitudes.size - fitted.pixels.basis.shape[1]
    )
    values["stars_chi2"], values["stars_sigma"] = fitted.continuum.chi2, fitted.continuum.sigma
    model = np.full(data.wave.size, np.nan)
    model[fitted.rows] = fitted.fit.model * data.scale
    return LineMeasurement(values, data.wave, fitted.continuum.model * data.scale, model)


def blank_row(note: str) -> dict[str, float | bool | str]:
    """Return a row of the table in which nothing was measured."""
    row: dict[str, float | bool | str] = {}
    for name in (*MEASURED, "OII", "Hg_broad", "Hb_broad", "Ha_broad"):
        row |= {f"{name}_{part}": float("nan") for part in ("flux", "err", "ew", "ew_err")} | {f"{name}_limit": False}
    for name in ("velocity", "velocity_err", "sigma", "sigma_err"):
        row |= {name: float("nan"), f"broad_{name}": float("nan")}
    return row | {"chi2": float("nan"), "stars_chi2": float("nan"), "stars_sigma": float("nan"), "note": note}
