"""SHAP: the score shared out among the segments so that the shares add up, by Shapley values."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from ..errors import ArgumentError, choice, message
from .attribution import Attribution, Evaluator, check_scores, completeness
from .certain import certain, unchanged
from .masks import Masks
from .shapley import Doubles, Fit, all_masks, exact_values, kernel_of_sizes, pairs_of, surrogate_r2
from .stability import ranking_odds, rivals

FEW = 12  # segments up to which all masks are scored unless told otherwise: 4096 of them
MOST_EXACT = 20


@dataclass(frozen=True)
class Shap:
    """Shapley values of the segments, exact for few of them and by KernelSHAP for many.

    Parameters
    ----------
    n_samples : int
        Number of masks at most when they are drawn: all on, all off, and complementary pairs by the Shapley kernel,
        the smallest and largest sizes in full where that many allow it.
    exact : "auto", True or False
        Whether all 2ᴷ masks are scored, and `n_samples` does not count. ``"auto"``: for up to 12 segments, and
        whenever there are no more than `n_samples` masks.

    Notes
    -----
    The weights add up to the score of the spectrum less that of the fill, whatever is drawn, and the intercept is the
    score of the fill. A segment gets the mean of what it adds to the score over all orders in which segments
    may be switched on (Lundberg & Lee 2017). Errors and intervals come from the sandwich variance of the regression, a
    complementary pair of masks being one draw; those of exact values are zero. R² is that of the additive surrogate
    under the Shapley kernel, on the masks scored.

    Examples
    --------
    >>> import specanom as sa
    >>> together = lambda flux: flux[:, 0] * flux[:, 1] + flux[:, 2]
    >>> sa.Explainer(together, sa.Uniform(3), perturbation=sa.Flat(0), method=Shap()).explain(np.ones(3)).weights
    array([0.5, 0.5, 1. ])
    """

    n_samples: int = 2000
    _: KW_ONLY
    exact: bool | str = "auto"

    def __post_init__(self) -> None:
        choice("exact", self.exact, ("auto", True, False))
        n = self.n_samples
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 4:
            raise ArgumentError(message("n_samples", expected="a whole number of at least 4", got=repr(n), hint="2000"))

    @property
    def kernel(self) -> str:
        """The kernel in words."""
        return "Shapley kernel, (K − 1)/(C(K, s) s (K − s)) for s of K segments on"

    def masks(self, seed: int, k: int) -> Masks:
        """Return the masks that a spectrum of `k` segments is asked for, ``(n, k)``, the first all on.

        Raises
        ------
        ArgumentError
            When all masks are asked for and there are more than a million.
        """
        if self._exactly(k):
            return all_masks(k)
        return pairs_of(seed, k, int(self.n_samples)).masks

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Return the weights of one spectrum.

        Raises
        ------
        DataError
            When a score is not finite.
        """
        k = evaluator.n_segments
        masks = self.masks(seed, k)
        scores = check_scores(evaluator.scores(masks))
        if not evaluator.energy().any():
            return replace(unchanged(k, float(scores[0]), n_samples=len(masks)), kernel=self.kernel)
        if self._exactly(k):
            return self._exact(masks, scores)
        return self._sampled(scores, seed, k)

    def _exactly(self, k: int) -> bool:
        if self.exact == "auto":
            return k <= FEW or (k <= MOST_EXACT and 2**k <= self.n_samples)
        if self.exact and k > MOST_EXACT:
            raise ArgumentError(message("exact", expected=f"at most {MOST_EXACT} segments for exact values",
                                        got=f"{k} segments", hint='exact="auto" draws masks'))
        return bool(self.exact) or k == 1

    def _exact(self, masks: Masks, scores: Doubles) -> Attribution:
        k = masks.shape[1]
        values, empty = exact_values(scores), float(scores[-1])
        sizes = masks[1:-1].sum(axis=1, dtype=np.intp)
        counts = np.bincount(sizes, minlength=k)[1:k]
        weights = (kernel_of_sizes(k) / counts)[sizes - 1] if k > 1 else np.empty(0)
        r2 = surrogate_r2(masks[1:-1], scores[1:-1], values, empty=empty, weights=weights)
        found = certain(values, float(scores[0]), empty=empty, n_samples=len(masks))
        return replace(found, r2=r2, kernel=self.kernel)

    def _sampled(self, scores: Doubles, seed: int, k: int) -> Attribution:
        pairs = pairs_of(seed, k, int(self.n_samples))
        fit, whole, empty = pairs.fit(scores), float(scores[0]), float(scores[1])
        notes = () if pairs.determined else (
            f"{len(pairs.masks)} masks do not determine the weights of {k} segments: take more samples or "
            f"fewer segments",)
        return Attribution(
            weights=fit.values, interval=np.stack([fit.values - fit.half, fit.values + fit.half], axis=1),
            intercept=empty, score=whole, r2=fit.r2, ess=pairs.ess, n_samples=len(pairs.masks), kernel=self.kernel,
            notes=notes, error=fit.error, stability=_stability(fit),
            completeness=completeness(fit.values, whole, empty),
        )


def _stability(fit: Fit) -> float:
    """Return the probability that another drawing of masks has the same segment of largest |weight|."""
    if not np.isfinite(fit.error).all() or not fit.values.any():
        return float("nan")
    chosen = rivals(fit.values, fit.error, 1)
    if chosen.size == 1:
        return 1.0
    moves = fit.moves[chosen]
    return ranking_odds(fit.values[chosen], moves @ moves.T)[0]
