"""Injected features: their shape, S/N and place by hand; what is not injected is counted; more strength finds more."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explain.injection import Injection, continuum, inject
from specanom.explain.recovery import recover
from specanom.explain.templates import ArrayTemplate, LineTemplate, Spike, Step, Trough
from specanom.lines import C_KMS
from specanom.rates import wilson

P = 200
WAVE = np.linspace(4000.0, 4995.0, P)  # 5 Å a pixel
SIGMA = 0.05


def _sample(n: int = 40, *, scale: str = "flux", frame: str = "rest", seed: int = 0, **more) -> sa.SpectrumSet:
    rng = np.random.default_rng(seed)
    flux = 1.0 + SIGMA * rng.standard_normal((n, P))
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "z": 0.25})
    return sa.SpectrumSet(WAVE, flux.astype(np.float32), np.full((n, P), SIGMA**-2), table, scale=scale, frame=frame,
                          **more)


def highest(flux: np.ndarray) -> np.ndarray:
    return np.abs(flux.astype(np.float64) - 1.0).max(axis=1)


# -- templates ---------------------------------------------------------------------------------------------------------


def test_a_line_is_a_gaussian_of_the_given_width() -> None:
    line = LineTemplate(4500.0, sigma_kms=200.0)
    sigma = 4500.0 * 200.0 / C_KMS
    wave = 4500.0 + sigma * np.array([-5.0, -1.0, 0.0, 2.0])
    np.testing.assert_allclose(line(wave), [0.0, np.exp(-0.5), 1.0, np.exp(-2.0)])
    assert line.support == pytest.approx((4500.0 - 4 * sigma, 4500.0 + 4 * sigma))


def test_troughs_steps_spikes_and_arrays_by_hand() -> None:
    wave = np.array([90.0, 94.5, 95.0, 100.0, 105.0, 110.0])
    np.testing.assert_allclose(Trough(100.0, width=10.0)(wave), [0, 0, -0.5, -1, -0.5, 0], atol=1e-12)
    assert Step(100.0)(wave).tolist() == [0, 0, 0, 1, 1, 1]
    assert Step(95.0, width=10.0)(wave).tolist() == [0, 0, 1, 1, 0, 0]
    assert Spike(99.0, pixels=2)(wave).tolist() == [0, 0, 1, 1, 0, 0]
    drawn = ArrayTemplate([95.0, 105.0, 109.0], [0.0, -4.0, 2.0])
    assert drawn(wave).tolist() == [0, 0, 0, -0.5, -1, 0]
    assert drawn.support == (95.0, 109.0)


def test_a_range_gives_each_spectrum_its_own_place() -> None:
    made = inject(_sample(30), Spike((4100.0, 4900.0), frame="rest"), 10.0)
    assert made.injected.all()
    assert len(set(made.pixels.argmax(axis=1))) > 20
    assert ((made.place > 4100) & (made.place < 4900)).all()
    part = inject(_sample(30)[10:12], Spike((4100.0, 4900.0), frame="rest"), 10.0)
    assert np.array_equal(part.place, made.place[10:12])  # whatever else is in the sample


def test_a_range_may_be_a_list_or_an_array() -> None:
    wanted = Spike((4100.0, 4900.0), frame="rest")
    for given_as in ([4100, 4900], np.array([4100.0, 4900.0])):
        made = Spike(given_as, frame="rest")
        assert made == wanted
        assert made.placed(np.random.default_rng(1)) == wanted.placed(np.random.default_rng(1)) != wanted
    with pytest.raises(ArgumentError, match="wave"):
        Spike((4100.0,))


def test_bad_templates_are_refused() -> None:
    for make in (lambda: LineTemplate(-1.0), lambda: LineTemplate(4000.0, sigma_kms=0.0), lambda: Trough((2.0, 1.0)),
                 lambda: Spike(4000.0, pixels=0), lambda: Step(4000.0, width=-1.0), lambda: Step(4000.0, frame="air"),
                 lambda: ArrayTemplate([1.0, 2.0], [0.0, 0.0]), lambda: ArrayTemplate([2.0, 1.0], [1.0, 1.0])):
        with pytest.raises(ArgumentError):
            make()
    with pytest.raises(ShapeError):
        ArrayTemplate([1.0, 2.0], [1.0])


# -- injecting ---------------------------------------------------------------------------------------------------------


def test_a_spike_of_signal_to_noise_8_is_8_sigma_high() -> None:
    sample = _sample(3)
    made = inject(sample, Spike(4500.0, frame="rest"), 8.0)
    added = made.sample.flux - sample.flux
    assert np.flatnonzero(added[0]).tolist() == [100]
    np.testing.assert_allclose(added[:, 100], 8 * SIGMA, rtol=1e-5)
    np.testing.assert_allclose(made.snr, 8.0)
    np.testing.assert_allclose(made.peak, 8 * SIGMA)
    assert np.array_equal(made.sample.ivar, sample.ivar)


def test_two_pixels_share_the_signal_to_noise() -> None:
    sample = _sample(1)
    made = inject(sample, Spike(4502.0, pixels=2, frame="rest"), 8.0)
    added = (made.sample.flux - sample.flux)[0]
    np.testing.assert_allclose(added[[100, 101]], 8 * SIGMA / np.sqrt(2), rtol=1e-4)


def test_strength_in_units_of_the_continuum() -> None:
    sample = _sample(2)
    made = inject(sample, Trough(4500.0, width=100.0), 0.5, unit="continuum")
    middle = np.abs(WAVE - 4500.0) < 40
    ratio = (sample.flux - made.sample.flux)[:, middle]
    np.testing.assert_allclose(ratio, 0.5, atol=0.02)  # half of the continuum of 1 is gone
    np.testing.assert_allclose(made.snr, np.sqrt(((sample.flux - made.sample.flux) ** 2 / SIGMA**2).sum(axis=1)),
                               rtol=1e-3)


def test_the_continuum_goes_under_lines_and_over_missing_pixels() -> None:
    flux = np.ones(P, np.float32)
    flux[50:53] = 9.0
    flux[100:120] = 0.0
    imputed = np.zeros(P, bool)
    imputed[100:120] = True
    np.testing.assert_allclose(continuum(sa.Spectrum(WAVE, flux, imputed=imputed)), 1.0)


def test_a_feature_of_the_observed_frame_lands_at_its_rest_wavelength() -> None:
    made = inject(_sample(1), Spike(4500.0 * 1.25), 5.0)
    assert made.pixels[0].argmax() == 100
    observed = inject(_sample(1, frame="observed"), Spike(4500.0 / 1.25, frame="rest"), 5.0)
    assert observed.pixels[0].argmax() == 100


def test_a_normalised_sample_is_normalised_anew() -> None:
    sample = _sample(2, scale="normalised")
    made = inject(sample, Step(4250.0, frame="rest"), 0.3, unit="continuum")  # three quarters of the pixels
    np.testing.assert_allclose(np.median(made.sample.flux, axis=1), np.median(sample.flux, axis=1), rtol=1e-4)
    level = (sample.flux / made.sample.flux)[:, 0]
    assert (level > 1.2).all()
    np.testing.assert_allclose(made.sample.ivar[:, 0], SIGMA**-2 * level**2, rtol=1e-4)


def test_a_trough_that_leaves_no_level_is_counted_apart() -> None:
    made = inject(_sample(2, scale="normalised"), Trough(4500.0, width=1e4), 1.5, unit="continuum")
    assert made.status.tolist() == ["outside the grid"] * 2
    made = inject(_sample(2, scale="normalised"), Trough(4500.0, width=1100.0), 1.5, unit="continuum")
    assert made.status.tolist() == ["no level"] * 2
    assert np.isnan(made.snr).all()
    assert not made.pixels.any()


def test_imputed_pixels_take_no_feature_and_one_that_falls_on_them_is_counted_apart() -> None:
    imputed = np.zeros((3, P), bool)
    imputed[0, 90:111] = True
    imputed[1, 100:111] = True  # from the middle on: a little less than half of the line is left
    imputed[2, 103:111] = True
    sample = _sample(3, imputed=imputed)
    made = inject(sample, LineTemplate(4500.0, sigma_kms=500.0), 20.0)
    assert made.status.tolist() == ["imputed pixels", "imputed pixels", "injected"]
    assert np.array_equal(made.sample.flux[:2], sample.flux[:2])
    assert np.array_equal(made.sample.flux[imputed], sample.flux[imputed])
    assert made.snr[2] == pytest.approx(20.0)  # of what is there
    assert "1 injected" in repr(made)


def test_outside_the_grid_and_without_redshift_is_counted_apart() -> None:
    sample = _sample(2)
    assert set(inject(sample, LineTemplate(5200.0), 5.0).status) == {"outside the grid"}
    assert set(inject(sample, Spike(3990.0, frame="rest"), 5.0).status) == {"outside the grid"}
    assert set(inject(sample, LineTemplate(4000.0), 5.0).status) == {"injected"}  # half of it is there
    assert set(inject(sample, Step(4900.0, frame="rest"), 5.0).status) == {"injected"}
    lost = sample.replace(table=pd.DataFrame({"id": ["a", "b"]}))
    assert set(inject(lost, Spike(5000.0), 5.0).status) == {"no redshift"}
    assert set(inject(lost, Spike(4500.0, frame="rest"), 5.0).status) == {"injected"}


def test_extra_noise_is_in_the_flux_and_in_the_ivar() -> None:
    sample = _sample(200)
    made = inject(sample, Spike(4500.0, frame="rest"), 0.0, noise=2.0)
    added = made.sample.flux - sample.flux
    assert added.std() == pytest.approx(2 * SIGMA, rel=0.02)
    np.testing.assert_allclose(made.sample.ivar, SIGMA**-2 / 5.0, rtol=1e-5)
    again = inject(sample, Spike(4500.0, frame="rest"), 0.0, noise=2.0)
    assert np.array_equal(again.sample.flux, made.sample.flux)


def test_photon_noise_grows_with_the_feature() -> None:
    sample = _sample(400)
    made = inject(sample, Spike(4500.0, frame="rest"), 3.0, unit="continuum", noise="photon")
    # Four times the light: four times the variance, three of them new.
    np.testing.assert_allclose(made.sample.ivar[:, 100], SIGMA**-2 / 4.0, rtol=0.03)
    added = (made.sample.flux - sample.flux)[:, 100]
    assert added.std() == pytest.approx(np.sqrt(3) * SIGMA, rel=0.1)
    assert np.array_equal(np.delete(made.sample.flux, 100, axis=1), np.delete(sample.flux, 100, axis=1))


def test_the_truth_of_an_injection_is_where_its_pixels_are() -> None:
    made = inject(_sample(2), Spike(4502.0, pixels=2, frame="rest"), 5.0)
    assert made.truth.intervals["s1"][0] == pytest.approx((4497.5, 4507.5))
    observed = inject(_sample(1, frame="observed"), Spike(4500.0), 5.0)
    spectrum = observed.sample[0]
    assert np.flatnonzero(observed.truth.pixels(spectrum)).tolist() == [100]


def test_the_truth_leaves_out_spectra_whose_rest_frame_is_not_known() -> None:
    sample = _sample(2, frame="observed")
    bare = inject(sample.replace(table=sample.table[["id"]]), Spike(4500.0), 5.0)
    assert bare.injected.all()
    assert len(bare.truth) == 0
    partly = inject(sample.replace(table=sample.table.assign(z=[0.25, np.nan])), Spike(4500.0), 5.0)
    assert partly.injected.all()
    assert list(partly.truth.intervals) == ["s0"]


def test_pixels_whose_noise_is_not_a_number_take_no_feature_and_hinder_none() -> None:
    sample = _sample(2)
    ivar = sample.ivar.copy()
    ivar[:, 100] = np.nan
    made = inject(sample.replace(ivar=ivar), Spike(4502.0, pixels=2, frame="rest"), 8.0)
    assert np.flatnonzero((made.sample.flux - sample.flux)[0]).tolist() == [101]
    np.testing.assert_allclose(made.snr, 8.0)


def test_noise_must_be_known_where_it_is_needed() -> None:
    bare = _sample(2).replace(ivar=None)
    for wrong in ({"unit": "snr"}, {"unit": "continuum", "noise": 1.0}):
        with pytest.raises(ArgumentError, match="inverse variance"):
            inject(bare, Spike(4500.0), 5.0, **wrong)
    made = inject(bare, Spike(4500.0, frame="rest"), 1.0, unit="continuum")
    assert np.isnan(made.snr).all()
    assert made.sample.flux[0, 100] == pytest.approx(bare.flux[0, 100] + 1.0, abs=0.05)
    for wrong in ({"unit": "sn"}, {"noise": -1.0}, {"noise": "poisson"}):
        with pytest.raises(ArgumentError):
            inject(_sample(2), Spike(4500.0), 5.0, **wrong)
    with pytest.raises(ArgumentError, match="strength"):
        inject(_sample(2), Spike(4500.0), float("nan"))


# -- recovering --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    sample = _sample(200)
    explainer = sa.Explainer(highest, sa.Uniform(20), perturbation=sa.Flat(1.0), method=sa.Lime(200))
    injection = Injection(Spike((4100.0, 4900.0), frame="rest"), (0.0, 2.0, 4.0, 8.0))
    return recover(sample, injection, highest, explainer=explainer, false_alarms=0.05)


def test_no_strength_gives_the_rate_of_false_alarms(found) -> None:
    row = found.table.iloc[0]
    assert row["strength"] == 0.0
    assert row["n"] == 200
    # Above the 95 % percentile of 200 different values there are 9 or 10.
    assert row["detected"] in (9, 10)
    assert row["completeness_lo"] < 0.05 < row["completeness_hi"]


def test_a_stronger_feature_is_found_and_pointed_at_more_often(found) -> None:
    table = found.table
    assert table["completeness"].is_monotonic_increasing
    assert table["completeness"].iloc[-1] == 1.0
    assert table["pointing"].iloc[-1] > 0.95
    assert table["pointing"].iloc[0] == pytest.approx(0.05, abs=0.06)  # chance: one of 20 segments
    np.testing.assert_allclose(table["chance"], 0.05)
    assert (table["completeness_lo"] <= table["completeness"]).all()
    assert 2.0 < found.limit(0.5) < 8.0
    assert found.limit(0.01) == 0.0


def test_rates_by_signal_to_noise(found) -> None:
    grid = found.map(2)
    assert grid["n"].sum() == 800
    assert len(grid) == 8
    assert set(grid["strength"]) == {0.0, 2.0, 4.0, 8.0}
    assert found.by_snr()["n"].sum() == found.table["n"].sum()
    feature = found.by_snr([0, 1, 3, 10])
    assert feature["n"].tolist() == [200, 200, 400]
    assert feature["completeness"].is_monotonic_increasing


def test_a_limit_that_is_never_reached_is_nan() -> None:
    made = recover(_sample(50), Injection(Spike(4500.0, frame="rest"), (0.0, 1.0)), highest)
    assert np.isnan(made.limit(0.9))
    assert np.isnan(made.table["pointing"]).all()
    assert (made.table["explained"] == 0).all()


def test_what_could_not_be_injected_is_in_the_table_but_in_no_rate() -> None:
    imputed = np.zeros((10, P), bool)
    imputed[:4, 95:106] = True
    made = recover(_sample(10, imputed=imputed), Injection(Spike(4500.0, frame="rest"), (50.0,)), highest,
                   false_alarms=0.1)
    row = made.table.iloc[0]
    assert (row["n"], row["imputed"], row["outside"], row["other"]) == (6, 4, 0, 0)
    bins = made.by_snr()
    assert (bins["snr_lo"].tolist(), bins["snr_hi"].tolist(), bins["n"].tolist()) == ([50.0], [np.inf], [6])
    assert row["completeness"] == 1.0
    outside = recover(_sample(10), Injection(Spike(9000.0, frame="rest"), (50.0,)), highest)
    assert outside.table["outside"].iloc[0] == 10
    assert np.isnan(outside.table["completeness"].iloc[0])
    assert "–" in outside._repr_html_()


def test_a_spectrum_that_loses_its_score_is_counted_apart() -> None:
    made = recover(_sample(10), Injection(Spike(4500.0, frame="rest"), (50.0,)),
                   lambda flux: np.where(flux.max(axis=1) > 2, np.nan, flux.max(axis=1)))
    row = made.table.iloc[0]
    assert (row["n"], row["other"]) == (0, 10)


def test_a_strength_at_which_nothing_can_be_explained_does_not_end_the_search() -> None:
    def picky(flux: np.ndarray) -> np.ndarray:  # no score for copies of spectra with a strong feature
        lost = (flux.max(axis=1) > 2) & (flux.min(axis=1) == 0)
        return np.where(lost, np.nan, highest(flux))

    explainer = sa.Explainer(picky, sa.Uniform(5), perturbation=sa.Flat(0.0), method=sa.Lime(50))
    made = recover(_sample(6), Injection(Spike(4500.0, frame="rest"), (0.0, 50.0)), picky, explainer=explainer)
    assert made.table["n"].tolist() == [6, 6]
    assert made.table["explained"].tolist() == [6, 0]
    assert made.table["completeness"].iloc[1] == 1.0
    assert np.isnan(made.table["pointing"].iloc[1])


def test_a_calibrated_scorer_gives_its_own_threshold() -> None:
    sample = _sample(400, scale="normalised")
    sample = sample.replace(table=sample.table.assign(snr=np.linspace(5, 30, 400)))
    scorer = sa.Scorer(sa.wrap(lambda flux: np.ones_like(flux), WAVE), "chi2_ivar").calibrate(sample)
    injection = Injection(LineTemplate(4500.0, sigma_kms=600.0), (0.0, 8.0, 30.0))
    made = recover(sample, injection, scorer, false_alarms=0.02, by="calibration")
    assert float(scorer.false_alarms(made.threshold, 1)) == pytest.approx(0.02, rel=1e-3)
    assert made.table["completeness"].iloc[0] < 0.06
    assert made.table["completeness"].iloc[-1] > 0.95
    with pytest.raises(ArgumentError, match="calibrated scorer"):
        recover(sample, injection, highest, by="calibration")


def test_bad_settings_are_refused() -> None:
    injection = Injection(Spike(4500.0), (1.0,))
    for wrong in ({"false_alarms": 0.0}, {"false_alarms": 1.0}, {"by": "samples"}):
        with pytest.raises(ArgumentError):
            recover(_sample(5), injection, highest, **wrong)
    with pytest.raises(ArgumentError, match="strengths"):
        Injection(Spike(4500.0), ())
    with pytest.raises(DataError, match="score"):
        recover(_sample(5), injection, lambda flux: np.full(len(flux), np.nan))


def test_injections_say_what_they_are() -> None:
    injection = Injection(LineTemplate(5008.24), (10, 0, 5))
    assert injection.strengths == (0.0, 5.0, 10.0)
    assert repr(injection).endswith("S/N 0, 5, 10")


def test_wilson_intervals_by_hand() -> None:
    lo, hi = wilson([8, 0, 10, 0], [10, 10, 10, 0])
    # 8 of 10: (0.8 + 0.19207)/1.38415 ∓ 1.95996/1.38415 · √(0.016 + 0.0096036).
    assert lo[0] == pytest.approx(0.4902, abs=1e-4)
    assert hi[0] == pytest.approx(0.9433, abs=1e-4)
    assert (lo[1], hi[2]) == (0.0, 1.0)
    assert np.isnan([lo[3], hi[3]]).all()


@given(st.integers(1, 300), st.data())
@settings(max_examples=50)
def test_wilson_intervals_are_those_of_scipy(n, data) -> None:
    k = data.draw(st.integers(0, n))
    expected = binomtest(k, n).proportion_ci(method="wilson")
    lo, hi = wilson(k, n)
    assert (float(lo), float(hi)) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("template", ["line", LineTemplate, None])
def test_what_is_no_template_is_refused(template) -> None:
    with pytest.raises(ArgumentError, match="template"):
        Injection(template)
