"""Gaussian lines with shared velocity and width over a given continuum, by weighted least squares.

Amplitudes and the polynomial on the continuum are linear; the velocity and width of a family of lines are not. A
matched filter on a grid finds a start, Gauss-Newton steps over all parameters finish, and the covariance of all of
them gives the errors: a flux error includes what is not known of the width, the shift and the continuum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ..lines import C_KMS, line
from .components import Component

Floats = NDArray[np.float64]

NO_COVARIANCE = np.inf
START_SIGMAS = (80.0, 120.0, 180.0, 270.0, 400.0)
START_VELOCITIES = tuple(range(-300, 301, 50))
STRONG = ("OII3727", "OII3730", "Hb", "OIII4960", "OIII5008", "Ha", "NII6585", "SII6718", "SII6733")
DETECTED = 5.0
"""Matched-filter S/N of all lines together from which velocity and width are free."""


@dataclass(frozen=True)
class Kinematics:
    """Velocity and width (km/s, instrument included) of a family of lines, and whether they are fitted."""

    velocity: float = 0.0
    sigma: float = 120.0
    free: bool = False
    limits: tuple[float, float, float] = (400.0, 50.0, 600.0)


@dataclass(frozen=True, eq=False)
class Pixels:
    """The pixels of a fit: wavelength, width, flux, inverse variance, continuum and its polynomial columns."""

    wave: Floats
    width: Floats
    flux: Floats
    ivar: Floats
    continuum: Floats
    basis: Floats


@dataclass(frozen=True, eq=False)
class LineFit:
    """A fit: amplitudes, their covariance, kinematics with errors, model, continuum, χ², and the linear columns."""

    amplitudes: Floats
    covariance: Floats
    kinematics: dict[str, Kinematics]
    errors: dict[str, tuple[float, float]]
    model: Floats
    continuum: Floats
    chi2: float
    design: Floats


def profile(pixels: Pixels, centre: float, sigma: float) -> tuple[slice, Floats, Floats, Floats]:
    """Return where a unit Gaussian is seen, its mean over each pixel, and derivatives by centre and sigma (Å)."""
    reach = 6 * sigma + 2
    first, last = np.searchsorted(pixels.wave, (centre - reach, centre + reach))
    near = slice(int(first), int(last))
    width = pixels.width[near]
    low = (pixels.wave[near] - 0.5 * width - centre) / sigma
    edges = np.stack([low, low + width / sigma])
    bell = np.exp(-0.5 * edges**2) * (1 / np.sqrt(2 * np.pi))
    share = ndtr(edges)
    scaled = sigma * width
    return (
        near,
        (share[1] - share[0]) / width,
        (bell[0] - bell[1]) / scaled,
        (low * bell[0] - edges[1] * bell[1]) / scaled,
    )


def columns(
    pixels: Pixels, components: Sequence[Component], kinematics: dict[str, Kinematics]
) -> tuple[Floats, Floats, Floats]:
    """Return each component's profile and its derivatives by velocity and log width, each ``(m, c)``."""
    made = np.zeros((3, len(components), pixels.wave.size))
    for j, item in enumerate(components):
        now = kinematics[item.family]
        for wave, ratio in zip(item.waves, item.ratios, strict=True):
            sigma = wave * now.sigma / C_KMS
            near, g, by_centre, by_sigma = profile(pixels, wave * (1 + now.velocity / C_KMS), sigma)
            made[0, j, near] += ratio * g
            made[1, j, near] += ratio * by_centre * wave / C_KMS
            made[2, j, near] += ratio * by_sigma * sigma
    return made[0].T, made[1].T, made[2].T


def solve(design: Floats, flux: Floats, ivar: Floats) -> tuple[Floats, Floats]:
    """Return the weighted least-squares solution and its covariance; infinite for columns that see no pixel."""
    square = design.T @ (ivar[:, None] * design)
    scale = np.sqrt(np.diag(square))
    seen = scale > 1e-12 * (scale.max() or 1.0)
    covariance = np.zeros_like(square)
    keep = np.ix_(seen, seen)
    normal = square[keep] / np.outer(scale[seen], scale[seen])
    inverse = np.linalg.inv(normal + 1e-10 * np.eye(len(normal)))
    covariance[keep] = inverse / np.outer(scale[seen], scale[seen])
    solution = covariance @ (design.T @ (ivar * flux))
    covariance[~seen, ~seen] = NO_COVARIANCE
    return solution, covariance


def _gain(pixels: Pixels, rest: Floats, wave: float) -> Floats:
    """Return the gain in χ² of one line at each width and velocity of the start grid, ``(s, v)``."""
    reach = wave * (START_VELOCITIES[-1] + 4 * START_SIGMAS[-1]) / C_KMS
    near = slice(*np.searchsorted(pixels.wave, (wave - reach, wave + reach)))
    velocity = (pixels.wave[near] / wave - 1) * C_KMS
    sigmas = np.array(START_SIGMAS)[:, None, None]
    shapes = np.exp(-0.5 * ((velocity - np.array(START_VELOCITIES)[:, None]) / sigmas) ** 2)
    power = shapes**2 @ pixels.ivar[near]
    signal = np.clip(shapes @ (pixels.ivar[near] * rest[near]), 0, None)
    return np.asarray(np.where(power > 0, signal**2 / np.where(power > 0, power, 1), 0))


