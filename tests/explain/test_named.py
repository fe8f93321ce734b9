"""The parts of an explainer that a run's parameters name."""

from __future__ import annotations

import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.explain.named import METHODS, PERTURBATIONS, method_of, perturbation_of
from specanom.run.limits import CHOICES
from specanom.run.parameters import known


def test_a_run_puts_the_reconstruction_in_place_of_a_segment_unless_it_is_told_otherwise() -> None:
    assert known()["perturbation"].default == ""
    assert perturbation_of("") == sa.explain.Typical()
    assert perturbation_of("scale") == sa.explain.Scale(0.9)
    assert set(CHOICES["perturbation"]()) == {"", *PERTURBATIONS}


def test_the_preset_stays_with_the_published_fill_whatever_the_default() -> None:
    assert perturbation_of("", "paper") == sa.explain.Contrast(0.9)
    assert perturbation_of("scale", "paper") == sa.explain.Contrast(0.9)
    assert perturbation_of("flat", "paper") == sa.explain.Flat(1.0)


def test_an_unknown_fill_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ArgumentError, match="segment_mean"):
        perturbation_of("segment_men")


def test_the_explainer_itself_still_scales_by_default() -> None:
    assert sa.Explainer(lambda flux: flux.sum(axis=1)).perturbation == sa.explain.Scale(0.9)


def test_samples_are_those_of_the_method_unless_given() -> None:
    assert method_of("", samples=0) == method_of("lime", samples=0) == sa.Lime()
    assert method_of("", samples=300).n_samples == 300
    assert method_of("", samples=0, preset="paper").n_samples == 5000
    assert method_of("shap", samples=700) == sa.Shap(700)


def test_a_tolerance_finds_the_number_of_samples() -> None:
    found = method_of("", samples=0, tolerance=0.05)
    assert (found.n_samples, found.tolerance) == ("auto", 0.05)


def test_every_method_of_a_run_can_be_named() -> None:
    assert set(CHOICES["method"]()) == {"", "lime", *METHODS}
    assert method_of("occlusion", samples=0) == sa.Occlusion()
    assert method_of("gradients", samples=0) == sa.IntegratedGradients()


@pytest.mark.parametrize(
    ("name", "samples", "tolerance"),
    [("occlusion", 500, 0.0), ("gradients", 0, 0.1), ("lime", 500, 0.1), ("slime", 0, 0.0)],
)
def test_settings_that_a_method_has_no_use_for_are_refused(name: str, samples: int, tolerance: float) -> None:
    with pytest.raises(ArgumentError, match=r"method|samples|tolerance"):
        method_of(name, samples=samples, tolerance=tolerance)
