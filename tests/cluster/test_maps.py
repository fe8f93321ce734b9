"""Maps of explanations."""

from __future__ import annotations

import time

import numpy as np
import pytest

from specanom.cluster import pca_map, umap_map
from specanom.errors import DataError, ShapeError


def groups(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.arange(n) % 2
    return rng.normal(0, 0.1, (n, 8)) + truth[:, None], truth


def test_pca_is_that_of_scikit_learn_up_to_sign() -> None:
    from sklearn.decomposition import PCA

    rows, truth = groups()
    found, other = pca_map(rows), PCA(2).fit(rows)
    np.testing.assert_allclose(np.abs(found.xy), np.abs(other.transform(rows)), atol=1e-5)
    np.testing.assert_allclose(found.explained, other.explained_variance_ratio_, rtol=1e-8)
    assert found.xy[truth == 1, 0].min() > found.xy[truth == 0, 0].max()


@pytest.mark.parametrize("shape", [(1, 4), (3, 1), (2, 2)])
def test_pca_of_few_rows_or_one_segment(shape) -> None:
    found = pca_map(np.ones(shape))
    assert found.xy.shape == (shape[0], 2)
    assert not found.xy.any()


def test_rows_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="finite"):
        pca_map([[1.0, np.nan]])
    with pytest.raises(ShapeError):
        pca_map([1.0, 2.0])
    with pytest.raises(DataError, match="at least 4"):
        umap_map(np.ones((3, 5)))


@pytest.mark.slow
def test_umap_keeps_groups_apart_and_tells_how_far_it_is() -> None:
    rows, truth = groups()
    shares: list[float] = []
    found = umap_map(rows, most=50, progress=shares.append)
    assert (found.method, found.fitted, found.xy.shape) == ("UMAP", 50, (60, 2))
    assert np.isfinite(found.xy).all()
    centres = np.array([found.xy[truth == k].mean(axis=0) for k in (0, 1)])
    nearest = np.linalg.norm(found.xy[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == truth).mean() > 0.95
    assert shares == sorted(shares)
    assert shares[-1] > 0.5


def test_a_cancelled_umap_ends_at_once() -> None:
    start = time.monotonic()
    assert umap_map(groups()[0], cancelled=lambda: True) is None
    assert time.monotonic() - start < 5
