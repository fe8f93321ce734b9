"""Means of any choice of explained spectra."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom import SpectrumSet
from specanom.cluster import ExplanationClusterer, Means, features_of, tell
from specanom.cluster.stacks import BANDED, Stack, some
from specanom.errors import ArgumentError, GridError, ShapeError

P, K = 240, 6
WAVE = 5000.0 + 2.0 * np.arange(P)


def made(n: int = 40, *, gaps: bool = True, seed: int = 0, z: np.ndarray | None = None):
    rng = np.random.default_rng(seed)
    flux = rng.normal(1, 0.2, (n, P)).astype(np.float32)
    imputed = rng.random((n, P)) < 0.1 if gaps else np.zeros((n, P), dtype=bool)
    imputed[:, 17] = gaps
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "z": rng.uniform(0, 0.3, n) if z is None else z})
    sample = SpectrumSet(WAVE, flux, table=table, imputed=imputed)
    features = dataclasses.replace(features_of(np.abs(rng.normal(size=(n, K)))), ids=tuple(sample.ids),
                                   segments=np.arange(P) * K // P, wave=WAVE)
    return features, sample


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_mean_and_band_of_a_choice_are_those_of_numpy(count: int) -> None:
    features, sample = made()
    rows = np.random.default_rng(count).permutation(40)[:count]
    band = Means(features, sample).spectrum(rows)
    flux = np.where(sample.imputed, np.nan, sample.flux.astype(float))[rows]
    seen = np.isfinite(flux).any(axis=0)
    assert np.isnan(band.mean[~seen]).all()
    assert not seen[17]
    np.testing.assert_allclose(band.mean[seen], np.nanmean(flux[:, seen], axis=0), rtol=2e-6)
    low, high = np.nanpercentile(flux[:, seen], [16, 84], axis=0)
    np.testing.assert_allclose(band.low[seen], low, rtol=1e-6)
    np.testing.assert_allclose(band.high[seen], high, rtol=1e-6)
    assert (band.count, band.banded) == (count, count)


def test_mean_explanation_of_a_choice_is_that_of_the_unit_rows() -> None:
    features, sample = made()
    rows = np.array([3, 9, 30])
    edges, band = Means(features, sample).weights(rows)
    np.testing.assert_allclose(band.mean, features.rows[rows].mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(band.high, np.percentile(features.rows[rows], 84, axis=0), rtol=1e-6)
    assert edges.tolist() == [4999.0, 5079.0, 5159.0, 5239.0, 5319.0, 5399.0, 5479.0]


def test_means_of_clusters_are_those_of_the_summary() -> None:
    features, sample = made()
    clusters = ExplanationClusterer(3, bootstrap=0).fit(features.rows)
    clusters.features_ = features
    summary = clusters.summary(sample, False)
    means = Means(features, sample)
    for mine, cluster in zip(means.spectra(clusters.labels_, 3), summary, strict=False):
        assert cluster.label < 3
        np.testing.assert_allclose(mine[np.isfinite(mine)], cluster.flux[np.isfinite(cluster.flux)], rtol=2e-6)
    weights = means.cluster_weights(clusters.labels_, 3)
    np.testing.assert_allclose(weights, clusters.centers_, rtol=1e-5)


def test_an_artefact_of_the_sky_stands_still_in_the_observed_frame_and_is_smeared_in_the_rest_frame() -> None:
    z = np.linspace(0.02, 0.06, 30)
    features, sample = made(30, gaps=False, z=z)
    flux = np.ones((30, P), dtype=np.float32)
    for i in range(30):
        flux[i] += 3 * np.exp(-0.5 * ((WAVE * (1 + z[i]) - 5400) / 4) ** 2)
    means = Means(features, sample.replace(flux=flux))
    rest, observed = means.spectrum(np.arange(30)), means.spectrum(np.arange(30), "observed")
    grid = means.in_frame("observed").wave
    assert np.nanmax(rest.mean) < 1.8
    assert np.nanmax(observed.mean) > 3.6
    assert grid[np.nanargmax(observed.mean)] == pytest.approx(5400, abs=3)


def test_lines_of_single_members_spike_the_mean_of_the_observed_frame_and_not_its_median() -> None:
    z = np.linspace(0.0, 0.12, 9)
    features, sample = made(9, gaps=False, z=z)
    flux = np.ones((9, P), dtype=np.float32)
    flux += 6 * np.exp(-0.5 * ((WAVE - 5200) / 4) ** 2)  # each has the line, at another place of the sky
    for i in range(9):
        flux[i] += 3 * np.exp(-0.5 * ((WAVE * (1 + z[i]) - 5430) / 8) ** 2)  # what the sky leaves
    means = Means(features, sample.replace(flux=flux))
    band, grid = means.spectrum(np.arange(9), "observed"), means.in_frame("observed").wave
    lines = np.abs(grid[:, None] - 5200 * (1 + z)).min(axis=1) < 3
    lines &= (np.abs(grid - 5430) > 60) & (grid > 5300) & (grid < 5460)
    assert band.mean[lines].max() > 1.5
    assert band.median[lines].max() < 1.1
    assert grid[np.nanargmax(np.where((grid > 5300) & (grid < 5460), band.median, 0))] == pytest.approx(5430, abs=4)


def test_where_one_or_two_of_many_were_observed_the_other_frame_shows_nothing() -> None:
    z = np.array([0.0, 0.0, 0.0, 0.0, 0.04, 0.08])
    features, sample = made(6, gaps=False, z=z)
    means = Means(features, sample)
    band, grid = means.spectrum(np.arange(6), "observed"), means.in_frame("observed").wave
    end = WAVE[-1] * np.array([1.0, 1.04])
    assert np.isfinite(band.median[grid < end[0] - 5]).sum() > 100
    for values in (band.mean, band.median, band.low, band.high):
        assert np.isnan(values[grid > end[0] + 5]).all(), "two, then one"
    two = means.spectrum(np.array([4, 5]), "observed")
    assert np.isfinite(two.median[(grid > WAVE[0] * 1.08 + 5) & (grid < end[1] - 5)]).all(), "two are all there are"


def test_medians_of_clusters_are_those_of_numpy() -> None:
    features, sample = made()
    means, labels = Means(features, sample), np.arange(40) % 4 - 1
    flux = np.where(sample.imputed, np.nan, sample.flux.astype(float))
    for k, mine in enumerate(means.medians(labels, 3)):
        seen = np.isfinite(flux[labels == k]).any(axis=0)
        np.testing.assert_allclose(mine[seen], np.nanmedian(flux[labels == k][:, seen], axis=0), rtol=1e-6)
        assert np.isnan(mine[~seen]).all()
    assert np.isnan(means.medians(np.full(40, -1), 2)).all()


def test_weights_move_with_their_spectra() -> None:
    z = np.array([0.0, 0.05])
    features, sample = made(2, gaps=False, z=z)
    rows = np.zeros((2, K))
    rows[:, 2] = 1.0
    means = Means(dataclasses.replace(features, rows=rows), sample)
    for i in range(2):
        edges, band = means.weights(np.array([i]), "observed")
        on = np.flatnonzero(band.mean > 0.5)
        assert edges[on[0]] == pytest.approx(5159 * (1 + z[i]), abs=20)
        assert edges[on[-1] + 1] == pytest.approx(5239 * (1 + z[i]), abs=20)


def test_members_without_redshift_are_left_out_of_the_other_frame() -> None:
    z = np.full(6, 0.1)
    z[2] = np.nan
    features, sample = made(6, gaps=False, z=z)
    means = Means(features, sample)
    assert means.frames == ("rest", "observed")
    assert np.isnan(means.spectrum(np.array([2]), "observed").mean).all()
    none = Means(features, sample.replace(table=sample.table.drop(columns="z")))
    assert none.frames == ("rest",)
    with pytest.raises(ArgumentError, match="frame"):
        none.spectrum(np.array([0]), "observed")


def test_beyond_its_budget_a_random_part_stands_for_all() -> None:
    features, sample = made()
    means = Means(features, sample, budget=6 * P * 10)
    assert (len(means.held), means.n_known) == (10, 40)
    assert np.isin(means.held, np.arange(40)).all()
    rows = np.arange(40)
    np.testing.assert_allclose(means.spectrum(rows).mean, Means(features, sample).spectrum(means.held).mean, rtol=1e-6)
    assert means.spectrum(rows).count == 10


def test_large_choices_take_their_band_from_the_same_part_each_time() -> None:
    rows = np.arange(5 * BANDED)
    assert len(some(rows, BANDED)) == BANDED
    assert np.array_equal(some(rows, BANDED), some(rows, BANDED))


def test_an_empty_choice_has_no_mean() -> None:
    features, sample = made(5)
    band = Means(features, sample).spectrum(np.array([], dtype=int))
    assert np.isnan(band.mean).all()
    assert band.count == 0


def test_other_samples_are_refused() -> None:
    features, sample = made(5)
    with pytest.raises(ShapeError, match="none of them"):
        Means(dataclasses.replace(features, ids=tuple("abcde")), sample)
    with pytest.raises(GridError, match="240 pixels"):
        Means(features, SpectrumSet(WAVE[:100], sample.flux[:, :100], table=sample.table))


def test_explanations_without_segments_have_mean_spectra_only() -> None:
    features, sample = made(5)
    means = Means(dataclasses.replace(features, segments=None, wave=None), sample)
    assert means.weights(np.arange(5)) is None
    assert np.isfinite(means.spectrum(np.arange(5)).mean).any()


def test_a_choice_is_told_like_a_cluster() -> None:
    features, sample = made()
    clusters = ExplanationClusterer(3, bootstrap=0).fit(features.rows)
    clusters.features_ = features
    for cluster in clusters.summary(sample, False):
        told = tell(features, np.flatnonzero(clusters.labels_ == cluster.label), z=cluster.z[1])
        assert told.story == cluster.story
        assert told.dominant == cluster.dominant


def test_refit_finds_what_a_new_clusterer_would() -> None:
    features, _ = made(60)
    clusters = ExplanationClusterer(3, k_range=(2, 5), bootstrap=3).fit(features.rows)
    for k in (2, 4, 9):
        again = clusters.refit(k)
        fresh = ExplanationClusterer(k, k_range=(2, 5), bootstrap=3).fit(features.rows)
        np.testing.assert_array_equal(again.labels_, fresh.labels_)
        pd.testing.assert_frame_equal(again.stability_, fresh.stability_)
        pd.testing.assert_frame_equal(again.curves_, fresh.curves_)
    assert clusters.n_clusters_ == 3
    assert clusters.refit(4, bootstrap=0).stability_["draws"].tolist() == [0]


@given(rows=st.lists(st.integers(0, 39), min_size=1, max_size=40, unique=True), gone=st.floats(0.0, 0.95))
def test_any_choice_has_the_mean_and_band_of_numpy(rows: list[int], gone: float) -> None:
    rng = np.random.default_rng(len(rows))
    values = rng.normal(size=(40, 30)).astype(np.float32)
    values[rng.random(values.shape) < gone] = np.nan
    band = Stack.of(WAVE[:30], values.copy()).band(np.array(rows))
    chosen = values[rows].astype(float)
    seen = np.isfinite(chosen).any(axis=0)
    assert np.isnan(band.mean[~seen]).all()
    np.testing.assert_allclose(band.mean[seen], np.nanmean(chosen[:, seen], axis=0), rtol=1e-5, atol=1e-6)
    for mine, percentile in ((band.low, 16), (band.median, 50), (band.high, 84)):
        np.testing.assert_allclose(mine[seen], np.nanpercentile(chosen[:, seen], percentile, axis=0), rtol=1e-5,
                                   atol=1e-6)
