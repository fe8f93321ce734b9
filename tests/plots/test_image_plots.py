"""Pictures of explained images show the pixels, weights and scores they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.core.validation import check_integrity, process_validation_issues
from bokeh.models import ColorBar, ImageRGBA, LinearColorMapper, Row, Text
from bokeh.plotting import figure
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
import specanom.plots as plots
from specanom.errors import ArgumentError
from specanom.explain.imageexplanation import neighbours
from specanom.plots.images import YELLOW
from specanom.plots.palette import DARK, LIGHT
from specanom.plots.pictures import borders, brightness, rgba

from .test_single import source

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(0, 0.1, (20, 30))
IMAGE[12:16, 20:25] += 3.0


def power(images: np.ndarray) -> np.ndarray:
    return (images.reshape(len(images), -1).astype(float) ** 2).mean(axis=1)


@pytest.fixture(scope="module")
def e() -> sa.ImageExplanation:
    return sa.Explainer(power, sa.Grid(5, 6), perturbation=sa.Grey(0.3), method=sa.Lime(400)).explain(IMAGE)


def unpacked(packed: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(packed).view(np.uint8).reshape(*packed.shape, 4)


def panels(layout: object) -> list[figure]:
    return sorted((m for m in layout.references() if isinstance(m, figure)), key=lambda m: m.id)


# --- arrays to pictures ----------------------------------------------------------------------------------------------

@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**31))
def test_borders_run_between_pixels_of_different_ids_and_nowhere_else(h: int, w: int, k: int, seed: int) -> None:
    ids = np.random.default_rng(seed).integers(0, k, (h, w))
    lines = borders(ids)
    upright = np.zeros((h, max(w - 1, 0)), dtype=int)
    level = np.zeros((max(h - 1, 0), w), dtype=int)
    for x0, y0, x1, y1 in zip(*(lines[name] for name in ("x0", "y0", "x1", "y1")), strict=True):
        if x0 == x1:
            upright[int(y0 + 0.5) : int(y1 + 0.5), int(x0 - 0.5)] += 1
        else:
            assert y0 == y1
            level[int(y0 - 0.5), int(x0 + 0.5) : int(x1 + 0.5)] += 1
    assert np.array_equal(upright, (ids[:, 1:] != ids[:, :-1]).astype(int))
    assert np.array_equal(level, (ids[1:] != ids[:-1]).astype(int))


@pytest.mark.parametrize("stretch", ["asinh", "linear"])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 2), (20, 30, 5)])
def test_brightness_grows_with_flux_between_black_and_white(stretch: str, shape: tuple[int, ...]) -> None:
    ramp = np.linspace(-1, 50, 600).reshape(20, 30)
    image = ramp if len(shape) == 2 else np.repeat(ramp[:, :, None], shape[2], axis=2)
    levels = brightness(image, stretch)
    assert levels.shape == ((20, 30, 3) if shape[2:] == (3,) else (20, 30))
    assert levels.min() == 0
    assert levels.max() == pytest.approx(1.0)
    grey = levels if levels.ndim == 2 else levels[:, :, 0]
    assert (np.diff(grey.ravel()) >= 0).all()
    assert np.isfinite(brightness(np.zeros(shape), stretch)).all()


def test_asinh_shows_what_linear_hides_and_keeps_the_colour() -> None:
    sky = RNG.normal(0, 0.01, (40, 40))
    sky[5, 5], sky[20:25, 20:25] = 100.0, 0.3
    assert brightness(sky, "linear")[22, 22] < 0.01
    assert brightness(sky, "asinh")[22, 22] > 0.3
    colour = np.abs(RNG.normal(1, 0.01, (30, 30)))[:, :, None] * [1.0, 2.0, 4.0]
    colour[10:12, 10:12] *= 5
    flux, levels = colour[8, 8], brightness(colour, "asinh")[10, 10]
    assert levels[0] < levels[1] < levels[2]
    assert flux[0] < flux[2]
    with pytest.raises(ArgumentError, match="asinh"):
        brightness(sky, "log")


def test_an_image_like_another_has_its_black_and_white() -> None:
    half = np.where(np.arange(30) < 15, IMAGE, 0.0)
    np.testing.assert_array_equal(brightness(half, "asinh", like=IMAGE)[:, :15], brightness(IMAGE, "asinh")[:, :15])


def test_colours_are_packed_and_grey_where_not_kept() -> None:
    keep = np.array([[True, False]])
    made = unpacked(rgba(np.array([[[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]]]), "#102030", keep))
    assert made.tolist() == [[[255, 128, 0, 255], [16, 32, 48, 255]]]


# --- figures ---------------------------------------------------------------------------------------------------------

def test_the_heat_map_is_symmetric_about_nothing_and_has_a_colour_bar(e: sa.ImageExplanation) -> None:
    made = plots.image_heat(e)
    np.testing.assert_allclose(source(made, "heat")["image"][0], e.heat(), rtol=1e-6)
    bar, = made.select(ColorBar)
    mapper = bar.color_mapper
    assert isinstance(mapper, LinearColorMapper)
    assert bar.location == "center"
    assert bar.width < made.frame_width, "numbers at its ends have room"
    assert mapper.high == -mapper.low == np.abs(e.weights).max()
    assert mapper.palette[0] == LIGHT.blue
    assert mapper.palette[-1] == LIGHT.vermilion
    assert mapper.palette[len(mapper.palette) // 2] == LIGHT.middle


def test_the_leading_superpixels_stand_on_grey_with_yellow_borders_and_numbers(e: sa.ImageExplanation) -> None:
    made = plots.image_top(e, 2)
    shown = unpacked(source(made, "top")["image"][0])
    grey = tuple(int(LIGHT.slate[i : i + 2], 16) for i in (1, 3, 5))
    assert np.array_equal((shown[:, :, :3] != grey).any(axis=2), e.top(2))
    assert source(made, "top borders")["x0"].size < source(plots.image_segments(e), "borders")["x0"].size
    drawn, = (r.data_source.data for r in made.renderers if isinstance(r.glyph, Text))
    assert list(drawn["text"]) == [str(k) for k in e.order[:2]]
    row, column = e.to_frame().loc[int(e.order[0]), ["row", "column"]]
    assert (drawn["y"][0], drawn["x"][0]) == (row, column)
    assert any(getattr(r.glyph, "line_color", None) == YELLOW for r in made.renderers)


def test_row_zero_is_at_the_bottom_unless_asked_otherwise(e: sa.ImageExplanation) -> None:
    lower, upper = plots.image_segments(e), plots.image_segments(e, origin="upper")
    assert (lower.y_range.start, lower.y_range.end) == (-0.5, 19.5)
    assert (upper.y_range.start, upper.y_range.end) == (19.5, -0.5)
    assert lower.frame_width / lower.frame_height == pytest.approx(30 / 20)
    picture, = (r.glyph for r in lower.renderers if isinstance(r.glyph, ImageRGBA))
    assert (picture.x, picture.y, picture.dw, picture.dh) == (-0.5, -0.5, 30, 20)
    with pytest.raises(ArgumentError, match="origin"):
        plots.image_segments(e, origin="left")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_one_layout_joins_pictures_and_weights_with_intervals(e: sa.ImageExplanation, theme: str) -> None:
    layout = e.plot(theme=theme, top=4)
    leading = source(layout, "leading")
    assert np.array_equal(leading["weight"], e.weights[e.order[:4]])
    assert np.array_equal(leading["low"], e.interval[e.order[:4], 0])
    pictures = panels(layout)[:3]
    assert isinstance(layout, Row)
    assert layout.styles["flex-wrap"] == "wrap", "a page that is too narrow for all has them below each other"
    assert all(one.x_range is pictures[0].x_range for one in pictures)
    paper = (DARK if theme == "dark" else LIGHT).paper
    assert {one.background_fill_color for one in panels(layout)} == {paper}
    # The page is of the colour of the panels, not of the black behind the numbers of superpixels.
    assert f"body {{ margin: 12px; background: {paper}; }}" in plots.to_html(layout)
    issues = check_integrity(layout.references())
    assert not issues.error
    assert not issues.warning
    process_validation_issues(issues)
    assert "Leading superpixels" in plots.to_html(layout)


def test_the_mosaic_shows_the_copies_with_their_scores(e: sa.ImageExplanation) -> None:
    some = neighbours(e, power, 6)
    layout = some.plot(columns=3)
    titles = [one.title.text for one in panels(layout)]
    assert titles[0] == f"as observed: {some.scores[0]:.4g}"
    assert titles[1] == f"0 of 30 on: {some.scores[1]:.4g}"
    filled = unpacked(source(layout, "neighbour 1")["image"][0])[:, :, 0]
    assert np.unique(filled).size == 1
    copy = unpacked(source(layout, "neighbour 2")["image"][0])
    whole = unpacked(source(layout, "neighbour 0")["image"][0])
    on = some.masks[2][e.segments].astype(bool)
    assert np.array_equal(copy[on], whole[on])
    assert np.array_equal(copy[~on][:, 0], filled[~on])


def test_a_colour_image_and_one_without_weight_can_be_drawn() -> None:
    colour = np.stack([IMAGE, IMAGE, 2 * IMAGE], axis=2)
    for image in (colour, np.repeat(IMAGE[:, :, None], 5, axis=2), np.zeros((20, 30))):
        made = sa.Explainer(power, sa.Grid(2, 2), perturbation=sa.Grey(), method=sa.Lime(50)).explain(image)
        assert plots.to_html(made.plot(top=3))


def test_pictures_in_a_row_keep_their_size(e: sa.ImageExplanation) -> None:
    assert all(one.styles == {"flex": "none"} and one.toolbar_location != "above" for one in panels(e.plot())[:3])
