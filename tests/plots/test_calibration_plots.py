from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, Legend, Plot, Whisker

import specanom.plots as plots
from specanom.errors import ArgumentError
from specanom.explain.reliability import reliability_table

from .conftest import HOSTILE


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    p = rng.random(500)
    return reliability_table(p, rng.random(500) < p)


def sources(layout) -> dict[str, ColumnDataSource]:
    return {s.name: s for s in layout.references() if isinstance(s, ColumnDataSource) and s.name}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_points_and_intervals_are_those_of_the_table(theme):
    made = table()
    layout = plots.reliability({"known": made}, {"cosmic rays": ([0, 0.1, 1], [0, 0.8, 1])}, theme=theme)
    data = sources(layout)["known"].data
    for column in ("predicted", "observed", "low", "high", "count"):
        assert list(data[column]) == made[column].tolist()
    assert len(list(layout.select({"type": Whisker}))) == 1
    assert sources(layout)["cosmic rays"].data["y"].tolist() == [0, 0.8, 1]


def test_larger_points_hold_more_spectra():
    made = table().assign(count=[1, 10, 100, 1000, 1, 1, 1, 1, 1, 1])
    size = sources(plots.reliability({"a": made}))["a"].data["size"]
    assert (np.diff(size[:4]) > 0).all()


def test_more_kinds_than_colours_are_dashed():
    rocs = {f"kind {i}": ([0, 1], [0, 1]) for i in range(12)}
    layout = plots.reliability({"a": table()}, rocs)
    assert set(rocs) <= set(sources(layout))


def test_legends_stand_below_where_they_touch_no_title():
    layout = plots.reliability({"a": table()}, {"kind": ([0, 1], [0, 1])})
    for panel in layout.select({"type": Plot}):
        assert [one for one in panel.below if isinstance(one, Legend)]
        assert not [one for one in panel.above if isinstance(one, Legend)]


def test_without_curves_or_columns_it_is_refused_and_names_are_drawn_as_text():
    with pytest.raises(ArgumentError, match="at least one table"):
        plots.reliability({})
    with pytest.raises(ArgumentError, match="without low"):
        plots.reliability({"a": table().drop(columns="low")})
    assert "<img" not in plots.to_html(plots.reliability({HOSTILE: table()}, {HOSTILE: ([0, 1], [0, 1])}))
