from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, CustomJSHover, GlyphRenderer, HoverTool, Label, Legend, Title, Whisker

import specanom.plots as plots
from specanom.errors import ArgumentError, DataError, GridError, ShapeError
from specanom.explain.sampling import SamplingErrors
from specanom.lines import line
from specanom.plots.palette import LIGHT

from .conftest import HOSTILE, emission_galaxy, explained
from .test_single import source


def test_weights_intervals_and_borders_are_those_of_the_explanation(explanation_of_galaxy):
    e = explanation_of_galaxy
    data = source(plots.explanation(e), "weights")
    assert np.array_equal(data["weight"], e.weights)
    assert np.array_equal(np.stack([data["low"], data["high"]], axis=1), e.interval)
    np.testing.assert_allclose(np.append(data["left"], data["right"][-1]), e.edges)
    assert data["name"] == list(e.names)


def test_weights_per_angstrom_are_weights_over_widths(explanation_of_galaxy):
    e = explanation_of_galaxy
    layout = plots.explanation(e, density=True, top=1)
    data = source(layout, "weights")
    np.testing.assert_allclose(data["weight"] * np.diff(e.edges), e.weights)
    np.testing.assert_allclose(data["high"] * np.diff(e.edges), e.interval[:, 1])
    assert source(layout, "leading")["name"] == [e.names[int(np.abs(e.weights / np.diff(e.edges)).argmax())]]


def test_colour_tells_the_sign_and_tint_the_size(explanation_of_galaxy):
    layout = plots.explanation(explanation_of_galaxy)
    data = source(layout, "weights")
    assert [c == LIGHT.vermilion for c in data["color"]] == (data["weight"] >= 0).tolist()
    tint = source(layout, "tint")
    most = int(np.argmax(np.abs(data["weight"])))
    assert tint["alpha"][most] == 0.5
    assert tint["x0"][most] < line("Ha").wave < tint["x1"][most]


def test_leading_segments_come_first_and_equal_names_are_told_apart(explanation_of_galaxy):
    e = explanation_of_galaxy
    same = dataclasses.replace(e, context=dataclasses.replace(e.context, names=("continuum",) * e.n_segments))
    data = source(plots.explanation(same, top=3), "leading")
    assert data["name"] == ["continuum", "continuum (2)", "continuum (3)"]
    assert np.array_equal(data["weight"], e.weights[e.order[:3]])


def test_unknown_context_is_called_unknown(explanation_of_galaxy):
    data = source(plots.explanation(explanation_of_galaxy), "context")
    told = dict(zip(data["name"], data["text"], strict=True))
    assert told["join"] == "unknown"
    assert told["lines"] == "50%"


def test_the_probability_of_an_artefact_stands_above_the_shares_when_it_is_known(explanation_of_galaxy):
    e = explanation_of_galaxy
    for artefact, told in ((0.25, "Where the weight lies · artefact: 25%"),
                           (float("nan"), "Where the weight lies")):
        made = plots.explanation(dataclasses.replace(e, context=dataclasses.replace(e.context, artefact=artefact)))
        assert told in [title.text for title in made.select({"type": Title})]


def test_a_second_redshift_stands_above_the_shares(explanation_of_galaxy):
    e = explanation_of_galaxy
    found = dataclasses.replace(e.context, artefact=0.01, z_second=0.5513)
    made = plots.explanation(dataclasses.replace(e, context=found))
    assert "Where the weight lies · artefact: 1% · lines at z = 0.5513" in [
        title.text for title in made.select({"type": Title})]


def test_title_says_id_score_and_grade(explanation_of_galaxy):
    titles = [t.text for t in plots.explanation(explanation_of_galaxy).references() if isinstance(t, Title)]
    assert "galaxy · mse 3.5 · trusted (R² 0.90)" in titles


