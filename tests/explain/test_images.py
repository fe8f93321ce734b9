"""Images are explained by superpixels with the same methods, and as lime's own image explainer does it."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explain.evaluate import evaluator_of
from specanom.explain.imageexplanation import neighbours
from specanom.explain.images import ImageScore, explain_image
from specanom.explain.masks import cosine_distances, kernel, make_masks
from specanom.explain.perturb import fill_of
from specanom.explain.problem import Problem
from specanom.explain.ridge import Ridge

RNG = np.random.default_rng(4)
IMAGE = RNG.normal(0, 0.1, (30, 40)).astype(np.float32)
IMAGE[20:25, 30:35] += 3.0


def power(images: np.ndarray) -> np.ndarray:
    """Mean square of images of any shape."""
    return (images.reshape(len(images), -1).astype(np.float64) ** 2).mean(axis=1)


def explained(image: np.ndarray = IMAGE, **options: object) -> sa.ImageExplanation:
    settings = {"segments": sa.Grid(6, 8), "perturbation": sa.Grey(0.0), "method": sa.Lime(600)} | options
    made = sa.Explainer(power, **settings).explain(image)  # type: ignore[arg-type]
    assert isinstance(made, sa.ImageExplanation)
    return made


# --- what it points at -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("fill", [sa.Grey(), sa.Grey(0.1), sa.Flat(0.0), sa.SegmentMean(), sa.Blur(3.0), sa.Scale(0.5),
                                  sa.Contrast(0.2), sa.Typical(np.zeros((30, 40)))])
def test_the_bright_square_leads_whatever_the_fill(fill: object) -> None:
    e = explained(segments=sa.Grid(3, 4), perturbation=fill)
    assert e.top(1)[20:25, 30:35].all()
    assert e.top(1).sum() == 100


@pytest.mark.parametrize("fill", [sa.Grey(), sa.SegmentMean(), sa.Blur(3.0)])
def test_a_colour_image_is_cut_once_and_filled_channel_by_channel(fill: object) -> None:
    colour = np.stack([IMAGE, 2 * IMAGE + 1, 0 * IMAGE + 5], axis=2)
    e = explained(colour, perturbation=fill, segments=sa.Grid(3, 4))
    alone = explained(IMAGE, perturbation=fill, segments=sa.Grid(3, 4))
    assert e.segments.shape == (30, 40)
    assert e.shape == (30, 40, 3)
    np.testing.assert_allclose(e.fill[:, :, 0], alone.fill, atol=1e-6)
    np.testing.assert_allclose(e.fill[:, :, 1], 2 * alone.fill + 1, atol=1e-5)
    np.testing.assert_allclose(e.fill[:, :, 2], 5, atol=1e-6)
    assert e.top(1)[20:25, 30:35].any()


def test_weights_of_an_additive_score_are_the_power_in_each_superpixel() -> None:
    e = explained(method=sa.Lime(4000))
    power_of = np.bincount(e.segments.ravel(), weights=(IMAGE.astype(float) ** 2).ravel()) / IMAGE.size
    # The ridge shrinks by about 4 α/N.
    np.testing.assert_allclose(e.weights, power_of, atol=2e-3 * power_of.max())
    assert e.score == pytest.approx(power_of.sum(), rel=1e-6)
    assert e.grade == "trusted"


def test_the_record_knows_rows_columns_and_pixels_and_no_wavelengths() -> None:
    e = explained()
    table = e.to_frame()
    leading = table.loc[int(e.order[0])]
    assert (leading["row"], leading["column"]) == (22.0, 32.0)
    assert leading["pixels"] == 25
    assert leading["name"] == f"superpixel {int(e.order[0])}" == e.names[e.order[0]]
    assert e.edges is None
    assert e.wave.size == 0
    assert not any(e.intervals)
    assert np.array_equal(e.heat(), e.weights[e.segments])
    assert e.heat().shape == (30, 40)
    assert np.isnan(list(e.context.shares.values())).all()
    np.testing.assert_allclose(e.per_angstrom() * 25, e.weights)
    with pytest.raises(ValueError, match="read-only"):
        e.fill[0, 0] = 1.0
    again = pickle.loads(pickle.dumps(e))  # noqa: S301 - our own bytes
    assert isinstance(again, sa.ImageExplanation)
    assert np.array_equal(again.fill, e.fill)
    assert "48 superpixels" in repr(e)
    assert "30 × 40" in repr(e)


def test_top_takes_the_sign_that_is_asked_for() -> None:
    dip = IMAGE.copy()
    dip[0:5, 0:5] = 0.5
    e = explained(dip, perturbation=sa.Grey(1.0))  # switching the dip off raises the score
    assert e.top(1, sign=1)[22, 32]
    assert not e.top(1, sign=1)[2, 2]
    assert (e.weights[np.unique(e.segments[e.top(3, sign=-1)])] < 0).all()
    assert e.top(0).sum() == 0
    assert explained(np.zeros((30, 40))).top(5).sum() == 0  # nothing leads where nothing changes the score


# --- how it is cut ---------------------------------------------------------------------------------------------------

@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_a_grid_covers_each_pixel_with_nearly_equal_rectangles(r: int, c: int, h: int, w: int, colour: bool) -> None:
    ids = sa.Grid(r, c)(np.zeros((r + h, c + w, 3) if colour else (r + h, c + w)))
    assert np.array_equal(np.unique(ids), np.arange(r * c))
    heights = [np.ptp(np.nonzero(ids == k)[0]) + 1 for k in range(r * c)]
    widths = [np.ptp(np.nonzero(ids == k)[1]) + 1 for k in range(r * c)]
    assert max(heights) - min(heights) <= 1
    assert max(widths) - min(widths) <= 1
    assert np.array_equal(np.bincount(ids.ravel()), np.multiply(heights, widths))


def test_slic_follows_the_image_and_its_last_superpixel_is_perturbed() -> None:
    ids = sa.Slic(60, compactness=0.1)(IMAGE)
    assert ids.shape == IMAGE.shape
    assert ids.min() == 0
    square = np.bincount(ids[20:25, 30:35].ravel(), minlength=ids.max() + 1) / np.bincount(ids.ravel())
    assert square.max() > 0.6
    last = ids == ids.max()

    def of_last(images: np.ndarray) -> np.ndarray:
        return (images[:, last].astype(float) ** 2).mean(axis=1)

    cut = sa.Slic(60, compactness=0.1)
    e = sa.Explainer(of_last, cut, perturbation=sa.Grey(5.0), method=sa.Lime(600)).explain(IMAGE)
    assert np.array_equal(e.top(1), last)
    published = sa.Slic(60, compactness=0.1, published=True)
    trap = sa.Explainer(of_last, published, perturbation=sa.Grey(5.0), method=sa.Lime(600))
    assert not trap.explain(IMAGE).weights.any()


def test_a_segmentation_map_of_ones_own_is_numbered_again() -> None:
    sources = np.zeros((30, 40), dtype=int)
    sources[20:25, 30:35] = 17
    e = explained(segments=sa.Given(sources))
    assert e.n_segments == 2
    assert np.array_equal(e.top(1), sources == 17)
    assert sa.Given(sources) == sa.Given(sources.copy()) != sa.Given(sources[:2])
    assert "2 segments of 30 × 40" in repr(sa.Given(sources))
    plain = explained(segments=lambda image, wave: (image > 1).astype(int))
    assert np.array_equal(plain.top(1), IMAGE > 1)


def test_refinement_narrows_the_leading_superpixel_down_to_the_square() -> None:
    coarse = explained(segments=sa.Grid(3, 4))
    fine = explained(segments=sa.Refined(sa.Grid(3, 4), depth=2))
    assert fine.n_samples == coarse.n_samples == 600
    assert fine.top(1).sum() < coarse.top(1).sum() / 8
    assert (fine.top(1) <= (IMAGE > 1)).all()


# --- agreement with lime ---------------------------------------------------------------------------------------------

def test_copies_are_flux_or_fill_bit_for_bit() -> None:
    colour = np.stack([IMAGE, 2 * IMAGE, 3 * IMAGE], axis=2)
    seen: list[np.ndarray] = []

    def score(images: np.ndarray) -> np.ndarray:
        seen.append(images.copy())
        return power(images)

    e = sa.Explainer(score, sa.Grid(3, 4), perturbation=sa.SegmentMean(), method=sa.Lime(20)).explain(colour)
    masks = make_masks(0, 12, 20, "paired")
    got = np.concatenate(seen)[:20]
    assert got.shape == (20, 30, 40, 3)
    for image, mask in zip(got, masks, strict=True):
        assert np.array_equal(image, np.where(mask[e.segments][:, :, None] == 1, colour, e.fill))


@pytest.mark.parametrize("fill", ["mean", "grey"])
def test_weights_are_those_of_lime_image_on_its_own_masks(fill: str) -> None:
    """lime_image: cosine distance to the row of all ones, kernel width 0.25, ridge with α = 1, mean or one colour."""
    lime_image = pytest.importorskip("lime.lime_image")
    image = np.clip(RNG.random((24, 24, 3)) * 0.3, 0, 1)
    image[4:9, 10:16, 0] += 0.6
    ids = sa.Slic(15, compactness=1.0)(image)

    def classes(images: np.ndarray) -> np.ndarray:
        p = np.tanh(3 * images[:, 4:9, 10:16, 0].mean(axis=(1, 2)) * images[:, :, :, 1].mean(axis=(1, 2)))
        return np.stack([1 - p, p], axis=1)

    theirs = lime_image.LimeImageExplainer(random_state=3, feature_selection="none")
    made = theirs.explain_instance(image, classes, labels=(1,), top_labels=None, num_samples=300,
                                   hide_color=None if fill == "mean" else 0.2, segmentation_fn=lambda _: ids,
                                   random_seed=1)
    weights = np.array([weight for _, weight in sorted(made.local_exp[1])])

    again = lime_image.LimeImageExplainer(random_state=3)  # the same stream: the same masks
    shown = sa.SegmentMean() if fill == "mean" else sa.Grey(0.2)
    background = fill_of(shown, image.astype(np.float64), ids, seed=0)
    data, labels = again.data_labels(image, background, ids, classes, 300)
    pixels = image.astype(np.float32)
    problem = Problem(ImageScore(lambda images: classes(images)[:, 1], image.shape), pixels.ravel(),
                      background.ravel(), np.repeat(ids.ravel(), 3))
    ours = evaluator_of(problem).scores(data.astype(np.uint8))
    np.testing.assert_allclose(ours, labels[:, 1], rtol=2e-6)  # float32 copies
    fit = Ridge(data.astype(np.uint8), kernel(cosine_distances(data), 0.25), alpha=1.0, pairs=False)
    same, intercept = fit.solve(labels[:, 1])
    np.testing.assert_allclose(same, weights, rtol=1e-6, atol=1e-6 * np.abs(weights).max())
    assert intercept == pytest.approx(made.intercept[1], rel=1e-6)
    np.testing.assert_allclose(fit.solve(ours)[0], weights, atol=1e-5 * np.abs(weights).max())


# --- galaxies --------------------------------------------------------------------------------------------------------

def sersic(rng: np.random.Generator, n: int = 48) -> np.ndarray:
    """A Sérsic galaxy with noise, seen through a PSF."""
    y, x = np.indices((n, n)) - n / 2 + 0.5
    x0, y0 = rng.normal(0, 0.7, 2)
    turn, axis, index = rng.uniform(0, np.pi), rng.uniform(0.4, 1), rng.choice([1.0, 1.5, 2.5, 4.0])
    u = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
    v = (-(x - x0) * np.sin(turn) + (y - y0) * np.cos(turn)) / axis
    radius = np.hypot(np.hypot(u, v), 0.7) / rng.uniform(3, 6)
    light = rng.uniform(0.5, 2) * np.exp(-(2 * index - 1 / 3) * (radius ** (1 / index) - 1))
    return gaussian_filter(light, 1.2) + rng.normal(0, 0.03, (n, n))


def tidal_arc(n: int = 48) -> np.ndarray:
    y, x = np.indices((n, n)) - n / 2 + 0.5
    return 0.5 * np.exp(-0.5 * ((np.hypot(x, y) - 16) / 1.5) ** 2) * (np.abs(np.arctan2(y, x) - 0.9) < 0.5)


def companion(n: int = 48) -> np.ndarray:
    y, x = np.indices((n, n))
    return 1.2 * np.exp(-0.5 * ((x - 10) ** 2 + (y - 36) ** 2) / 4.0)


def cosmic_ray(n: int = 48) -> np.ndarray:
    track = np.zeros((n, n))
    for i in range(9):
        track[8 + i // 2, 30 + i] = 3.0
    return track


@pytest.fixture(scope="module")
def eigengalaxies():
    rng = np.random.default_rng(0)
    flux = np.arcsinh(np.stack([sersic(rng) for _ in range(400)]).reshape(400, -1) / 0.1)
    mean = flux.mean(axis=0)
    basis = np.linalg.svd(flux - mean, full_matrices=False)[2][:20]

    def error(images: np.ndarray) -> np.ndarray:
        offset = np.arcsinh(images.reshape(len(images), -1) / 0.1) - mean
        return ((offset - offset @ basis.T @ basis) ** 2).mean(axis=1)

    return error


@pytest.mark.parametrize("oddity", [tidal_arc, companion, cosmic_ray])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_oddity_of_a_galaxy_is_found(eigengalaxies, oddity, seed: int) -> None:
    extra = oddity()
    image = sersic(np.random.default_rng(100 + seed)) + extra
    e = sa.Explainer(eigengalaxies, sa.Slic(60, compactness=0.4, sigma=1), perturbation=sa.Grey(),
                     method=sa.Lime(1000)).explain(image)
    where = extra > 0.3 * extra.max()
    assert (e.top(1, sign=1) & where).any()
    heat = e.heat()
    assert heat[where].mean() > 3 * np.abs(heat[~where]).mean()


# --- many, copies, and what is refused -------------------------------------------------------------------------------

def test_each_image_of_a_stack_is_explained_like_alone() -> None:
    stack = np.stack([IMAGE, IMAGE[::-1], IMAGE + 0.1])
    explainer = sa.Explainer(power, sa.Grid(3, 4), perturbation=sa.Grey(), method=sa.Lime(100))
    made = [explainer.explain(image) for image in stack]
    assert np.array_equal(made[1].weights, explainer.explain(stack[1].copy()).weights)
    assert len({e.id for e in made}) == 3
    with pytest.raises(ShapeError, match=r"\[explainer.explain\(image\) for image in images\]"):
        explainer.explain_many(stack)


def test_neighbours_are_copies_that_were_scored() -> None:
    e = explained(method=sa.Lime(50))
    some = neighbours(e, power, 9)
    assert np.array_equal(some.images[0], IMAGE)
    assert np.array_equal(some.images[1], e.fill)
    assert np.array_equal(some.masks, make_masks(0, 48, 50, "paired")[:9])
    np.testing.assert_allclose(some.scores, power(some.images))
    with pytest.raises(ArgumentError, match="at least 2"):
        neighbours(e, power, 1)
    with pytest.raises(ShapeError, match="one value an image"):
        neighbours(e, lambda images: power(images)[:1], 3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_scores_do_not_depend_on_layout_or_dtype(seed: int, colour: bool) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(9, 12, 2) if colour else (9, 12)).astype(np.float32)
    one = explained(image, segments=sa.Grid(3, 3), method=sa.Lime(40))
    other = explained(np.asfortranarray(image.astype(np.float64)), segments=sa.Grid(3, 3), method=sa.Lime(40))
    assert np.array_equal(one.weights, other.weights)
    assert one.id == other.id


def test_methods_for_spectra_serve_images_unchanged() -> None:
    class LeaveOneOut:
        """The simplest method: what is lost when one superpixel goes."""

        def __call__(self, evaluator, *, seed):
            k = evaluator.n_segments
            scores = evaluator.scores(np.concatenate([np.ones((1, k)), 1 - np.eye(k)]).astype(np.uint8))
            weights = scores[0] - scores[1:]
            nothing = np.full((k, 2), np.nan)
            return sa.explain.attribution.Attribution(weights, nothing, 0.0, float(scores[0]), 1.0, 1.0, k + 1, "")

    e = explained(method=LeaveOneOut())
    assert int(e.order[0]) == e.segments[22, 32]
    assert e.n_samples == 49


def test_wrong_images_and_wrong_parts_are_told_apart() -> None:
    bad = IMAGE.copy()
    bad[3, 4] = np.nan
    with pytest.raises(DataError, match="1 not"):
        explained(bad)
    with pytest.raises(ShapeError, match="segmenter of spectra"):
        explained(segments=sa.Uniform(7))
    with pytest.raises(ShapeError, match="segmenter of spectra"):
        explained(segments=sa.Refined(sa.Lines()))
    with pytest.raises(ShapeError, match=r"shape \(30, 40\)"):
        explained(segments=sa.Given(np.zeros((3, 3), dtype=int)))
    with pytest.raises(ArgumentError, match="at most 30 and 40"):
        explained(segments=sa.Grid(31, 2))
    with pytest.raises(ArgumentError, match="at most 1200 segments"):
        explained(segments=sa.Slic(1201))
    with pytest.raises(ArgumentError, match="fill for images"):
        explained(perturbation=sa.Gaussians())
    with pytest.raises(ArgumentError, match="channels"):
        explained(perturbation=sa.Grey((1.0, 2.0)))
    with pytest.raises(ShapeError):
        explained(np.zeros((2, 3, 4, 5)))
    with pytest.raises(ArgumentError, match="whole number"):
        sa.Grid(2.5, 1)
    with pytest.raises(ArgumentError, match="whole numbers"):
        sa.Given(np.zeros((3, 3)))
    with pytest.raises(ShapeError, match="Uniform"):
        sa.Grid(2, 2)(np.zeros(9))
    with pytest.raises(ArgumentError, match="finite number"):
        sa.Grey((1.0, np.nan))


class Bound:
    def bind(self, spectrum: object) -> object:
        return power


def test_a_scorer_of_spectra_is_not_handed_images() -> None:
    explainer = sa.Explainer(Bound(), sa.Grid(2, 2))
    with pytest.raises(ShapeError, match="score of spectra"):
        explain_image(explainer, copy.copy(IMAGE))


def test_one_superpixel_holds_all_the_weight() -> None:
    e = explained(segments=sa.Grid(1, 1), method=sa.Lime(400))
    assert e.n_segments == 1
    # The one copy without it is far away under the kernel of LIME, so the penalty shrinks the weight.
    assert 0 < e.weights[0] <= e.score
    wide = explained(segments=sa.Grid(1, 1), method=sa.Lime(400, kernel_width=10.0))
    assert wide.weights[0] == pytest.approx(e.score, rel=0.02)
