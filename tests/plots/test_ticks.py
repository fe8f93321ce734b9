"""Logarithmic axes have ticks at round numbers, and groups of a diagram keep order, colour and shape."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from bokeh.models import BasicTickFormatter, CustomJS, FixedTicker, LogTicker, Scatter

import specanom.plots as plots
from specanom.plots.theme import canvas
from tests.headless import headless


def callbacks(model, event: str) -> list[CustomJS]:
    return [one for one in model.js_property_callbacks.get(f"change:{event}", []) if isinstance(one, CustomJS)]


def test_a_logarithmic_axis_follows_its_range_and_its_room():
    made = canvas("light", options={"x_axis_type": "log"})
    assert isinstance(made.xaxis[0].ticker, FixedTicker)
    assert isinstance(made.xaxis[0].formatter, BasicTickFormatter)
    for model, event in ((made.x_range, "start"), (made.x_range, "end"), (made, "inner_width")):
        assert any(one.args.get("ticker") is made.xaxis[0].ticker for one in callbacks(model, event))
    assert not isinstance(made.yaxis[0].ticker, LogTicker | FixedTicker)


@pytest.mark.parametrize(("span", "expected"), [
    ((0.7, 50.0), [1, 2, 5, 10, 20, 50]), ((0.0007, 0.04), [0.001, 0.002, 0.005, 0.01, 0.02]),
    ((1e-7, 10.0), [10.0**power for power in range(-7, 2)]), ((8.5, 9.3), [8.5, 8.6, 8.7, 8.8, 8.9, 9, 9.1, 9.2, 9.3]),
])
def test_ticks_are_round_numbers_over_the_whole_axis(span, expected, tmp_path):
    from bokeh.models import Range1d

    made = canvas("light", options={"x_axis_type": "log", "x_range": Range1d(*span), "sizing_mode": "fixed",
                                    "width": 600})
    made.line(list(span), [0, 1])
    page = plots.save_html(made, tmp_path / "figure.html")
    with contextmanager(headless)() as chromium:
        window = chromium.new_page()
        window.goto(page.as_uri())
        window.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents.every(d => d.is_idle)")
        ticks = window.evaluate("id => Bokeh.documents[0].get_model_by_id(id).ticks", made.xaxis[0].ticker.id)
    np.testing.assert_allclose(ticks, expected, rtol=1e-9)


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
