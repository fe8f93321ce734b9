"""What the comparison says of the packages that are installed here is so."""

from __future__ import annotations

import importlib.metadata
import inspect
import re

import numpy as np
import pytest

from tests.guides import Guide

PAGE = Guide("docs/comparison.md")
PIXELS, SEGMENTS = 120, 12
OF = np.arange(PIXELS) * SEGMENTS // PIXELS
FLUX = np.ones(PIXELS)
FLUX[40:50] = 5.0  # segment 4


def score(flux: np.ndarray) -> np.ndarray:
    return np.asarray(((flux - 1.0) ** 2).mean(axis=-1))


def by_masks(masks: np.ndarray) -> np.ndarray:
    return score(np.where(np.asarray(masks)[:, OF] > 0.5, FLUX, 1.0))


@pytest.mark.parametrize("name", ["lime", "shap", "captum"])
def test_the_versions_are_those_installed(name: str) -> None:
    pytest.importorskip(name)
    told = re.search(rf"^\| \[{name}\]\(\S+\) \| (\S+) \|", PAGE.text, flags=re.M)
    assert told is not None
    if importlib.metadata.version(name) != told[1]:
        pytest.skip("another version than the one looked at")


def test_lime_explains_a_spectrum_as_an_image_of_one_row_without_intervals() -> None:
    lime_image = pytest.importorskip("lime.lime_image")
    explainer = lime_image.LimeImageExplainer(random_state=0)
    image = np.repeat(FLUX[None, :, None], 3, axis=2)
    made = explainer.explain_instance(image, lambda images: score(images[:, 0, :, 0])[:, None], labels=(0,),
                                      top_labels=None, num_samples=200, segmentation_fn=lambda _: OF[None, :])
    # The fill is the mean of a segment or one colour; what comes is weights and R², no errors.
    options = inspect.signature(explainer.explain_instance).parameters
    assert "hide_color" in options
    assert "baselines" not in options
    assert dict(made.local_exp[0])[4] == pytest.approx(0.0, abs=1e-6)  # its mean is itself: nothing to see
    assert not any("std" in name or "interval" in name for name in vars(made))


def test_shap_has_errors_for_permutations_only() -> None:
    shap = pytest.importorskip("shap")
    explainer = shap.explainers.PermutationExplainer(by_masks, shap.maskers.Independent(np.zeros((1, SEGMENTS))))
    made = explainer(np.ones((1, SEGMENTS)), error_bounds=True, silent=True)
    assert int(np.argmax(made.values[0])) == 4
    assert made.error_std is not None
    assert "error_bounds" not in inspect.signature(shap.KernelExplainer.__call__).parameters


def test_captum_takes_segments_and_any_fill_and_measures_faithfulness() -> None:
    torch = pytest.importorskip("torch")
    attr, metrics = pytest.importorskip("captum.attr"), pytest.importorskip("captum.metrics")
    flux, fill, segments = (torch.tensor(one)[None] for one in (FLUX, np.ones(PIXELS), OF))
    torch.manual_seed(0)
    made = attr.Lime(lambda batch: ((batch - 1.0) ** 2).mean(dim=-1)).attribute(
        flux, baselines=fill, feature_mask=segments, n_samples=100, perturbations_per_eval=50)
    assert isinstance(made, torch.Tensor)  # weights, and nothing else
    assert int(made[0].argmax()) in range(40, 50)
    assert {"infidelity", "sensitivity_max"} <= set(dir(metrics))
    assert {"IntegratedGradients", "DeepLift", "LayerConductance", "LRP"} <= set(attr.__all__)


def test_tables_have_a_cell_for_each_package_and_links_exist() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", PAGE.text, flags=re.M)
    assert len(tables) == 3
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert not PAGE.missing()


def test_footnotes_are_used_and_defined() -> None:
    defined = re.findall(r"^\[\^(\w+)\]:", PAGE.text, flags=re.M)
    used = re.findall(r"\[\^(\w+)\](?!:)", PAGE.text)
    assert len(defined) == len(set(defined))
    assert set(defined) == set(used)
