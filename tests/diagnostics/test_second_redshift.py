"""Emission lines at a second redshift: planted ones are found, what is none is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.diagnostics import SecondSearch, measure_spectrum, second_redshift
from specanom.diagnostics.peaks import find_peaks
from specanom.errors import ArgumentError, ShapeError
from specanom.lines import ARM_JOINS, C_KMS, SKY_LINES, line
from specanom.spectrum import Spectrum

SDSS = 10 ** np.arange(np.log10(3800.0), np.log10(9200.0), 1e-4)
DESI = 3600.0 + 0.8 * np.arange(7781)
NOISE = 0.05
REAL = ("full/spec-0395-51783-0525.fits", "full/spec-2880-54509-0230.fits", "lite/spec-1045-52725-0628.fits",
        "full/spec-0266-51602-0162.fits", "full/spec-2515-54180-0377.fits", "lite/spec-0266-51602-0013.fits")
STAR_FORMING = {"OII3727": 8.0, "OII3730": 10.0, "Hb": 8.0, "OIII4960": 7.0, "OIII5008": 21.0, "Ha": 24.0,
                "NII6550": 1.5, "NII6585": 4.5, "SII6718": 5.0, "SII6733": 4.0}


def lines_at(wave, z, strengths=STAR_FORMING, sigma=120.0):
    """Return Gaussians of these amplitudes, in units of the noise."""
    made = np.zeros(wave.size)
    for name, height in strengths.items():
        centre = line(name).wave * (1 + z)
        made += height * NOISE * np.exp(-0.5 * ((wave / centre - 1) * C_KMS / sigma) ** 2)
    return made


def galaxy(z=0.1, extra=0.0, *, wave=SDSS, seed=0, rest=True, noise=NOISE, **more):
    """Return a galaxy with noise and something more, and its reconstruction."""
    rng = np.random.default_rng(seed)
    sigma = np.broadcast_to(noise, wave.shape)
    model = 1.0 + 0.2 * np.sin(wave / 900.0)
    flux = model + rng.normal(size=wave.size) * sigma + extra
    spectrum = Spectrum(wave / (1 + z) if rest else wave, flux, 1 / sigma**2, id="g", z=z,
                        frame="rest" if rest else "observed", **more)
    return spectrum, model


@pytest.mark.parametrize("rest", [True, False])
@pytest.mark.parametrize("z", [0.16, 0.25, 0.4, 0.532, 0.7, 0.8])
def test_planted_emitters_are_found_at_their_redshift(z: float, rest: bool) -> None:
    found = second_redshift(*galaxy(0.1, lines_at(SDSS, z), rest=rest))
    assert found.found
    assert found.behind
    assert abs(found.z - z) < 4 * found.z_error + 2e-5
    assert found.z_error < 2e-4
    assert found.share > 0.9
    assert found.chance <= 0.02
    assert all(abs(item.velocity) < 100 for item in found.lines)
    assert {"OIII5008"} <= {item.name for item in found.lines} or z > 0.8
    assert f"z = {found.z:.5f}" in repr(found)
    assert "behind" in repr(found)


def test_errors_of_the_redshift_are_those_of_many_draws() -> None:
    gaps = []
    for seed in range(60):
        found = second_redshift(*galaxy(0.1, lines_at(SDSS, 0.3), seed=seed))
        gaps.append((found.z - 0.3) / found.z_error)
    assert 0.4 < np.std(gaps) < 2.0
    assert abs(np.mean(gaps)) < 1.5


def test_a_galaxy_in_front_is_told_as_such() -> None:
    found = second_redshift(*galaxy(0.35, lines_at(SDSS, 0.05)))
    assert abs(found.z - 0.05) < 1e-4
    assert found.found
    assert not found.behind
    assert "in front of" in repr(found)


def test_lines_on_the_night_sky_and_the_join_of_the_arms_are_found() -> None:
    z = SKY_LINES[3].wave / line("OIII5008").wave - 1  # [O III] 5008 falls on [O I] 5577
    found = second_redshift(*galaxy(0.05, lines_at(SDSS, z)))
    assert abs(found.z - z) < 1e-4
    z = 0.5 * (ARM_JOINS["SDSS"][0].lo + ARM_JOINS["SDSS"][0].hi) / line("OIII5008").wave - 1
    assert abs(second_redshift(*galaxy(0.05, lines_at(SDSS, z))).z - z) < 1e-4


def test_a_masked_line_is_not_needed() -> None:
    z = 0.4
    centre = line("OIII5008").wave * (1 + z)
    masked = np.abs(SDSS - centre) < 15
    spectrum, model = galaxy(0.1, lines_at(SDSS, z, {"OII3730": 25.0, "Hb": 15.0, "Hg": 7.0, "OIII4960": 9.0}))
    spectrum = spectrum.replace(ivar=np.where(masked, 0.0, spectrum.ivar))
    found = second_redshift(spectrum, model)
    assert abs(found.z - z) < 4 * found.z_error
    assert "OIII5008" not in {item.name for item in found.lines}
    imputed = second_redshift(spectrum.replace(imputed=masked), model)
    assert imputed.z == found.z


def test_a_line_that_falls_on_a_line_of_the_galaxy_counts_but_is_not_needed() -> None:
    z = line("Mgb").wave * 1.1 / line("OIII5008").wave - 1
    found = second_redshift(*galaxy(0.1, lines_at(SDSS, z)))
    assert abs(found.z - z) < 1e-4
    assert "OIII5008" in {item.name for item in found.lines}


@pytest.mark.parametrize("z", [0.9, 1.24])
def test_desi_reaches_further(z: float) -> None:
    extra = lines_at(DESI, z, {"OII3727": 12.0, "OII3730": 15.0, "NeIII3870": 6.0, "Hg": 7.0, "Hb": 12.0,
                               "OIII4960": 9.0, "OIII5008": 26.0}, sigma=60.0)
    spectrum, model = galaxy(0.3, extra, wave=DESI, rest=False)
    found = second_redshift(spectrum, model)
    if z == 0.9:
        assert abs(found.z - z) < 1e-4
        assert "OII3729" in {item.name for item in found.lines}
    else:  # [O III] has left the spectrograph: [O II], [Ne III] and Hγ remain
        assert abs(found.z - z) < 4 * found.z_error
        assert len(found.lines) == 3


def test_a_doublet_alone_is_no_redshift() -> None:
    """[O II] beyond z = 1.5 is all there is to be seen, and could be any line."""
    extra = lines_at(DESI, 1.55, {"OII3727": 30.0, "OII3730": 40.0}, sigma=50.0)
    found = second_redshift(*galaxy(0.3, extra, wave=DESI, rest=False))
    assert not found.found
    assert np.isnan(found.z)
    assert found.reason


@pytest.mark.parametrize("strengths", [
    {"OIII5008": 30.0}, {"OIII5008": 30.0, "OIII4960": 10.0}, {"Ha": 30.0, "NII6550": 8.0, "NII6585": 20.0}],
    ids=["one line", "two lines", "one complex"])
def test_what_could_be_any_line_is_refused(strengths: dict[str, float]) -> None:
    found = second_redshift(*galaxy(0.1, lines_at(SDSS, 0.3, strengths)))
    assert not found.found
    assert not found.behind
    assert found.reason
    assert found.lines == ()


def test_the_fainter_of_a_pair_without_the_brighter_is_refused() -> None:
    found = second_redshift(*galaxy(0.1, lines_at(SDSS, 0.3, {"OII3730": 20.0, "Hb": 8.0, "OIII4960": 15.0})))
    assert not found.found


def test_ordinary_galaxies_have_no_second_redshift() -> None:
    assert not any(second_redshift(*galaxy(0.1, seed=seed)).found for seed in range(300))


def test_own_lines_that_a_model_misses_are_no_second_redshift() -> None:
    strong = {name: 40.0 * height for name, height in STAR_FORMING.items()}
    strong |= {"HeI5877": 60.0, "OI6302": 50.0, "NeIII3870": 80.0, "Hg": 150.0, "Hd": 80.0}
    assert not second_redshift(*galaxy(0.1, lines_at(SDSS, 0.1, strong))).found
    assert not second_redshift(*galaxy(0.1, lines_at(SDSS, 0.103, strong, sigma=150.0))).found  # 820 km/s: one galaxy


def test_shoulders_of_broad_lines_are_no_second_redshift() -> None:
    """Gas that turns around the nucleus is seen in all lines of hydrogen at one velocity."""
    gas = {"Hg": 8.0, "Hb": 12.0, "Ha": 30.0, "SII6733": 9.0}
    shoulders = lines_at(SDSS, 0.1 - 1.1 * 3500 / C_KMS, gas, sigma=400.0)
    assert not second_redshift(*galaxy(0.1, shoulders)).found


def test_lines_that_only_the_model_has_are_no_second_redshift() -> None:
    """A model that has learnt the lines of an odd spectrum subtracts them from others."""
    spectrum, model = galaxy(0.1)
    assert not second_redshift(spectrum, model - lines_at(SDSS, 0.3)).found
    assert not second_redshift(spectrum, model + lines_at(SDSS, 0.3)).found


def test_residual_sky_is_no_second_redshift() -> None:
    """Lines of OH with random signs and strengths, whose noise is underestimated four times."""
    found = 0
    for seed in range(200):
        rng = np.random.default_rng(1000 + seed)
        places = np.sort(rng.uniform(7200, 9200, 40))
        extra = sum(rng.normal() * 20 * NOISE * np.exp(-0.5 * ((SDSS - at) / 1.5) ** 2) for at in places)
        found += second_redshift(*galaxy(0.1, extra, seed=seed)).found
    assert found == 0


def test_cosmic_rays_are_no_second_redshift() -> None:
    found = 0
    for seed in range(300):
        rng = np.random.default_rng(5000 + seed)
        extra = np.zeros(SDSS.size)
        extra[rng.integers(50, SDSS.size - 50, rng.integers(3, 9))] += rng.uniform(20, 80) * NOISE
        found += second_redshift(*galaxy(0.1, extra, seed=seed)).found
    assert found <= 2


def test_the_stated_chance_is_that_of_lines_at_random() -> None:
    """Of spectra with ten lines anywhere, no more are claimed than the chance that is allowed."""
    search, found = SecondSearch(min_share=0.3, max_chance=0.05), 0
    for seed in range(300):
        rng = np.random.default_rng(9000 + seed)
        extra = sum(rng.uniform(8, 20) * NOISE * np.exp(-0.5 * ((SDSS / at - 1) * C_KMS / 120.0) ** 2)
                    for at in rng.uniform(4000, 9000, 10))
        found += search(*galaxy(0.1, extra, seed=seed)).found
    assert found / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


def test_real_galaxies_have_none_until_one_is_laid_on_them(shared: Path) -> None:
    for name in REAL:
        real = Spectrum.read(shared / "data" / "sdss" / name)
        fit = measure_spectrum(real)
        model = np.where(np.isfinite(fit.model), fit.model, fit.stars)
        assert not second_redshift(real, model).found, name
        noise = np.median(1 / np.sqrt(real.ivar[real.ivar > 0]))
        behind = real.z + 0.235
        extra = lines_at(real.wave, behind) / NOISE * noise * 3
        found = second_redshift(real.replace(flux=real.flux + extra.astype(np.float32)), model)
        assert abs(found.z - behind) < 2e-4, name


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-20, 1e20), st.integers(0, 1000))
def test_the_unit_of_the_flux_does_not_matter(scale: float, seed: int) -> None:
    spectrum, model = galaxy(0.1, lines_at(SDSS, 0.3), seed=seed)
    residual, ivar = spectrum.flux.astype(float) - model, spectrum.ivar.astype(float)
    one = SecondSearch().among(find_peaks(SDSS, residual, ivar), z=0.1)
    other = SecondSearch().among(find_peaks(SDSS, residual * scale, ivar / scale**2), z=0.1)
    assert other.z == pytest.approx(one.z, rel=1e-12)
    assert other.share == pytest.approx(one.share, rel=1e-9)
    assert other.peaks == one.peaks


@settings(max_examples=15, deadline=None)
@given(st.integers(-400, 400))
def test_moving_everything_in_wavelength_moves_both_redshifts(shift: int) -> None:
    spectrum, model = galaxy(0.15, lines_at(SDSS, 0.3))
    residual, ivar = spectrum.flux.astype(float) - model, spectrum.ivar.astype(float)
    factor = 10 ** (1e-4 * shift)
    one = SecondSearch().among(find_peaks(SDSS, residual, ivar), z=0.15)
    other = SecondSearch().among(find_peaks(SDSS * factor, residual, ivar), z=1.15 * factor - 1)
    assert (1 + other.z) / (1 + one.z) == pytest.approx(factor, rel=1e-7)
    assert [item.name for item in other.lines] == [item.name for item in one.lines]


def test_a_constant_added_to_the_residual_changes_nothing() -> None:
    spectrum, model = galaxy(0.1, lines_at(SDSS, 0.3))
    assert second_redshift(spectrum, model - 0.5).z == pytest.approx(second_redshift(spectrum, model).z, abs=1e-6)


def test_what_cannot_be_searched_is_told() -> None:
    spectrum, model = galaxy(0.1, lines_at(SDSS, 0.3))
    assert second_redshift(spectrum.replace(ivar=None), model).reason == "no noise"
    assert second_redshift(galaxy(0.1, lines_at(SDSS, 0.3), meta={"class": "QSO"})[0], model).reason == "a quasar"
    assert "no redshift" in second_redshift(Spectrum(SDSS, spectrum.flux, spectrum.ivar, id="g"), model).reason
    assert not second_redshift(spectrum, np.full(SDSS.size, np.nan)).found
    assert not second_redshift(spectrum.replace(ivar=np.zeros(SDSS.size)), model).found


def test_wrong_settings_and_shapes_are_refused() -> None:
    spectrum, model = galaxy()
    with pytest.raises(ShapeError):
        second_redshift(spectrum, model[1:])
    with pytest.raises(ShapeError):
        find_peaks(SDSS, np.zeros(3), np.ones(3))
    with pytest.raises(ArgumentError, match="min_lines"):
        SecondSearch(min_lines=2)
    with pytest.raises(ArgumentError, match="min_share"):
        SecondSearch(min_share=0.0)
    with pytest.raises(ArgumentError, match="tolerance"):
        SecondSearch(tolerance=-1.0)


def test_peaks_are_measured_where_and_as_strong_as_they_are() -> None:
    rng = np.random.default_rng(3)
    residual = rng.normal(size=SDSS.size) * NOISE
    wave = 6000.3
    residual += 10 * NOISE * np.exp(-0.5 * ((SDSS / wave - 1) * C_KMS / 110.5) ** 2)
    peaks = find_peaks(SDSS, residual, np.full(SDSS.size, NOISE**-2))
    assert peaks.snr.size == 1
    assert abs(np.exp(peaks.wave[0]) / wave - 1) * C_KMS < 30
    expected = 10 * np.sqrt(1.6 * np.sqrt(np.pi))  # amplitude / noise × √Σ kernel²
    assert peaks.snr[0] == pytest.approx(expected, abs=3.0)


def test_underestimated_noise_is_raised() -> None:
    rng = np.random.default_rng(4)
    peaks = find_peaks(SDSS, rng.normal(size=SDSS.size) * NOISE * 5, np.full(SDSS.size, NOISE**-2))
    assert peaks.snr.size <= 2
