"""How a score changes with the flux, for scores made of weighted squared residuals.

A raw score is S = Σ w r² / N, or its root, with r = x − x′. It depends on the flux x directly, through the residual
and a weight made of the flux, and through the reconstruction x′(x). The first part is written out here; the second is
the model's vector-Jacobian product. The set of trimmed pixels is held where it is at x: S has corners where the set
changes, and this is the slope on one side of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from .chunks import Doubles, Keep
from .recipe import Recipe

OTHERS = "a method that only asks for scores needs no gradient: Lime(), Shap(), Occlusion()"


class Partials(NamedTuple):
    """A raw score and its derivatives by its two arguments.

    Attributes
    ----------
    raw : (n,) array
    by_flux, by_reconstruction : (n, p) arrays
        ∂S/∂x at fixed x′, and ∂S/∂x′ at fixed x; zero where a pixel does not count.
    """

    raw: Doubles
    by_flux: Doubles
    by_reconstruction: Doubles


def partials(
    recipe: Recipe, x: NDArray[Any], y: NDArray[Any], *, ivar: NDArray[Any] | None = None, keep: Keep | None = None
) -> Partials:
    """Return the raw scores of spectra given their reconstructions, and the derivatives by both.

    Parameters
    ----------
    recipe : Recipe
        Of a squared metric.
    x, y : (n, p) arrays
        Spectra and reconstructions.
    ivar : (n, p) or (p,) array, optional
        Inverse variance, for the metrics that are weighted with it.
    keep : (n, p) or (p,) bool array, optional
        Pixels that count.

    Raises
    ------
    ArgumentError
        When the metric is not made of squared residuals.
    """
    if not recipe.squared:
        raise ArgumentError(message("score", expected="a metric of squared residuals (mse, chi2, chi2_ivar), whose "
                                    "gradient is known", got=repr(recipe.metric), hint=OTHERS))
    given, kept = recipe.used(x, y, ivar, keep)
    residual = np.where(kept, x.astype(np.float64) - y, 0.0)
    weight = np.ones(1) if given is None else np.where(kept, given, 0.0)
    square = np.square(residual)
    total, count = (weight * square).sum(axis=1), kept.sum(axis=1, dtype=np.float64)
    by_flux = 2.0 * weight * residual
    by_reconstruction = -by_flux
    if recipe.weighting == "reconstruction":
        by_reconstruction = by_reconstruction - np.sign(y) * np.square(weight) * square
    elif recipe.weighting in ("flux", "signed"):
        # d/dx of 1/(|x| + δ) is −sign(x)/(|x| + δ)²; without the bars the sign is always +.
        by_flux -= (np.sign(x) if recipe.weighting == "flux" else 1.0) * np.square(weight) * square
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.sqrt(total) if recipe.norm == "l2" else total / count
        scale = 0.5 / raw if recipe.norm == "l2" else 1.0 / count
    scale = np.where(total == 0.0, 0.0, scale)  # at a root of zero: the mean of the slopes on both sides
    raw = np.where(count > 0, raw, np.nan)
    return Partials(raw, scale[:, None] * by_flux, scale[:, None] * by_reconstruction)


def mean_product(a: Doubles, b: Doubles, ra: Doubles, rb: Doubles, *, delta: float) -> Doubles:
    """Return the mean of ``r/(|x| + δ)`` while x goes evenly from `a` to `b` and r from `ra` to `rb`, in closed form.

    A pixel that crosses zero has a weight that rises to 1/δ and falls again on a way of a few δ, which no rule of
    some hundred points sees.
    """
    way = b - a
    near = np.abs(way) <= 1e-5 * (np.abs(a) + delta)
    safe = np.where(near, 1.0, way)
    logs = [np.log1p(np.abs(x) / delta) for x in (a, b)]
    zeroth = (np.sign(b) * logs[1] - np.sign(a) * logs[0]) / safe  # the mean of the weight
    first = (np.abs(b) - delta * logs[1] - np.abs(a) + delta * logs[0]) / safe  # that of x times the weight
    made = ra * zeroth + (rb - ra) * (first - a * zeroth) / safe
    return np.where(near, (ra + rb) / (np.abs(a) + np.abs(b) + 2.0 * delta), made)


def slope_of(link: Any, raw: Doubles) -> Doubles:
    """Return the derivative of a link at raw scores, ``(n,)``: ones without a link.

    Raises
    ------
    ArgumentError
        When the link has no ``slope(raw)``.
    """
    if link is None:
        return np.ones_like(raw)
    if not callable(getattr(link, "slope", None)):
        raise ArgumentError(message("score", expected="a link with .slope(raw), its derivative",
                                    got=type(link).__name__, hint=OTHERS))
    return np.asarray(link.slope(raw), dtype=np.float64)


def pulled_back(reconstruct: Any, flux: NDArray[Any], cotangent: Doubles) -> Doubles:
    """Return the gradient by the flux of ``Σ cotangent · reconstruction``, ``(n, p)``, by the model's own product.

    Raises
    ------
    ArgumentError
        When the model has none, or when its reconstructions are random draws.
    """
    product = getattr(reconstruct, "vjp", None)
    if not callable(product):
        raise ArgumentError(message("model", expected="a vector-Jacobian product, .bind(id).vjp(flux, cotangent), as "
                                    "VAEModel and PCAModel have", got="a model without one", hint=OTHERS))
    if getattr(reconstruct, "network", True) is None:
        raise ArgumentError(message("model", expected="reconstructions that depend on the flux alone",
                                    got="random draws", hint=f"sample_latent=False; {OTHERS}"))
    # Single precision holds no cotangent below 1e-38 and loses digits long before: products are taken at unit size.
    size = np.abs(cotangent).max(axis=1, keepdims=True)
    size = np.where(size > 0, size, 1.0)
    return size * np.asarray(product(flux, cotangent / size), dtype=np.float64)
