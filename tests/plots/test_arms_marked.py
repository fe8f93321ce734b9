"""The arms of DESI are marked where they are, in either frame and unit, and those of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from bokeh.models import BoxAnnotation, Label

from specanom import plots
from specanom.spectrum import Spectrum

from .conftest import emission_galaxy

COADD = Path(__file__).resolve().parent.parent / "data" / "coadd-4-80613-thru20210324.fits"


def marked(layout) -> dict[str, tuple[float, float]]:
    found = layout.select({"type": BoxAnnotation})
    return {one.name: (one.left, one.right) for one in found if str(one.name).startswith("arm ")}


@pytest.mark.parametrize(("frame", "unit", "factor"), [
    ("observed", "Å", 1.0), ("observed", "nm", 0.1), ("rest", "Å", 1 / 1.36874355)])
def test_arms_lie_where_they_are_and_overlaps_are_seen(frame: str, unit: str, factor: float) -> None:
    got = Spectrum.read(COADD)
    layout = plots.spectrum(got, frame=frame, unit=unit)
    arms = marked(layout)
    assert sorted(arms) == ["arm b", "arm r", "arm z"]
    assert arms["arm b"] == pytest.approx((3600 * factor, 5800 * factor), rel=2e-4)
    assert arms["arm r"] == pytest.approx((5760 * factor, 7620 * factor), rel=2e-4)
    assert arms["arm z"] == pytest.approx((7520 * factor, 9824 * factor), rel=2e-4)
    assert {one.text for one in layout.select({"type": Label}) if one.name} == {"b", "r", "z"}


def test_an_arm_that_is_out_of_sight_is_not_marked() -> None:
    whole = Spectrum.read(COADD)
    part = whole.wave > 7700
    red = Spectrum(whole.wave[part], whole.flux[part], whole.ivar[part], z=whole.z, id=whole.id, frame="observed",
                   meta=whole.meta)
    assert list(marked(plots.spectrum(red))) == ["arm z"]


def test_other_spectra_have_no_such_marks() -> None:
    assert marked(plots.spectrum(emission_galaxy())) == {}
    got = Spectrum.read(COADD)
    at_rest_without_z = Spectrum(got.wave, got.flux, id="a", frame="rest", meta={"instrument": "DESI"})
    assert marked(plots.spectrum(at_rest_without_z)) == {}


def test_marks_turn_with_the_theme_and_leave_the_flux_its_room() -> None:
    got = Spectrum.read(COADD)
    light, dark = plots.spectrum(got), plots.spectrum(got, theme="dark")
    plots.restyle(light, "dark")
    colours = [{one.fill_color for one in layout.select({"type": BoxAnnotation})} for layout in (light, dark)]
    assert colours[0] == colours[1]
    panel = dark.children[0][0]
    assert panel.y_range.start < panel.yaxis[0].bounds[0] < panel.yaxis[0].bounds[1] < panel.y_range.end
