from __future__ import annotations

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, CustomJSHover, HoverTool, LinearAxis, Plot, Title

import specanom.plots as plots
from specanom.errors import ArgumentError, ShapeError
from specanom.lines import line
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet

from .conftest import emission_galaxy, explained


def source(layout, name: str) -> dict:
    found = [s for s in layout.references() if isinstance(s, ColumnDataSource) and s.name == name]
    assert len(found) == 1, [s.name for s in found]
    return found[0].data


def axis_labels(layout) -> set[str]:
    return {a.axis_label for a in layout.references() if isinstance(a, LinearAxis)}


def test_sources_hold_flux_model_and_residual(galaxy):
    model = np.ones(len(galaxy))
    data = source(plots.spectrum(galaxy, model), "flux")
    assert np.array_equal(data["x"], galaxy.wave)
    assert np.array_equal(data["y"][galaxy.valid], galaxy.flux[galaxy.valid])
    assert np.isnan(data["y"][~galaxy.valid]).all()
    np.testing.assert_allclose(data["residual"][galaxy.valid], galaxy.flux[galaxy.valid] - 1.0, rtol=1e-6)
    np.testing.assert_allclose(data["sigma"][galaxy.valid], 0.05, rtol=1e-6)
    assert np.isnan(data["sigma"][900])
    assert np.array_equal(data["below"], -data["sigma"], equal_nan=True)


def test_nm_axis_is_a_tenth_of_angstrom(galaxy):
    layout = plots.spectrum(galaxy, unit="nm")
    np.testing.assert_allclose(source(layout, "flux")["x"], galaxy.wave / 10.0)
    assert "vacuum wavelength (nm), rest frame" in axis_labels(layout)
    lines = source(layout, "lines")
    at = dict(zip(lines["name"], lines["x"], strict=True))
    assert at["Hα"] == pytest.approx(line("Ha").wave / 10.0)


def test_observed_axis_is_stretched_by_the_redshift(galaxy):
    layout = plots.spectrum(galaxy, frame="observed")
    np.testing.assert_allclose(source(layout, "flux")["x"], galaxy.wave * 1.1)
    lines = source(layout, "lines")
    assert lines["x"][lines["name"].index("Hα")] == pytest.approx(line("Ha").wave * 1.1)
    assert "vacuum wavelength (Å), observed frame" in axis_labels(layout)
    sky = source(layout, "sky")
    assert sky["x0"][sky["name"].index("telluric B")] == 6860.0


def test_an_observed_spectrum_is_brought_to_rest(real_spectrum):
    rest = source(plots.spectrum(real_spectrum, frame="rest"), "flux")["x"]
    np.testing.assert_allclose(rest * (1 + real_spectrum.z), real_spectrum.wave, rtol=1e-12)


def test_other_frame_needs_a_redshift():
    with pytest.raises(ArgumentError, match="frame: expected 'rest', as no redshift is known"):
        plots.spectrum(emission_galaxy(z=None), frame="observed")


def test_masked_and_imputed_pixels_are_hatched_apart(galaxy):
    layout = plots.spectrum(galaxy)
    step = galaxy.wave[1] - galaxy.wave[0]
    for name, first, last in (("masked", 1200, 1202), ("imputed", 900, 909)):
        spans = source(layout, name)
        np.testing.assert_allclose(spans["x0"], [galaxy.wave[first] - step / 2])
        np.testing.assert_allclose(spans["x1"], [galaxy.wave[last] + step / 2])


def test_hover_names_nearest_line_and_sky(galaxy):
    layout = plots.spectrum(galaxy)
    data = source(layout, "flux")
    tool = next(t for t in layout.references() if isinstance(t, HoverTool) and "@line" in t.formatters)
    names = {key: f.args["names"] for key, f in tool.formatters.items()
             if isinstance(f, CustomJSHover) and "names" in f.args}
    at = int(np.argmin(np.abs(galaxy.wave - line("Ha").wave)))
    assert names["@line"][data["line"][at]] == "Hα (6564.61 Å)"
    far = int(np.argmin(np.abs(galaxy.wave - 5500.0)))
    assert names["@line"][data["line"][far]] == "–"
    sky = int(np.argmin(np.abs(galaxy.wave * 1.1 - 5578.9)))
    assert names["@sky"][data["sky"][sky]].startswith("[O I] 5577 sky")
    telluric = int(np.argmin(np.abs(galaxy.wave * 1.1 - 7650.0)))
    assert names["@sky"][data["sky"][telluric]] == "telluric A"
    assert [label for label, _ in tool.tooltips] == ["λ rest", "λ observed", "flux", "σ", "line", "sky"]


