"""Wavelengths are vacuum, and a mask is where it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
from specanom import lines
from specanom.errors import ArgumentError

WAVE = np.linspace(3500, 7500, 40001)


def test_air_and_vacuum_agree_with_specutils() -> None:
    from astropy import units as u
    from specutils.utils.wcs_utils import vac_to_air

    vacuum = np.linspace(3500, 9500, 50)
    other = vac_to_air(vacuum * u.AA, method="Ciddor1996").to_value(u.AA)
    np.testing.assert_allclose(lines.vacuum_to_air(vacuum), other, atol=2e-3)


@given(st.floats(2000, 12000))
def test_air_to_vacuum_inverts(wave: float) -> None:
    assert float(lines.vacuum_to_air(lines.air_to_vacuum(wave))) == pytest.approx(wave, abs=1e-8)


@pytest.mark.parametrize(("name", "air"), [("Ha", 6562.80), ("OIII5008", 5006.843), ("Hb", 4861.333),
                                           ("OII3727", 3726.032), ("NII6585", 6583.45), ("SII6733", 6730.82)])
def test_lines_are_vacuum_wavelengths(name: str, air: float) -> None:
    """Air wavelengths of the NIST tables, turned into vacuum, are ours to 0.03 Å."""
    assert lines.line(name).wave == pytest.approx(float(lines.air_to_vacuum(air)), abs=0.03)


def test_the_paper_filter_sits_83_km_s_too_blue() -> None:
    ours, theirs = lines.filter_waves(["Ha"])[0], 6562.787
    assert (ours - theirs) / ours * lines.C_KMS == pytest.approx(83, abs=1)
    assert theirs in lines.filter_waves("paper")


def test_the_paper_filter_misses_one_line_of_the_oxygen_doublet() -> None:
    pixel = np.argmin(abs(WAVE - 3729.875))
    assert not lines.line_mask(WAVE, 250, "paper")[pixel]
    assert lines.line_mask(WAVE, 250)[pixel]


@given(st.floats(50, 1000))
def test_a_mask_is_plus_minus_the_velocity(velocity: float) -> None:
    masked = WAVE[lines.line_mask(WAVE, velocity, ["Hb"])]
    half = 4862.69 * velocity / lines.C_KMS
    assert masked.min() == pytest.approx(4862.69 - half, abs=0.11)
    assert masked.max() == pytest.approx(4862.69 + half, abs=0.11)


def test_wrong_calls_say_what_to_try() -> None:
    with pytest.raises(ArgumentError, match="did you mean"):
        lines.line("OIII5007")
    with pytest.raises(ArgumentError, match="above 0 km/s"):
        lines.line_mask(WAVE, -3)


def test_nearest_line_knows_its_tolerance() -> None:
    near = lines.nearest_line(6565.0)
    assert near is not None
    assert near.name == "Ha"
    assert lines.nearest_line(5500.0) is None


def test_names_are_unique_and_sorted() -> None:
    names = [one.name for one in lines.LINES + lines.SKY_LINES]
    assert len(names) == len(set(names))
    assert [one.wave for one in lines.LINES] == sorted(one.wave for one in lines.LINES)


@pytest.mark.parametrize(("name", "wave"), [
    ("Lya", 1215.67), ("OVI1034", 1033.82), ("NV1241", 1240.81), ("OI1305", 1304.35), ("CII1335", 1335.30),
    ("CIV1549", 1549.06), ("AlIII1857", 1857.40), ("SiIII1892", 1892.03), ("CIII1909", 1908.73), ("MgII2799", 2798.75)])
def test_lines_of_quasars_are_those_of_the_composite(name: str, wave: float) -> None:
    """Laboratory wavelengths in vacuum of Vanden Berk et al. (2001), Table 2, to an ångström."""
    assert lines.line(name).wave == pytest.approx(wave, abs=1.0)
    assert lines.line(name).kind == "uv"


def test_the_filter_of_quasars_takes_the_lines_within_the_grid() -> None:
    """Known by C IV and Mg II; nothing of it lies in the gap between C III] and C II]."""
    wave = 10 ** np.arange(np.log10(1440), np.log10(2807), 1e-4)
    out = lines.line_mask(wave, 2500, "quasar")
    for centre in (1549.06, 1908.73, 2798.75):
        assert out[np.argmin(abs(wave - centre))]
        edge = centre * (1 - 2499 / lines.C_KMS)
        assert out[np.argmin(abs(wave - edge))]
    assert not out[(wave > 1950) & (wave < 2300)].any()
    assert not lines.line_mask(wave, 2500).any()  # the filter of galaxies has nothing there


def test_broad_lines_are_wider_than_those_of_galaxies() -> None:
    assert lines.line("CIV1549").half_width > lines.line("CII1335").half_width > lines.line("Ha").half_width
    assert lines.line("NeV3427").half_width == lines.line("OIII5008").half_width


def test_iron_bumps_lie_between_the_strong_lines() -> None:
    for band in lines.IRON_BANDS:
        assert band.lo < band.hi
        assert not any(band.lo < lines.line(name).wave < band.hi for name in ("CIII1909", "MgII2799", "Hb", "OIII5008"))


def test_a_line_is_found_as_it_is_written_on_a_plot() -> None:
    assert lines.line("Hα") is lines.line("Ha")
    assert lines.line("[O III] 5008") is lines.line("OIII5008")
    assert lines.line("[O I] 6302").kind == "emission", "the galaxy's, not that of the sky"


SDSS_VACUUM = {
    "OII3727": 3727.092, "OII3730": 3729.875, "CaK": 3934.777, "CaH": 3969.588, "Hd": 4102.89, "Hg": 4341.68,
    "Hb": 4862.68, "OIII4960": 4960.295, "OIII5008": 5008.240, "OI6302": 6302.046, "NII6550": 6549.86, "Ha": 6564.61,
    "NII6585": 6585.27, "SII6718": 6718.29, "SII6733": 6732.67,
}
"""Of the table of spectral lines of the SDSS (vacuum, Å)."""


@pytest.mark.parametrize("name", SDSS_VACUUM)
def test_lines_are_where_the_sdss_has_them(name: str) -> None:
    assert lines.line(name).wave == pytest.approx(SDSS_VACUUM[name], abs=0.02)


def test_a_real_spectrum_has_its_lines_there() -> None:
    """At the pipeline's redshift the lines of a star-forming galaxy lie within a third of a pixel of their places."""
    s = sa.Spectrum.read(Path(__file__).parent / "data" / "spec-1045-52725-0628.fits")
    rest = s.wave / (1 + s.z)
    for name in ("Ha", "OIII5008", "Hb"):
        near = np.abs(rest - lines.line(name).wave) < 8
        light = s.flux[near] - np.median(s.flux[np.abs(rest - lines.line(name).wave) < 40])
        high = light > 0.3 * light.max()
        place = np.average(rest[near][high], weights=light[high])
        assert (place / lines.line(name).wave - 1) * lines.C_KMS == pytest.approx(0, abs=25), name


def test_the_tutorials_and_guides_write_these_wavelengths() -> None:
    """Hα written as 6564.6 Å in vacuum, and 6562.8 Å only where air is spoken of."""
    root = Path(__file__).parents[1]
    pages = [*root.glob("tutorials/*.ipynb"), *root.glob("docs/*.md"), *root.glob("docs/tasks/*.md")]
    known = {f"{lines.line(name).wave:.1f}" for name in SDSS_VACUUM}
    air = {f"{float(lines.vacuum_to_air(lines.line(name).wave)):.1f}" for name in SDSS_VACUUM}
    found = 0
    for page in pages:
        for row in page.read_text("utf-8").splitlines():
            for number in re.findall(r"(?<![\d.])\d{4}\.\d(?!\d)", row):
                found += number in known
                assert number not in air - known or "vacuum" in row or "air" in row, f"{page.name}: {row}"
    assert found >= 2
