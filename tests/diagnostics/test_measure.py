"""Line fluxes of synthetic spectra whose lines are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from specanom import Spectrum, SpectrumSet
from specanom.diagnostics import FitSettings, measure_lines, measure_spectrum, template_bank
from specanom.errors import ArgumentError
from specanom.lines import C_KMS, line

REST = 10 ** np.arange(np.log10(3600), np.log10(7400), 1e-4)
N = 50


def emission(wave: np.ndarray, fluxes: dict[str, float], *, sigma: float, velocity: float = 0.0) -> np.ndarray:
    total = np.zeros_like(wave)
    for name, flux in fluxes.items():
        centre = line(name).wave * (1 + velocity / C_KMS)
        width = centre * sigma / C_KMS
        total += flux / (width * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((wave - centre) / width) ** 2)
    return total


def line_set(ha: float, decrement: float = 3.5, n2: float = 0.35, o3: float = 1.5) -> dict[str, float]:
    hb = ha / decrement
    return {"Ha": ha, "Hb": hb, "Hg": 0.45 * hb, "Hd": 0.24 * hb, "OIII5008": o3 * hb, "OIII4960": o3 * hb / 2.98,
            "NII6585": n2 * ha, "NII6550": n2 * ha / 3, "OII3727": 1.3 * hb, "OII3730": 1.6 * hb, "SII6718": 0.2 * ha,
            "SII6733": 0.15 * ha}  # fmt: skip


def stars(wave: np.ndarray, *ages: int) -> np.ndarray:
    """A mix of populations 190 km/s wide: `ages` counts in the bank's list."""
    mix = template_bank().on(wave)[2][[2 * age for age in ages]].mean(axis=0)
    return mix / np.median(mix)