def test_nm_and_observed_axis(explanation_of_galaxy, galaxy):
    e = explanation_of_galaxy
    nm = source(plots.explanation(e, unit="nm"), "weights")
    np.testing.assert_allclose(nm["right"], np.array(e.edges[1:]) / 10.0)
    seen = source(plots.explanation(e, galaxy, frame="observed"), "weights")
    np.testing.assert_allclose(seen["right"], np.array(e.edges[1:]) * 1.1)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_reconstruction_is_drawn_over_the_flux_and_named(explanation_of_galaxy, galaxy, theme):
    model = np.full(galaxy.wave.size, 1.0)
    layout = explanation_of_galaxy.plot(spectrum=galaxy, reconstruction=model, theme=theme)
    data = source(layout, "flux")
    np.testing.assert_array_equal(data["reconstruction"], model)
    assert {"low", "high"} <= set(data)  # the noise is still drawn around the flux
    assert "residual" not in data  # no panel shows it
    named = [[item.label.value for item in one.items] for one in layout.references() if isinstance(one, Legend)]
    assert ["flux", "reconstruction"] in [names[:2] for names in named]
    tool = next(t for t in layout.select({"type": HoverTool}) if any(row[0] == "flux" for row in t.tooltips))
    assert ("model", "@reconstruction{0.0000}") in tool.tooltips
    assert not any(row[0] == "residual" for row in tool.tooltips)


def test_a_line_that_only_the_model_has_is_in_the_frame_and_a_wild_model_does_not_flatten_the_flux():
    s = emission_galaxy()
    s = s.replace(flux=np.full(s.wave.size, 1.0) + np.random.default_rng(2).normal(0.0, 0.05, s.wave.size))
    for height, told in ((0.5, True), (1000.0, False)):
        model = 1.0 + height * np.exp(-0.5 * ((s.wave - line("Ha").wave) / 20.0) ** 2)
        without, layout = (plots.explanation(explained(s), s, reconstruction=one) for one in (None, model))
        ends = [next(m for m in one.references() if getattr(m, "title", None) and m.title.text.startswith("galaxy ·"))
                for one in (without, layout)]
        before, after = (top.ygrid[0].bounds for top in ends)
        assert (after[1] >= model.max()) == told
        assert after[1] - after[0] <= 4.0 * (before[1] - before[0])


def test_a_reconstruction_that_does_not_fit_is_refused(explanation_of_galaxy, galaxy):
    with pytest.raises(ShapeError, match="reconstruction"):
        plots.explanation(explanation_of_galaxy, galaxy, reconstruction=np.ones(5))
    with pytest.raises(ArgumentError, match="a spectrum beside it"):
        plots.explanation(dataclasses.replace(explanation_of_galaxy, flux=None), reconstruction=galaxy.flux)


def test_another_spectrum_is_refused(explanation_of_galaxy, galaxy):
    with pytest.raises(ArgumentError, match="the spectrum explained, 'galaxy'"):
        plots.explanation(explanation_of_galaxy, emission_galaxy(id="other"))
    with pytest.raises(GridError, match="wavelengths of the explanation"):
        plots.explanation(explanation_of_galaxy, galaxy.replace(wave=galaxy.wave + 1.0))


def test_without_flux_only_the_weights_are_drawn(explanation_of_galaxy):
    layout = plots.explanation(dataclasses.replace(explanation_of_galaxy, flux=None))
    names = {s.name for s in layout.references() if isinstance(s, ColumnDataSource)}
    assert {"weights", "leading", "context"} <= names
    assert "flux" not in names


