from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom.plots as plots
from specanom.errors import DataError
from specanom.spectrumset import SpectrumSet

from .test_single import source


def test_spread_is_the_median_and_percentiles_of_the_rows(sample):
    data = source(plots.sample(sample), "spread")
    np.testing.assert_allclose(data["median"], np.median(sample.flux, axis=0), rtol=1e-6)
    np.testing.assert_allclose(data["p84"], np.percentile(sample.flux, 84, axis=0), rtol=1e-6)


def test_picture_has_a_byte_a_pixel_and_a_row_a_spectrum(sample):
    image = source(plots.sample(sample), "picture")["image"][0]
    assert image.dtype == np.uint8
    assert image.shape == (12, 1000)
    assert image.min() >= 1


def test_missing_pixels_are_zero_in_the_picture():
    flux = np.ones((3, 50))
    flux[1] = np.nan
    flux[0] = np.linspace(0, 1, 50)
    image = source(plots.sample(SpectrumSet(np.arange(4000.0, 4050.0), flux)), "picture")["image"][0]
    assert (image[1] == 0).all()
    assert (image[[0, 2]] > 0).all()


def test_histograms_count_every_spectrum(sample):
    data = source(plots.sample(sample), "histogram of redshift")
    assert data["count"].sum() == 12


def test_large_sets_are_thinned_and_the_title_says_so(sample):
    layout = plots.sample(sample, limit=5)
    titles = [p[0].title.text for child in layout.children for p in child.children]
    assert titles[0] == "12 spectra, 5 of them drawn"


def test_observed_frame_flux_with_gaps_and_no_table():
    flux = np.full((2, 30), np.nan)
    flux[0, :10] = 3.0
    s = SpectrumSet(np.linspace(4000, 9000, 30), flux, frame="observed", scale="flux")
    plots.to_html(plots.sample(s, theme="dark", unit="nm"))


def test_one_pixel_one_spectrum():
    plots.to_html(plots.sample(SpectrumSet([5000.0], [[1.0]], table=pd.DataFrame({"id": ["a"], "z": [np.nan]}))))


def test_empty_set_is_refused(sample):
    with pytest.raises(DataError, match="at least one spectrum"):
        plots.sample(sample[:0])


def test_plot_method(sample):
    assert source(sample.plot(unit="nm"), "spread")["x"][0] == pytest.approx(350.0)
