"""LiveSpectrum without a browser: what its sources hold after each change, and what is sent."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.models import ColumnDataSource
from specanom.widgets.base.pane import FigurePane
from specanom.widgets.spectra import LiveSpectrum

import specanom.plots as plots
from specanom.errors import ArgumentError, ShapeError
from specanom.lines import line
from specanom.spectrum import Spectrum
from tests.plots.conftest import emission_galaxy

STILL = ("masked", "imputed", "sky", "masked flux", "imputed flux")


def bare(n: int = 500, **fields) -> Spectrum:
    return Spectrum(np.linspace(4000.0, 9000.0, n), np.ones(n), id="bare", **fields)


def still(layout) -> dict[str, dict]:
    return {s.name: dict(s.data) for s in layout.references() if isinstance(s, ColumnDataSource) and s.name}


@pytest.fixture
def live() -> LiveSpectrum:
    return LiveSpectrum()


def entries(live: LiveSpectrum) -> set[str]:
    return {item.label.value for item in live.flux.legend[0].items if item.visible}


def sent(pane: FigurePane, change) -> list:
    """Return the document's events that `change()` makes."""
    events: list = []
    pane.doc.on_change(events.append)
    change()
    pane.doc.remove_on_change(events.append)
    return events


@pytest.mark.parametrize("frame", ["rest", "observed"])
def test_its_layers_hold_what_the_still_figure_holds(live, frame):
    s = emission_galaxy()
    live.show(s, frame=frame)
    drawn = still(plots.spectrum(s, frame=frame))
    for name in (*STILL, "lines"):
        for column, values in drawn.get(name, {}).items():
            assert np.array_equal(live.sources[name].data[column], values, equal_nan=column in "xy"), (name, column)
    for column, values in drawn["flux"].items():
        np.testing.assert_array_equal(live.sources["flux"].data[column], np.asarray(values).astype(
            live.sources["flux"].data[column].dtype), err_msg=column)


def test_all_columns_of_numbers_are_single_precision(live):
    live.show(emission_galaxy(), np.ones(2000))
    kinds = {name: np.asarray(values).dtype for name, values in live.sources["flux"].data.items()}
    assert {str(kinds.pop("line")), str(kinds.pop("sky"))} == {"uint8"}
    assert set(map(str, kinds.values())) == {"float32"}


def test_the_residual_is_seen_only_with_a_reconstruction(live):
    s = emission_galaxy()
    live.show(s, np.ones(len(s)))
    assert live.residual.visible
    assert live.flux.xaxis.axis_label == ""
    assert {"reconstruction", "±1σ noise"} & entries(live) == {"reconstruction"}
    np.testing.assert_allclose(live.sources["flux"].data["residual"][s.valid], s.flux[s.valid] - 1.0, rtol=1e-5)
    live.show(s)
    assert not live.residual.visible
    assert live.flux.xaxis.axis_label == "vacuum wavelength (Å), rest frame"
    assert {"reconstruction", "±1σ noise"} & entries(live) == {"±1σ noise"}
    assert np.isnan(live.sources["flux"].data["reconstruction"]).all()


def test_spectra_of_another_length_take_over_all_columns(live):
    live.show(emission_galaxy(), np.ones(2000))
    live.show(bare(37))
    assert {len(values) for values in live.sources["flux"].data.values()} == {37}
    live.show(emission_galaxy())
    assert {len(values) for values in live.sources["flux"].data.values()} == {2000}


def test_only_columns_that_change_are_sent(live):
    pane = FigurePane(live.root)
    s = emission_galaxy()
    live.show(s)
    other = s.replace(flux=s.flux * 1.1)
    changes = [event for event in sent(pane, lambda: live.show(other)) if event.kind == "ColumnDataChanged"]
    columns = {event.model.name: set(event.cols) for event in changes}
    assert columns["flux"] == {"y", "low", "high"}
    assert not {"lines", "sky", "masked", "imputed"} & set(columns)
    assert sent(pane, lambda: live.show(other)) == []


