"""What every method of explanation does with input that cannot be explained, or only just."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explain.explainer import ExplanationWarning
from specanom.scores import LatentScorer, combine

P = 60
WAVE = np.linspace(4000.0, 6000.0, P)
FLUX = (1.0 + 0.2 * np.sin(np.arange(P) / 7.0)).astype(np.float32)
DRAWN = {"lime": sa.Lime(200), "auto": sa.Lime("auto", max_samples=600), "shap": sa.Shap(200),
         "occlusion": sa.Occlusion()}
LOOKING = {"gradients": sa.IntegratedGradients(8), "residuals": sa.ResidualSplit()}


def squares(flux: np.ndarray) -> np.ndarray:
    return np.asarray((np.asarray(flux, dtype=np.float64) ** 2).mean(axis=1))


@pytest.fixture(scope="module")
def model() -> sa.PCAModel:
    rng = np.random.default_rng(0)
    rows = 1.0 + 0.1 * rng.normal(size=(80, 3)) @ np.sin(np.outer([1, 2, 3], np.arange(P) / 9.0))
    return sa.PCAModel(3, folds=1).fit(sa.SpectrumSet(WAVE, (rows + 0.02 * rng.normal(size=rows.shape)).astype("f4")))


def spectrum(**given: Any) -> sa.Spectrum:
    flux = FLUX.copy()
    flux[20:24] += 2.0
    return sa.Spectrum(WAVE, given.pop("flux", flux), np.full(P, 400.0), frame="rest", scale="normalised", id="one",
                       **given)


@pytest.mark.parametrize("method", [*DRAWN.values(), *LOOKING.values()], ids=[*DRAWN, *LOOKING])
def test_flux_that_is_not_finite_is_refused_and_counted(method: Any, model: sa.PCAModel) -> None:
    flux = FLUX.copy()
    flux[[3, 9]] = np.nan, np.inf
    explainer = sa.Explainer(sa.Scorer(model, "mse"), sa.Uniform(6), method=method)
    with pytest.raises(DataError, match="finite"):
        explainer.explain(spectrum(flux=flux))
    many = explainer.explain_many([spectrum(flux=flux), spectrum()])
    assert [one.id for one in many.skipped] == ["one"]
    assert len(many) == 1


@pytest.mark.parametrize("method", DRAWN.values(), ids=DRAWN)
def test_a_fill_that_equals_the_spectrum_gives_no_weight_and_says_so(method: Any, model: sa.PCAModel) -> None:
    for score in (squares, sa.Scorer(model, "mse"), sa.Scorer(model, "chi2", trim=0.1)):
        with pytest.warns(ExplanationWarning, match="fill equals the spectrum"):
            e = sa.Explainer(score, sa.Uniform(6), perturbation=sa.Scale(1.0), method=method).explain(spectrum())
        assert not e.weights.any()
        assert (e.grade, "fill equals the spectrum" in e.reason) == ("poor fit", True)


@pytest.mark.parametrize("method", DRAWN.values(), ids=DRAWN)
def test_a_score_without_a_value_for_some_copies_is_refused(method: Any) -> None:
    def sometimes(flux: np.ndarray) -> np.ndarray:
        made = squares(flux)
        made[np.asarray(flux)[:, 22] < 2.9] = np.nan
        return made

    with pytest.raises(DataError, match=r"not finite"):
        sa.Explainer(sometimes, sa.Uniform(6), method=method).explain(spectrum())


@pytest.mark.parametrize("method", DRAWN.values(), ids=DRAWN)
def test_a_score_of_the_wrong_shape_is_refused(method: Any) -> None:
    for wrong in (lambda flux: flux, lambda flux: squares(flux)[:-1], lambda flux: 1.0):
        with pytest.raises(ShapeError, match="one value a row"):
            sa.Explainer(wrong, sa.Uniform(6), method=method).explain(spectrum())


@pytest.mark.parametrize("method", [*DRAWN.values(), *LOOKING.values()], ids=[*DRAWN, *LOOKING])
def test_ids_of_segments_with_a_gap_are_refused(method: Any, model: sa.PCAModel) -> None:
    with pytest.raises(DataError, match="without holes"):
        sa.Explainer(sa.Scorer(model, "mse"), lambda flux, wave: 2 * (np.arange(P) // 20), method=method).explain(
            spectrum())


def test_a_tolerance_that_is_never_reached_says_what_was() -> None:
    def together(flux: np.ndarray) -> np.ndarray:
        return np.asarray(np.prod(np.asarray(flux, dtype=np.float64)[:, ::10], axis=1))

    method = sa.Lime("auto", tolerance=1e-6, max_samples=700)
    with pytest.warns(ExplanationWarning, match=r"tolerance 1e-06 not met: .* with 700 masks"):
        e = sa.Explainer(together, sa.Uniform(6), perturbation=sa.Scale(0.3), method=method).explain(spectrum())
    assert (e.n_samples, e.grade) == (700, "unstable")


@pytest.mark.parametrize("method", [sa.Lime(20), sa.Shap(20)], ids=["lime", "shap"])
def test_fewer_masks_than_segments_are_not_trusted(method: Any, model: sa.PCAModel) -> None:
    with pytest.warns(ExplanationWarning):
        e = sa.Explainer(sa.Scorer(model, "mse"), sa.Uniform(40), method=method).explain(spectrum())
    assert np.isfinite(e.weights).all()
    assert e.grade != "trusted"


@pytest.mark.parametrize("method", [*DRAWN.values(), *LOOKING.values()], ids=[*DRAWN, *LOOKING])
@pytest.mark.filterwarnings("ignore::specanom.explain.explainer.ExplanationWarning")
def test_one_segment_is_explained(method: Any, model: sa.PCAModel) -> None:
    explainer = sa.Explainer(sa.Scorer(model, "mse"), sa.Uniform(1), perturbation=sa.Typical(), method=method)
    e = explainer.explain(spectrum())
    assert e.weights.shape == (1,)
    assert e.weights[0] > 0  # the line makes the spectrum odder than its reconstruction


@pytest.mark.parametrize("method", [*DRAWN.values(), *LOOKING.values()], ids=[*DRAWN, *LOOKING])
def test_a_spectrum_wholly_imputed_has_no_explanation(method: Any, model: sa.PCAModel) -> None:
    invented = spectrum(imputed=np.ones(P, dtype=bool))
    explainer = sa.Explainer(sa.Scorer(model, "mse"), sa.Uniform(6), method=method)
    with pytest.raises(DataError, match="score"):
        explainer.explain(invented)
    assert len(explainer.explain_many([invented, spectrum()]).skipped) == 1


def test_more_segments_than_pixels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="at most 60"):
        sa.Explainer(squares, sa.Uniform(61)).explain(spectrum())


@pytest.mark.parametrize(("argument", "make"), [
    ("tolerance", lambda: sa.Lime("auto", tolerance="narrow")), ("kernel_width", lambda: sa.Lime(kernel_width=None)),
    ("level", lambda: sa.Flat("median")), ("factor", lambda: sa.Scale(None)), ("width", lambda: sa.Lines(width="500")),
    ("seed", lambda: sa.Explainer(squares, seed="first")), ("seed", lambda: sa.Explainer(squares, seed=1.5)),
    ("spectrum", lambda: sa.Explainer(squares, sa.Uniform(6), perturbation=sa.Typical("median")).explain(spectrum())),
])
def test_settings_of_the_wrong_type_are_named(argument: str, make: Any) -> None:
    with pytest.raises(ArgumentError, match=argument):
        make()


def test_a_model_in_place_of_a_score_is_refused_with_the_way_to_make_one(model: sa.PCAModel) -> None:
    with pytest.raises(ArgumentError, match="Scorer"):
        sa.Explainer(model)


@pytest.mark.parametrize("method", DRAWN.values(), ids=DRAWN)
def test_scores_without_a_metric_are_explained_copy_by_copy(method: Any, model: sa.PCAModel) -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"id": [f"{i}" for i in range(120)], "snr": rng.uniform(5, 30, 120), "z": np.full(120, 0.1)})
    rows = sa.SpectrumSet(WAVE, FLUX + 0.05 * rng.normal(size=(120, P)).astype("f4"), np.full((120, P), 400.0),
                          table=table, frame="rest", scale="normalised")
    for score in (combine([sa.Scorer(model, name).calibrate(rows) for name in ("mse", "chi2")]),
                  LatentScorer(model).fit(rows)):
        e = sa.Explainer(score, sa.Uniform(6), method=method).explain(rows[0])
        assert e.score == pytest.approx(float(score(rows[:1])[0]), rel=1e-5)
        assert np.isfinite(e.weights).all()
        assert "is no sum of squares" in e.path


@pytest.mark.parametrize(("segments", "shape"), [(sa.Uniform(4), (60,)), (sa.Grid(2, 2), (16, 16))])
def test_an_explanation_keeps_its_flux_when_the_array_is_filled_anew(segments: object, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).random(shape).astype(np.float32)
    before = array.copy()
    e = sa.Explainer(lambda rows: rows.reshape(len(rows), -1).sum(axis=1), segments, method=sa.Lime(60)).explain(array)
    array[...] = 0.0
    assert np.array_equal(e.flux, before)
