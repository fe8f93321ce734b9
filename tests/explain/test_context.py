"""Shares say what lies where the weights are: physics, or the marks of sky, masks and instrument."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.explain.classes import CLASSES, observed_wave, pixel_classes, rest_wave
from specanom.explain.context import Evidence, context_of, pixel_shares
from specanom.explain.narrow import dead_pixels, narrow_pixels
from specanom.explain.segments import Uniform, numbered
from specanom.lines import C_KMS, NARROW_KMS, line
from specanom.spectrum import Spectrum

WAVE = np.linspace(3500.0, 7500.0, 4000)
Z = 0.1


def _bump(centre: float, height: float = 3.0, sigma: float = 3.0) -> np.ndarray:
    return height * np.exp(-0.5 * ((WAVE - centre) / sigma) ** 2)


def _spectrum(flux: np.ndarray, **more: object) -> Spectrum:
    fields: dict[str, object] = {"z": Z, "frame": "rest", "scale": "normalised", "id": "a",
                                 "meta": {"instrument": "SDSS", "lsf": 70.0}}
    return Spectrum(WAVE, flux, **{**fields, **more})  # type: ignore[arg-type]


def _context(flux: np.ndarray, k: int = 77, **more: object) -> tuple[object, int]:
    """Context of an explanation whose whole weight is on the segment with the greatest residual from 1."""
    spectrum = _spectrum(flux, **more)
    segments = Uniform(k)(spectrum.flux, WAVE)
    keep = None if spectrum.imputed is None else ~spectrum.imputed
    evidence = Evidence.of(spectrum.flux, 0.9 * spectrum.flux, reconstruction=np.ones(WAVE.size), keep=keep)
    best = int(np.bincount(segments, evidence.observed**2).argmax())
    weights = np.zeros(k)
    weights[best] = 0.7
    return context_of(spectrum, segments, weights, evidence=evidence), best


def test_a_line_gets_its_weight_and_its_name() -> None:
    rng = np.random.default_rng(0)
    context, best = _context(1 + 0.03 * rng.normal(size=WAVE.size) + _bump(line("OIII5008").wave))
    assert context.lines > 0.95
    assert context.names[best] == "[O III] 5008"
    assert context.artefact_share < 0.05


def test_the_halpha_complex_is_named_as_one() -> None:
    flux = 1 + _bump(line("Ha").wave, 3) + _bump(line("NII6585").wave, 2)
    context, best = _context(flux, k=40)
    assert context.names[best] == "Hα+[N II]"


def test_a_sky_residual_in_a_wide_segment_goes_to_the_sky_and_not_to_the_continuum_around_it() -> None:
    rng = np.random.default_rng(0)
    flux = 1 + 0.03 * rng.normal(size=WAVE.size) + _bump(5578.89 / (1 + Z), 2, sigma=2)
    context, best = _context(flux)
    assert context.sky > 0.9
    assert context.names[best] == "[O I] 5577 sky"
    assert context.artefact_share == pytest.approx(context.sky, abs=0.02)


def test_continuum_beside_a_sky_line_stays_continuum() -> None:
    flux = np.ones(WAVE.size)
    flux[(WAVE > 5085) & (WAVE < 5125)] += 0.5
    context, best = _context(flux)
    assert context.continuum > 0.6
    assert context.names[best].startswith("continuum 5")


def test_the_edge_of_the_5577_mask_is_named_and_counted_although_the_score_leaves_the_mask_out() -> None:
    imputed = (WAVE * (1 + Z) > 5565) & (WAVE * (1 + Z) < 5590)
    flux = 1 + _bump(5592 / (1 + Z), 2, sigma=1.0)
    context, best = _context(flux, imputed=imputed)
    assert context.imputed > 0.9
    assert context.names[best] == "5577 mask edge"


def test_imputed_pixels_that_count_are_the_mask_itself() -> None:
    imputed = (WAVE * (1 + Z) > 5565) & (WAVE * (1 + Z) < 5590)
    spectrum = _spectrum(np.where(imputed, 3.0, 1.0), imputed=imputed)
    segments = Uniform(77)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, 0.9 * spectrum.flux, reconstruction=np.ones(WAVE.size))
    weights = np.zeros(77)
    best = int(np.bincount(segments, evidence.observed**2).argmax())
    weights[best] = 1.0
    context = context_of(spectrum, segments, weights, evidence=evidence)
    assert context.imputed > 0.99
    assert context.names[best] == "5577 mask"


def test_pixels_without_inverse_variance_count_as_masked() -> None:
    ivar = np.full(WAVE.size, 100.0)
    ivar[1000:1010] = 0
    classes = pixel_classes(_spectrum(np.ones(WAVE.size), ivar=ivar))
    masked = np.flatnonzero(classes == CLASSES.index("imputed"))
    assert masked.min() == 1000 - 3  # 4 Å beside the mask, on a grid of 1.0003 Å
    assert masked.max() == 1009 + 3


def test_noise_that_is_not_a_number_anywhere_is_noise_not_known() -> None:
    """Sets with and without inverse variance can be joined; the spectra of the latter then hold NaN."""
    flux = np.ones(WAVE.size) + _bump(5578.9 / (1 + Z)) + _bump(5200.0, sigma=1.0)
    without, _ = _context(flux)
    ivar = np.full(WAVE.size, np.nan)
    ivar[:20] = 0.0  # imputed pixels of such a set
    assert _context(flux, ivar=ivar)[0].shares == without.shares
    assert without.sky + without.narrow_share > 0.5


def test_telluric_and_join_lie_in_the_observed_frame() -> None:
    classes = pixel_classes(_spectrum(np.ones(WAVE.size)))
    observed = WAVE * (1 + Z)

    def at(wave: float) -> str:
        return CLASSES[classes[np.abs(observed - wave).argmin()]]

    assert at(7650) == "telluric"
    assert at(6000) == "join"
    assert at(5000) == "continuum"
    boss = pixel_classes(_spectrum(np.ones(WAVE.size), meta={"instrument": "BOSS"}))
    assert CLASSES[boss[np.abs(observed - 5850).argmin()]] == "continuum"


def test_lines_go_before_broad_bands_and_weak_sky_lines_and_after_the_strong_ones() -> None:
    wave = line("Hb").wave
    for sky, expected in ((5578.89, "sky"), (6302.05, "sky"), (5892.0, "lines"), (5462.3, "lines")):
        classes = pixel_classes(_spectrum(np.ones(WAVE.size), z=sky / wave - 1))
        assert CLASSES[classes[np.abs(WAVE - wave).argmin()]] == expected
    z = 7650.0 / line("Ha").wave - 1  # Hα in the telluric A band
    classes = pixel_classes(_spectrum(np.ones(WAVE.size), z=z))
    assert CLASSES[classes[np.abs(WAVE - line("Ha").wave).argmin()]] == "lines"


def test_the_oh_forest_is_only_its_lines_when_the_noise_is_known() -> None:
    ivar = np.full(WAVE.size, 100.0)
    ivar[3800::20] = 10.0
    with_noise = pixel_classes(_spectrum(np.ones(WAVE.size), ivar=ivar))
    inside = (WAVE * (1 + Z) > 7800) & (WAVE * (1 + Z) < 8050)
    sky = CLASSES.index("sky")
    assert np.array_equal(with_noise[inside] == sky, (ivar == 10)[inside])
    assert (pixel_classes(_spectrum(np.ones(WAVE.size)))[inside] == sky).all()


def test_a_sky_line_that_does_not_raise_the_noise_was_not_there() -> None:
    on = int(np.abs(WAVE * (1 + Z) - 5578.89).argmin())
    ivar = np.full(WAVE.size, 100.0)
    assert CLASSES[pixel_classes(_spectrum(np.ones(WAVE.size), ivar=ivar))[on]] == "continuum"
    ivar[on] = 20.0
    assert CLASSES[pixel_classes(_spectrum(np.ones(WAVE.size), ivar=ivar))[on]] == "sky"


def test_an_unlisted_narrow_feature_is_named_by_where_it_is() -> None:
    context, best = _context(1 + _bump(4500.0, 2))
    assert context.names[best] == "feature at 4500 Å"
    assert context.continuum > 0.9
    context, best = _context(1 + _bump(5455.0, 2))
    assert context.names[best] == "feature at 5455 Å (SDSS arm join)"
    assert context.join > 0.9


def test_a_feature_that_only_the_model_shows_is_called_missing() -> None:
    noise = 0.02 * np.random.default_rng(0).normal(size=WAVE.size)
    flat, bump = (1 + noise).astype(np.float32), (1 + _bump(4500.0, 2)).astype(np.float32)
    segments = Uniform(40)(flat, WAVE)
    weights = np.bincount(segments, _bump(4500.0, 2) ** 2)
    told = {}
    for flux, model in ((flat, bump), (bump, flat), (bump, 0.5 * (1 + bump))):
        evidence = Evidence.of(flux, model, reconstruction=model, weight=np.full(WAVE.size, 4.0))
        np.testing.assert_allclose(evidence.model_of(flux), model, rtol=1e-6)
        told[flux is flat, model is flat] = context_of(
            _spectrum(flux), segments, weights, evidence=evidence).names[int(weights.argmax())]
    assert told == {(True, False): "missing feature at 4500 Å", (False, True): "feature at 4500 Å",
                    (False, False): "feature at 4500 Å"}
    assert Evidence.of(flat, bump).model_of(flat) is None


def test_bright_sky_bits_of_sdss_are_sky() -> None:
    mask = np.zeros(WAVE.size, dtype=np.uint32)
    mask[1650:1660] = 1 << 23
    mask[1700:1710] = 1 << 18
    meta = {"instrument": "SDSS", "survey": "sdss"}
    classes = pixel_classes(_spectrum(np.ones(WAVE.size), mask=mask, meta=meta))
    assert (classes[1650:1660] == CLASSES.index("sky")).all()
    assert (classes[1700:1710] != CLASSES.index("sky")).all()


@given(st.integers(0, 10_000), st.integers(2, 60), st.booleans())
def test_shares_sum_to_one_and_names_are_one_a_segment(seed: int, k: int, shuffled: bool) -> None:
    rng = np.random.default_rng(seed)
    spectrum = _spectrum(rng.normal(1, 0.2, WAVE.size), imputed=rng.random(WAVE.size) < 0.02, z=rng.uniform(0, 0.3))
    segments = Uniform(k)(spectrum.flux, WAVE)
    if shuffled:
        segments = numbered(rng.permutation(segments))
    evidence = Evidence.of(spectrum.flux, np.ones(WAVE.size, dtype=np.float32), keep=~spectrum.imputed)
    context = context_of(spectrum, segments, rng.normal(size=k), evidence=evidence)
    assert sum(context.shares.values()) == pytest.approx(1)
    assert min(context.shares.values()) >= 0
    assert 0 <= context.artefact_share <= 1
    assert len(context.names) == k
    assert all(context.names)


def test_a_negative_weight_is_spread_like_the_change_by_its_fill() -> None:
    evidence = Evidence(np.array([1.0, 0, 0, 0]), np.array([0.0, 0, 0, 2.0]))
    segments = np.zeros(4, dtype=np.intp)
    assert pixel_shares(segments, np.array([0.5]), evidence=evidence).tolist() == [1, 0, 0, 0]
    assert pixel_shares(segments, np.array([-0.5]), evidence=evidence).tolist() == [0, 0, 0, 1]


def test_a_segment_the_score_does_not_see_shares_evenly() -> None:
    evidence = Evidence(np.zeros(4), np.zeros(4))
    assert pixel_shares(np.array([0, 0, 1, 1]), np.ones(2), evidence=evidence).tolist() == [0.5] * 4


def test_a_context_cannot_be_written_to() -> None:
    context, _ = _context(np.ones(WAVE.size) + _bump(5007.0))
    with pytest.raises(ValueError, match="read-only"):
        context.narrow[0] = True


def test_without_redshift_or_observed_frame_shares_are_nan_and_never_zero() -> None:
    flux = 1 + _bump(line("Ha").wave)
    no_z, _ = _context(flux, z=None)
    assert no_z.lines > 0.9
    assert np.isnan([no_z.sky, no_z.telluric, no_z.join, no_z.continuum, no_z.artefact_share]).all()
    observed, _ = _context(flux, z=None, frame="observed")
    assert np.isnan([observed.lines, observed.continuum]).all()
    assert observed.sky >= 0
    no_instrument, _ = _context(flux, meta={})
    assert np.isnan(no_instrument.join)
    assert np.nansum(list(no_instrument.shares.values())) == pytest.approx(1)


def test_no_weight_at_all_has_no_shares() -> None:
    spectrum = _spectrum(np.ones(WAVE.size))
    segments = Uniform(5)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, 0.9 * spectrum.flux)
    assert np.isnan(list(context_of(spectrum, segments, np.zeros(5), evidence=evidence).shares.values())).all()


def test_frames_convert_into_each_other() -> None:
    rest = _spectrum(np.ones(WAVE.size))
    np.testing.assert_allclose(observed_wave(rest), WAVE * (1 + Z))
    assert observed_wave(replace(rest, z=None)) is None
    seen = replace(rest, frame="observed")
    np.testing.assert_allclose(rest_wave(seen), WAVE / (1 + Z))
    flux = 1 + 3 * np.exp(-0.5 * ((WAVE - line("Hb").wave * (1 + Z)) / 3) ** 2)
    context, best = _context(flux, frame="observed")
    assert context.names[best] == "Hβ"


def test_features_narrower_than_the_line_spread_function_are_marked() -> None:
    wave = 5230.0
    lsf = 70.0  # km/s
    sigma = wave * lsf / C_KMS
    flux = 1 + _bump(wave, 3, sigma=0.4) + _bump(6230.0, 3, sigma=1.1 * 6230 * lsf / C_KMS)
    flux = flux + 1e-3 * np.random.default_rng(0).normal(size=WAVE.size)
    spectrum = _spectrum(flux)
    segments = Uniform(40)(spectrum.flux, WAVE)
    weights = np.bincount(segments, (spectrum.flux - 1.0) ** 2)
    evidence = Evidence.of(spectrum.flux, np.ones(WAVE.size, dtype=np.float32))
    marked = context_of(spectrum, segments, weights, evidence=evidence).narrow
    assert marked is not None
    assert np.flatnonzero(marked).tolist() == [int(segments[np.abs(WAVE - wave).argmin()])]
    assert sigma > 1.0
    for meta in ({"lsf": float("nan")}, {}):
        unknown = replace(spectrum, meta=meta)
        assert context_of(unknown, segments, weights, evidence=evidence).narrow is None
        assert narrow_pixels(unknown) is None


def test_line_windows_are_as_wide_as_documented() -> None:
    classes = pixel_classes(_spectrum(np.ones(WAVE.size), z=None))
    inside = WAVE[(classes == CLASSES.index("lines")) & (np.abs(WAVE - line("OIII5008").wave) < 25)]
    half = line("OIII5008").wave * NARROW_KMS / C_KMS
    assert inside.max() - inside.min() == pytest.approx(2 * half, abs=2.1)


LSF = 70.0  # km/s, as of the spectra above


def _noisy_spectrum(flux: np.ndarray, sigma: float = 0.03, **more: object) -> Spectrum:
    noise = sigma * np.random.default_rng(0).normal(size=WAVE.size)
    return _spectrum(flux + noise, ivar=np.full(WAVE.size, sigma**-2, dtype=np.float32), **more)


def _explained_by(spectrum: Spectrum, typical: np.ndarray, k: int = 77) -> tuple[object, int]:
    """Context of weights like the residual against `typical`, and the leading segment."""
    segments = Uniform(k)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, typical.astype(np.float32), reconstruction=typical, weight=spectrum.ivar)
    weights = np.bincount(segments, evidence.observed**2)
    return context_of(spectrum, segments, weights, evidence=evidence), int(weights.argmax())


def test_a_cosmic_ray_is_an_artefact_and_called_a_spike() -> None:
    flux = np.ones(WAVE.size)
    flux[1600:1602] += [2.0, 1.0]  # one pixel and its neighbour, 1 Å each: the instrument's lines are 3 Å wide
    context, best = _explained_by(_noisy_spectrum(flux), np.ones(WAVE.size))
    assert context.narrow_share > 0.5
    assert context.artefact_share > 0.5
    assert context.names[best] == f"spike at {WAVE[1600]:.0f} Å"
    assert context.narrow is not None
    assert context.narrow[best]
    assert sum(context.shares.values()) == pytest.approx(1)


def test_spikes_stay_what_else_they_lie_on_when_the_line_spread_function_is_not_known() -> None:
    flux = np.ones(WAVE.size)
    flux[1600:1602] += [2.0, 1.0]
    context, best = _explained_by(_noisy_spectrum(flux, meta={"instrument": "SDSS"}), np.ones(WAVE.size))
    assert np.isnan(context.narrow_share)
    assert context.continuum > 0.8
    assert context.artefact_share < 0.2
    assert context.names[best].startswith("feature at")


@pytest.mark.parametrize("redshift", [0.084, 0.099, 0.16])
@pytest.mark.parametrize("height", [1.0, 30.0, 300.0])
def test_unresolved_lines_of_a_galaxy_are_no_spikes_however_strong(redshift: float, height: float) -> None:
    names = ("OII3727", "OII3730", "Hb", "OIII4960", "OIII5008", "Ha", "NII6585", "SII6718", "SII6733")
    flux = np.ones(WAVE.size)
    for item in (line(name) for name in names):  # gas as cold as the instrument can show
        flux += _bump(item.wave, height, sigma=item.wave * LSF / C_KMS)
    spectrum = _noisy_spectrum(flux, z=redshift)
    context, best = _explained_by(spectrum, np.ones(WAVE.size))
    found = narrow_pixels(spectrum)
    assert found is not None
    assert not found.any()
    assert context.lines > 0.7
    assert context.names[best].startswith(("Hα", "[O III]", "[O II]"))


def test_a_line_of_the_galaxy_on_mercury_light_keeps_its_name() -> None:
    z = 4045.0 / 3728.5 - 1  # [O II] where Hg I 4048 would be: there is no such light when the noise is not raised
    flux = np.ones(WAVE.size)
    for name in ("OII3727", "OII3730"):
        for shift in (-350.0, 350.0):  # two peaks, as of a rotating or merging pair
            at = line(name).wave * (1 + shift / C_KMS)
            flux += _bump(at, 6.0, sigma=at * 120 / C_KMS)
    context, best = _explained_by(_noisy_spectrum(flux, z=z), np.ones(WAVE.size))
    assert context.names[best] == "[O II]"
    assert context.lines > 0.8


def test_pixels_without_noise_are_dead_and_counted_as_masked() -> None:
    flux = np.ones(WAVE.size)
    spectrum = _noisy_spectrum(flux)
    dark = spectrum.flux.copy()
    dark[1300:1360] = 0.0
    spectrum = replace(spectrum, flux=dark)
    assert np.flatnonzero(dead_pixels(spectrum)).tolist() == list(range(1300, 1360))
    context, best = _explained_by(spectrum, np.ones(WAVE.size))
    assert context.imputed > 0.9
    assert context.artefact_share > 0.9
    assert context.names[best] == f"dead pixels {WAVE[1300]:.0f}–{WAVE[1359]:.0f} Å"


def test_noise_alone_and_models_without_noise_have_no_dead_pixels() -> None:
    assert not dead_pixels(_noisy_spectrum(np.ones(WAVE.size))).any()
    smooth = _spectrum(np.ones(WAVE.size), ivar=np.full(WAVE.size, 100.0, dtype=np.float32))
    assert not dead_pixels(smooth).any()
    assert not dead_pixels(_spectrum(np.ones(WAVE.size))).any()


def test_a_short_run_of_equal_pixels_is_chance() -> None:
    spectrum = _noisy_spectrum(np.ones(WAVE.size))
    flux = spectrum.flux.copy()
    flux[100:107] = 1.0
    flux[200:208] = 1.0
    assert np.flatnonzero(dead_pixels(replace(spectrum, flux=flux))).tolist() == list(range(200, 208))