def test_segments_in_pieces_get_a_box_each(explanation_of_galaxy):
    e = explanation_of_galaxy
    pieces = dataclasses.replace(e, segments=(np.arange(e.wave.size) // 50) % e.n_segments)
    data = source(plots.explanation(pieces), "weights")
    assert data["segment"].size > np.unique(data["segment"]).size
    assert np.array_equal(data["weight"], pieces.weights[data["segment"]])


def test_zero_weights_and_unknown_intervals_are_drawn(explanation_of_galaxy):
    e = explanation_of_galaxy
    flat = dataclasses.replace(e, weights=np.zeros(e.n_segments), interval=np.full((e.n_segments, 2), np.nan))
    layout = plots.explanation(flat)
    assert not any(isinstance(m, Whisker) for m in layout.references())
    plots.to_html(layout)


def test_hostile_names_of_segments_are_not_formulas_or_tags():
    page = plots.to_html(plots.explanation(explained(emission_galaxy(id=HOSTILE))))
    assert "<img" not in page
    assert "$$x$$" not in page


def test_explanation_plot_method(explanation_of_galaxy):
    assert source(explanation_of_galaxy.plot(theme="dark"), "weights")["weight"].size == 20


def test_rows_of_the_picture_are_scaled_and_ordered_by_wavelength(explanations):
    image = source(plots.explanation_set(explanations), "picture")["image"][0]
    assert image.shape[0] == len(explanations)
    assert np.nanmax(np.abs(image)) <= 1.0 + 1e-6
    np.testing.assert_allclose(np.nanmax(np.abs(image), axis=1), 1.0, atol=1e-3)
    leading = np.nanargmax(np.abs(image), axis=1)
    assert (np.diff(leading) <= 0).all()  # rows from bottom to top


def test_hover_over_the_picture_names_the_row(explanations):
    scored = explanations.replace(scores=np.arange(12.0))
    layout = plots.explanation_set(scored, order="score", limit=5)
    tool = next(t for t in layout.references() if isinstance(t, HoverTool) and "$y" in t.formatters)
    formatter = tool.formatters["$y"]
    assert isinstance(formatter, CustomJSHover)
    assert formatter.args["ids"] == ["g07", "g08", "g09", "g10", "g11"]


def test_empty_set_and_unknown_order_are_refused(explanations):
    with pytest.raises(DataError, match="at least one explanation"):
        plots.explanation_set(explanations[:0])
    with pytest.raises(ArgumentError, match="order"):
        plots.explanation_set(explanations, order="size")


def test_many_narrow_segments_have_a_band_of_intervals_instead_of_whiskers(galaxy):
    e = explained(galaxy, k=400)
    layout = plots.explanation(e)
    band = next(m for m in layout.references() if isinstance(m, GlyphRenderer) and m.name == "band")
    assert (band.glyph.bottom, band.glyph.top) == ("low", "high")
    assert band.data_source.name == "weights"


def test_the_set_shows_the_median_interval_of_its_rows(explanations):
    data = source(plots.explanation_set(explanations), "mean")
    weights = explanations.weights
    half = np.ptp(explanations.interval, axis=2) / 2 / np.abs(weights).max(axis=1, keepdims=True)
    np.testing.assert_allclose(data["half"], np.median(half, axis=0)[explanations.segments], rtol=1e-5)
    unknown = explanations.replace(interval=np.full_like(explanations.interval, np.nan))
    assert np.isnan(source(plots.explanation_set(unknown), "mean")["half"]).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_errors_against_samples_mark_the_default(theme):
    n = np.array([500, 2000, 8000])
    error = np.multiply.outer([[1.0], [2.0]], 0.1 * np.sqrt(500 / n))[:, 0, :, None] * np.linspace(0.9, 1.1, 5)
    found = SamplingErrors(n, ("paired", "independent"), error, error < 0.15, np.ones(4), ("paired", 2000), "", "g1")
    made = found.plot(theme=theme)
    assert source(made, "default")["n"] == [2000]
    assert source(made, "default")["median"] == pytest.approx([0.05])
    np.testing.assert_allclose(source(made, "independent")["median"], 0.2 * np.sqrt(500 / n))
    assert "against endless sampling" in made.title.text
    assert made.select_one({"type": Label}).text_align == "left"
    last = dataclasses.replace(found, n=np.array([250, 500, 2000]))  # words to the right would leave the frame
    assert last.plot(theme=theme).select_one({"type": Label}).text_align == "right"
    plots.to_html(made)
    # Without the default among the numbers, nothing is marked; errors of exactly zero are drawn off the axis.
    bare = dataclasses.replace(found, default=("paired", 3000), error=np.zeros_like(error))
    assert not [s for s in plots.sampling_errors(bare).references() if s.name == "default"]
