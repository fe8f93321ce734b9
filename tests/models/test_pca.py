"""PCA: scikit-learn's when there is one fold, cross-fitted otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from specanom import DataError, PCAModel
from specanom.models.components import leading_components


@pytest.mark.parametrize("n", [60, 300])  # fewer and more spectra than pixels: both ways to the eigenvectors
def test_one_fold_equals_scikit_learn(flux: np.ndarray, n: int) -> None:
    model = PCAModel(5, folds=1).fit(flux[:n])
    theirs = PCA(5, svd_solver="full").fit(flux[:n].astype(np.float64))
    assert np.allclose(model.reconstruct(flux), theirs.inverse_transform(theirs.transform(flux)), atol=2e-5)
    assert np.allclose(np.abs(model.encode(flux)), np.abs(theirs.transform(flux)), atol=1e-4)
    assert np.allclose(model.history["share"], theirs.explained_variance_ratio_, rtol=1e-5)


def test_each_fold_is_scikit_learn_on_the_others(sample) -> None:
    model = PCAModel(5, folds=3).fit(sample)
    folds, made = model.fold_of(sample.ids), model.reconstruct(sample)
    for fold in range(3):
        theirs = PCA(5, svd_solver="full").fit(sample.flux[folds != fold].astype(np.float64))
        mine = sample.flux[folds == fold]
        assert np.allclose(made[folds == fold], theirs.inverse_transform(theirs.transform(mine)), atol=2e-5)


def test_a_median_centre_does_not_feel_a_few_odd_spectra(flux: np.ndarray) -> None:
    odd = flux.copy()
    odd[:20] += 50
    by_mean, by_median = (leading_components(odd, 3, centre=c).mean for c in ("mean", "median"))
    clean = np.median(flux, axis=0)
    assert np.abs(by_median - clean).max() < 0.1 < np.abs(by_mean - clean).max()


def test_more_components_than_the_data_has() -> None:
    rng = np.random.default_rng(0)
    flux = (rng.normal(size=(40, 2)) @ rng.normal(size=(2, 30))).astype(np.float32)
    model = PCAModel(12, folds=1).fit(flux)
    assert np.allclose(model.reconstruct(flux), flux, atol=1e-4)
    assert model.encode(flux).shape == (40, 12)


def test_the_sign_of_a_component_is_fixed(flux: np.ndarray) -> None:
    axes = leading_components(flux, 4).axes
    assert (axes[np.arange(4), np.abs(axes).argmax(axis=1)] > 0).all()


def test_too_few_spectra(flux: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least 14 spectra to learn from"):
        PCAModel(12, folds=1).fit(flux[:10])


def test_made_up_spectra_vary_like_the_sample(flux: np.ndarray) -> None:
    drawn = PCAModel(5, folds=1).fit(flux).sample(4000)
    assert np.allclose(drawn.mean(0), flux.mean(0), atol=0.05)
    assert np.allclose(drawn.std(0), flux.std(0), atol=0.06)
