"""Controls of the tuner: one trait holds them all, each change is told once, only what matters is shown."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import ipywidgets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from specanom.widgets.tuner.controls import LayoutButtons, TunerControls
from specanom.widgets.tuner.fields import edges_from, edges_told
from specanom.widgets.tuner.inputs import Count, Optional, Stepped, steps
from specanom.widgets.tuner.kinds import METHODS, PERTURBATIONS, SEGMENTATIONS
from specanom.widgets.tuner.presets import LAYOUTS
from specanom.widgets.tuner.settings import AsGiven, TunerSettings


def told(controls: TunerControls) -> list[TunerSettings]:
    """Return a list that gets each settings the controls tell of."""
    found: list[TunerSettings] = []
    controls.observe(lambda change: found.append(change["new"]), "settings")
    return found


def shown(controls: TunerControls) -> set[str]:
    return {name for name, field in controls.fields.items() if field.control.layout.display != "none"}


CONTROLS = TunerControls()
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "segmentation": st.sampled_from(list(SEGMENTATIONS)), "perturbation": st.sampled_from(list(PERTURBATIONS)),
    "method": st.sampled_from(list(METHODS)), "count": st.integers(2, 3000), "factor": st.floats(-3, 3),
    "level": st.floats(-3, 9), "grey_level": st.none() | st.floats(0, 9), "kernel_width": st.floats(1e-4, 1e4),
    "n_samples": st.integers(2, 90_000), "adaptive": st.booleans(), "keep_noise": st.sampled_from([None, True, False]),
    "lines": st.none() | st.just(("Hb", "Ha")), "edges": st.just((4000.0, 5008.24)),
    "bump_sigma": st.none() | st.floats(0.1, 500), "exact": st.sampled_from(["auto", True, False]),
    "design": st.sampled_from(["paired", "independent", "hadamard"]), "steps": st.integers(1, 9999),
    "seed": st.integers(0, 10**6),
}


@hypothesis_settings(max_examples=100)
@given(st.fixed_dictionaries({}, optional=CHANGES))
def test_setting_all_at_once_moves_all_controls_and_is_told_once(changes: dict[str, Any]) -> None:
    CONTROLS.settings = TunerSettings()
    found = told(CONTROLS)
    wanted = TunerSettings().replace(**changes)
    CONTROLS.settings = wanted
    assert found == ([wanted] if wanted != TunerSettings() else [])
    assert CONTROLS.settings == wanted
    for name in changes:
        value, setting = CONTROLS.fields[name].control.value, getattr(wanted, name)
        if name == "keep_noise":
            setting = wanted.keeps_noise
        elif name == "lines":
            assert set(value) == set(setting or ())
            continue
        elif name == "edges":
            setting = edges_told(setting)
        assert value == pytest.approx(setting) if isinstance(setting, float) else value == setting, name
    CONTROLS.unobserve_all("settings")
    CONTROLS.observe(CONTROLS._on_settings, "settings")


MOVES = [("count", 111), ("segmentation", "slic"), ("perturbation", "flat"), ("factor", 0.6), ("keep_noise", True),
         ("method", "shap"), ("n_samples", 5000), ("design", "independent"), ("kernel_width", 0.5), ("seed", 3),
         ("adaptive", True), ("normalise", False), ("line_width", 800.0), ("lines", ("Ha",)), ("mode", "on"),
         ("steps", 128), ("grey_level", 0.7), ("bump_sigma", 2.0), ("parts", 8), ("exact", False)]


@pytest.mark.parametrize(("name", "value"), MOVES, ids=[name for name, _ in MOVES])
def test_moving_a_control_changes_the_settings_once(name: str, value: Any) -> None:
    controls = TunerControls()
    found = told(controls)
    controls.fields[name].control.value = value
    assert found == [TunerSettings().replace(**{name: value})]


def test_only_what_the_chosen_kinds_use_is_shown() -> None:
    controls = TunerControls()
    for segmentation in SEGMENTATIONS:
        for perturbation in PERTURBATIONS:
            for method in METHODS:
                controls.settings = TunerSettings(
                    segmentation=segmentation, perturbation=perturbation, method=method, edges=(4000.0,))
                assert shown(controls) <= controls.settings.used
    assert {"kernel_width", "design", "n_samples"} <= shown(TunerControls(TunerSettings()))
    controls.settings = TunerSettings(method="shap")
    assert "kernel_width" not in shown(controls)
    controls.settings = TunerSettings(adaptive=True)
    assert "n_samples" not in shown(controls)
    assert {"tolerance", "max_samples"} <= shown(controls)
    controls.settings = TunerSettings()
    assert "tolerance" not in shown(controls)


def test_what_has_no_effect_is_disabled() -> None:
    controls = TunerControls(TunerSettings(method="split"))
    assert controls.fields["perturbation"].control.disabled
    assert controls.fields["factor"].control.disabled
    controls.settings = TunerSettings(method="gradients", baseline="fill")
    assert not controls.fields["perturbation"].control.disabled
    controls.settings = TunerSettings(method="gradients")
    assert controls.fields["perturbation"].control.disabled
    controls.settings = TunerSettings(method="shap", exact=True)
    assert controls.fields["n_samples"].control.disabled
    controls.settings = TunerSettings()
    assert not any(field.control.disabled for field in controls.fields.values())


def leaves(widget: Any) -> list[Any]:
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def test_every_control_has_a_name_and_says_what_it_means() -> None:
    controls = TunerControls(scores=("mse", "chi2"))
    for leaf in leaves(controls):
        if isinstance(leaf, (ipywidgets.Label, ipywidgets.HTML)):
            continue
        assert leaf.tooltip, leaf.description
        exact = isinstance(leaf, (ipywidgets.BoundedFloatText, ipywidgets.BoundedIntText)) and not leaf.description
        assert leaf.description or (exact and "exact number" in leaf.tooltip), leaf


def test_cutting_by_hand_begins_with_the_present_edges() -> None:
    controls = TunerControls()
    controls.edges = (3800.004, 4500.126, 5500.5)
    controls.fields["segmentation"].control.value = "boundaries"
    assert controls.settings.edges == (3800.0, 4500.13, 5500.5)
    assert controls.fields["edges"].control.value == "3800, 4500.13, 5500.5"
    controls.edges = (4000.0, 5000.0)
    assert controls.settings.edges == (3800.0, 4500.13, 5500.5)
    controls._take.click()
    assert controls.settings.edges == (4000.0, 5000.0)


def test_edges_that_cannot_be_read_are_refused_and_nothing_changes() -> None:
    controls = TunerControls(TunerSettings(segmentation="boundaries", edges=(4000.0, 5000.0)))
    found = told(controls)
    controls.fields["edges"].control.value = "4000, five <b>thousand</b>"
    assert found == []
    assert "wavelengths in Å" in controls.refusal
    assert "<b>" not in controls._refusal.value
    controls.fields["edges"].control.value = "5000 4000"
    assert "4000, 5000" in controls.refusal
    controls.fields["edges"].control.value = "4000; 4500 5000"
    assert controls.settings.edges == (4000.0, 4500.0, 5000.0)
    assert controls.refusal == ""


def test_edges_are_written_as_they_are_read() -> None:
    assert edges_from(edges_told((4000.0, 5008.24))) == (4000.0, 5008.24)
    assert edges_from("  ") == ()


def test_scores_are_offered_when_there_is_a_choice() -> None:
    controls = TunerControls(TunerSettings(score="mse"))
    assert controls._score.layout.display == "none"
    controls.scores = ("chi2", "mse")
    assert controls._score.layout.display == ""
    assert controls.fields["score"].control.value == "mse"
    found = told(controls)
    controls.fields["score"].control.value = "chi2"
    assert [one.score for one in found] == ["chi2"]


def test_objects_of_ones_own_are_offered_where_there_are_some() -> None:
    class Mine:
        def __repr__(self) -> str:
            return "<b>mine</b>"

    mine = AsGiven(Mine())
    controls = TunerControls(TunerSettings(segmentation="as given", given_segments=mine))
    assert controls.fields["segmentation"].control.value == "as given"
    controls.fields["segmentation"].control.value = "uniform"
    controls.fields["segmentation"].control.value = "as given"
    assert controls.settings.given_segments is mine
    assert ("as given", "as given") not in TunerControls().fields["segmentation"].control.options
    typical = AsGiven(np.ones(9))
    controls.settings = TunerSettings(perturbation="typical", typical=typical)
    assert controls.fields["typical"].control.value == typical
    controls.fields["typical"].control.value = ""
    assert controls.settings.typical is None
    controls.fields["typical"].control.label = "your own"
    assert controls.settings.typical is typical


def test_a_menu_with_one_choice_is_not_shown_and_none_stands_empty() -> None:
    controls = TunerControls(TunerSettings(perturbation="typical"))
    assert "typical" not in shown(controls)
    controls.settings = TunerSettings(perturbation="typical", typical=AsGiven(np.ones(9)))
    assert "typical" in shown(controls)
    controls.settings = TunerSettings(perturbation="typical")
    assert "typical" in shown(controls), "one can go back"
    assert controls.fields["typical"].control.label == "reconstruction"
    menus = [one.control for one in TunerControls().fields.values() if isinstance(one.control, ipywidgets.Dropdown)]
    assert all(one.label for one in menus if one.options)


def test_sliders_tell_of_each_step_or_of_the_last() -> None:
    controls = TunerControls()
    assert controls.fields["factor"].control.continuous_update
    controls.continuous = False
    assert not controls.fields["factor"].control.continuous_update
    assert not controls.fields["count"].control.slider.continuous_update
    controls.continuous = True
    assert controls.fields["count"].control.slider.continuous_update
    assert not controls.fields["edges"].control.continuous_update


# -- the count ---------------------------------------------------------------------------------------------------------


def test_steps_are_whole_ascending_and_hold_the_counts_of_the_paper() -> None:
    found = steps(2, 1000, marks=(11, 77, 111, 150, 943))
    assert found[:5] == (2, 3, 4, 5, 6)
    assert found[-1] == 1000
    assert {11, 77, 111, 150, 943} <= set(found)
    assert list(found) == sorted(set(found))
    assert max(b / a for a, b in pairwise(found[18:])) < 1.12
    assert len(found) < 130


def test_the_slider_stands_at_the_nearest_step_and_the_field_is_exact() -> None:
    count = Count(77, description="Segments", tooltip="How many.", reach=(2, 1000), most=3773)
    count.value = 943
    assert count.field.value == 943
    assert count.slider.value == min(count.slider.options, key=lambda one: abs(one - 943))
    assert count.value == 943
    count.slider.index = count.slider.options.index(20)
    assert (count.value, count.field.value) == (20, 20)
    count.field.value = 3000
    assert (count.value, count.slider.value) == (3000, 1000)
    count.field.value = 9999
    assert count.value == 3773


def test_what_is_typed_is_taken_as_it_is() -> None:
    controls = TunerControls()
    width = controls.fields["kernel_width"].control
    assert 0.25 in width.slider.options
    assert width.slider.value == 0.25
    found = told(controls)
    width.field.value = 0.3333
    assert [one.kernel_width for one in found] == [0.3333]
    assert width.slider.value == pytest.approx(0.33, rel=0.05)


def test_the_slider_stops_at_every_default() -> None:
    controls, plain = TunerControls(), TunerSettings()
    for name, field in controls.fields.items():
        if isinstance(field.control, Stepped):
            assert field.control.slider.value == getattr(plain, name), name


def test_no_more_segments_than_pixels_are_offered() -> None:
    controls = TunerControls(pixels=300)
    count = controls.fields["count"].control
    assert (count.field.max, count.slider.options[-1]) == (300, 300)
    found = told(controls)
    controls.pixels = 500
    assert (count.field.max, count.slider.options[-1]) == (500, 500)
    assert (count.value, found) == (77, [])


def test_a_number_or_none() -> None:
    made = Optional("median", ipywidgets.FloatSlider(value=1.0, min=0.0, max=3.0, description="Level", tooltip="t"))
    assert made.value is None
    assert made.slider.layout.display == "none"
    made.tick.value = False
    assert made.value == 1.0
    assert made.slider.layout.display == ""
    made.value = 8.0
    assert (made.slider.value, made.slider.max) == (8.0, 8.0)
    made.value = None
    assert made.tick.value


# -- the paper's layouts -----------------------------------------------------------------------------------------------


def test_layouts_are_those_of_the_paper() -> None:
    by_name = {layout.name: layout for layout in LAYOUTS}
    assert list(by_name) == ["Fig. 7", "Fig. 8", "Fig. 9", "Fig. 10 left", "Fig. 10 right", "Fig. 11"]
    varied = {"Fig. 7": ("factor", [0.6, 0.9, 1.2]), "Fig. 8": ("level", [0.8, 1.0, 1.2]),
              "Fig. 9": ("count", [77, 150]), "Fig. 10 left": ("count", [11, 111, 943]),
              "Fig. 10 right": ("count", [11, 111, 943]), "Fig. 11": ("n_samples", [100, 1000, 5000])}
    for name, (setting, values) in varied.items():
        pins = by_name[name].settings
        assert [getattr(one, setting) for one in pins] == values
        assert len(by_name[name].labels) == len(pins) <= 4
        assert all((one.preset, one.published, one.design, one.normalise) == ("paper", True, "independent", False)
                   for one in pins)
    # What the paper calls scale is the contrast of the published code, which keeps the noise.
    assert {(one.perturbation, one.keeps_noise) for one in by_name["Fig. 7"].settings} == {("contrast", True)}
    assert {one.segmentation for one in by_name["Fig. 10 right"].settings} == {"slic"}


def test_a_layout_is_one_click() -> None:
    chosen: list[str] = []
    buttons = [child for child in LayoutButtons(chosen.append).children if isinstance(child, ipywidgets.Button)]
    for each in buttons:
        assert each.tooltip
        each.click()
    assert chosen == [layout.name for layout in LAYOUTS]


def test_pins_keep_the_score_and_seed_in_use() -> None:
    now = TunerSettings(score="chi2", seed=5, count=3, device="auto")
    for layout in LAYOUTS:
        assert {(one.score, one.seed, one.device) for one in layout.pins(now)} == {("chi2", 5, "auto")}
