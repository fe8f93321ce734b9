"""The inspector clusters anew in the other frame."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from specanom.widgets.inspector import ClusterInspector
from specanom.widgets.inspector.clustering import OTHER_FRAME

import specanom as sa
from specanom.diagnostics import RATIOS

N, P, K = 45, 400, 40
WAVE = 4500.0 * np.exp(1e-3 * np.arange(P))
SEGMENTS = np.arange(P) * K // P


def parts():
    """Return explanations and sample: a third leads at 5579 Å observed, the others at two places at rest."""
    rng = np.random.default_rng(0)
    truth = np.arange(N) % 3
    z = rng.uniform(0.02, 0.2, N)
    weights = np.abs(rng.normal(0, 0.02, (N, K)))
    lead = np.choose(truth, [SEGMENTS[np.searchsorted(WAVE, 5579 / (1 + z))], np.full(N, 36), np.full(N, 22)])
    for side in (-1, 0, 1):
        weights[np.arange(N), lead + side * (truth == 0)] += 1.0
    ids = [f"s{i}" for i in range(N)]
    table = pd.DataFrame({"id": ids, "z": z, "snr": 10.0})
    sample = sa.SpectrumSet(WAVE, rng.normal(1, 0.1, (N, P)).astype(np.float32), np.full((N, P), 100.0), table)
    es = SimpleNamespace(weights=weights, ids=ids, segments=SEGMENTS, wave=WAVE, scores=rng.random(N), frame="rest")
    return es, sample, truth


def unmeasured() -> pd.DataFrame:
    """Return a table of lines of which not one was found, so that none are measured."""
    return pd.DataFrame({"id": [f"s{i}" for i in range(N)], "bpt": "none", **dict.fromkeys(RATIOS, np.nan)})


@pytest.fixture
def opened(tmp_path):
    es, sample, _ = parts()
    clusters = sa.ExplanationClusterer(3, k_range=(2, 5), bootstrap=2).fit(es)
    made = ClusterInspector(clusters, sample, lines=unmeasured(), labels=tmp_path / "labels.jsonl")
    made.wait()
    yield made
    assert made.error is None
    made.close()


def test_in_the_other_frame_clusters_map_means_and_words_are_those_of_that_frame(opened):
    es, sample, truth = parts()
    place = opened.map_pane.find("points").data["x"].copy()
    opened.cluster_frame = "observed"
    assert opened.wait()
    want = sa.ExplanationClusterer(3, k_range=(2, 5), bootstrap=2, frame="observed").fit(es, sample)
    np.testing.assert_array_equal(opened.labels, want.labels_)
    assert len(set(opened.labels[truth == 0])) == 1
    assert (opened.frame, opened.panel.slider.value) == ("observed", 3)
    assert "3 clusters in the observed frame" in opened.said
    assert not np.allclose(opened.map_pane.find("points").data["x"], place)
    opened.cluster = int(opened.labels[0])
    weights = opened.means_pane.find("mean weights").data
    np.testing.assert_allclose(weights["mean"], want.centers_[opened.cluster], atol=1e-5)
    assert "[O I] 5577 sky" in list(weights["name"])
    assert "in the observed frame" in opened.story.value
    assert "observed frame" in opened.means_pane.find("means").title.text
    assert opened.curves_pane.find("inertia").data["y"].tolist() == pytest.approx(want.curves_["inertia"].tolist())


def test_back_at_rest_all_is_as_it_was(opened):
    before = opened.labels.copy(), opened.map_pane.find("points").data["x"].copy()
    opened.shortcuts()["f"][1]()
    opened.wait()
    opened.k = 4
    assert (opened.clusterer.frame_, opened.clusterer.n_clusters_) == ("observed", 4)
    opened.k = 3
    opened.shortcuts()["f"][1]()
    assert not any(job.title == OTHER_FRAME for job in opened.jobs)  # it is known
    np.testing.assert_array_equal(opened.labels, before[0])
    np.testing.assert_array_equal(opened.map_pane.find("points").data["x"], before[1])
    assert (opened.cluster_frame, opened.frame) == ("rest", "rest")


def test_means_can_be_drawn_in_the_frame_that_was_not_clustered(opened):
    opened.cluster_frame = "observed"
    opened.wait()
    opened.frame = "rest"
    assert opened.means_pane.find("mean").data["x"].size == P
    assert np.isfinite(opened.means_pane.find("mean weights").data["mean"]).all()
    opened.frame = "observed"


def test_selection_and_names_outlive_the_frame(opened):
    opened.name = "lines"
    ids = tuple(opened.members.ids[opened.rows_of(0)][:4])
    opened.selection = ids
    opened.cluster_frame = "observed"
    opened.wait()
    assert opened.selection == ids
    assert opened.table.shown == 4
    opened.clear()
    opened.cluster_frame = "rest"
    assert opened.names[0] == "lines"


def test_the_code_makes_the_clusters_of_the_frame_in_force(opened):
    es, sample, _ = parts()
    opened.cluster_frame = "observed"
    opened.wait()
    opened.k = 4
    space: dict = {"explanations": es, "sample": sample}
    exec(opened.to_code(), space)
    want = opened.result.reset_index(drop=True)
    pd.testing.assert_frame_equal(space["labels"][list(want.columns)], want, check_dtype=False)
    assert ("clustered in", "the observed frame") in opened.facts()


def test_another_k_asked_for_meanwhile_counts(opened):
    opened.cluster_frame = "observed"
    opened.k = 5
    opened.wait()
    assert (opened.clusterer.frame_, opened.clusterer.n_clusters_, opened.k) == ("observed", 5, 5)


def test_asked_back_before_it_was_done_nothing_changes(opened):
    before = opened.labels.copy()
    opened.cluster_frame = "observed"
    opened.cluster_frame = "rest"
    opened.wait()
    assert (opened.cluster_frame, opened.clusterer.frame_) == ("rest", "rest")
    np.testing.assert_array_equal(opened.labels, before)


def test_without_redshifts_there_is_nothing_to_switch(tmp_path):
    es, sample, _ = parts()
    clusters = sa.ExplanationClusterer(3, k_range=(2, 5), bootstrap=0).fit(es)
    blind = sample.replace(table=sample.table.drop(columns="z"))
    made = ClusterInspector(clusters, blind, lines=unmeasured(), labels=tmp_path / "labels.jsonl")
    made.wait()
    assert made.cluster_frames == ("rest",)
    made.shortcuts()["f"][1]()
    assert made.cluster_frame == "rest"
    assert made.jobs == ()
    made.close()


def test_clusters_of_the_observed_frame_open_in_it_and_go_to_rest(tmp_path):
    es, sample, _ = parts()
    clusters = sa.ExplanationClusterer(3, k_range=(2, 5), bootstrap=0, frame="observed").fit(es, sample)
    loaded = sa.ExplanationClusterer.load(clusters.save(tmp_path / "c"))
    made = ClusterInspector(loaded, sample, lines=unmeasured(), labels=tmp_path / "labels.jsonl")
    made.wait()
    assert (made.cluster_frame, made.frame) == ("observed", "observed")
    made.cluster_frame = "rest"
    made.wait()
    np.testing.assert_array_equal(made.labels, sa.ExplanationClusterer(3, k_range=(2, 5), bootstrap=0).fit(es).labels_)
    assert made.error is None
    made.close()
