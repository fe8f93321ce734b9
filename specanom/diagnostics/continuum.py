"""The stellar continuum under the lines: a non-negative mix of populations times a smooth polynomial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

DEGREE = 8
"""Degree of the polynomial that takes up calibration and dust the templates do not have."""


@dataclass(frozen=True, eq=False)
class Continuum:
    """What the stars of one spectrum look like.

    Attributes
    ----------
    model : (p,) array
        The continuum; NaN outside the templates' range.
    weights : (t,) array
        Share of each template, none below 0.
    sigma : float
        Width of the best templates, km/s, instrument included.
    chi2 : float
        Mean squared residual in units of the noise, over the pixels that were fitted.
    """

    model: Floats
    weights: Floats
    sigma: float
    chi2: float


def _mix(templates: Floats, flux: Floats, ivar: Floats) -> tuple[Floats, float]:
    """Solve min Σ ivar (flux − a·T)² with a ≥ 0 through the normal equations; return a and its χ²."""
    weighted = templates * ivar
    square = weighted @ templates.T
    square[np.diag_indices_from(square)] *= 1 + 1e-9
    right = weighted @ flux
    lower = cholesky(square, lower=True)
    weights, _ = nnls(lower.T, solve_triangular(lower, right, lower=True))
    return weights, float(flux @ (ivar * flux) - 2 * weights @ right + weights @ square @ weights)


def _polynomial(x: Floats, model: Floats, flux: Floats, ivar: Floats) -> Floats:
    """Return the coefficients of the Legendre polynomial that turns `model` into `flux`."""
    basis = np.polynomial.legendre.legvander(x, DEGREE)
    design = basis * model[:, None]
    square = design.T @ (ivar[:, None] * design)
    # A weak pull towards 1 keeps the polynomial tame where pixels are missing.
    strength = 1e-4 * np.trace(square) / len(square)
    square[np.diag_indices_from(square)] += strength
    right = design.T @ (ivar * flux)
    right[0] += strength
    return np.asarray(np.linalg.solve(square, right))


def _clip(use: Bools, flux: Floats, model: Floats, ivar: Floats) -> Bools:
    pull = np.abs(flux - model) * np.sqrt(ivar)
    scale = max(1.0, 1.4826 * float(np.median(pull[use])))
    kept = use & (pull < 4 * scale)
    return kept if kept.sum() > 0.5 * use.sum() else use


def fit_continuum(wave: Floats, flux: Floats, ivar: Floats, use: Bools, templates: tuple[Floats, Floats]) -> Continuum:
    """Fit the stellar continuum on the pixels `use`.

    Parameters
    ----------
    wave, flux, ivar : (p,) arrays
        Rest-frame Å, flux and inverse variance.
    use : (p,) bool array
        Pixels without emission lines that are valid.
    templates : (s, t, p) array and (s,) array
        Populations on `wave` at each width, and the widths (:meth:`.TemplateBank.on`).

    Returns
    -------
    Continuum
    """
    bank, sigmas = templates
    covered = bank[0, 0] > 0
    use = use & covered
    x = 2 * (wave - wave[0]) / (wave[-1] - wave[0]) - 1
    bend, best, weights = np.ones_like(wave), 0, np.zeros(bank.shape[1])
    model = np.ones_like(wave)
    for turn in range(3):
        shaped = bank[..., use] * bend[use]
        tried = range(len(sigmas)) if turn < 2 else [best]
        fits = {s: _mix(shaped[s], flux[use], ivar[use]) for s in tried}
        best = min(fits, key=lambda s: fits[s][1])
        weights = fits[best][0]
        stars = weights @ bank[best]
        if not (stars[use] > 0).any():
            break
        bend = np.polynomial.legendre.legval(x, _polynomial(x[use], stars[use], flux[use], ivar[use]))
        bend = np.clip(bend, 0.05, 20.0)
        model = stars * bend
        use = _clip(use, flux, model, ivar)
    chi2 = float(np.mean((flux - model)[use] ** 2 * ivar[use])) if use.any() else float("nan")
    total = weights.sum()
    return Continuum(
        np.where(covered, model, np.nan), weights / total if total > 0 else weights, float(sigmas[best]), chi2
    )
