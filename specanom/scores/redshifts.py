"""Redshifts from latent vectors: how much of the distance an encoder has kept, by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, ShapeError, choice, message
from ..face import opener
from ..rates import wilson
from ..seeds import object_seed
from .latents import as_vectors

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]

METHODS = ("knn", "boosting")
NEIGHBOURS = 10
DRAWS = 1000  # of the bootstrap
FEWEST = 20


def sigma_nmad(delta: ArrayLike) -> float:
    """Return 1.4826 × the median of |δ − median δ|, with δ = Δz/(1 + z) (Brammer et al. 2008, ApJ 686, 1503)."""
    values = np.asarray(delta, dtype=np.float64)
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else float("nan")


@dataclass(frozen=True, eq=False)
class RedshiftFromLatents:
    """Redshifts that were predicted from vectors; made by :func:`redshift_from_latents`.

    Attributes
    ----------
    z : (n,) array
        What is known.
    predicted : (n,) array
        By a regression that has not seen the object; NaN where the vector or the redshift is missing.
    guess : (n,) array
        The median redshift of the spectra each regression was fitted to: what a vector that knows nothing would say.
    fold : (n,) int array
        Which regression; −1 where left out.
    method : str
    outlier : float
        |Δz|/(1 + z) above which a prediction is an outlier.
    """

    z: Doubles
    predicted: Doubles
    guess: Doubles
    fold: NDArray[np.intp]
    method: str
    outlier: float

    @property
    def delta(self) -> Doubles:
        """Δz/(1 + z) of the objects that were predicted, ``(m,)``."""
        good = self.fold >= 0
        return np.asarray((self.predicted[good] - self.z[good]) / (1.0 + self.z[good]))

    @property
    def n(self) -> int:
        """Objects that were predicted."""
        return int((self.fold >= 0).sum())

    @property
    def sigma_nmad(self) -> float:
        """Scatter of δ, see :func:`sigma_nmad`."""
        return sigma_nmad(self.delta)

    @property
    def sigma_interval(self) -> tuple[float, float]:
        """95 % interval of σ_NMAD by bootstrap over objects; it knows nothing of other fits of the encoder."""
        delta, generator = self.delta, np.random.default_rng(0)
        draws = [sigma_nmad(delta[generator.integers(0, delta.size, delta.size)]) for _ in range(DRAWS)]
        low, high = np.percentile(draws, [2.5, 97.5])
        return float(low), float(high)

    @property
    def sigma_guess(self) -> float:
        """σ_NMAD of the guess: what has to be beaten."""
        good = self.fold >= 0
        return sigma_nmad((self.guess[good] - self.z[good]) / (1.0 + self.z[good]))

    @property
    def bias(self) -> float:
        """Median of δ."""
        return float(np.median(self.delta))

    @property
    def outlier_share(self) -> float:
        """Share of predictions with |δ| above `outlier`."""
        return float((np.abs(self.delta) > self.outlier).mean())

    @property
    def outlier_interval(self) -> tuple[float, float]:
        """95 % interval of that share after Wilson (1927)."""
        low, high = wilson(int((np.abs(self.delta) > self.outlier).sum()), self.n)
        return float(low), float(high)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an object: ``z``, ``predicted``, ``guess``, ``delta``, ``outlier``, ``fold``."""
        import pandas as pd

        delta = (self.predicted - self.z) / (1.0 + self.z)
        return pd.DataFrame({"z": self.z, "predicted": self.predicted, "guess": self.guess, "delta": delta,
                             "outlier": np.abs(delta) > self.outlier, "fold": self.fold})

    def plot(self, **options: Any) -> Any:
        """Draw predicted against known redshifts; see :func:`specanom.plots.latent_redshifts`."""
        return opener("plot latent redshifts")(self, **options)

    def __repr__(self) -> str:
        low, high = self.outlier_interval
        return (f"RedshiftFromLatents ({self.method}): {self.n} of {self.z.size} objects, "
                f"σ_NMAD {self.sigma_nmad:.4f} (a guess: {self.sigma_guess:.4f}), bias {self.bias:+.4f}, "
                f"|Δz|/(1+z) > {self.outlier:g} for {self.outlier_share:.1%} ({low:.1%}–{high:.1%})")


