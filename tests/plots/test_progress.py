from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom.plots as plots
from specanom.errors import ArgumentError
from specanom.preprocess.report import Cut, ExtinctionCount, PreprocessReport

from .conftest import HOSTILE
from .test_single import source


def report(*cuts: Cut, n_in: int = 100) -> PreprocessReport:
    wave = np.arange(3.0)
    return PreprocessReport("fit", cuts, n_in, n_in - sum(c.count for c in cuts), (), ExtinctionCount(True, 1, 0), wave,
                            wave * 0, wave >= 0, 0.0)


def test_waterfall_shows_what_each_cut_left_and_whom_it_dropped():
    layout = plots.waterfall(report(Cut("sky", "sky fibre", 30, ("a", "b")), Cut("none", "nothing", 0),
                                    Cut("z", "sky fibre", 10, ("c",))))
    data = source(layout, "waterfall")
    assert data["step"] == ["read", "sky fibre", "sky fibre (2)"]
    assert data["left"] == [100, 70, 60]
    assert data["dropped"] == [0, 30, 10]
    assert data["ids"] == ["", "a, b", "c"]
    assert layout.title.text == "60 of 100 spectra kept"
    assert list(layout.y_range.factors) == data["step"][::-1]


def test_waterfall_of_nothing_and_of_hostile_reasons():
    plots.to_html(plots.waterfall(report(n_in=0)))
    assert "<img" not in plots.to_html(plots.waterfall(report(Cut("x", HOSTILE, 1, (HOSTILE,)))))


def test_history_draws_each_loss_of_each_network():
    table = pd.DataFrame({"fold": [0, 0, 1, 1], "step": [10, 20, 10, 20], "loss": [2.0, 1.0, 3.0, np.nan],
                          "val_loss": [2.5, 1.5, 3.5, 2.0], "seconds": [1.0, 2.0, 1.0, 2.0],
                          "best": [True, False, False, False]})
    layout = plots.history(table)
    assert [child[0].title.text for child in layout.children] == ["training loss", "val_loss"]
    assert source(layout, "val_loss: fold 1")["y"].tolist() == [3.5, 2.0]
    drawn = layout.children[0][0].renderers
    assert [r.glyph.fill_color for r in drawn if hasattr(r.glyph, "fill_color")] == ["#ffffff"]  # the best of fold 0
    with pytest.raises(ArgumentError, match="step or epoch"):
        plots.history(table.drop(columns="step"))
    with pytest.raises(ArgumentError, match="columns of losses"):
        plots.history(table[["step"]])


def test_roc_draws_the_curves_it_is_given():
    assert source(plots.roc({"mse": ([0, 0.5, 1], [0, 0.9, 1])}), "mse")["y"].tolist() == [0, 0.9, 1]


def test_learning_curve_has_points_at_the_sizes():
    table = pd.DataFrame({"plates": [1, 2, 4], "mse": [0.8, 0.85, 0.9], "mse_err": [0.02, 0.01, 0.01]})
    layout = plots.learning_curve(table, "plates", ["mse"])
    assert source(layout, "mse")["x"].tolist() == [1, 2, 4]
    assert list(layout.xaxis[0].ticker.ticks) == [1, 2, 4]
    with pytest.raises(ArgumentError, match="chi2"):
        plots.learning_curve(table, "plates", ["chi2"])
