"""Lines that the inspector of clusters measures itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from specanom.widgets.inspector import ClusterInspector

import specanom as sa
from specanom.cluster import ExplanationClusterer, features_of


@pytest.mark.slow
def test_lines_that_are_not_given_are_measured_in_the_background(tmp_path):
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=30, seed=1))[:8]
    rng = np.random.default_rng(0)
    features = dataclasses.replace(features_of(rng.random((8, 5))), ids=tuple(sample.ids))
    clusterer = ExplanationClusterer(2, bootstrap=0).fit(features.rows)
    clusterer.features_, clusterer.ids_ = features, features.ids
    opened = ClusterInspector(clusterer, sample, labels=tmp_path / "labels.jsonl")
    assert "not measured" in opened.ratios.value
    assert opened.wait(120)
    expected = sa.diagnostics.measure_lines(sample)
    assert opened.error is None
    assert opened.members.bpt.tolist() == expected["bpt"].tolist()
    np.testing.assert_array_equal(np.isfinite(opened.members.n2), np.isfinite(expected["N2"]))
    assert "Hα / Hβ" in opened.ratios.value
    known = np.isfinite(opened.map_pane.find("points").data["n2"]).sum()
    assert known == np.isfinite(expected["N2"]).sum()
    opened.close()
