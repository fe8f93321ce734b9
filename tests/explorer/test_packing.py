"""Packed spectra: every pixel comes back to a fraction of its noise, and no peak is lost."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from specanom.explorer.packing import FINE, MISSING, packed, rounded, step_of
from specanom.spectrum import Spectrum
from tests.explorer.made import spectra


def unpacked(held: dict[str, Any], pixels: int) -> dict[str, NDArray[np.float64]]:
    """What the page does, written a second time."""
    planes = np.frombuffer(zlib.decompress(base64.b64decode(held["bytes"])), np.uint8)
    made = {}
    for place, letter in enumerate(held["parts"]):
        low, high = planes[2 * place * pixels : 2 * (place + 1) * pixels].reshape(2, pixels).astype(np.int64)
        folded = low | high << 8
        values = np.cumsum((folded >> 1) ^ -(folded & 1)).astype(np.int16).astype(np.float64)
        values[values == MISSING] = np.nan
        made[letter] = np.exp(values * 0.01) if letter == "s" else values * (1 if letter == "g" else held["step"])
    return made


def test_flux_model_noise_and_flags_come_back() -> None:
    s = spectra(["a", "b"])[1]
    model = np.linspace(0.9, 1.1, 600)
    found = unpacked(packed(s, model), 600)
    assert np.abs(found["f"] - s.flux).max() <= 0.1 / FINE / 2 + 1e-6
    assert np.abs(found["m"] - model).max() <= 0.1 / FINE / 2 + 1e-6
    assert found["f"][300] == pytest.approx(9.0, abs=0.004)
    assert found["s"][0] == pytest.approx(0.1, rel=0.006)
    assert np.isnan(found["s"][100:110]).all()
    assert np.flatnonzero(found["g"]).tolist() == list(range(100, 110))


def test_pixels_off_the_scale_are_told() -> None:
    held = packed(spectra(["a", "b"])[1], None)
    assert held["clipped"][2] == [9.0]
    assert held["limits"][1] < 9.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e30, 1e30) | st.just(float("nan")) | st.just(float("inf")), min_size=1, max_size=40),
       st.floats(1e-12, 1e12))
def test_whatever_the_flux_it_comes_back_to_half_a_step(values: list[float], sigma: float) -> None:
    flux = np.array(values)
    step = step_of(flux, np.full(flux.shape, sigma))
    found = rounded(flux, step)
    known = np.isfinite(flux)
    assert (found[~known] == MISSING).all()
    assert (np.abs(found[known] * step - flux[known]) <= 0.5001 * step).all()


def test_spectra_without_noise_or_flux_are_packed() -> None:
    wave = np.arange(4000.0, 4005.0)
    bare = packed(Spectrum(wave, np.full(5, np.nan)), None)
    assert np.isnan(unpacked(bare, 5)["f"]).all()
    assert "s" not in bare["parts"]
    peak = packed(Spectrum(wave, np.array([0, 0, 1e-17, 0, 0])), None)
    assert unpacked(peak, 5)["f"][2] == pytest.approx(1e-17, rel=1e-4)
