"""What comes late to the inspector: maps and clusters that were asked for and are wanted no more."""

from __future__ import annotations

import threading

import numpy as np

from specanom.cluster import ExplanationClusterer, PlaneMap


def points(opened) -> dict:
    return opened.map_pane.find("points").data


def test_a_cancelled_umap_leaves_the_map_as_it_was(opened):
    before = points(opened)["x"].copy()
    opened.projection = "UMAP"
    (job,) = opened.jobs
    assert job.title == "UMAP"
    job.cancel()
    assert job.wait(20)
    assert opened.projection == "PCA"
    np.testing.assert_array_equal(points(opened)["x"], before)


def test_a_umap_asked_for_again_while_a_cancelled_one_ends_is_shown(opened, monkeypatch):
    kept = opened.means.features.kept
    let_go, places = threading.Event(), np.arange(2.0 * kept.sum()).reshape(-1, 2)

    def slow(_features, _seed):
        return lambda _progress, cancelled: None if let_go.wait(20) and cancelled() else PlaneMap(
            places, "UMAP", None, len(places))

    monkeypatch.setattr("specanom.widgets.inspector.inspector.umap_work", slow)
    opened.projection = "UMAP"
    (first,) = opened.jobs
    first.cancel()
    opened.projection = "PCA"
    opened.projection = "UMAP"
    let_go.set()
    assert first.wait(20)
    assert opened.wait(20)
    assert opened.projection == "UMAP"
    np.testing.assert_array_equal(np.asarray(points(opened)["x"])[kept], places[:, 0])
    opened.projection = "PCA"
    del opened._maps["UMAP"]


def test_without_umap_it_says_what_to_install(opened, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    opened.projection = "UMAP"
    assert opened.wait(20)
    assert "specanom[maps]" in str(opened.error)
    assert opened.projection == "PCA"
    opened.colour = "z"
    assert opened.error is None


def test_clusters_that_come_late_do_not_replace_those_asked_for_since(opened, monkeypatch):
    gate, refit = threading.Event(), ExplanationClusterer.refit
    monkeypatch.setattr("specanom.widgets.inspector.clustering.AT_ONCE", 0)
    monkeypatch.setattr(ExplanationClusterer, "refit",
                        lambda self, k, **named: (gate.wait(20), refit(self, k, **named))[1])
    first = opened.k
    opened.k = first + 1
    opened.k = first
    gate.set()
    assert opened.wait()
    assert (opened.k, opened.clusterer.n_clusters_) == (first, first)
    opened.k = first + 1
    assert opened.wait()
    assert opened.clusterer.n_clusters_ == first + 1
