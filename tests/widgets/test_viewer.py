"""SpectrumViewer without a browser: traits, sources, code, what is said."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from specanom.widgets.spectra import SpectrumViewer
from specanom.widgets.spectra import viewer as viewer_module
from specanom.widgets.spectra.fluxes import with_error
from specanom.widgets.spectra.redshift import STEPS, as_redshift, shifted, velocity_between

import specanom as sa
from specanom.diagnostics import smoothed
from specanom.errors import ArgumentError
from specanom.lines import C_KMS, line
from specanom.spectrum import Spectrum
from tests.plots.conftest import HOSTILE, emission_galaxy

OBSERVED = emission_galaxy(z=0.1, id="g")
OBSERVED = Spectrum(OBSERVED.wave * 1.1, OBSERVED.flux, OBSERVED.ivar, z=0.1, id="g")


@pytest.fixture(scope="module")
def opened() -> SpectrumViewer:
    return SpectrumViewer(OBSERVED)


@pytest.fixture
def viewer(opened: SpectrumViewer) -> SpectrumViewer:
    """One viewer for all: building it anew takes longer than any test."""
    opened.show(OBSERVED)
    opened.reset()
    assert opened.error is None
    return opened


def lines_at(viewer: SpectrumViewer) -> dict[str, float]:
    data = viewer.live.sources["lines"].data
    return dict(zip(data["name"], data["x"], strict=True))


def flux(viewer: SpectrumViewer) -> np.ndarray:
    return np.asarray(viewer.live.sources["flux"].data["y"])


def window(viewer: SpectrumViewer) -> tuple[float, float]:
    return viewer.live.flux.x_range.start, viewer.live.flux.x_range.end


def test_lines_follow_the_redshift(viewer):
    assert lines_at(viewer)["Hα"] == pytest.approx(line("Ha").wave * 1.1)
    viewer.z = 0.12
    assert lines_at(viewer)["Hα"] == pytest.approx(line("Ha").wave * 1.12)
    assert viewer.result.z == 0.12
    assert viewer.result.wave is not None
    assert np.array_equal(viewer.result.flux, OBSERVED.flux, equal_nan=True)


def test_an_untouched_spectrum_is_its_own_result(viewer):
    assert viewer.result is OBSERVED


def test_all_controls_of_the_redshift_tell_the_same(viewer):
    control = viewer.redshift
    control.text.value = "0.105"
    assert viewer.z == 0.105
    assert control.stretch.value == pytest.approx(1.105)
    assert control.velocity.value == pytest.approx(C_KMS * np.log(1.105 / 1.1))
    control.velocity.value = 300.0
    assert viewer.z == pytest.approx(1.1 * np.exp(300.0 / C_KMS) - 1.0)
    control.stretch.value = 2.0
    assert viewer.z == pytest.approx(1.0)
    assert control.text.value == "1.000000"
    control.restore()
    assert viewer.z == 0.1


def test_a_slider_that_is_rounded_by_the_page_moves_nothing(viewer):
    viewer.z = 0.10003
    viewer.redshift.velocity.value = 10.0  # 8.2 km/s to the nearest step
    viewer.redshift.stretch.value = 10 ** (-0.005 + 464 * 1e-4)
    assert viewer.z == 0.10003


def test_steps_are_velocities_whatever_the_redshift(viewer):
    for z in (0.0, 0.1, 3.0):
        viewer.z = z
        viewer.redshift.move(2)
        assert velocity_between(viewer.z, z) == pytest.approx(2 * viewer.redshift.step)
        viewer.redshift.move(-2)
        assert viewer.z == pytest.approx(z, abs=1e-12)
    viewer.redshift.resize(1)
    assert viewer.redshift.step == STEPS[2]
    viewer.redshift.resize(-9)
    assert viewer.redshift.step == STEPS[0]


def test_a_redshift_that_is_none_is_refused_and_said(viewer):
    viewer.redshift.text.value = "high"
    assert viewer.z == 0.1
    assert viewer.redshift.text.value == "0.100000"
    assert isinstance(viewer.error, ArgumentError)
    viewer.redshift.text.value = "0,2"
    assert viewer.z == 0.2
    assert viewer.error is None
    with pytest.raises(ArgumentError):
        viewer.z = -2.0
    assert as_redshift("  ") is None
    assert shifted(0.0, 0.0) == 0.0


def test_without_a_redshift_the_axis_stays_and_no_line_is_marked():
    viewer = SpectrumViewer(OBSERVED.replace(z=None))
    assert viewer.z is None
    assert lines_at(viewer).keys() == {n for n in lines_at(viewer) if "sky" in n or n.startswith("Hg")}
    viewer.frame = "rest"
    assert viewer.live.view.axis.frame == "observed"
    assert "without a redshift" in viewer.said
    viewer.line = "Ha"
    assert "needs a redshift" in viewer.said
    viewer.measure()
    assert viewer.wait()
    assert viewer.measured is None
    viewer.line = ""
    viewer.z = 0.1
    assert viewer.live.view.axis.frame == "rest"
    assert lines_at(viewer)["Hα"] == pytest.approx(line("Ha").wave)


def test_frame_and_unit_change_the_axis_and_keep_the_window(viewer):
    viewer.line = "Ha"
    lo, hi = window(viewer)
    assert (lo + hi) / 2 == pytest.approx(line("Ha").wave * 1.1)
    assert (hi - lo) / 2 == pytest.approx(line("Ha").wave * 1.1 * 5000.0 / C_KMS)
    viewer.frame = "rest"
    assert window(viewer) == pytest.approx((lo / 1.1, hi / 1.1))
    viewer.unit = "nm"
    assert window(viewer) == pytest.approx((lo / 11, hi / 11))
    viewer.line = ""
    assert not viewer.live.zoomed


def test_lines_are_visited_in_turn(viewer):
    names = [item.name for item in viewer.covered()]
    assert names == sorted(names, key=lambda name: line(name).wave)
    viewer.step_line(1)
    assert viewer.line == names[0]
    viewer.step_line(-1)
    assert viewer.line == names[-1]
    viewer.line = "Lya"
    assert "outside the spectrum" in viewer.said


def test_smoothing_replaces_the_curve_and_leaves_the_result(viewer):
    viewer.kernel, viewer.width = "gaussian", 9
    expected = smoothed(OBSERVED, 9, kernel="gaussian", weights="equal")
    good = OBSERVED.valid
    np.testing.assert_array_equal(flux(viewer)[good], expected.flux[good])
    np.testing.assert_array_equal(viewer.live.sources["flux"].data["x"], OBSERVED.wave.astype(np.float32))
    np.testing.assert_array_equal(viewer.overlays.raw.data["y"][good], OBSERVED.flux[good])
    viewer.weighted = True
    np.testing.assert_array_equal(flux(viewer)[good], smoothed(OBSERVED, 9, kernel="gaussian").flux[good])
    assert viewer.result is OBSERVED
    viewer.kernel = "none"
    assert len(viewer.overlays.raw.data["x"]) == 0
    np.testing.assert_array_equal(flux(viewer)[good], OBSERVED.flux[good])


def test_toggles_choose_lines_and_layers(viewer):
    viewer.emission = viewer.sky = False
    assert "Hα" not in lines_at(viewer)
    assert "Ca K" in lines_at(viewer)
    assert not any(r.visible for r in viewer.live.layers["sky"])
    for name in ("noise", "masked", "imputed"):
        setattr(viewer, name, False)
        assert not any(r.visible for r in viewer.live.layers[name])
        setattr(viewer, name, True)
        assert all(r.visible for r in viewer.live.layers[name])


def test_measured_lines_are_shown_with_the_fit_and_the_fit_goes_with_the_redshift(viewer):
    viewer.measure()
    assert viewer.wait(120.0)
    assert viewer.error is None
    table = dict(viewer.tables())["Measured lines"].set_index("line")
    assert table.loc["Hα", "S/N"] > 20
    assert "Hα" in viewer._fluxes.value
    assert viewer.fit
    assert viewer.live.residual.visible
    at = int(np.argmin(np.abs(OBSERVED.wave - line("Ha").wave * 1.1)))
    assert viewer.live.sources["flux"].data["reconstruction"][at] == pytest.approx(OBSERVED.flux[at], rel=0.1)
    viewer.redshift.move(3)
    assert not viewer.fit
    assert not viewer.live.residual.visible


@pytest.mark.parametrize("change", [
    {}, {"z": 0.15, "frame": "rest", "unit": "nm"}, {"z": None, "emission": False, "sky": False},
    {"kernel": "boxcar", "width": 7, "weighted": True, "line": "OIII5008"},
])
def test_its_code_draws_the_same(viewer, change):
    for name, value in change.items():
        setattr(viewer, name, value)
    space = {"spectrum": OBSERVED, "sa": sa}
    exec(viewer.to_code(), space)
    x_range = space["figure"].children[0][0].x_range
    assert (x_range.start, x_range.end) == pytest.approx(window(viewer))
    drawn = next(m for m in space["figure"].references() if m.name == "flux").data
    np.testing.assert_array_equal(np.asarray(drawn["y"]), flux(viewer))
    marked = [m for m in space["figure"].references() if m.name == "lines"]
    if viewer.z is not None:
        assert dict(zip(marked[0].data["name"], marked[0].data["x"], strict=True)) == pytest.approx(lines_at(viewer))
    assert space["spectrum"].z == viewer.result.z


def test_reset_goes_back_to_the_beginning(viewer):
    before = flux(viewer).copy()
    viewer.kernel, viewer.frame, viewer.z, viewer.line, viewer.sky = "boxcar", "rest", 0.3, "Hb", False
    viewer.reset()
    assert (viewer.kernel, viewer.frame, viewer.z, viewer.line, viewer.sky) == ("none", "observed", 0.1, "", True)
    np.testing.assert_array_equal(flux(viewer), before)
    assert not viewer.live.zoomed
    assert viewer.error is None


def test_another_spectrum_is_laid_over_and_looked_at():
    other = emission_galaxy(id="other", seed=5)
    other = other.replace(flux=other.flux * 4.0, ivar=other.ivar / 16.0)
    viewer = SpectrumViewer(OBSERVED, others=[other])
    viewer.other = "other"
    data = viewer.overlays.other.data
    np.testing.assert_allclose(data["x"], (other.wave * 1.1).astype(np.float32))
    assert np.nanmedian(data["y"]) == pytest.approx(np.nanmedian(flux(viewer)), rel=0.02)
    viewer.other = ""
    assert len(viewer.overlays.other.data["x"]) == 0
    viewer.selected = "other"
    assert viewer.result is other
    assert viewer.live.flux.title.text.startswith("other")


def test_a_page_is_saved_with_hostile_text_escaped(tmp_path):
    viewer = SpectrumViewer(OBSERVED.replace(id=HOSTILE, meta={"path": HOSTILE + "\n'''", "class": HOSTILE}))
    page = viewer.save_html(tmp_path / "page.html").read_text()
    assert "<img src=x" not in page
    compile(viewer.to_code(), "code", "exec")
    assert "$$" not in viewer.live.flux.title.text


@pytest.mark.parametrize("name", ["sdss/lite/spec-0266-51602-0013.fits", "sdss/odd/cg922.fits",
                                  "sdss/lite/spec-2345-53757-0310.fits", "sdss/odd/spec-5401-55949-0272.fits"])
def test_real_spectra_survive_every_view(viewer: SpectrumViewer, shared: Path, name: str):
    viewer.show(Spectrum.read(shared / "data" / name))
    for change in ({"frame": "rest"}, {"unit": "nm"}, {"kernel": "boxcar"}, {"line": "Hb"}, {"z": 0.2}, {"z": None}):
        for trait, value in change.items():
            setattr(viewer, trait, value)
        assert viewer.error is None, change
    viewer.reset()
    assert viewer.error is None


def test_a_preprocessed_spectrum_shows_what_was_imputed(viewer):
    viewer.show(emission_galaxy())
    viewer.reset()
    assert viewer.live.view.axis.frame == "rest"
    assert len(viewer.live.sources["imputed"].data["x0"]) == 1
    viewer.frame = "observed"
    assert lines_at(viewer)["Hα"] == pytest.approx(line("Ha").wave * 1.1)


def test_keys_do_what_they_say(viewer):
    actions = viewer.shortcuts()
    actions["ArrowRight"][1]()
    assert velocity_between(viewer.z, 0.1) == pytest.approx(50.0)
    actions["f"][1]()
    assert viewer.frame == "rest"
    actions["s"][1]()
    assert viewer.kernel == "gaussian"
    actions["n"][1]()
    assert viewer.line
    actions["0"][1]()
    assert not viewer.live.zoomed
    actions["r"][1]()
    assert (viewer.z, viewer.kernel) == (0.1, "none")


def test_numbers_are_written_to_the_second_digit_of_their_error():
    assert with_error(10012.3, 312.0) == "10010 ± 310"
    assert with_error(69.54, 16.1) == "70 ± 16"
    assert with_error(5.4321, 0.0123) == "5.432 ± 0.012"
    assert with_error(1.234e-9, 3.1e-11) == "1.234e-09 ± 3.1e-11"


def test_lines_measured_of_a_spectrum_that_was_left_are_dropped(viewer, monkeypatch):
    gate = threading.Event()
    measure = viewer_module.measure_spectrum
    monkeypatch.setattr(viewer_module, "measure_spectrum", lambda spectrum: (gate.wait(20), measure(spectrum))[1])
    viewer.measure()
    viewer.show(OBSERVED.replace(id="another"))
    gate.set()
    assert viewer.wait()
    assert viewer.measured is None
    assert not viewer.fit
    assert viewer.tables() == []