def test_without_a_redshift_no_line_is_marked_and_the_title_says_so(live):
    live.show(bare())
    assert not len(live.sources["lines"].data["x"])
    assert live.flux.title.text.endswith("redshift unknown, lines not marked")
    live.show(bare(z=0.1))
    at = dict(zip(live.sources["lines"].data["name"], live.sources["lines"].data["x"], strict=True))
    assert at["Hα"] == pytest.approx(line("Ha").wave * 1.1)
    assert "unknown" not in live.flux.title.text


def test_kinds_of_lines_and_the_unit_are_chosen(live):
    live.kinds, live.unit = ("sky",), "nm"
    live.show(bare(z=0.1))
    marked = dict(zip(live.sources["lines"].data["name"], live.sources["lines"].data["x"], strict=True))
    assert marked["[O I] 5577 sky"] == pytest.approx(557.889)
    assert "Hα" not in marked
    assert live.flux.xaxis.axis_label == "vacuum wavelength (nm), observed frame"
    live.kinds = ()
    live.show(bare(z=0.1))
    assert not len(live.sources["lines"].data["x"])


def test_labels_that_are_written_do_not_overlap(live):
    live.show(emission_galaxy())
    data, width = live.sources["lines"].data, 900.0
    lo, hi = live.flux.x_range.start, live.flux.x_range.end
    boxes = [(row, (x - lo) / (hi - lo) * width + shift, len(label) * 5.8 + 8) for row, x, shift, label, alpha in zip(
        data["row"], data["x"], data["shift"], data["label"], data["alpha"], strict=True) if alpha]
    assert len(boxes) > 10
    for i, (row, centre, wide) in enumerate(boxes):
        for other, where, breadth in boxes[:i]:
            assert row != other or abs(centre - where) >= (wide + breadth) / 2 - 1e-6


def test_a_zoom_is_kept_on_demand_and_follows_the_frame_and_unit(live):
    s = emission_galaxy(z=0.1)
    live.show(s)
    live.flux.x_range.update(start=6500.0, end=6600.0)
    live.show(s, keep_zoom=True, frame="observed")
    np.testing.assert_allclose([live.flux.x_range.start, live.flux.x_range.end], [7150.0, 7260.0])
    live.unit = "nm"
    live.show(s, keep_zoom=True)
    np.testing.assert_allclose([live.flux.x_range.start, live.flux.x_range.end], [650.0, 660.0])
    assert live.flux.x_range.reset_end == pytest.approx(750.0, abs=0.2)
    live.show(s)
    assert not live.zoomed


def test_without_a_zoom_the_whole_of_the_next_spectrum_is_seen(live):
    live.show(emission_galaxy())
    live.show(bare(), keep_zoom=True)
    assert (live.flux.x_range.start, live.flux.x_range.end) == pytest.approx((4000.0, 9000.0), abs=6.0)
    live.zoom(8600.0, 8900.0)
    live.show(emission_galaxy(), keep_zoom=True)  # ends at 8250 in the observed frame: nothing to see there
    assert not live.zoomed


def test_a_window_sets_the_vertical_range_by_what_is_in_it(live):
    live.show(emission_galaxy())
    assert live.flux.yaxis.bounds[1] > 10.0
    assert live.sources["clipped"].data["value"] == [400.0]
    live.zoom(5500.0, 6000.0)
    assert live.flux.yaxis.bounds[1] < 2.0


def test_a_reconstruction_beyond_the_flux_is_in_the_picture_down_to_what_lies_below_zero(live):
    s = bare()
    around = (s.wave - 6563.0) / 40.0
    model = np.ones(500) + 8.0 * np.exp(-0.5 * around**2) - 4.0 * np.exp(-0.5 * (around - 6) ** 2)
    live.show(s, model)
    for window in ((4000.0, 9000.0), (6300.0, 7000.0)):
        live.zoom(*window)
        low, high = live.flux.yaxis[0].bounds
        assert low < model.min() < 0
        assert high > model.max()
        assert (live.flux.y_range.start, live.flux.y_range.reset_start) == (low, low)
    live.zoom(4000.0, 5000.0)
    assert live.flux.y_range.end < 5


def test_a_spike_is_pointed_at(live):
    s = emission_galaxy()
    live.show(s, np.ones(len(s)))
    assert live.sources["clipped"].data["value"] == [400.0]
    assert live.sources["clipped residual"].data["value"] == [399.0]


