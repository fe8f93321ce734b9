"""The stellar continuum under the lines: a non-negative mix of populations times a smooth polynomial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TURNS = 4
"""Steps of weights and polynomial together."""
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
    parts : (a, p) array
        The templates in use, bent by the polynomial.
    covariance : (a, a) array
        Of their weights, with the polynomial left free.
    """

    model: Floats
    weights: Floats
    sigma: float
    chi2: float
    parts: Floats
    covariance: Floats


def _mix(parts: Floats, free: Floats, flux: Floats, ivar: Floats) -> tuple[Floats, Floats, float]:
    """Solve min Σ ivar (flux − a·parts − b·free)² with a ≥ 0 and any b, through the normal equations.

    Parameters
    ----------
    parts, free : (t, m) and (d, m) arrays
        Spectra with weights that must not be negative, and with weights that are free; d may be 0.

    Returns
    -------
    (t,) array, (d,) array, float
        a, b, and Σ ivar (…)².
    """
    weighted, loose = parts * ivar, free * ivar
    square, right = weighted @ parts.T, weighted @ flux
    cross, inner, side = weighted @ free.T, loose @ free.T, loose @ flux
    inner[np.diag_indices_from(inner)] *= 1 + 1e-6
    held = np.linalg.solve(inner, np.column_stack([cross.T, side]))  # b as a function of a
    reduced = square - cross @ held[:, :-1]
    diagonal = np.diag_indices_from(reduced)
    reduced[diagonal] += 1e-9 * square[diagonal]
    lower = cholesky(reduced, lower=True)
    a, _ = nnls(lower.T, solve_triangular(lower, right - cross @ held[:, -1], lower=True))
    b = held[:, -1] - held[:, :-1] @ a
    rest = flux - a @ parts - b @ free
    return a, b, float(rest @ (ivar * rest))


def _clip(use: Bools, flux: Floats, model: Floats, ivar: Floats) -> Bools:
    pull = np.abs(flux - model) * np.sqrt(ivar)
    scale = max(1.0, 1.4826 * float(np.median(pull[use])))
    kept = use & (pull < 4 * scale)
    return kept if kept.sum() > 0.5 * use.sum() else use


def _advance(
    templates: Floats, step: tuple[Floats, Floats], flux: Floats, ivar: Floats, use: Bools
) -> tuple[Floats, Floats]:
    """Return the polynomial after the best share of `step` (polynomial so far, and its change), and the weights."""
    none, found = np.zeros((0, int(use.sum()))), []
    for share in (1.0, 0.5, 0.2, 0.0):
        bend = np.clip(step[0] + share * step[1], 0.05, 20.0)
        weights, _, chi2 = _mix(templates[:, use] * bend[use], none, flux[use], ivar[use])
        found.append((chi2, bend, weights))
        if len(found) > 1 and chi2 > found[-2][0]:
            break
    _, bend, weights = min(found, key=lambda item: item[0])
    return bend, weights


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
    basis = np.polynomial.legendre.legvander(x, DEGREE)[:, 1:].T
    none = np.zeros((0, wave.size))
    bend = np.ones_like(wave)
    fits = [_mix(one[:, use], none[:, use], flux[use], ivar[use]) for one in bank]
    best = int(np.argmin([fit[2] for fit in fits]))
    weights = fits[best][0]
    for turn in range(TURNS):
        stars = weights @ bank[best]
        if not (stars[use] > 0).any():
            break
        # Linear in both: new weights under the polynomial so far, and a change of it over the stars so far.
        free = basis * stars
        tried = range(len(sigmas)) if turn == 0 else [best]
        joint = {s: _mix(bank[s][:, use] * bend[use], free[:, use], flux[use], ivar[use]) for s in tried}
        best = min(joint, key=lambda s: joint[s][2])
        bend, weights = _advance(bank[best], (bend, joint[best][1] @ basis), flux, ivar, use)
        use = _clip(use, flux, (weights @ bank[best]) * bend, ivar)
    model = (weights @ bank[best]) * bend
    chi2 = float(np.mean((flux - model)[use] ** 2 * ivar[use])) if use.any() else float("nan")
    parts = bank[best][weights > 0] * bend
    covariance = _covariance(parts[:, use], model[use], x[use], ivar[use])
    total = weights.sum()
    shares = weights / total if total > 0 else weights
    return Continuum(np.where(covered, model, np.nan), shares, float(sigmas[best]), chi2, parts, covariance)


def _covariance(parts: Floats, model: Floats, x: Floats, ivar: Floats) -> Floats:
    """Return the covariance of the weights of `parts`, whatever the polynomial."""
    # The constant of the polynomial is left out: it is the weights' own scale.
    basis = np.polynomial.legendre.legvander(x, DEGREE)[:, 1:] * model[:, None]
    design = np.hstack([parts.T, basis])
    square = design.T @ (ivar[:, None] * design)
    scale = np.sqrt(np.maximum(np.diag(square), 1e-300))
    inverse = np.linalg.inv(square / np.outer(scale, scale) + 1e-9 * np.eye(len(square)))
    return np.asarray((inverse / np.outer(scale, scale))[: len(parts), : len(parts)])