def test_without_a_redshift_nothing_is_said_of_lines_or_sky():
    s = emission_galaxy(z=None)
    observed = Spectrum(s.wave, s.flux, s.ivar, id="o")
    layout = plots.spectrum(observed)
    assert not source(layout, "flux")["line"].any()
    assert not any(s.name == "lines" for s in layout.references() if isinstance(s, ColumnDataSource))
    assert not source(plots.spectrum(s), "flux")["sky"].any()


def test_a_spike_does_not_set_the_range_and_is_flagged(galaxy):
    layout = plots.spectrum(galaxy)
    arrow = source(layout, "clipped")
    assert arrow["value"] == [400.0]
    assert arrow["x"] == [galaxy.wave[500]]
    top = next(p for p in layout.references() if isinstance(p, Plot))
    assert 13.0 < top.yaxis[0].bounds[1] < 20.0
    assert arrow["y"][0] < top.yaxis[0].bounds[1]


def test_panels_share_one_wavelength_range(galaxy):
    layout = plots.spectrum(galaxy, np.ones(len(galaxy)))
    panels = [child[0] for child in layout.children]
    assert len(panels) == 2
    assert panels[0].x_range is panels[1].x_range


def test_reconstruction_of_another_length_is_refused(galaxy):
    with pytest.raises(ShapeError, match=r"reconstruction: expected shape \(2000,\)"):
        plots.spectrum(galaxy, np.ones(10))


def test_a_row_of_reconstructions_is_taken(galaxy):
    assert "reconstruction" in source(plots.spectrum(galaxy, np.ones((1, len(galaxy)))), "flux")


@pytest.mark.parametrize(("option", "value"), [("frame", "lab"), ("unit", "micron"), ("theme", "blue")])
def test_unknown_names_are_refused(galaxy, option, value):
    with pytest.raises(ArgumentError, match=option):
        plots.spectrum(galaxy, **{option: value})


@pytest.mark.parametrize("s", [
    Spectrum([5000.0], [1.0], [1.0], id="one"),
    Spectrum([5000.0], [np.nan], id="one nan", z=0.1),
    Spectrum(np.arange(4000.0, 4200.0), np.full(200, np.nan), np.zeros(200), id="all masked", z=0.0),
])
def test_degenerate_spectra_make_a_page(s):
    plots.to_html(plots.spectrum(s, np.ones(len(s))))


def test_title_and_flux_label(real_spectrum, galaxy):
    titles = [t.text for t in plots.spectrum(real_spectrum).references() if isinstance(t, Title)]
    assert any(t.startswith("0266-51602-0013 · GALAXY") for t in titles)
    assert "flux / median" in axis_labels(plots.spectrum(galaxy))


def test_flux_has_the_unit_of_its_survey(real_spectrum):
    assert "flux density (10⁻¹⁷ erg/s/cm²/Å)" in axis_labels(plots.spectrum(real_spectrum))
    other = real_spectrum.replace(meta={"unit": "Jy"})
    assert "flux density (Jy)" in axis_labels(plots.spectrum(other))
    assert "flux density per Å" in axis_labels(plots.spectrum(real_spectrum.replace(meta={"survey": "table"})))


@pytest.mark.parametrize(("draw", "usual"), [
    (lambda s, **o: plots.spectrum(s, **o), [360]),
    (lambda s, **o: plots.spectrum(s, np.ones(len(s)), **o), [360, 190]),
    (lambda s, **o: plots.explanation(explained(s), s, **o).children[0], [320, 250]),
    (lambda s, **o: plots.sample(SpectrumSet(s.wave, [s.flux] * 3), **o).children[0], [360, 260]),
])
def test_a_figure_is_as_high_as_asked_for(galaxy, draw, usual):
    def found(layout):
        return [one.height for one, _, _ in layout.children]

    assert found(draw(galaxy)) == usual
    total = sum(usual)
    assert found(draw(galaxy, height=2 * total)) == [2 * one for one in usual]
    with pytest.raises(ArgumentError, match=r"height: expected at least \d+ screen pixels, got 100"):
        draw(galaxy, height=100)


def test_names_of_lines_stay_clear_of_the_flux_at_any_height(galaxy):
    """They are as high as letters are, whatever the height of the figure."""
    def room(height):
        panel = plots.spectrum(galaxy, height=height).children[0][0]
        share = 1 - (panel.yaxis[0].bounds[1] - panel.y_range.start) / (panel.y_range.end - panel.y_range.start)
        return share * (height - 96)

    assert room(300) == pytest.approx(room(700), rel=1e-6)


def test_plot_method_draws(galaxy):
    assert source(galaxy.plot(unit="nm"), "flux")["x"][0] == pytest.approx(350.0)