def redshift_from_latents(
    latent: ArrayLike,
    z: ArrayLike,
    *,
    ids: Sequence[str] | None = None,
    method: str = "knn",
    folds: int = 5,
    outlier: float = 0.15,
    seed: int = 0,
) -> RedshiftFromLatents:
    """Predict redshifts from vectors, each by a regression fitted to the objects of the other folds.

    Parameters
    ----------
    latent : (n, d) array
        Vectors of an encoder.
    z : (n,) array
        Redshifts above −1; objects without one, or with NaN in their vector, are left out.
    ids : sequence of str, optional
        Objects that share an id stay in one fold; the fold is a hash of the id, so that it does not depend on the
        order. Without ids, of the row number.
    method : {"knn", "boosting"}
        Mean of ln(1 + z) of the ten nearest vectors in standard deviations, nearer ones counting more; or gradient
        boosting of trees (scikit-learn) on ln(1 + z).
    folds : int
        How many.
    outlier : float
        |Δz|/(1 + z) above which a prediction is an outlier.
    seed : int
        Of folds and trees.

    Returns
    -------
    RedshiftFromLatents

    Raises
    ------
    ArgumentError, ShapeError, DataError
        For an unknown method, rows that do not match, or fewer than twenty objects.
    """
    choice("method", method, METHODS)
    if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)) or folds < 2:
        raise ArgumentError(message("folds", expected="an integer of at least 2", got=repr(folds)))
    if not outlier > 0:
        raise ArgumentError(message("outlier", expected="a positive number", got=outlier))
    known = np.asarray(z, dtype=np.float64)
    if known.ndim != 1:
        raise ShapeError(message("z", expected="shape (n,)", got=f"shape {known.shape}"))
    vectors = as_vectors(latent, known.size)
    fold = _folds(known.size, ids, folds, seed)
    fold[~(np.isfinite(known) & (known > -1) & np.isfinite(vectors).all(axis=1))] = -1
    if (fold >= 0).sum() < FEWEST or len(np.unique(fold[fold >= 0])) < 2:
        raise DataError(message("z", expected=f"at least {FEWEST} objects with redshift and vector, in two folds",
                                got=int((fold >= 0).sum())))
    predicted, guess = np.full(known.size, np.nan), np.full(known.size, np.nan)
    for one in np.unique(fold[fold >= 0]):
        train, test = np.flatnonzero((fold >= 0) & (fold != one)), np.flatnonzero(fold == one)
        target = np.log1p(known[train])
        predicted[test] = np.expm1(_regress(method, vectors[train], target, vectors[test], seed))
        guess[test] = np.median(known[train])
    return RedshiftFromLatents(known, predicted, guess, fold, method, float(outlier))


def _folds(n: int, ids: Sequence[str] | None, folds: int, seed: int) -> NDArray[np.intp]:
    if ids is not None and (isinstance(ids, str) or len(ids) != n):
        raise ShapeError(message("ids", expected=f"{n} ids, one an object", got=f"{len(ids)}"))
    names = [str(i) for i in range(n)] if ids is None else [str(id) for id in ids]
    return np.array([object_seed(seed, f"redshift fold of {name}") % folds for name in names], dtype=np.intp)


def _regress(method: str, train: Doubles, target: Doubles, test: Doubles, seed: int) -> Doubles:
    if method == "boosting":
        from sklearn.ensemble import HistGradientBoostingRegressor

        made = HistGradientBoostingRegressor(random_state=seed).fit(train, target)
        return np.asarray(made.predict(test), dtype=np.float64)
    from sklearn.neighbors import KNeighborsRegressor

    centre, spread = train.mean(axis=0), train.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    near = KNeighborsRegressor(min(NEIGHBOURS, len(train)), weights="distance").fit((train - centre) / scale, target)
    return np.asarray(near.predict((test - centre) / scale), dtype=np.float64)
