"""Logarithmic axes have ticks at round numbers, and groups of a diagram keep order, colour and shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
from bokeh.models import BasicTickFormatter, CustomJS, FixedTicker, LogTicker, Scatter

import specanom.plots as plots
from specanom.plots.theme import canvas


def callbacks(model, event: str) -> list[CustomJS]:
    return [one for one in model.js_property_callbacks.get(f"change:{event}", []) if isinstance(one, CustomJS)]


def test_a_logarithmic_axis_follows_its_range_and_its_room():
    made = canvas("light", options={"x_axis_type": "log"})
    assert isinstance(made.xaxis[0].ticker, FixedTicker)
    assert isinstance(made.xaxis[0].formatter, BasicTickFormatter)
    for model, event in ((made.x_range, "start"), (made.x_range, "end"), (made, "inner_width")):
        assert any(one.args.get("ticker") is made.xaxis[0].ticker for one in callbacks(model, event))
    assert not isinstance(made.yaxis[0].ticker, LogTicker | FixedTicker)


def test_numbered_clusters_stand_in_order_and_no_two_look_alike():
    n = 14
    lines = pd.DataFrame({"id": [f"g{i}" for i in range(n)], "N2": 0.3, "O3": np.linspace(0.2, 2.0, n),
                          "cluster": [f"cluster {i}" for i in range(n)]})
    made = plots.bpt(lines, groups="cluster")
    labels = [item.label.value for item in made.legend[0].items]
    assert labels[:n] == [f"cluster {i}" for i in range(n)]
    looks = {(glyph.fill_color, glyph.marker) for glyph in made.references() if isinstance(glyph, Scatter)}
    assert len({look for look in looks if look[1] in ("circle", "triangle", "square", "diamond", "inverted_triangle")}
               ) >= n
