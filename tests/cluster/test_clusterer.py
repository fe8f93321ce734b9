"""Clusters of explanations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from specanom.cluster import ExplanationClusterer, features_of, unit_rows
from specanom.errors import ArgumentError, DataError, NotFittedError, ShapeError

K = 12


@dataclass
class Explained:
    """The columns of an ExplanationSet that clustering reads."""

    weights: np.ndarray
    ids: list[str]
    scores: np.ndarray
    segments: np.ndarray
    wave: np.ndarray
    context: pd.DataFrame
    names: list[tuple[str, ...]] | None = None
    truth: np.ndarray = field(default_factory=lambda: np.zeros(0))


def explained(n: int = 90, groups: int = 3, seed: int = 0) -> Explained:
    rng = np.random.default_rng(seed)
    truth = rng.integers(groups, size=n)
    weights = rng.normal(0, 0.08, (n, K))
    weights[np.arange(n), 3 * truth] += rng.choice([-1, 1], n)
    weights[np.arange(n), 3 * truth + 1] += 0.5
    weights *= rng.lognormal(0, 2, n)[:, None]
    wave = np.linspace(4000, 7000, 1200)
    context = pd.DataFrame({"lines": np.where(truth == 0, 0.8, 0.2), "sky": np.where(truth == 2, 0.7, 0.0)})
    return Explained(
        weights, [f"s{i}" for i in range(n)], rng.random(n), np.arange(1200) * K // 1200, wave, context, truth=truth
    )


def test_auto_finds_the_groups_that_were_put_in_whatever_their_sign_and_scale() -> None:
    es = explained()
    clusters = ExplanationClusterer(seed=0).fit(es)
    assert clusters.n_clusters_ == 3
    assert adjusted_rand_score(es.truth, clusters.labels_) == 1.0
    assert clusters.centers_.shape == (3, K)
    assert clusters.curves_["k"].tolist() == list(range(2, 13))
    assert (np.diff(clusters.curves_["inertia"]) < 0).all()
    assert clusters.curves_["silhouette"].idxmax() == 1


def test_clusters_are_numbered_by_size() -> None:
    sizes = np.bincount(ExplanationClusterer(3).fit(explained()).labels_)
    assert (np.diff(sizes) <= 0).all()


def test_stability_is_one_for_clear_groups_and_low_for_noise() -> None:
    clear = ExplanationClusterer(3).fit(explained()).stability_
    noise = np.random.default_rng(1).normal(size=(90, K))
    vague = ExplanationClusterer(3).fit(noise).stability_
    assert clear.loc[0, "mean"] > 0.98
    assert clear.loc[0, "draws"] == 20
    assert vague.loc[0, "mean"] < 0.6


def test_stability_of_every_k_on_request() -> None:
    table = ExplanationClusterer(k_range=(2, 5), bootstrap=4, stability="all").fit(explained()).stability_
    assert table["k"].tolist() == [2, 3, 4, 5]
    assert table.set_index("k")["mean"].idxmax() in (2, 3)


def test_rows_of_zeros_and_nan_are_left_out_and_listed() -> None:
    es = explained()
    es.weights[4] = 0
    es.weights[7, 2] = np.nan
    clusters = ExplanationClusterer(3).fit(es)
    assert [(one.id, one.reason) for one in clusters.left_out_] == [
        ("s4", "all weights are zero"),
        ("s7", "weights are not finite"),
    ]
    assert clusters.labels_[[4, 7]].tolist() == [-1, -1]
    assert np.isnan(clusters.distances_[[4, 7]]).all()
    assert (np.delete(clusters.labels_, [4, 7]) >= 0).all()


def test_same_seed_same_labels_and_predict_repeats_them() -> None:
    es = explained()
    first, again = ExplanationClusterer(4, seed=3).fit(es), ExplanationClusterer(4, seed=3).fit(es)
    np.testing.assert_array_equal(first.labels_, again.labels_)
    np.testing.assert_array_equal(first.predict(es), first.labels_)


def test_predict_marks_empty_rows_and_refuses_other_segments() -> None:
    clusters = ExplanationClusterer(3).fit(explained())
    assert clusters.predict(np.zeros((1, K))).tolist() == [-1]
    with pytest.raises(ShapeError, match="12 segments"):
        clusters.predict(np.ones((2, K + 1)))


def test_members_by_distance_start_with_the_medoid_and_by_score_with_the_oddest() -> None:
    es = explained()
    clusters = ExplanationClusterer(3).fit(es)
    mine = [es.ids[i] for i in np.flatnonzero(clusters.labels_ == 1)]
    assert clusters.members(1)[0] == clusters.medoids_[1]
    by_score = clusters.members(1, by="score")
    assert sorted(by_score) == sorted(mine)
    assert es.scores[es.ids.index(by_score[0])] == max(es.scores[es.ids.index(id)] for id in mine)
    with pytest.raises(ArgumentError, match="cluster"):
        clusters.members(3)


def test_paper_preset_makes_seven_clusters() -> None:
    assert ExplanationClusterer(preset="paper", bootstrap=0).fit(explained(groups=4)).n_clusters_ == 7


def test_fewer_spectra_than_clusters_is_an_error_that_says_so() -> None:
    with pytest.raises(DataError, match=r"at least 7 different explanations.*got 5"):
        ExplanationClusterer(7).fit(explained(n=5))
    with pytest.raises(DataError, match="1 different"):
        ExplanationClusterer(2).fit(np.ones((5, K)))


@pytest.mark.parametrize(
    ("weights", "error"), [(np.zeros((0, K)), DataError), (np.ones(K), ShapeError), (np.ones((1, K)), DataError)]
)
def test_empty_flat_and_single_inputs_are_refused(weights: np.ndarray, error: type[Exception]) -> None:
    with pytest.raises(error):
        ExplanationClusterer().fit(weights)


@pytest.mark.parametrize(
    "options",
    [
        {"n_clusters": 0},
        {"n_clusters": "best"},
        {"n_clusters": 2.5},
        {"k_range": (1, 5)},
        {"k_range": (5, 3)},
        {"preset": "papr"},
        {"bootstrap": -1},
        {"stability": "each"},
    ],
)
def test_wrong_settings_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        ExplanationClusterer(**options)


def test_using_an_unfitted_clusterer_is_an_error() -> None:
    with pytest.raises(NotFittedError):
        ExplanationClusterer().predict(np.ones((2, K)))


def test_k_range_is_cut_to_what_the_sample_allows() -> None:
    clusters = ExplanationClusterer(bootstrap=0).fit(explained(n=5))
    assert clusters.curves_["k"].max() <= 4


def test_segments_of_their_own_are_compared_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    segments, weights, truth = np.zeros((40, 300), dtype=int), np.full((40, 6), np.nan), rng.integers(2, size=40)
    for i in range(40):
        count = int(rng.integers(4, 7))
        segments[i] = np.searchsorted(
            np.sort(rng.choice(np.arange(5, 295), count - 1, replace=False)), np.arange(300), side="right"
        )
        weights[i, :count] = 0.01
        weights[i, segments[i, 40 if truth[i] else 260]] = 1.0
    es = Explained(
        weights, [str(i) for i in range(40)], rng.random(40), segments, np.linspace(4000, 7000, 300), pd.DataFrame()
    )
    features = features_of(es)
    assert features.kept.all()
    assert features.segments is not None
    assert features.segments.shape == (300,)
    clusters = ExplanationClusterer(2, bootstrap=0).fit(es)
    assert adjusted_rand_score(truth, clusters.labels_) > 0.8
    np.testing.assert_array_equal(clusters.predict(es), clusters.labels_)


def test_saved_and_loaded_it_is_the_same(tmp_path) -> None:
    es = explained()
    es.weights[0] = 0
    es.names = [tuple(f"n{k}" for k in range(K))] * len(es.ids)
    clusters = ExplanationClusterer(3, seed=5).fit(es)
    loaded = ExplanationClusterer.load(clusters.save(tmp_path / "clusters"))
    np.testing.assert_array_equal(loaded.labels_, clusters.labels_)
    np.testing.assert_array_equal(loaded.centers_, clusters.centers_)
    np.testing.assert_array_equal(loaded.predict(es), clusters.labels_)
    pd.testing.assert_frame_equal(loaded.curves_, clusters.curves_)
    pd.testing.assert_frame_equal(loaded.stability_, clusters.stability_)
    pd.testing.assert_frame_equal(loaded.features_.context, es.context)
    assert loaded.left_out_ == clusters.left_out_
    assert loaded.medoids_ == clusters.medoids_
    assert (loaded.seed, loaded.n_clusters, loaded.k_range) == (5, 3, (2, 12))


def test_loading_something_else_says_what_was_expected(tmp_path) -> None:
    with pytest.raises(DataError, match=r"ExplanationClusterer\.save"):
        ExplanationClusterer.load(tmp_path)
    folder = ExplanationClusterer(2, bootstrap=0).fit(explained()).save(tmp_path / "c")
    text = (folder / "clusterer.json").read_text(encoding="utf-8")
    (folder / "clusterer.json").write_text(text.replace('"format": 2', '"format": 99'), encoding="utf-8")
    with pytest.raises(DataError, match="format 1 or 2"):
        ExplanationClusterer.load(folder)


@given(st.integers(1, 6), st.integers(1, 9), st.floats(1e-180, 1e180), st.integers(0, 10))
def test_unit_rows_forget_sign_and_scale(n: int, k: int, scale: float, seed: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(n, k))
    rows, kept = unit_rows(weights)
    again, _ = unit_rows(-scale * weights)
    assert kept.all()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(again, rows, rtol=1e-9)
