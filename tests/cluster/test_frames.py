"""Clusters of explanations in the frame they were not explained in."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from specanom import SpectrumSet
from specanom.cluster import ExplanationClusterer, Means, features_of, pca_map
from specanom.cluster.frames import carried, in_frame, log_bins, pixel_edges, stretch
from specanom.cluster.places import joins_in, observed_name
from specanom.cluster.story import Where, sentence
from specanom.errors import ArgumentError, DataError, ShapeError

P, K, N = 1200, 60, 60
WAVE = 3800.0 * np.exp(5e-4 * np.arange(P))  # to 6920 Å
SEGMENTS = np.arange(P) * K // P


def at(wave: np.ndarray) -> np.ndarray:
    """Return the segment that holds each rest wavelength."""
    return SEGMENTS[np.searchsorted(WAVE, wave)]


def explained(seed: int = 0, *, z: np.ndarray | None = None):
    """Return explanations, their sample and the truth: 0 leads at 5579 Å observed, 1 at 4103 Å and 2 at 6564 Å rest."""
    rng = np.random.default_rng(seed)
    truth = np.arange(N) % 3
    z = rng.uniform(0.0, 0.3, N) if z is None else z
    where = np.choose(truth, [5579.0 / (1 + z), np.full(N, 4102.9), np.full(N, 6564.6)])
    weights = rng.normal(0, 0.02, (N, K))
    for side in (-1, 0, 1):  # residuals of the sky are broad, so that their segments overlap whatever the redshift
        size = np.where(truth == 0, 1.0 - 0.4 * abs(side), 1.0 / 3)
        weights[np.arange(N), at(where) + side * (truth == 0)] += size
    weights *= rng.choice([-1.0, 1.0], (N, 1))
    weights *= rng.lognormal(0, 2, N)[:, None]
    ids = [f"s{i}" for i in range(N)]
    names = [tuple(f"segment {k}" for k in range(K))] * N
    es = SimpleNamespace(weights=weights, ids=ids, segments=SEGMENTS, wave=WAVE, scores=rng.random(N), frame="rest",
                         names=names, context=pd.DataFrame({"id": ids, "sky": (truth == 0) * 0.7}))
    flux = np.ones((N, P), dtype=np.float32)
    flux += 3 * np.exp(-0.5 * ((WAVE[None, :] * (1 + z[:, None]) - 5579) / 5) ** 2) * (truth == 0)[:, None]
    table = pd.DataFrame({"id": ids, "z": z, "snr": 10.0})
    return es, SpectrumSet(WAVE, flux, np.full((N, P), 100.0), table), truth


def share(labels: np.ndarray, members: np.ndarray) -> float:
    """Return the largest share of `members` that one cluster holds."""
    return float(np.bincount(labels[members]).max() / members.sum())


def test_what_the_sky_does_is_one_cluster_as_observed_and_not_at_rest() -> None:
    es, sample, truth = explained()
    rest = ExplanationClusterer(8, bootstrap=0).fit(es)
    observed = ExplanationClusterer(8, bootstrap=0, frame="observed").fit(es, sample)
    assert share(observed.labels_, truth == 0) == 1.0
    assert set(truth[observed.labels_ == observed.labels_[0]]) == {0}
    assert share(rest.labels_, truth == 0) < 0.6


@pytest.mark.parametrize("line", [1, 2])
def test_what_a_line_of_the_galaxies_does_is_one_cluster_at_rest_and_not_as_observed(line: int) -> None:
    es, sample, truth = explained()
    rest = ExplanationClusterer(8, bootstrap=0).fit(es)
    observed = rest.in_frame("observed", sample)
    assert share(rest.labels_, truth == line) == 1.0
    assert share(observed.labels_, truth == line) < 0.6


def test_at_redshift_zero_both_frames_give_the_same_clusters() -> None:
    rng = np.random.default_rng(1)
    es, sample, _ = explained(z=np.zeros(N))
    es.weights = rng.normal(0, 0.05, (N, K))
    es.weights[np.arange(N), rng.integers(5, size=N) * 11] += 1.0
    rest, observed = (ExplanationClusterer(5, frame=frame, bootstrap=0).fit(es, sample) for frame in ("rest",
                                                                                                      "observed"))
    assert adjusted_rand_score(rest.labels_, observed.labels_) == 1.0
    np.testing.assert_allclose(observed.features_.rows @ observed.features_.rows.T,
                               rest.features_.rows @ rest.features_.rows.T, atol=1e-4)
    np.testing.assert_allclose(observed.curves_["silhouette"][:4], rest.curves_["silhouette"][:4], atol=1e-4)


def test_neither_order_nor_sign_nor_size_nor_other_spectra_change_the_rows() -> None:
    es, sample, _ = explained()
    whole = in_frame(features_of(es), "observed", sample)
    order = np.random.default_rng(0).permutation(N)[:40]
    part = SimpleNamespace(weights=-7.0 * es.weights[order], ids=[es.ids[i] for i in order], segments=SEGMENTS,
                           wave=WAVE)
    fewer = in_frame(features_of(part), "observed", sample)
    first = int(np.argmin(np.abs(whole.edges - fewer.edges[0])))
    np.testing.assert_allclose(whole.edges[first : first + fewer.edges.size], fewer.edges, rtol=1e-12)
    np.testing.assert_allclose(whole.rows[order][:, first : first + fewer.n_segments], fewer.rows, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(fewer.rows, axis=1), 1.0, rtol=1e-12)


def test_explanations_as_observed_go_to_the_rest_frame() -> None:
    es, sample, _ = explained()
    z = sample.table["z"].to_numpy()
    turned = SimpleNamespace(**{**vars(es), "frame": "observed"})
    turned.weights = np.full((N, K), 1e-3)
    turned.weights[np.arange(N), at(4300.0 * (1 + z))] = 1.0
    features = in_frame(features_of(turned), "rest", sample)
    leading = features.edges[features.rows.argmax(axis=1)]
    np.testing.assert_allclose(leading, 4300.0, rtol=0.012)
    assert "Hγ" in features.places[int(np.searchsorted(features.edges, 4341.7)) - 1]


def test_segments_of_their_own_are_carried_as_they_are() -> None:
    es, sample, truth = explained()
    rng = np.random.default_rng(2)
    z = sample.table["z"].to_numpy()
    segments = np.sort(rng.integers(K, size=(N, P)), axis=1)
    segments = np.array([np.unique(row, return_inverse=True)[1] for row in segments])
    weights = np.full((N, K), np.nan)
    for i in range(N):
        weights[i, : segments[i].max() + 1] = 0.01
        weights[i, segments[i, np.searchsorted(WAVE, (5579.0 if truth[i] == 0 else 6300.0) / (1 + z[i]))]] = 1.0
    own = SimpleNamespace(**{**vars(es), "weights": weights, "segments": segments, "names": None})
    clusters = ExplanationClusterer(2, frame="observed", bootstrap=0).fit(own, sample)
    assert adjusted_rand_score(clusters.labels_, truth == 0) == 1.0
    np.testing.assert_array_equal(clusters.predict(own, sample), clusters.labels_)


@given(z=st.floats(-0.5, 8.0), seed=st.integers(0, 50), shared=st.booleans(), steps=st.integers(2, 40))
def test_the_sum_of_the_weights_stays(z: float, seed: int, shared: bool, steps: int) -> None:
    rng = np.random.default_rng(seed)
    wave = np.cumsum(rng.uniform(0.5, 3.0, 90)) + 3000.0
    segments = np.sort(rng.integers(steps, size=90))
    segments = np.unique(segments, return_inverse=True)[1]
    count = int(segments.max()) + 1
    weights = rng.normal(size=(2, count))
    weights[1] = np.abs(weights[0])
    factor = stretch(np.array([z, 0.0]), "observed")
    edges = log_bins(wave, count, factor)
    made = carried(weights, segments if shared else np.stack([segments] * 2), wave, factor=factor, edges=edges)
    np.testing.assert_allclose(made.sum(axis=1), np.abs(weights).sum(axis=1), rtol=1e-9)
    assert (made >= 0).all()
    centre = np.log(pixel_edges(wave))
    inside = np.exp(0.5 * (np.log(edges[1:]) + np.log(edges[:-1])))
    beyond = (inside < np.exp(centre[0]) * factor[0] * 0.9) | (inside > np.exp(centre[-1]) * factor[0] * 1.1)
    assert not made[0, beyond].any()
    half = edges[: edges.size // 2 + 1]
    part = carried(weights, segments, wave, factor=factor, edges=half)
    np.testing.assert_allclose(part, made[:, : half.size - 1], atol=1e-12)  # what lies outside is left out


def test_without_redshifts_it_says_what_to_give() -> None:
    es, sample, _ = explained()
    clusterer = ExplanationClusterer(3, frame="observed", bootstrap=0)
    with pytest.raises(DataError, match=r"fit\(explanations, sample\)"):
        clusterer.fit(es)
    with pytest.raises(DataError, match="without a column z"):
        clusterer.fit(es, sample.replace(table=sample.table.drop(columns="z")))
    with pytest.raises(DataError, match="not one between"):
        clusterer.fit(es, np.full(N, np.nan))
    with pytest.raises(ShapeError, match="60 redshifts"):
        clusterer.fit(es, np.zeros(3))
    with pytest.raises(DataError, match="wavelengths"):
        clusterer.fit(es.weights, np.zeros(N))
    with pytest.raises(ArgumentError, match="observed"):
        ExplanationClusterer(frame="obsrved")


def test_spectra_without_a_usable_redshift_are_left_out_and_listed() -> None:
    es, sample, _ = explained()
    z = sample.table["z"].to_numpy().copy()
    z[[3, 4, 5]] = np.nan, -2.0, 1e30
    es.weights[6] = 0.0
    clusters = ExplanationClusterer(3, frame="observed", bootstrap=0).fit(es, z)
    assert [(one.id, one.reason) for one in clusters.left_out_] == [
        ("s3", "no redshift"), ("s4", "no redshift"), ("s5", "no redshift"), ("s6", "all weights are zero")]
    assert (clusters.labels_[3:7] == -1).all()
    assert clusters.features_.n_segments < 3 * K
    back = clusters.in_frame("rest")
    assert [one.id for one in back.left_out_] == ["s6"]
    np.testing.assert_array_equal(back.labels_, ExplanationClusterer(3, bootstrap=0).fit(es).labels_)


def test_new_explanations_are_given_to_the_clusters_by_their_observed_places() -> None:
    es, sample, _ = explained()
    clusters = ExplanationClusterer(6, frame="observed", bootstrap=0).fit(es, sample)
    np.testing.assert_array_equal(clusters.predict(es, sample), clusters.labels_)
    other, others, known = explained(seed=9)
    mine = int(clusters.labels_[0])
    assert (clusters.predict(other, others)[known == 0] == mine).all()
    away = clusters.predict(other, np.where(known == 0, 19.0, others.table["z"]))
    assert (away[known == 0] == -1).all()  # all of it lies outside the bins
    with pytest.raises(DataError, match="redshifts"):
        clusters.predict(other)


def test_saved_and_loaded_it_is_the_same_in_either_frame(tmp_path) -> None:
    es, sample, _ = explained()
    es.weights[2] = 0.0
    clusters = ExplanationClusterer(4, frame="observed", bootstrap=2).fit(es, sample)
    loaded = ExplanationClusterer.load(clusters.save(tmp_path / "clusters"))
    assert (loaded.frame, loaded.frame_) == ("observed", "observed")
    for name in ("labels_", "centers_", "distances_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(clusters, name))
    for name in ("rows", "edges", "z", "kept"):
        np.testing.assert_array_equal(getattr(loaded.features_, name), getattr(clusters.features_, name))
    assert loaded.left_out_ == clusters.left_out_
    assert repr(loaded) == repr(clusters)
    np.testing.assert_array_equal(loaded.predict(es, sample), clusters.labels_)
    np.testing.assert_array_equal(loaded.refit(3).labels_, clusters.refit(3).labels_)
    assert loaded.refit(3).frame_ == "observed"
    np.testing.assert_array_equal(loaded.in_frame("rest").labels_,
                                  ExplanationClusterer(4, bootstrap=0).fit(es).labels_)
    assert [c.story for c in loaded.summary(sample, False)] == [c.story for c in clusters.summary(sample, False)]


def test_what_was_saved_before_there_were_frames_is_read(tmp_path) -> None:
    es, _, _ = explained()
    clusters = ExplanationClusterer(3, bootstrap=0).fit(es)
    file = clusters.save(tmp_path / "c") / "clusterer.json"
    state = json.loads(file.read_text(encoding="utf-8"))
    for name in ("frames", "moved_left_out"):
        del state[name]
    del state["settings"]["frame"]
    file.write_text(json.dumps({**state, "format": 1}), encoding="utf-8")
    loaded = ExplanationClusterer.load(tmp_path / "c")
    np.testing.assert_array_equal(loaded.labels_, clusters.labels_)
    assert loaded.frame is None
    assert len(loaded.in_frame("observed", np.full(N, 0.1)).labels_) == N


def test_a_summary_as_observed_has_means_and_names_of_that_frame() -> None:
    es, sample, _ = explained()
    clusters = ExplanationClusterer(6, frame="observed", bootstrap=0).fit(es, sample)
    summary = clusters.summary(sample, False)
    sky = summary[int(clusters.labels_[0])]
    assert (summary.frame, summary.segments) == ("observed", None)
    assert summary.edges.size == sky.weights.size + 1
    assert sky.dominant[0][0] == "[O I] 5577 sky"
    assert "in the observed frame sits on [O I] 5577 sky" in sky.story
    assert summary.wave[np.nanargmax(sky.flux)] == pytest.approx(5579, abs=4)
    assert np.nanmax(sky.flux) > 3.0
    assert "in the observed frame" in repr(summary)
    rest = clusters.in_frame("rest").summary(sample, False)
    assert (rest.frame, rest.edges) == ("rest", None)
    assert np.nanmax([cluster.flux for cluster in rest]) < np.nanmax(sky.flux)


def test_means_of_clusters_as_observed_are_their_centres_and_go_back_to_rest() -> None:
    es, sample, truth = explained()
    first = ExplanationClusterer(3, bootstrap=0).fit(es)
    clusters = first.in_frame("observed", sample, n_clusters=6)
    before = Means(first.features_, sample)
    means = before.of(clusters.features_)
    assert (before.home, means.home, means.own) == ("rest", "observed", "rest")
    np.testing.assert_allclose(means.cluster_weights(clusters.labels_, 6, "observed"), clusters.centers_, atol=1e-6)
    edges, _ = means.weights(np.arange(3), "observed")
    np.testing.assert_array_equal(edges, clusters.features_.edges)
    assert means.in_frame("rest") is before.in_frame("rest")  # spectra are held once
    line = np.flatnonzero(truth == 2)
    borders, band = means.weights(line, "rest")
    peak = int(np.nanargmax(band.mean))
    assert borders[peak] == pytest.approx(6564.6, rel=0.012)
    with pytest.raises(ShapeError, match="same spectra"):
        before.of(features_of(es.weights))
    assert pca_map(clusters.features_.rows).xy.shape == (N, 2)


def test_places_as_observed_are_named_after_the_sky_the_air_and_the_instrument() -> None:
    assert observed_name(5885.0, 5900.0) == "Na I sky"
    assert observed_name(6870.0, 6900.0) == "telluric B"
    assert observed_name(7165.0, 7195.0) == "telluric H₂O"
    assert observed_name(7610.0, 7640.0) == "telluric A"
    assert observed_name(7750.0, 7780.0) == "OH forest"
    joins = joins_in(["Hα", "feature at 6012 Å (SDSS arm join)"])
    assert observed_name(6000.0, 6030.0, joins=joins) == "SDSS arm join"
    assert observed_name(6000.0, 6030.0) == "6000–6030 Å"


def test_lines_that_only_the_model_has_are_told_in_the_other_frame_and_features_are_not() -> None:
    other = Where("observed", "rest", [("missing [O III] 5008", 0.3), ("missing feature at 4500 Å", 0.2)])
    said = sentence(6, [("OH forest", 0.7)], context={}, classes={}, z=0.08, other=other)
    assert said == ("6 spectra whose weight in the observed frame sits on OH forest (70 %); at rest on missing "
                    "[O III] 5008 (30 %); median z 0.08.")
