from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from specanom.plots import thumbnail
from specanom.spectrum import Spectrum

from .conftest import HOSTILE, emission_galaxy


def _text(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text")]


def test_thumbnail_is_well_formed_small_and_asks_for_nothing(real_spectrum):
    html = real_spectrum._repr_html_()
    ET.fromstring(html)
    assert len(html) < 25_000
    assert html.count("http") == 1  # the SVG name space, which is not fetched
    assert "<script" not in html


def test_thumbnail_says_id_redshift_axis_and_lines(galaxy):
    words = _text(thumbnail(galaxy))
    assert words[0].startswith("galaxy · GALAXY · z = 0.10000 · S/N ")
    assert "vacuum wavelength (Å), rest frame" in words
    assert {"Hα", "[O III]"} <= set(words)


def test_thumbnail_draws_the_peak_of_a_narrow_line(galaxy):
    path = next(e for e in ET.fromstring(thumbnail(galaxy, height=230)).iter() if e.get("fill") == "none" and
                e.get("stroke-linejoin"))
    heights = [float(pair.split()[1]) for pair in path.get("d")[1:].replace("M", "L").split("L")]
    assert min(heights) < 70  # the line reaches the top of the frame, which begins at 44
    assert max(heights) <= 190


def test_thumbnail_hatches_masked_and_imputed_pixels(galaxy):
    assert "masked or imputed" in thumbnail(galaxy)
    clean = Spectrum(galaxy.wave, np.ones(len(galaxy)), id="clean")
    assert "pattern" not in thumbnail(clean)


def test_thumbnail_marks_a_spike_with_its_value(galaxy):
    assert "<title>400</title>" in thumbnail(galaxy)


def test_hostile_id_is_escaped():
    html = thumbnail(emission_galaxy(id=HOSTILE))
    assert "<img" not in html
    assert _text(html)[0].startswith(HOSTILE)


@pytest.mark.parametrize("flux", [[1.0], [np.nan], [np.inf]])
def test_one_pixel_is_drawn(flux):
    ET.fromstring(thumbnail(Spectrum([5000.0], flux, id="one")))


def test_all_nan_is_drawn():
    ET.fromstring(thumbnail(Spectrum(np.arange(4000.0, 4100.0), np.full(100, np.nan), np.zeros(100), id="nan")))


def test_thumbnail_loads_no_bokeh():
    code = ("import sys, numpy as np; from specanom.spectrum import Spectrum; "
            "Spectrum(np.arange(4000., 5000.), np.ones(1000))._repr_html_(); assert 'bokeh' not in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)
