"""Real SDSS files through the whole of preprocessing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from specanom.lines import line
from specanom.preprocess import Preprocessor
from specanom.surveys import read

EMISSION = ("0358-51818-0504", "0392-51793-0517", "0395-51783-0525", "1045-52725-0628", "1307-52999-0323",
            "1678-53433-0425", "2095-53474-0355", "2880-54509-0230")
SPEC_FILES = ("0266-51602-0107", "0395-51783-0525", "1045-52725-0628", "1678-53433-0425", "2095-53474-0355",
              "2880-54509-0230")  # the others are spSpec files or have other names and columns
NAMES = ("Ha", "Hb", "OIII5008")


@pytest.fixture(scope="module")
def real(sdss_files):
    survey = read([str(path) for path in sdss_files])
    maker = Preprocessor(max_missing_wave=0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # some files know their reddening and some do not
        return maker, maker.fit_transform(survey)


def centroid(wave, flux, centre):
    """Return the flux-weighted wavelength of the part of a line above half its height, Å."""
    near = np.abs(wave - centre) < 8
    level = np.median(flux[np.abs(wave - centre) < 60])
    height = flux[near] - level
    weight = np.clip(height - 0.5 * height.max(), 0, None)
    return (weight * wave[near]).sum() / weight.sum()


@pytest.mark.parametrize("id", EMISSION)
def test_lines_of_emission_line_galaxies_lie_at_their_vacuum_wavelengths(real, id):
    spectrum = real[1].by_id(id)
    found = [centroid(spectrum.wave, spectrum.flux, line(name).wave) - line(name).wave for name in NAMES]
    assert np.abs(found).max() < 1.0


@pytest.mark.parametrize("id", SPEC_FILES)
def test_preprocessing_itself_moves_no_line(real, sdss_files, id):
    from astropy.io import fits

    path = next(path for path in sdss_files if f"spec-{id}" in path.name)
    with fits.open(path) as hdus:
        data, z = hdus[1].data, float(hdus[2].data["Z"][0])
        wave, flux = 10.0 ** data["loglam"].astype(float), data["flux"].astype(float)
    spectrum = real[1].by_id(id)
    for name in NAMES:
        centre = line(name).wave
        assert abs(centroid(spectrum.wave, spectrum.flux, centre) - centroid(wave / (1 + z), flux, centre)) < 0.3


def test_every_file_is_kept_or_accounted_for(real, sdss_files):
    maker, sample = real
    report = maker.report
    assert report.n_out == len(sample)
    assert report.n_out + sum(cut.count for cut in report.waterfall) == report.n_in == len(sdss_files)
    assert report.waterfall[0].name == "skipped"
    assert len([cut for cut in report.waterfall if cut.reason == "sky fibre"]) == 1
    assert all(len(cut.ids) == cut.count for cut in report.waterfall)
    assert np.isfinite(sample.flux).all()
    assert (sample.table["snr"] > 4).all()
    assert sample.mask is not None


def test_the_survey_snr_and_ours_agree(real):
    table = real[1].table
    known = table["snr_survey"] > 0
    ratio = (table["snr"] / table["snr_survey"])[known]
    assert known.sum() > 20
    assert np.abs(ratio - 1).max() < 0.1


def test_outliers_flagged_by_the_pipeline_pass_with_a_note(real):
    note = {one.text: one.ids for one in real[0].report.notes}["ZWARNING 4 MANY_OUTLIERS passes"]
    assert "1678-53433-0425" in note
