"""Scores of the encoding: how rare a spectrum's place in latent space is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, choice, message, not_fitted
from .bound import finite
from .calibrate import CalibratedScorer, calibrate
from .chunks import Doubles, Keep
from .density import DENSITIES, Density
from .evaluate import scored
from .rows import BLOCK, Batch, batches

METHODS = ("gmm", "knn", "forest", "kl")


@dataclass(frozen=True, eq=False)
class BoundLatent:
    """A latent score for perturbed copies of one spectrum.

    Attributes
    ----------
    name : str
    score : callable
        ``(m, p) -> (m,)``.
    keep : (p,) bool array
        All pixels: the encoder sees every one.
    reconstruct : callable
        The network that has not seen this spectrum, for perturbations that need one.
    id : str
    link : callable or None
        A monotone map applied to the raw score.
    """

    name: str
    score: Callable[[NDArray[Any]], Doubles]
    keep: Keep
    reconstruct: Callable[..., Any]
    id: str = ""
    link: Callable[[Doubles], Doubles] | None = None

    squared = False
    uses_reconstruction = False

    def __call__(self, flux: NDArray[Any], /) -> Doubles:
        """Return the ``(m,)`` scores of ``(m, p)`` copies."""
        raw = self.score(flux)
        return raw if self.link is None else self.link(raw)


@dataclass(frozen=True, eq=False)
class LatentScorer:
    """How rare an encoding is, by the model's reference network; the same face as a Scorer once fitted.

    Parameters
    ----------
    model : Model
        With ``encode(flux, ids)``. ``"kl"`` needs the width of the encoding as well, from
        ``encode_distribution(flux, ids) -> (mean, log variance)``; without that it takes unit width, ½|μ|².
    method : {"gmm", "knn", "forest", "kl"}
        −log density of a Gaussian mixture; distance to the k-th nearest encoding; isolation forest; KL divergence of
        the encoding from the prior, which needs no fit.
    size : int, optional
        Components of the mixture (8), neighbours (10) or trees (200).
    seed : int
        Of mixture and forest.
    name : str, optional
        ``latent_METHOD`` when not given.

    Examples
    --------
    >>> LatentScorer(model, "knn").fit(sample)(sample)    # doctest: +SKIP
    """

    model: Any
    method: str = "gmm"
    size: int | None = field(default=None, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    name: str = field(default="", kw_only=True)
    _fitted: list[Density] = field(default_factory=list, init=False, repr=False)

    nan = "last"

    def __post_init__(self) -> None:
        choice("method", self.method, METHODS)
        if self.size is not None and self.size < 1:
            raise ArgumentError(message("size", expected="at least 1", got=self.size))
        if not callable(getattr(self.model, "encode", None)):
            raise ArgumentError(message("model", expected="a model that encodes", got=type(self.model).__name__,
                                        hint="VAEModel or PCAModel"))
        if not self.name:
            object.__setattr__(self, "name", f"latent_{self.method}")

    @property
    def can_be_negative(self) -> bool:
        """Whether values below zero occur: a −log density has no floor."""
        return self.method == "gmm"

    def fit(self, sample: Any) -> LatentScorer:
        """Learn where encodings are dense; returns self.

        Parameters
        ----------
        sample : SpectrumSet, sequence of Spectrum or (n, p) array
            What is ordinary. A spectrum of it is not its own neighbour later.
        """
        if self.method == "kl":
            return self
        latent = np.concatenate([batch.encoding(self.model) for batch in batches(sample)])
        latent = latent[np.isfinite(latent).all(axis=1)]
        if len(latent) < 2:
            raise DataError(message("sample", expected="at least 2 spectra to learn a density from", got=len(latent)))
        self._fitted[:] = [DENSITIES[self.method](latent, self.size, self.seed)]
        return self

    def __call__(self, sample: Any, /, *, block_size: int = BLOCK) -> Doubles:
        """Return the ``(n,)`` scores, higher is rarer.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`, but for ``"kl"``.
        """
        return scored(self, sample, block_size)

    def evaluate(self, batch: Batch) -> Doubles:
        """Return the scores of a batch; its encoding is shared with the other latent scorers of the model."""
        if self.method == "kl":
            batch.check_grid(self.model)
            return finite(self._divergence(batch))
        return self._rarity(batch.encoding(self.model))

    def bind(self, spectrum: Any) -> BoundLatent:
        """Return the score for perturbed copies of one spectrum."""
        batch = next(batches(spectrum))
        batch.check_grid(self.model)
        batch.refuse_broken()
        self._density()
        keep = np.ones(batch.flux.shape[1], dtype=bool)
        return BoundLatent(self.name, partial(self._of_copies, spectrum.id, batch.about), keep,
                           batch.told(self.model).bind(spectrum.id), spectrum.id)

    def calibrate(
        self, sample: Any, *, neighbours: int | None = None, values: NDArray[Any] | None = None
    ) -> CalibratedScorer:
        """Return the same score in excess of spectra of like S/N and redshift; see :meth:`Scorer.calibrate`."""
        return calibrate(self, sample, neighbours=neighbours, values=values)

    def _of_copies(self, id: str, about: Any, flux: NDArray[Any]) -> Doubles:
        return self.evaluate(Batch(flux, ids=[id] * len(flux), about=about))

    def _density(self) -> Density | None:
        if self.method == "kl":
            return None
        if not self._fitted:
            raise not_fitted(self, "fit")
        return self._fitted[0]

    def _rarity(self, latent: Doubles) -> Doubles:
        density = self._density()
        assert density is not None
        made = np.full(len(latent), np.nan)
        good = np.isfinite(latent).all(axis=1)
        if good.any():
            made[good] = density(latent[good])
        return made

    def _divergence(self, batch: Batch) -> Doubles:
        """KL divergence of N(μ, σ²) from N(0, 1), summed over the latent dimensions; σ = 1 when it is not known."""
        distribution = getattr(batch.told(self.model), "encode_distribution", None)
        if distribution is None:
            return np.asarray(0.5 * np.square(batch.encoding(self.model)).sum(axis=1))
        made = distribution(batch.whole, ids=batch.ids)
        mean, log_variance = (np.asarray(part, dtype=np.float64) for part in made)
        terms = np.square(mean) + np.exp(log_variance) - 1.0 - log_variance
        return np.where(batch.broken, np.nan, 0.5 * terms.sum(axis=1))

    def __repr__(self) -> str:
        state = "" if self._fitted or self.method == "kl" else ", not fitted"
        return f"LatentScorer {self.name!r}: {self.method} of {type(self.model).__name__}{state}"
