from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import Span

import specanom.plots as plots
from specanom.cluster import ExplanationClusterer
from specanom.cluster.summary import ClusterSummary
from specanom.errors import ArgumentError

from .test_single import source


@pytest.fixture(scope="module")
def summary(explanations, sample) -> ClusterSummary:
    # Half of the explanations lead elsewhere, so that there are two clusters.
    weights = explanations.weights.copy()
    weights[::2] = weights[::2, ::-1]
    moved = explanations.replace(weights=weights)
    fitted = ExplanationClusterer(n_clusters=2, seed=0, bootstrap=0).fit(moved)
    return fitted.summary(sample, False)


def test_means_and_bands_are_those_of_the_summary(summary):
    layout = plots.clusters(summary)
    for cluster in summary:
        data = source(layout, f"cluster {cluster.label}")
        np.testing.assert_allclose(data["mean"], cluster.flux, rtol=1e-6)
        np.testing.assert_allclose(data["low"], cluster.flux_low, rtol=1e-6)
        weights = source(layout, f"weights {cluster.label}")
        assert np.array_equal(weights["weight"], cluster.weights)
        assert np.array_equal(weights["high"], cluster.weights_high)


def test_each_cluster_has_two_panels_on_one_range(summary):
    panels = [child[0] for child in plots.clusters(summary, unit="nm").children]
    assert len(panels) == 4
    assert len({id(panel.x_range) for panel in panels}) == 1
    assert panels[0].title.text.startswith("Cluster 0 · 6 spectra · z ")
    assert panels[0].x_range.start == pytest.approx(350.0, abs=0.2)


def test_plot_method_of_a_summary(summary):
    assert len(summary.plot(theme="dark").children) == 4


def test_elbow_and_silhouette_show_the_curves_and_the_choice():
    curves = pd.DataFrame({"k": [2, 3, 4], "inertia": [9.0, 5.0, 4.0], "silhouette": [0.2, 0.4, np.nan]})
    layout = plots.elbow_silhouette(curves, chosen=3)
    assert source(layout, "inertia")["y"].tolist() == [9.0, 5.0, 4.0]
    lines = [m for m in layout.references() if isinstance(m, Span) and m.name == "chosen"]
    assert [m.location for m in lines] == [3, 3]
    with pytest.raises(ArgumentError, match="inertia"):
        plots.elbow_silhouette(curves[["k"]])


def test_clusters_as_observed_are_drawn_over_observed_wavelengths_with_the_sky(explanations, sample):
    weights = explanations.weights.copy()
    weights[::2] = weights[::2, ::-1]
    fitted = ExplanationClusterer(2, bootstrap=0, frame="observed").fit(explanations.replace(weights=weights), sample)
    made = fitted.summary(sample, False)
    layout = plots.clusters(made)
    panels = [child[0] for child in layout.children]
    assert len(panels) == 4
    assert panels[-1].xaxis.axis_label == "vacuum wavelength (Å), observed frame"
    bars = source(layout, "weights 0")
    np.testing.assert_allclose(bars["left"], made.edges[:-1])
    np.testing.assert_array_equal(bars["weight"], made[0].weights)
    assert "[O I] 5577 sky" in list(bars["name"])
    drawn = next(iter(layout.select({"name": "lines"}))).data["name"]
    assert "[O I] 5577 sky" in drawn
    assert "[O III] 5008" not in drawn
