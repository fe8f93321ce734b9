"""The parts of an explainer that a run's parameters name."""

from __future__ import annotations

import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.run.explaining import PERTURBATIONS, perturbation_of, sampling_of
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
    assert sampling_of(0) == sa.Lime()
    assert sampling_of(300).n_samples == 300
    assert sampling_of(0, "paper").n_samples == 5000