def galaxies(snr: float, ha: float, seed: int = 1) -> tuple[SpectrumSet, dict[str, np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    flux, truth = [], []
    for _ in range(N):
        lines = line_set(ha * rng.lognormal(0, 0.3), 2.86 * (1 + rng.gamma(2, 0.12)))
        shape = stars(REST, *rng.choice([3, 4, 7, 8], 2, replace=False)) * (REST / 5500) ** rng.normal(0, 0.3)
        flux.append(shape + emission(REST, lines, sigma=rng.uniform(80, 200), velocity=rng.normal(0, 40)))
        truth.append(lines)
    noisy = np.array(flux) + rng.normal(0, 1 / snr, (N, REST.size))
    known = {name: np.array([one[name] for one in truth]) for name in truth[0]}
    return SpectrumSet(REST, noisy, np.full(noisy.shape, snr**2)), known, flux


@pytest.mark.parametrize(("snr", "ha"), [(15, 30.0), (6, 10.0)])
def test_errors_are_the_scatter_around_the_truth(snr: float, ha: float) -> None:
    sample, truth, _ = galaxies(snr, ha)
    table = measure_lines(sample)
    for name in ("Hg", "Hb", "OIII5008", "Ha", "NII6585", "SII6718"):
        pulls = ((table[f"{name}_flux"] - truth[name]) / table[f"{name}_err"]).to_numpy()
        assert abs(pulls.mean()) < 0.4, name
        assert 0.75 < pulls.std() < 1.25, name
    doublet = (table["OII_flux"] - truth["OII3727"] - truth["OII3730"]) / table["OII_err"]
    assert abs(doublet.mean()) < 0.4
    assert 0.75 < doublet.std() < 1.25


def test_errors_hold_on_an_interpolated_grid_whose_pixels_are_correlated() -> None:
    sample, truth, _ = galaxies(15, 30.0, seed=2)
    grid = np.linspace(3650, 7350, 3700)
    place = np.interp(grid, REST, np.arange(REST.size))
    share = place - np.floor(place)
    flux = np.array([np.interp(grid, REST, row) for row in sample.flux])
    ivar = np.broadcast_to(225 / ((1 - share) ** 2 + share**2), flux.shape)
    table = measure_lines(SpectrumSet(grid, flux, ivar))
    for name in ("Hb", "Ha", "NII6585", "SII6718"):
        pulls = ((table[f"{name}_flux"] - truth[name]) / table[f"{name}_err"]).to_numpy()
        assert 0.7 < pulls.std() < 1.3, name


@pytest.mark.parametrize("age", [2, 4, 5, 8])
def test_balmer_absorption_does_not_bias_the_decrement(age: int) -> None:
    noise = np.random.default_rng(age).normal(0, 1 / 60, REST.size)
    flux = stars(REST, age) + emission(REST, line_set(25.0), sigma=110) + noise
    row = measure_lines(Spectrum(REST, flux, np.full(REST.size, 3600.0), frame="rest", scale="normalised")).iloc[0]
    assert row["decrement"] == pytest.approx(3.5, rel=0.04)
    assert row["Hg_flux"] / row["Hb_flux"] == pytest.approx(0.45, rel=0.1)
    # Without stars, a straight continuum beside Hβ loses what the stars absorb.
    near, side = np.abs(REST - 4862.69) < 8, (np.abs(REST - 4862.69) > 25) & (np.abs(REST - 4862.69) < 40)
    naive = float(np.sum((flux[near] - np.median(flux[side])) * np.gradient(REST)[near]))
    assert naive < (0.93 if age < 8 else 1.0) * 25.0 / 3.5
    assert abs(row["Hb_flux"] / (25.0 / 3.5) - 1) < 0.04


def test_observed_spectra_give_flux_in_their_own_frame_and_ew_at_rest() -> None:
    z, snr = 0.12, 40
    wave = REST * (1 + z)
    flux = 5 * (stars(REST, 4, 8) + emission(REST, line_set(30.0), sigma=110))
    noise = np.random.default_rng(0).normal(0, 5 / snr, wave.size)
    row = measure_lines(Spectrum(wave, flux + noise, np.full(wave.size, (snr / 5) ** 2), z=z, id="a")).iloc[0]
    assert row["id"] == "a"
    assert row["Ha_flux"] == pytest.approx(5 * 30.0 * (1 + z), rel=0.02)
    level = float(np.interp(6564.6, REST, stars(REST, 4, 8)))
    assert row["Ha_ew"] == pytest.approx(30.0 / level, rel=0.12)
    assert row["sigma"] == pytest.approx(110, abs=4)
    assert row["velocity"] == pytest.approx(0, abs=4)


def test_shift_and_width_are_found_and_have_errors() -> None:
    flux = stars(REST, 7) + emission(REST, line_set(20.0), sigma=160, velocity=150)
    flux += np.random.default_rng(3).normal(0, 0.05, REST.size)
    values = measure_spectrum(Spectrum(REST, flux, np.full(REST.size, 400.0), frame="rest")).values
    assert abs(values["velocity"] - 150) < 4 * values["velocity_err"] < 40
    assert abs(values["sigma"] - 160) < 4 * values["sigma_err"] < 40


def test_tied_lines_keep_their_ratio_unless_freed() -> None:
    flux = stars(REST, 7) + emission(REST, line_set(20.0), sigma=110)
    spectrum = Spectrum(
        REST, flux + np.random.default_rng(3).normal(0, 0.05, REST.size), np.full(REST.size, 400.0), frame="rest"
    )
    tied, free = measure_spectrum(spectrum).values, measure_spectrum(spectrum, FitSettings(tie_oiii=False)).values
    assert tied["OIII5008_flux"] / tied["OIII4960_flux"] == pytest.approx(2.98)
    assert tied["NII6585_flux"] / tied["NII6550_flux"] == pytest.approx(3.0)
    assert free["OIII5008_flux"] / free["OIII4960_flux"] != pytest.approx(2.98, rel=1e-6)
    assert free["OIII4960_flux"] == pytest.approx(1.5 * 20 / 3.5 / 2.98, abs=4 * free["OIII4960_err"])


def test_a_passive_galaxy_has_limits_and_no_class() -> None:
    flux = stars(REST, 7, 8) + np.random.default_rng(5).normal(0, 0.05, REST.size)
    row = measure_lines(SpectrumSet(REST, flux[None], np.full((1, REST.size), 400.0))).iloc[0]
    assert row["Ha_limit"]
    assert row["OIII5008_limit"]
    assert np.isnan(row["decrement"])
    assert np.isnan(row["velocity"])
    assert row["bpt"] == "none"


def test_a_broad_line_is_found_beside_the_narrow_ones() -> None:
    flux = (
        stars(REST, 7)
        + emission(REST, line_set(20.0), sigma=110)
        + emission(REST, {"Ha": 120.0, "Hb": 35.0}, sigma=1800)
    )
    flux += np.random.default_rng(5).normal(0, 0.04, REST.size)
    spectrum = Spectrum(REST, flux, np.full(REST.size, 625.0), frame="rest")
    values = measure_spectrum(spectrum).values
    assert values["Ha_broad_flux"] == pytest.approx(120, rel=0.1)
    assert values["broad_sigma"] == pytest.approx(1800, rel=0.1)
    assert values["Ha_flux"] == pytest.approx(20, rel=0.1)
    assert np.isnan(measure_spectrum(spectrum, FitSettings(broad="never")).values["Ha_broad_flux"])


def test_a_narrow_line_spectrum_has_no_broad_component() -> None:
    _, _, clean = galaxies(20, 60.0)
    noise = np.random.default_rng(0).normal(0, 0.02, (10, REST.size))
    table = measure_lines(SpectrumSet(REST, np.array(clean[:10]) + noise, np.full((10, REST.size), 2500.0)))
    assert table["Ha_broad_flux"].isna().all()


def test_missing_masked_and_imputed_pixels_are_left_out() -> None:
    flux = (
        stars(REST, 4, 8)
        + emission(REST, line_set(25.0), sigma=110)
        + np.random.default_rng(1).normal(0, 0.05, REST.size)
    )
    ivar, imputed = np.full(REST.size, 400.0), np.zeros(REST.size, dtype=bool)
    spoiled = flux.copy()
    spoiled[1000:1010] = np.nan
    ivar[1400:1410], spoiled[1400:1410] = 0.0, 1e4
    gap = np.abs(REST - 5008.24) < 15
    imputed[gap], spoiled[gap] = True, 50.0
    clean = measure_spectrum(Spectrum(REST, flux, np.full(REST.size, 400.0), frame="rest")).values
    values = measure_spectrum(Spectrum(REST, spoiled, ivar, imputed=imputed, frame="rest")).values
    assert np.isnan(values["OIII5008_flux"])
    assert not values["OIII5008_limit"]
    assert values["Ha_flux"] == pytest.approx(clean["Ha_flux"], rel=0.01)
    assert values["Hb_flux"] == pytest.approx(clean["Hb_flux"], rel=0.03)


def test_lines_outside_the_coverage_are_nan() -> None:
    part = REST > 4500
    flux = (
        stars(REST, 4, 8)
        + emission(REST, line_set(25.0), sigma=110)
        + np.random.default_rng(1).normal(0, 0.05, REST.size)
    )
    row = measure_lines(Spectrum(REST[part], flux[part], np.full(part.sum(), 400.0), frame="rest")).iloc[0]
    assert np.isnan([row[f"{name}_flux"] for name in ("OII3727", "OII", "Hd", "Hg")]).all()
    assert np.isfinite([row[f"{name}_flux"] for name in ("Hb", "Ha", "SII6733")]).all()
    assert np.isnan(row["O32"])
    assert row["bpt"] == "composite"


def test_noise_is_estimated_when_there_is_no_ivar() -> None:
    flux = (
        stars(REST, 4, 8)
        + emission(REST, line_set(25.0), sigma=110)
        + np.random.default_rng(1).normal(0, 0.05, REST.size)
    )
    with_ivar = measure_spectrum(Spectrum(REST, flux, np.full(REST.size, 400.0), frame="rest")).values
    without = measure_spectrum(Spectrum(REST, flux, frame="rest")).values
    assert without["Ha_err"] == pytest.approx(with_ivar["Ha_err"], rel=0.3)
    assert without["Ha_flux"] == pytest.approx(with_ivar["Ha_flux"], rel=0.02)


@pytest.mark.parametrize(
    ("spectrum", "note"),
    [
        (Spectrum(REST, np.ones(REST.size)), "no redshift"),
        (Spectrum(REST, np.full(REST.size, np.nan), frame="rest"), "only 0 valid pixels"),
        (Spectrum(REST, np.zeros(REST.size), frame="rest"), "median flux is 0"),
        (Spectrum(REST, np.ones(REST.size), np.zeros(REST.size), frame="rest"), "only 0 valid pixels"),
        (Spectrum(np.linspace(1200, 2000, 900), np.ones(900), frame="rest"), "only 0 valid pixels"),
    ],
)
def test_what_cannot_be_measured_is_a_row_with_a_note(spectrum: Spectrum, note: str) -> None:
    table = measure_lines([spectrum])
    assert note in table.loc[0, "note"]
    assert np.isnan(table.loc[0, "Ha_flux"])
    assert table.loc[0, "bpt"] == "none"


def test_rows_keep_their_order_and_do_not_depend_on_their_neighbours() -> None:
    sample, _, _ = galaxies(15, 30.0)
    both = measure_lines(sample[:4])
    alone = measure_lines(sample[2])
    assert both["id"].tolist() == sample.ids[:4]
    assert both.loc[2, "Ha_flux"] == alone.loc[0, "Ha_flux"]
    threads = measure_lines(sample[:4], executor="threads:2")
    assert both.equals(threads)


@pytest.mark.parametrize("wrong", [3.0, "file.fits", [1, 2]])
def test_anything_but_spectra_is_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="Spectrum"):
        measure_lines(wrong)


def test_an_empty_sample_gives_an_empty_table_with_all_columns() -> None:
    table = measure_lines([])
    assert len(table) == 0
    assert {"id", "Ha_flux", "decrement", "bpt"} <= set(table)


@pytest.mark.parametrize("options", [{"broad": "always"}, {"max_velocity": 0.0}, {"sigma_range": (300.0, 100.0)}])
def test_wrong_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        FitSettings(**options)


def test_the_model_is_returned_for_plots() -> None:
    sample, _, clean = galaxies(15, 30.0)
    made = measure_spectrum(sample[0])
    inside = np.isfinite(made.model)
    assert inside.sum() > 500
    assert np.abs(made.model[inside] - clean[0][inside]).std() < 0.05
    assert np.nanmax(made.stars) < made.model[inside].max()
