"""LIME: a weighted ridge regression of the scores on the masks.

The surrogate is that of ``lime.lime_base.LimeBase``. As the masks are shared among spectra, so is its factorised
operator: one spectrum then costs a product of a (K, N) matrix with its scores.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from numbers import Real
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..presets import ByPreset, by_preset, resolve
from .attribution import Attribution, Evaluator, check_scores, completeness
from .keeping import Kept
from .limebase import lime_package
from .masks import DESIGNS, Masks, cosine_distances, empty_row, kernel, make_masks, with_empty
from .ridge import Quality, Ridge
from .rounds import first_round, next_round, relative_half
from .stability import top_stability

DISTANCES = ("cosine", "l2")
ENGINES = ("specanom", "lime")
ENOUGH = 5  # effective samples per segment below which weights are not worth much
DOMINANT = 0.2  # share of all proximities that no single copy should have
MAX_SAMPLES = 16_000
SHARED: Kept[Ridge] = Kept(256 << 20)
"""Factorised regressions, by (seed, K, N) and settings."""
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Lime:
    """Local linear surrogate of a score over masks.

    Parameters
    ----------
    n_samples : int or "auto"
        Number of masks N. ``"auto"`` draws masks in rounds, keeping those already scored, until `tolerance` is met.
    design : {"paired", "independent", "hadamard"}
        How masks are drawn, see :func:`specanom.explain.masks.make_masks`.
    kernel_width : float
        w of the proximity ``√exp(−d²/w²)``. For ``distance="l2"`` it is a fraction of the median distance.
    distance : {"cosine", "l2"}
        Between masks (cosine), or between spectra (Euclidean).
    alpha : float
        Ridge penalty; the intercept is not penalised.
    normalise : bool
        Whether the proximities are scaled to Σw = N before the penalty, without which a narrow kernel leaves
        nothing but the penalty. The published method does not.
    anchor : bool
        Whether the spectrum itself takes part in the fit, as in LIME. It lies far from all its copies and pulls the
        weights of a finite drawing towards it, by about 1/N; without it they are two to four times nearer to those of
        endless sampling where a score is far from additive.
    engine : {"specanom", "lime"}
        ``"lime"`` fits with the lime package itself: the slow reference.
    tolerance : float
        For ``n_samples="auto"``: the largest half of a 95 % interval among the five leading segments, as a share of
        the largest |weight|, with which drawing ends.
    max_samples : int
        For ``n_samples="auto"``: where drawing ends in any case; a tolerance not met is then noted.

    Notes
    -----
    A positive weight says: this segment, as observed, raises the score against its fill. Intervals come from the
    cluster-robust (sandwich) variance of the weighted regression, a complementary pair of masks being one cluster,
    and are for the weights of endless sampling: they allow for the pull of the spectrum itself, which is in every
    drawing, and for the shrinkage by the penalty (about 4 α/N of a weight). Of the noise in the spectrum they say
    nothing. The stability of an explanation is the probability that another drawing of as many
    masks has the same segment of largest |weight|. The score of the fill, with which completeness is judged, is that
    of a mask of all zeros; an independent design has none, and asks for one that has no part in the fit.
    """

    n_samples: int | str = by_preset(2000, paper=5000)
    design: str = by_preset("paired", paper="independent")
    kernel_width: float = 0.25
    distance: str = "cosine"
    alpha: float = 1.0
    normalise: bool = by_preset(True, paper=False)
    anchor: bool = True
    engine: str = "specanom"
    tolerance: float = 0.1
    max_samples: int = MAX_SAMPLES
    _not_given: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        open_ones = tuple(item.name for item in fields(self) if isinstance(getattr(self, item.name), ByPreset))
        for name in open_ones:
            object.__setattr__(self, name, resolve(getattr(self, name), None))
        object.__setattr__(self, "_not_given", open_ones)
        choice("design", self.design, DESIGNS)
        choice("distance", self.distance, DISTANCES)
        choice("engine", self.engine, ENGINES)
        if self.n_samples != "auto":
            _count("n_samples", self.n_samples, 'a whole number of at least 2, or "auto"')
        if not self.anchor and self.n_samples != "auto" and int(self.n_samples) < 4:
            raise ArgumentError(message("n_samples", expected="at least 4 masks with anchor=False", got=self.n_samples))
        _count("max_samples", self.max_samples, "a whole number of at least 2")
        for name, hint in (("kernel_width", "0.25"), ("alpha", "1.0"), ("tolerance", "0.1")):
            value = getattr(self, name)
            if not (isinstance(value, Real) and np.isfinite(float(value)) and float(value) > 0):
                raise ArgumentError(message(name, expected="a finite number above 0", got=repr(value), hint=hint))

    def by_preset(self, preset: str | None) -> Lime:
        """Return this method with what was not given as the preset has it, and what was given as it is.

        Parameters
        ----------
        preset : None or "paper"
            ``"paper"``: 5000 independent masks, proximities not normalised.
        """
        given_by = {item.name: item.default for item in fields(self) if item.name in self._not_given}
        return replace(self, **{name: resolve(value, preset) for name, value in given_by.items()})

    @property
    def kernel(self) -> str:
        """The proximity kernel in words."""
        return self._kernel("")

    def _kernel(self, measured: str) -> str:
        scaled = "Σw = N" if self.normalise else "Σw as it is"
        unit = "" if self.distance == "cosine" else f" of the median distance{measured}"
        alone = "" if self.anchor else ", without the spectrum itself"
        return (f"√exp(−d²/w²), {self.distance} distance, w = {self.kernel_width:g}{unit}, {scaled}, α = {self.alpha:g}"
                f"{alone}")

    def masks(self, seed: int, k: int) -> Masks:
        """Return the masks that a spectrum of `k` segments is asked for first, shape ``(n, k)``; read-only, shared.

        Scores may be made of them for many spectra before the method is called.
        """
        return with_empty(seed, k, self._first(k), self.design)

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Fit the surrogate of one spectrum.

        Raises
        ------
        DataError
            When a score is not finite.
        """
        k = evaluator.n_segments
        n = self._first(k)
        asked = np.asarray(evaluator.scores(self.masks(seed, k)), dtype=np.float64)
        empty, scores = float(asked[empty_row(n, self.design)]), check_scores(asked[:n])
        while True:
            fit, width = self._ridge(seed, n, evaluator)
            weights, intercept, found = self._solved(fit, make_masks(seed, k, n, self.design), scores)
            reached = relative_half(weights, found.half)
            if self.n_samples != "auto" or reached <= self.tolerance or n >= self.max_samples:
                break
            more = next_round(n, reached, self.tolerance, most=self.max_samples)
            fresh = check_scores(evaluator.scores(make_masks(seed, k, more, self.design)[n:]))
            scores, n = np.concatenate([scores, fresh]), more
        notes = _degenerate(fit, k) + self._missed(reached, n)
        if not evaluator.energy().any():
            weights, intercept, found = np.zeros(k), float(scores[0]), _nothing(found)
            notes = ("the fill equals the spectrum: switching segments off changes nothing",)
        measured = "" if width is None else f" = {width:.4g} in units of flux"
        return Attribution(
            weights=weights, interval=np.stack([weights - found.half, weights + found.half], axis=1),
            intercept=intercept, score=float(scores[0]), r2=found.r2, ess=fit.ess, n_samples=n,
            kernel=self._kernel(measured), notes=notes, error=found.error,
            stability=top_stability(fit, found, weights),
            completeness=completeness(weights, float(scores[0]), empty),
        )

    def weights_of(self, scores: Vector, evaluator: Evaluator, *, seed: int) -> Vector:
        """Return the weights, shape ``(K,)``, of scores ``(n,)`` that are there already, of the first n masks."""
        fit, _ = self._ridge(seed, len(scores), evaluator)
        return self._solved(fit, make_masks(seed, evaluator.n_segments, len(scores), self.design), scores)[0]

    def _first(self, k: int) -> int:
        return first_round(k, self.max_samples) if isinstance(self.n_samples, str) else int(self.n_samples)

    def _solved(self, fit: Ridge, masks: Masks, scores: Vector) -> tuple[Vector, float, Quality]:
        if np.ptp(scores) == 0.0:
            weights, intercept = np.zeros(masks.shape[1]), float(scores[0])
        elif self.engine == "lime":
            weights, intercept = lime_package(masks, scores, fit.weights, alpha=self.alpha)
        else:
            weights, intercept = fit.solve(scores)
        return weights, intercept, fit.quality(scores, weights, intercept=intercept)

    def _ridge(self, seed: int, n: int, evaluator: Evaluator) -> tuple[Ridge, float | None]:
        """Return the factorised regression, and for distances between spectra the width of the kernel."""
        masks = make_masks(seed, evaluator.n_segments, n, self.design)
        if self.distance == "cosine":
            key = (seed, masks.shape, self.design, self.kernel_width, self.alpha, self.normalise, self.anchor)
            return SHARED.get(key, lambda: self._fit(masks, kernel(cosine_distances(masks), self.kernel_width))), None
        # Squared distances between spectra add up over the segments that are off.
        distances = np.sqrt((1.0 - masks) @ evaluator.energy())
        width = self.kernel_width * float(np.median(distances))
        near = kernel(distances, width) if width > 0 else np.ones(len(masks))
        return self._fit(masks, near), width

    def _fit(self, masks: Masks, near: Vector) -> Ridge:
        pairs = self.design != "independent"
        if not self.anchor:
            near = np.where(np.arange(near.size) < 1 + pairs, 0.0, near)  # with its complement, for the pair's sake
        if not near.any():
            raise ArgumentError(message("kernel_width", expected="a kernel in which some copy counts",
                                        got=self.kernel_width, hint="0.25, or anchor=True"))
        return Ridge(masks, near * (near.size / near.sum()) if self.normalise else near, alpha=self.alpha, pairs=pairs)

    def _missed(self, reached: float, n: int) -> tuple[str, ...]:
        if self.n_samples != "auto" or reached <= self.tolerance:
            return ()
        got = f"{reached:.2g} of the largest weight" if np.isfinite(reached) else "no interval at all"
        return (f"tolerance {self.tolerance:g} not met: {got} with {n} masks",)


def _nothing(found: Quality) -> Quality:
    zero = np.zeros_like(found.error)
    return found._replace(r2=0.0, error=zero, half=zero)


def _degenerate(fit: Ridge, k: int) -> tuple[str, ...]:
    """Say what is wrong with the proximities, the worst first."""
    most = float(fit.weights.max() / fit.weights.sum())
    if most > DOMINANT and fit.weights.size > 2 / DOMINANT:
        return (f"effective sample size {fit.ess:.3g}: a single copy has {most:.0%} of the weight of all "
                f"{fit.weights.size}, the kernel is too narrow",)
    if fit.ess >= ENOUGH * k:
        return ()
    remedy = "fewer segments" if fit.ess > 0.5 * fit.weights.size else "a wider kernel"
    return (f"effective sample size {fit.ess:.0f} is below {ENOUGH} × {k} segments: take more samples or {remedy}",)


def _count(name: str, value: object, expected: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 2:
        raise ArgumentError(message(name, expected=expected, got=repr(value)))
