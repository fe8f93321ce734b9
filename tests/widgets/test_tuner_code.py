"""The code a tuner writes makes the same explanation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from specanom.widgets.tuner.code import WIDTH, explainer_code, to_code
from specanom.widgets.tuner.presets import LAYOUTS
from specanom.widgets.tuner.settings import AsGiven, TunerSettings

import specanom as sa

pytestmark = pytest.mark.filterwarnings("ignore::specanom.explain.explainer.ExplanationWarning")
WAVE = np.linspace(3800.0, 7200.0, 300)
RNG = np.random.default_rng(4)
SAMPLE = sa.SpectrumSet(WAVE, (1 + 0.2 * np.sin(WAVE / 300) + RNG.normal(0, 0.05, (40, 300))).astype("f4"))
MODEL = sa.PCAModel(3).fit(SAMPLE)
SCORER = sa.Scorer(MODEL, "mse")
SPECTRUM = sa.Spectrum(WAVE, SAMPLE.flux[0] + np.exp(-0.5 * ((WAVE - 6564) / 15) ** 2).astype("f4"), z=0.1, id="one")

VARIED: list[dict[str, Any]] = [
    {}, {"count": 12}, {"count": 12, "published": True}, {"published": True},
    {"segmentation": "lines"}, {"segmentation": "lines", "continuum": 300.0, "lines": ("Ha", "Hb")},
    {"segmentation": "slic", "count": 20, "slic_sigma": 1.5},
    {"segmentation": "boundaries", "edges": tuple(np.linspace(3900.123, 7100.456, 25))},
    {"segmentation": "refined", "start": "uniform", "count": 40},
    {"segmentation": "refined", "start": "lines", "line_width": 800.0, "depth": 1, "finest": 2},
    {"perturbation": "scale", "factor": 0.6, "keep_noise": True}, {"perturbation": "contrast", "keep_noise": False},
    {"perturbation": "flat", "level": 0.8, "flat_noise": 0.1, "seed": 3}, {"perturbation": "grey"},
    {"perturbation": "grey", "grey_level": 0.7}, {"perturbation": "segment mean"},
    {"perturbation": "blur", "blur_sigma": 7.0}, {"perturbation": "gaussians", "bump_sigma": 2.0},
    {"perturbation": "typical", "keep_noise": True},
    {"n_samples": 300, "design": "hadamard", "distance": "l2", "kernel_width": 0.7, "alpha": 0.1},
    {"normalise": False, "anchor": False}, {"adaptive": True, "tolerance": 0.2, "max_samples": 3000},
    {"method": "shap", "n_samples": 500}, {"method": "shap", "exact": True, "count": 6},
    {"method": "occlusion", "mode": "on"}, {"method": "occlusion"}, {"method": "gradients"},
    {"method": "gradients", "steps": 16, "baseline": "fill", "rule": "midpoint"}, {"method": "split"},
]


def ran(code: str, **names: Any) -> sa.Explanation:
    scope = {"score": SCORER, "spectrum": SPECTRUM, **names}
    exec(code, scope)
    found: sa.Explanation = scope["explanation"]
    return found


@pytest.mark.parametrize("preset", [None, "paper"])
@pytest.mark.parametrize("values", VARIED, ids=lambda values: ", ".join(map(str, values)) or "default")
def test_the_code_makes_an_equal_explanation(values: dict[str, Any], preset: str | None) -> None:
    base = TunerSettings.of(sa.Explainer(SCORER, preset=preset))
    settings = base.replace(**{"count": 20, "n_samples": 200, **values})
    explainer = settings.explainer(SCORER)
    want = explainer.explain(SPECTRUM)
    got = ran(to_code(settings))
    np.testing.assert_array_equal(got.weights, want.weights)
    np.testing.assert_array_equal(got.segments, want.segments)
    assert dict(got.settings) == dict(want.settings)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_layouts_of_the_paper_are_written_as_code_that_runs(layout: Any) -> None:
    for settings in layout.settings:
        made: sa.Explainer = eval(explainer_code(settings), {"sa": sa, "score": SCORER})
        assert made.settings == settings.explainer(SCORER).settings


def test_what_is_default_is_not_written() -> None:
    assert explainer_code(TunerSettings()) == "sa.Explainer(score)"
    assert explainer_code(TunerSettings.of(sa.Explainer(SCORER, preset="paper"))) == (
        'sa.Explainer(score, preset="paper")')
    some = TunerSettings(count=30, perturbation="flat", seed=2, distance="l2")
    assert explainer_code(some, score="mse") == (
        'sa.Explainer(\n    mse, sa.Uniform(30), perturbation=sa.Flat(), method=sa.Lime(distance="l2"), seed=2\n)')


def test_lines_are_no_longer_than_those_of_black() -> None:
    for values in VARIED:
        code = to_code(TunerSettings(preset="paper", **values))
        assert max(map(len, code.splitlines())) <= WIDTH


def test_lines_that_set_it_up_come_first() -> None:
    code = to_code(TunerSettings(), setup='scores = {"mse": score}', score='scores["mse"]', spectrum="spectrum")
    assert code.splitlines()[:4] == ["import specanom as sa", "", 'scores = {"mse": score}', ""]
    assert ran(code).n_segments == 77


def test_objects_of_ones_own_are_named_and_said_to_be() -> None:
    mean = np.ones(300)
    segments = sa.Given(np.arange(300) // 30)
    settings = TunerSettings.of(sa.Explainer(SCORER, segments, perturbation=sa.Typical(mean, keep_noise=True)))
    code = to_code(settings)
    assert "# segments, typical: your own" in code
    got = ran(code, segments=segments, typical=mean)
    want = settings.explainer(SCORER).explain(SPECTRUM)
    np.testing.assert_array_equal(got.weights, want.weights)
    refined = TunerSettings(segmentation="refined", start="as given", given_segments=AsGiven(segments))
    assert "sa.Refined(segments)" in to_code(refined)
