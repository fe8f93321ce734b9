from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, Legend

import specanom.plots as plots
from specanom.diagnostics import kauffmann2003, seyfert_liner
from specanom.errors import ArgumentError
from specanom.plots.palette import LIGHT

from .test_single import source


@pytest.fixture
def lines() -> pd.DataFrame:
    return pd.DataFrame({"id": ["a", "b", "c"], "N2": [0.1, 1.0, np.nan], "O3": [1.0, 10.0, 2.0],
                         "N2_err": [0.01, 0.1, np.nan], "O3_err": [0.1, 1.0, 0.1], "bpt": ["SF", "Seyfert", "none"]})


def test_points_are_logarithms_with_errors(lines):
    layout = plots.bpt(lines)
    assert layout.title.text == "2 of 3 galaxies have all four lines"
    data = source(layout, "points SF")
    assert (data["x"][0], data["y"][0]) == (pytest.approx(-1.0), pytest.approx(0.0))
    assert data["x1"][0] - data["x"][0] == pytest.approx(0.1 / np.log(10))
    assert data["id"] == ["a"]
    assert not any(s.name == "points none" for s in layout.references() if isinstance(s, ColumnDataSource))


def test_curves_are_kauffmann_kewley_and_schawinski(lines):
    layout = plots.bpt(lines)
    curve = source(layout, "Kauffmann 2003")
    np.testing.assert_allclose(curve["y"], kauffmann2003(curve["x"]))
    division = source(layout, "Seyfert/LINER")
    np.testing.assert_allclose(division["y"], seyfert_liner(division["x"]))
    assert source(layout, "Kewley 2001")["x"].size > 50


def test_own_curves_and_a_background(lines):
    layout = plots.bpt(lines, {"mine": ([0, 1], [1, 0])}, background=lines)
    assert source(layout, "mine")["y"].tolist() == [1, 0]
    assert source(layout, "background")["x"].size == 2


def test_empty_and_wrong_tables(lines):
    plots.to_html(plots.bpt(lines.iloc[2:]))
    with pytest.raises(ArgumentError, match="no O3"):
        plots.bpt(lines.drop(columns="O3"))


def test_numbered_groups_are_named_in_order_with_the_colours_of_their_clusters(lines):
    layout = plots.bpt(lines.assign(cluster=[10, 2, -1]), groups="cluster")
    legend = next(m for m in layout.above if isinstance(m, Legend))
    assert [item.label.value for item in legend.items][:2] == ["cluster 2", "cluster 10"]
    assert legend.items[0].renderers[0].glyph.fill_color == LIGHT.categories[2]


def test_a_legend_of_many_groups_goes_on_in_a_second_row(lines):
    few = plots.bpt(lines).above[0]
    assert few.ncols == len(few.items)
    many = pd.concat([lines.iloc[:1].assign(cluster=k) for k in range(7)])
    legend = next(m for m in plots.bpt(many, groups="cluster").above if isinstance(m, Legend))
    assert len(legend.items) == 10
    assert 1 < legend.ncols < 10
