from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColorBar, ColumnDataSource, FactorRange, Legend, LogScale

import specanom.plots as plots
from specanom.errors import ArgumentError
from specanom.plots.palette import palette
from specanom.plots.quality import cell_edges
from specanom.triage.quality import rates, wavelength_rates

from .conftest import HOSTILE


def table(n: int = 6000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"plate": rng.integers(1, 9, n), "fiber": rng.integers(1, 101, n),
                         "snr": 10 ** rng.uniform(0, 2, n), "ra": rng.uniform(-15, 15, n) % 360,
                         "dec": rng.uniform(-15, 15, n)})


def odd(t: pd.DataFrame) -> np.ndarray:
    return np.random.default_rng(1).random(len(t)) < np.where(t["plate"] == 3, 0.3, 0.05)


def sources(figure) -> list[ColumnDataSource]:
    return [s for s in figure.select({"type": ColumnDataSource}) if "rate" in s.data]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_bin_is_drawn_with_its_rate_and_interval_and_the_one_that_stands_out_in_colour(theme):
    t = table()
    found = rates(t, odd(t), by="plate")
    made = found.plot(theme=theme)
    drawn = {name: row for s in sources(made) for name, *row in zip(s.data["bin"], s.data["rate"], s.data["rate_lo"],
                                                                   s.data["rate_hi"], strict=True)}
    assert drawn == {r["bin"]: [r["rate"], r["rate_lo"], r["rate_hi"]] for r in found.table.to_dict("records")}
    assert isinstance(made.x_range, FactorRange)
    marks = {s.data["bin"][0]: g.glyph.fill_color for g in made.renderers for s in [g.data_source]
             if "bin" in s.data and hasattr(g.glyph, "fill_color")}
    assert marks["3"] == palette(theme).vermilion
    labels = [item.label.value for one in made.select({"type": Legend}) for item in one.items]
    assert labels == ["as elsewhere", "more than chance"]
    assert made.title.text.endswith("1 of 8 bins stands out")
    assert made.y_range.end > found.table["rate_hi"].max()


def test_many_named_bins_share_an_axis_of_numbers_and_wide_numbers_get_a_logarithmic_one():
    t = table()
    assert not isinstance(rates(t, odd(t), by="fiber").plot().x_range, FactorRange)
    made = rates(t, odd(t), by="snr").plot()
    assert isinstance(made.x_scale, LogScale)
    s = sources(made)[0].data
    np.testing.assert_allclose(s["x"], np.sqrt(s["low"] * s["high"]))


def test_wavelengths_are_drawn_over_what_redshifts_would_do():
    rng = np.random.default_rng(2)
    z = rng.uniform(0.02, 0.3, 200)
    wave = np.r_[np.full(40, 5577.0), 5008 * (1 + z[40:])]
    found = wavelength_rates(wave, z)
    made = found.plot()
    expected = next(s for s in made.select({"type": ColumnDataSource}) if s.name == "expected")
    np.testing.assert_allclose(expected.data["top"], found.table["elsewhere"])
    assert "200 anomalies" in made.title.text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_map_draws_every_cell_and_is_not_torn_at_right_ascension_zero(theme):
    t = table()
    hot = (t["ra"] < 7) & (t["dec"].between(0, 8))
    found = rates(t, np.random.default_rng(3).random(len(t)) < np.where(hot, 0.5, 0.05), by="sky")
    made = found.plot(theme=theme)
    patches = [s for s in made.select({"type": ColumnDataSource}) if "xs" in s.data]
    assert sum(len(s.data["xs"]) for s in patches) == len(found.table)
    assert all(np.ptp(x) < 20 for s in patches for x in s.data["xs"])
    assert made.x_range.start > made.x_range.end  # east is to the left
    assert made.x_range.start - made.x_range.end < 60
    assert len(list(made.select({"type": ColorBar}))) == 1
    assert "outlined: more than chance" in [s.name and f"outlined: {s.name}" for s in patches]


def test_outlines_of_cells_keep_together_at_the_poles():
    from astropy_healpix import HEALPix

    cells = np.arange(HEALPix(nside=4, order="nested").npix)
    xs, ys, centre = cell_edges(cells, 4)
    assert all(np.ptp(x) <= 95 for x in xs)
    assert all(np.abs(y).max() <= 90 for y in ys)
    assert 0 <= centre < 360


def test_names_are_drawn_as_text_and_nothing_is_refused():
    t = pd.DataFrame({"program": [HOSTILE, "dark"] * 50})
    assert "<img" not in plots.to_html(rates(t, np.arange(100) % 3 == 0, by="program").plot())
    with pytest.raises(ArgumentError, match="at least one bin"):
        rates(t.assign(petal=-1), np.zeros(100, bool), by="petal").plot()
    with pytest.raises(ArgumentError, match="theme"):
        rates(t, np.zeros(100, bool), by="program").plot(theme="blue")
    assert rates(t, np.zeros(100, bool), by="program").plot().y_range.end > 0
