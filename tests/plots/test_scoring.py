from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, LogAxis, LogScale, Span
from bokeh.plotting import figure

import specanom.plots as plots
from specanom import scores
from specanom.errors import ArgumentError

from .test_single import source


def panels(layout) -> dict[str, figure]:
    return {child[0].title.text: child[0] for child in layout.children}


def test_histograms_count_each_group_and_say_what_has_no_score(score_table):
    layout = plots.histograms(score_table)
    assert list(panels(layout)) == ["mse (3 without a score)", "mse_cal"]
    counted = [s.data["count"].sum() for s in layout.references()
               if isinstance(s, ColumnDataSource) and s.name and s.name.startswith("mse: ")]
    assert sum(counted) == 3997
    assert len(counted) == 2


def test_positive_scores_are_logarithmic_and_calibrated_ones_linear(score_table):
    found = panels(plots.histograms(score_table))
    assert isinstance(found["mse (3 without a score)"].x_scale, LogScale)
    assert not any(isinstance(axis, LogAxis) for axis in found["mse_cal"].xaxis)


def test_percentile_line_stands_where_it_should(score_table):
    made = panels(plots.histograms(score_table, ["mse"], percentile=90.0))["mse (3 without a score)"]
    at = next(m.location for m in made.center if isinstance(m, Span) and m.name == "percentile")
    assert at == pytest.approx(np.nanpercentile(score_table["mse"], 90.0))


@pytest.mark.parametrize("values", [[np.nan, np.nan], [1.0, 1.0], [0.0, 0.0], [-1.0, 2.0]])
def test_odd_columns_are_drawn(values):
    plots.to_html(plots.histograms(pd.DataFrame({"id": ["a", "b"], "s": values})))


def test_unknown_and_missing_columns_are_refused(score_table):
    with pytest.raises(ArgumentError, match="columns"):
        plots.histograms(score_table, ["msa"])
    with pytest.raises(ArgumentError, match="at least one column of scores"):
        plots.histograms(score_table[["id", "z"]])


def test_overlap_draws_what_the_table_counts():
    rng = np.random.default_rng(0)
    base = rng.normal(size=300)
    table = pd.DataFrame({"id": [f"g{i}" for i in range(300)], "a": base, "b": base + rng.normal(size=300),
                          "c": rng.normal(size=300)})
    counted = scores.overlap(table, 50)
    layout = plots.overlap(counted)
    data = source(layout, "intersections")
    assert data["count"].tolist() == sorted(counted["exclusive"][counted["exclusive"] > 0], reverse=True)
    assert (data["count"] * data["degree"]).sum() == 150  # each list holds 50
    assert layout.children[0][0].title.text.startswith("Top 50: ")
    dots = source(layout, "membership")
    assert len(dots["x"]) == 3 * len(data["x"])


def test_overlap_refuses_other_tables(score_table):
    with pytest.raises(ArgumentError, match=r"specanom\.scores\.overlap"):
        plots.overlap(score_table)


def test_dependence_shows_density_lone_points_and_the_running_median(score_table):
    layout = plots.dependence(score_table, "mse", against=("snr",))
    density, points = source(layout, "density"), source(layout, "points")
    assert round((10.0 ** density["density"]).sum()) + len(points["x"]) == 3997
    median = source(layout, "running median")["median"]
    assert median[0] > 3 * median[-1]  # this score falls with S/N


def test_dependence_of_few_and_of_no_points(score_table):
    assert source(plots.dependence(score_table.head(10), "mse"
                                   , against=("z",)), "points")["id"] == [f"g{i}" for i in range(3, 10)]
    plots.to_html(plots.dependence(score_table.head(3), "mse"))
