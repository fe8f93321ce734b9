"""What is left when a dashboard, a job or a pin goes: nothing; and sliders that hold what they are given."""

from __future__ import annotations

import ipywidgets
import pytest
import traitlets
from ipywidgets.widgets import widget
from specanom.widgets.base.controls import bound

from tests.widgets.pickers import make, pick


def alive() -> set[str]:
    return set(widget._instances)


def test_a_closed_picker_leaves_no_widget_behind_but_the_runtime_of_the_page(tmp_path):
    pick(make(), tmp_path).close()  # sends BokehJS, which all later ones share
    before = alive()
    picker = pick(make(), tmp_path)
    assert len(alive()) > len(before) + 50
    picker.close()
    assert alive() == before


def test_another_dashboard_works_after_the_first_was_closed(tmp_path):
    pick(make(), tmp_path).close()
    picker = pick(make(), tmp_path)
    assert picker.error is None
    layouts = [button.layout.comm for button in picker.marks._buttons.values()]
    assert None not in layouts


def test_a_job_that_has_ended_leaves_no_widget_behind(tmp_path):
    picker = pick(make(), tmp_path)
    before = alive()
    picker.background(lambda _progress, _cancelled: 1, done=lambda _result: None, title="some work")
    assert picker.wait()
    assert alive() == before


class Owner(traitlets.HasTraits):
    share = traitlets.Float(0.4)


@pytest.mark.parametrize("value", [0.4, 0.05, 0.9])
def test_a_slider_shows_the_value_of_its_trait_even_beyond_its_range(value):
    owner = Owner(share=value)
    slider = bound(owner, "share", ipywidgets.FloatSlider(min=0.1, max=0.2))
    assert (slider.value, owner.share) == (value, value)
    owner.share = 2 * value
    assert (slider.value, owner.share) == (2 * value, 2 * value)
