"""From a fit to fluxes: errors, coverage, equivalent widths, limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..lines import C_KMS
from .components import MEASURED, TIED_LINES, Component
from .continuum import Continuum
from .gaussians import LineFit, Pixels

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHAPE = 0.03
"""What a shape that is not Gaussian may cost the flux of a bright line, as a share of it."""
LIMIT = 3.0
"""Below so many σ a flux is called a limit."""


@dataclass(frozen=True, eq=False)
class Data:
    """One spectrum in its rest frame, flux in units of its median."""

    wave: Floats
    width: Floats
    flux: Floats
    ivar: Floats
    good: Bools
    scale: float
    templates: tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class FittedLines:
    data: Data
    continuum: Continuum
    rows: NDArray[np.intp]
    pixels: Pixels
    components: tuple[Component, ...]
    fit: LineFit


def inflation(fitted: FittedLines, wave: float) -> float:
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


def _covered(fitted: FittedLines, wave: float, family: str) -> bool:
    """Say whether valid pixels cover at least 70 % of the core of a line."""
    now = fitted.fit.kinematics[family]
    half = wave * max(2 * now.sigma, 250.0) / C_KMS
    near = np.abs(fitted.pixels.wave - wave * (1 + now.velocity / C_KMS)) < half
    return float(fitted.pixels.width[near].sum()) >= 0.7 * 2 * half


def _one_line(name: str, flux: tuple[float, float], level: float) -> dict[str, float | bool]:
    value, error = flux
    ew = value / level if level > 0 else float("nan")
    return {
        f"{name}_flux": value,
        f"{name}_err": error,
        f"{name}_ew": ew,
        f"{name}_ew_err": error / level if level > 0 else float("nan"),
        f"{name}_limit": bool(value < LIMIT * error),
    }


def _level(fitted: FittedLines, wave: float) -> float:
    near = np.abs(fitted.pixels.wave - wave) < 15
    return float(np.mean(fitted.fit.continuum[near])) if near.any() else float("nan")


def _error(flux: float, statistical: float, factor: float) -> float:
    """Return the error of a flux: statistical times `factor`, or for bright lines at most the cost of their shape.

    A line of high S/N is never a Gaussian to within its noise, and its residuals are large; its flux is still right to
    a few per cent.
    """
    widened = statistical * factor
    if flux > 30 * statistical:
        return min(widened, float(np.hypot(statistical, SHAPE * flux)))
    return widened


def line_values(fitted: FittedLines, flux_unit: float) -> dict[str, float | bool]:
    values: dict[str, float | bool] = {}
    nothing = (float("nan"), float("nan"))
    index = {(c.name, c.family): j for j, c in enumerate(fitted.components)}
    cov = fitted.fit.covariance
    for j, item in enumerate(fitted.components):
        wave = item.waves[0]
        name = item.name if item.family == "narrow" else f"{item.name}_broad"
        ok = _covered(fitted, wave, item.family) and np.isfinite(cov[j, j])
        amplitude = float(fitted.fit.amplitudes[j])
        flux = (amplitude, _error(amplitude, float(np.sqrt(cov[j, j])), inflation(fitted, wave))) if ok else nothing
        values |= _one_line(name, (flux[0] * flux_unit, flux[1] * flux_unit), _level(fitted, wave) * flux_unit)
    a, b = index["OII3727", "narrow"], index["OII3730", "narrow"]
    both = nothing
    if np.isfinite(values["OII3727_flux"]) and np.isfinite(values["OII3730_flux"]):
        total, spread = float(fitted.fit.amplitudes[[a, b]].sum()), cov[a, a] + cov[b, b] + 2 * cov[a, b]
        error = _error(total, float(np.sqrt(spread)), inflation(fitted, 3728.5))
        both = total * flux_unit, error * flux_unit
    return values | _one_line("OII", both, _level(fitted, 3728.5) * flux_unit)


def tied_values(values: dict[str, float | bool], *, oiii: bool) -> dict[str, float | bool]:
    made: dict[str, float | bool] = {}
    for name, (other, ratio) in TIED_LINES.items():
        if name == "OIII4960" and not oiii:
            continue
        for part in ("flux", "err", "ew", "ew_err"):
            made[f"{name}_{part}"] = values[f"{other}_{part}"] * ratio
        made[f"{name}_limit"] = values[f"{other}_limit"]
    return made


def kinematic_values(fitted: FittedLines) -> dict[str, float]:
    values = {}
    for family, prefix in (("narrow", ""), ("broad", "broad_")):
        now = fitted.fit.kinematics.get(family)
        seen = now is not None and now.free
        values[f"{prefix}velocity"] = now.velocity if now is not None and seen else float("nan")
        values[f"{prefix}sigma"] = now.sigma if now is not None and seen else float("nan")
        errors = fitted.fit.errors.get(family, (float("nan"), float("nan")))
        values[f"{prefix}velocity_err"], values[f"{prefix}sigma_err"] = errors
    return values


def blank_row(note: str) -> dict[str, float | bool | str]:
    """Return a row of the table in which nothing was measured."""
    row: dict[str, float | bool | str] = {}
    for name in (*MEASURED, "OII", "Hg_broad", "Hb_broad", "Ha_broad"):
        row |= {f"{name}_{part}": float("nan") for part in ("flux", "err", "ew", "ew_err")} | {f"{name}_limit": False}
    for name in ("velocity", "velocity_err", "sigma", "sigma_err"):
        row |= {name: float("nan"), f"broad_{name}": float("nan")}
    return row | {"chi2": float("nan"), "stars_chi2": float("nan"), "stars_sigma": float("nan"), "note": note}
