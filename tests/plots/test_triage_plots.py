"""The figure of yields shows the curves it is given."""

from __future__ import annotations

import numpy as np
import pytest

from specanom import plots
from specanom.errors import ArgumentError
from specanom.triage import yield_curve

IDS = [f"s{i:03d}" for i in range(50)]
GOOD = set(IDS[::4])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_curves_and_intervals_are_those_of_the_records(theme) -> None:
    curves = {"score": yield_curve(IDS, GOOD), "<b>$$after$$": yield_curve(IDS[::-1], GOOD)}
    panel = plots.yields(curves, first=20, theme=theme)
    for name, curve in curves.items():
        data = panel.select_one({"name": name}).data
        np.testing.assert_array_equal(data["found"], np.r_[0, curve.found[:20]])
        np.testing.assert_array_equal(data["n"], np.arange(21))
        assert (data["least"] <= data["found"] + 1e-9).all()
        assert (data["found"] <= data["most"] + 1e-9).all()
    best = panel.select_one({"name": "best"}).data_source.data
    assert best["y"] == [0.0, 13.0, 13.0]
    chance = panel.select_one({"name": "chance"}).data_source.data
    assert chance["y"][1] == pytest.approx(20 * 13 / 50)
    labels = [item.label.value for item in panel.legend[0].items]
    assert labels[0] == "score"
    assert "$$" not in labels[1]
    assert labels[2:] == ["best possible", "by chance"]


def test_a_curve_plots_itself() -> None:
    panel = yield_curve(IDS, GOOD).plot(theme="dark")
    assert panel.select_one({"name": "ranking"}).data["found"][-1] == 13


def test_curves_of_different_truths_are_not_drawn_together() -> None:
    with pytest.raises(ArgumentError, match="the same truth"):
        plots.yields({"a": yield_curve(IDS, GOOD), "b": yield_curve(IDS, {"s001"})})
    with pytest.raises(ArgumentError, match="at least one"):
        plots.yields({})