def start(pixels: Pixels, first: Kinematics) -> Kinematics:
    """Find velocity and width by a matched filter over the strong lines; not free when nothing is seen."""
    design = pixels.basis * pixels.continuum[:, None]
    smooth, _ = solve(design, pixels.flux, pixels.ivar)
    rest = pixels.flux - design @ smooth
    gain = sum(_gain(pixels, rest, line(name).wave) for name in STRONG)
    s, v = np.unravel_index(int(np.argmax(gain)), np.shape(gain))
    # Where the stars fit badly, their residuals are no lines.
    excess = max(1.0, 2.198 * float(np.median(rest**2 * pixels.ivar)))
    if float(np.max(gain)) <= DETECTED**2 * excess:
        return first
    return replace(first, velocity=float(START_VELOCITIES[v]), sigma=START_SIGMAS[s], free=True)


def _step(
    kinematics: dict[str, Kinematics], moves: dict[str, tuple[float, float]], share: float
) -> dict[str, Kinematics]:
    made = {}
    for family, now in kinematics.items():
        dv, dw = moves.get(family, (0.0, 0.0))
        limit, low, high = now.limits
        velocity = float(np.clip(now.velocity + share * np.clip(dv, -100, 100), -limit, limit))
        sigma = float(np.clip(now.sigma * np.exp(share * np.clip(dw, -0.5, 0.5)), low, high))
        made[family] = replace(now, velocity=velocity, sigma=sigma)
    return made


def _linear(
    pixels: Pixels, components: Sequence[Component], kinematics: dict[str, Kinematics]
) -> tuple[Floats, Floats, float]:
    shapes, by_velocity, by_width = columns(pixels, components, kinematics)
    design = np.hstack([shapes, pixels.basis * pixels.continuum[:, None]])
    solution, _ = solve(design, pixels.flux, pixels.ivar)
    chi2 = float(np.sum((pixels.flux - design @ solution) ** 2 * pixels.ivar))
    amplitudes = solution[: len(components)]
    slopes = []
    for family, now in kinematics.items():
        if now.free:
            mine = np.array([item.family == family for item in components]) * amplitudes
            slopes += [by_velocity @ mine, by_width @ mine]
    return np.column_stack([design, *slopes]), solution, chi2


def fit_lines(
    pixels: Pixels, components: Sequence[Component], kinematics: dict[str, Kinematics], *, turns: int = 12
) -> LineFit:
    """Fit all components at once.

    Parameters
    ----------
    pixels : Pixels
        What to fit.
    components : sequence of Component
        The lines.
    kinematics : dict
        Start of each family; those that are ``free`` are fitted.
    turns : int
        At most so many Gauss-Newton steps.

    Returns
    -------
    LineFit
    """
    free = [family for family, now in kinematics.items() if now.free]
    design, solution, chi2 = _linear(pixels, components, kinematics)
    fixed = len(components) + pixels.basis.shape[1]
    for _ in range(turns if free else 0):
        change, _ = solve(design, pixels.flux - design[:, :fixed] @ solution, pixels.ivar)
        moves = {family: (change[fixed + 2 * i], change[fixed + 2 * i + 1]) for i, family in enumerate(free)}
        for share in (1.0, 0.4, 0.1):
            trial = _step(kinematics, moves, share)
            now = _linear(pixels, components, trial)
            if now[2] < chi2:
                break
        else:
            break
        gained, kinematics, (design, solution, chi2) = chi2 - now[2], trial, now
        if gained < 1e-2:
            break
    _, covariance = solve(design, pixels.flux, pixels.ivar)
    return _record(pixels, components, kinematics, (design[:, :fixed], solution, covariance, chi2))


def response(pixels: Pixels, fit: LineFit, spectra: Floats) -> Floats:
    """Return the amplitudes that each of `spectra`, ``(a, m)``, would be given by the fit's columns, ``(lines, a)``."""
    _, covariance = solve(fit.design, pixels.flux, pixels.ivar)
    lines = fit.amplitudes.size
    finite = np.where(np.isfinite(covariance), covariance, 0.0)
    return np.asarray(finite[:lines] @ (fit.design.T @ (pixels.ivar[:, None] * spectra.T)))


def _record(
    pixels: Pixels,
    components: Sequence[Component],
    kinematics: dict[str, Kinematics],
    solved: tuple[Floats, Floats, Floats, float],
) -> LineFit:
    design, solution, covariance, chi2 = solved
    lines, at = len(components), design.shape[1]
    errors = {}
    for family, now in kinematics.items():
        errors[family] = (float("nan"), float("nan"))
        if now.free:
            errors[family] = (
                float(np.sqrt(covariance[at, at])),
                float(np.sqrt(covariance[at + 1, at + 1]) * now.sigma),
            )
            at += 2
    return LineFit(
        solution[:lines],
        covariance[:lines, :lines],
        kinematics,
        errors,
        design @ solution,
        design[:, lines:] @ solution[lines:],
        chi2,
        design,
    )
