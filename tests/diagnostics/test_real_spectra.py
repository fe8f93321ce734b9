"""Fits of real spectra beside the line fluxes the SDSS pipeline gives for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom import Spectrum
from specanom.diagnostics import measure_lines

GALAXIES = {  # file and BPT class; narrow lines only, so that the pipeline's single Gaussians are right too
    "full/spec-0395-51783-0525.fits": "SF",
    "full/spec-2095-53474-0355.fits": "SF",
    "full/spec-2880-54509-0230.fits": "SF",
    "lite/spec-1045-52725-0628.fits": "SF",
    "odd/SHOC579_SDSS_dr18.fits": "SF",
    "lite/spec-1678-53433-0425.fits": "composite",
    "full/spec-1163-52669-0292.fits": "Seyfert",
    "odd/MRK 0955.fits": "Seyfert",
    "full/spec-1039-52707-0207.fits": "LINER",
}
PASSIVE = ("full/spec-0266-51602-0162.fits", "full/spec-2515-54180-0377.fits", "lite/spec-0266-51602-0013.fits")


@pytest.fixture(scope="module")
def measured(shared: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    spectra = [Spectrum.read(shared / "data" / "sdss" / name) for name in GALAXIES]
    return measure_lines(spectra), measure_lines(spectra, source="catalogue")


@pytest.mark.parametrize(
    ("name", "within"), [("OIII5008", 0.03), ("Ha", 0.03), ("NII6585", 0.03), ("SII6718", 0.03), ("OI6302", 0.06)]
)
def test_fluxes_agree_with_the_pipeline(name: str, within: float, measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    fit, catalogue = measured
    ratio = fit[f"{name}_flux"] / catalogue[f"{name}_flux"]
    assert ratio.median() == pytest.approx(1, abs=within)
    assert ratio.between(0.85, 1.16).all()


def test_classes_are_those_of_the_objects(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    fit, _ = measured
    assert fit["bpt"].tolist() == list(GALAXIES.values())
    assert fit["Ha_broad_flux"].isna().all()


def test_balmer_lines_follow_from_each_other(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Case B with the reddening of Hα/Hβ predicts Hγ/Hβ; wrong absorption under the lines would break it."""
    fit, _ = measured
    clear = fit["Hg_flux"] > 20 * fit["Hg_err"]
    reddening = np.log10(fit["decrement"] / 2.86) / (0.4 * 1.16)
    predicted = 0.469 * 10 ** (-0.4 * 0.52 * reddening)
    assert clear.sum() >= 5
    assert ((fit["Hg_flux"] / fit["Hb_flux"]) / predicted)[clear].median() == pytest.approx(1, abs=0.05)


def test_passive_galaxies_show_no_balmer_emission(shared: Path) -> None:
    table = measure_lines([Spectrum.read(shared / "data" / "sdss" / name) for name in PASSIVE])
    assert (table["Ha_ew"].abs() < 0.6).all()
    assert (table["Hb_ew"].abs() < 0.6).all()
    assert (table["bpt"] == "none").all()


def test_a_quasar_has_broad_lines(shared: Path) -> None:
    row = measure_lines(Spectrum.read(shared / "data" / "sdss" / "lite" / "spec-0332-52367-0639.fits")).iloc[0]
    assert row["Ha_broad_flux"] > 5 * row["Ha_flux"]
    assert 1500 < row["broad_sigma"] < 3500