@pytest.mark.parametrize("s", [
    Spectrum([5000.0], [1.0], [1.0], id="one"),
    Spectrum([5000.0], [np.nan], id="one nan", z=0.1),
    Spectrum(np.arange(4000.0, 4200.0), np.full(200, np.nan), np.zeros(200), id="all masked", z=0.0),
    Spectrum(np.arange(4000.0, 4200.0), np.zeros(200), id="zero"),
])
def test_degenerate_spectra_are_shown(live, s):
    live.show(s, np.ones(len(s)))
    live.show(s)
    plots.to_html(live.root)
    assert np.isfinite([live.flux.y_range.start, live.flux.y_range.end]).all()
    assert live.flux.y_range.end > live.flux.y_range.start


def test_lines_shown_after_a_change_of_theme_have_its_colours():
    live = LiveSpectrum()
    pane = FigurePane(live.root)
    live.show(emission_galaxy())
    pane.follow = "dark"
    allowed = line_inks("dark")
    assert set(live.sources["lines"].data["color"]) <= allowed
    live.show(emission_galaxy().replace(z=0.2), frame="observed")
    assert set(live.sources["lines"].data["color"]) <= allowed
    live.restyle("light")
    assert set(live.sources["lines"].data["color"]) <= line_inks("light")


def line_inks(theme: str) -> set[str]:
    colours = plots.THEMES[theme]
    return {colours.blue, colours.absorption, colours.ultraviolet, colours.airglow}


def test_what_cannot_be_shown_is_refused_and_nothing_changes(live):
    live.show(emission_galaxy())
    before = {name: dict(source.data) for name, source in live.sources.items()}
    with pytest.raises(ArgumentError, match="redshift"):
        live.show(bare(), frame="rest")
    with pytest.raises(ShapeError, match="reconstruction"):
        live.show(bare(), np.ones(3))
    assert {name: dict(source.data) for name, source in live.sources.items()} == before
    assert live.flux.title.text.startswith("galaxy")


def test_hover_tells_what_there_is(live):
    s = emission_galaxy()
    live.show(s, np.ones(len(s)))
    tool = live._hovers[0]
    assert [label for label, _ in tool.tooltips] == ["λ rest", "λ observed", "flux", "σ", "model", "residual", "line",
                                                     "sky"]
    assert tool.formatters["@x"].args["factor"] == pytest.approx(1.1)
    live.show(bare())
    assert [label for label, _ in tool.tooltips] == ["λ observed", "flux", "line", "sky"]


def test_a_hostile_id_stays_text(live):
    live.show(emission_galaxy(id="$$x$$ \\[y\\]"))
    assert not {"$$", "\\["} & {live.flux.title.text[i : i + 2] for i in range(len(live.flux.title.text))}


def test_it_can_do_without_residuals():
    live = LiveSpectrum(residual=False, model="fit")
    live.show(emission_galaxy(), np.ones(2000))
    assert live.residual is None
    assert live.panels == [live.flux]
    assert "fit" in entries(live)
    assert live.flux.xaxis.axis_label == "vacuum wavelength (Å), rest frame"


def test_pixels_set_aside_are_drawn_from_border_to_border(live):
    s = Spectrum(np.array([10.0, 11.0, 12.0, 13.0, 14.0, 15.0]), np.arange(6.0), np.array([1, 0, 0, 1, 1, 0]), id="s")
    live.show(s)
    data = live.sources["masked flux"].data
    np.testing.assert_allclose(data["x"], [10.5, 11.5, 12.5, 12.5, 14.5, 15.5])
    np.testing.assert_allclose(data["y"], [1, 2, 2, np.nan, 5, 5])


def test_no_stepped_area_is_ever_empty() -> None:
    """BokehJS never ends drawing one of no points, which would stop the whole page."""
    live = LiveSpectrum()
    areas = [one for panel in live.panels for one in panel.renderers if type(one.glyph).__name__ == "VAreaStep"]
    assert areas
    assert all(len(one.data_source.data[one.glyph.x.field if hasattr(one.glyph.x, "field") else one.glyph.x]) >= 1
               for one in areas)
