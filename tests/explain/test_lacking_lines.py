"""A line that only the model has is told as missing; a line that the spectrum has keeps its name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.explain.context import Evidence, context_of
from specanom.explain.segments import Uniform
from specanom.lines import C_KMS, line
from specanom.spectrum import Spectrum

WAVE = 10 ** np.arange(np.log10(3600.0), np.log10(7400.0), 1e-4)
NOISE = 0.05


def bump(name: str, height: float, *, shift: float = 0.0, sigma: float = 100.0) -> np.ndarray:
    """A line of `height`, moved by `shift` km/s, with a standard deviation of `sigma` km/s."""
    speed = (WAVE / line(name).wave - 1.0) * C_KMS - shift
    return height * np.exp(-0.5 * (speed / sigma) ** 2)


def leading(flux: np.ndarray, model: np.ndarray, *, noise: float = NOISE, seed: int = 0, known: bool = True, **more):
    """The name of the segment with the greatest residual, and the whole context."""
    noisy = flux + noise * np.random.default_rng(seed).normal(size=WAVE.size)
    spectrum = Spectrum(WAVE, noisy, np.full(WAVE.size, noise**-2) if known else None, z=0.1, frame="rest",
                        scale="normalised", id="a", meta={"instrument": "SDSS", **more})
    segments = Uniform(77)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, 0.9 * spectrum.flux, reconstruction=model,
                           weight=np.full(WAVE.size, noise**-2))
    weights = np.bincount(segments, evidence.observed**2)
    made = context_of(spectrum, segments, weights, evidence=evidence)
    return made.names[int(weights.argmax())], made


@pytest.mark.parametrize("known", [True, False])
def test_a_line_that_only_the_model_has_is_missing(known: bool) -> None:
    name, context = leading(np.ones(WAVE.size), 1.0 + bump("OIII5008", 3.0), known=known)
    assert name == "missing [O III] 5008"
    assert context.lines > 0.5  # where the weight lies stays the same


def test_a_blend_is_missing_as_one() -> None:
    model = 1.0 + bump("Ha", 3.0) + bump("NII6585", 2.0)
    assert leading(np.ones(WAVE.size), model)[0] == "missing Hα+[N II]"


@pytest.mark.parametrize("shift", [0.0, 250.0])
@pytest.mark.parametrize("height", [0.6, 1.5, 8.0])
def test_a_line_that_the_spectrum_has_keeps_its_name(height: float, shift: float) -> None:
    """Weaker than the model has it, a little stronger, much stronger, and moved."""
    name, _ = leading(1.0 + bump("OIII5008", height, shift=shift), 1.0 + bump("OIII5008", 3.0))
    assert name.startswith("[O III]")


def test_a_line_that_the_model_has_not_keeps_its_name() -> None:
    assert leading(1.0 + bump("OIII5008", 3.0), np.ones(WAVE.size))[0] == "[O III] 5008"


def test_deep_absorption_where_the_model_has_a_little_emission_keeps_its_name() -> None:
    assert leading(1.0 - bump("Hd", 0.6, sigma=300.0), 1.0 + bump("Hd", 0.4))[0] == "Hδ"


def test_emission_where_the_model_has_deeper_absorption_keeps_its_name() -> None:
    assert leading(1.0 + bump("OIII5008", 2.0), 1.0 - bump("OIII5008", 30.0))[0] == "[O III] 5008"


def test_a_little_absorption_where_the_model_has_much_emission_is_a_missing_line() -> None:
    assert leading(1.0 - bump("Hb", 0.3, sigma=200.0), 1.0 + bump("Hb", 4.0))[0] == "missing Hβ"


def test_a_slope_of_the_continuum_is_no_line() -> None:
    slope = 1.0 + 0.1 * (WAVE - 5008.0) / 40.0 * (np.abs(WAVE - 5008.0) < 60.0)
    assert leading(slope, slope + bump("OIII5008", 30.0), noise=0.02)[0] == "missing [O III] 5008"


def test_absorption_that_only_the_model_has_is_missing() -> None:
    assert leading(np.ones(WAVE.size), 1.0 - bump("CaK", 0.6, sigma=300.0))[0].startswith("missing Ca")


def test_of_a_blend_with_nitrogen_that_is_there_only_the_hydrogen_can_be_missing() -> None:
    model = 1.0 + bump("Ha", 3.0) + bump("NII6585", 3.0)
    assert leading(1.0 + bump("NII6585", 3.0), model)[0] == "missing Hα"
    assert leading(1.0 + bump("NII6585", 1.6), model)[0] == "Hα+[N II]"


def test_without_a_model_nothing_is_missing() -> None:
    spectrum = Spectrum(WAVE, np.ones(WAVE.size), z=0.1, frame="rest", scale="normalised", id="a")
    segments = Uniform(77)(spectrum.flux, WAVE)
    made = context_of(spectrum, segments, np.ones(77), evidence=Evidence.of(spectrum.flux, 0.9 * spectrum.flux))
    assert not any(name.startswith("missing") for name in made.names)


@given(st.integers(0, 10_000), st.floats(0.01, 0.3), st.booleans())
def test_noise_about_a_perfect_model_lacks_nothing(seed: int, noise: float, gas: bool) -> None:
    flux = 1.0 + gas * (bump("Ha", 1.0) + bump("OIII5008", 2.0) + bump("OII3730", 1.0)) - bump("CaK", 0.4, sigma=500.0)
    _, context = leading(flux, flux, noise=noise, seed=seed)
    assert not any(name.startswith("missing") and "feature" not in name for name in context.names)
