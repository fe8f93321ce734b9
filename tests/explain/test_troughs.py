"""Broad absorption of quasars has the name of the line that absorbs and its velocity, and counts as lines."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.explain.context import Context, Evidence, context_of
from specanom.explain.segments import Uniform
from specanom.explain.troughs import RESONANCE, absorber, troughs_of
from specanom.lines import C_KMS, line
from specanom.preprocess import quasar_bins
from specanom.spectrum import Spectrum

WAVE = {"low": quasar_bins()[0].wave, "middle": quasar_bins()[1].wave, "high": quasar_bins()[2].wave}


def speed_of(name: str, bin: str = "middle") -> np.ndarray:
    return (WAVE[bin] / line(name).wave - 1) * C_KMS


def dip(speed: np.ndarray, at: float, *, deep: float = 0.7, width: float = 4000.0) -> np.ndarray:
    return 1.0 - deep * (np.abs(speed - at) < width / 2)


def look(flux: np.ndarray, bin: str = "middle", *, z: float = 1.7, what: str = "QSO", noise: float = 0.05,
         quasar: bool = False, model: bool = True) -> tuple[Context, str]:
    """Context of weights that are the squared residuals from 1, and the name of the heaviest segment."""
    wave = WAVE[bin]
    flux = flux + noise * np.random.default_rng(0).normal(size=wave.size)
    spectrum = Spectrum(wave, flux, ivar=np.full(wave.size, noise**-2), z=z, frame="rest", scale="normalised",
                        meta={"instrument": "DESI", "class": what, "lsf": 30.0})
    segments = Uniform(60)(spectrum.flux, wave)
    evidence = Evidence.of(spectrum.flux, np.ones(wave.size, np.float32), quasar=quasar,
                           reconstruction=np.ones(wave.size) if model else None)
    weights = np.bincount(segments, evidence.observed**2)
    context = context_of(spectrum, segments, weights, evidence=evidence)
    return context, context.names[int(weights.argmax())]


@pytest.mark.parametrize(("name", "bin", "at", "told"), [
    ("CIV1549", "middle", -8000.0, "C IV trough, −"), ("AlIII1857", "middle", -9000.0, "Al III trough, −"),
    ("MgII2799", "middle", -6000.0, "Mg II trough, −"), ("SiIV1400", "high", -8000.0, "Si IV trough, −"),
    ("CIV1549", "high", -20000.0, "C IV trough, −"), ("MgII2799", "low", -12000.0, "Mg II trough, −"),
])
def test_a_trough_is_named_after_its_line_and_its_velocity(name: str, bin: str, at: float, told: str) -> None:
    context, found = look(dip(speed_of(name, bin), at), bin, z=1.0 if bin == "low" else 1.7 if bin == "middle" else 2.6)
    assert found.startswith(told)
    speed = -float(found.split("−")[1].split(" ")[0].replace(",", ""))
    assert abs(speed - at) <= 2250, found
    assert speed % 500 == 0
    assert found.startswith(f"{absorber(found)} trough")
    assert context.lines > 0.6, "absorption by a line counts as lines"


def test_where_the_atmosphere_absorbs_too_the_name_says_so() -> None:
    speed = speed_of("MgII2799")
    z = 7640.0 / (2798.75 * (1 - 6000.0 / C_KMS)) - 1
    _, found = look(dip(speed, -6000.0), z=z)
    assert found.startswith("Mg II trough, −")
    assert found.endswith("(telluric A)") or found.endswith("(DESI r/z join)")


@pytest.mark.parametrize("what", ["GALAXY", "STAR", ""])
def test_only_quasars_have_troughs(what: str) -> None:
    flux = dip(speed_of("CIV1549"), -8000.0)
    _, found = look(flux, what=what)
    assert found.startswith("continuum 15")
    made_for_quasars = look(flux, what=what, quasar=True)[1]
    assert made_for_quasars.startswith("continuum 15" if what else "C IV trough"), "only where nobody said what it is"


def test_light_shallow_dips_narrow_absorbers_and_the_red_side_are_no_troughs() -> None:
    speed = speed_of("CIV1549")
    for flux in (2 - dip(speed, -8000.0), dip(speed, -8000.0, deep=0.08), dip(speed, 8000.0),
                 dip(speed, -8000.0, width=600.0), dip(speed, -32000.0)):
        context, found = look(flux, noise=0.03)
        assert "trough" not in " ".join(context.names), found


def test_less_emission_is_no_absorption() -> None:
    speed = speed_of("CIV1549")
    context, found = look(1 - 0.5 * np.exp(-0.5 * (speed / 900) ** 2))
    assert found == "C IV"
    assert absorber(found) == absorber("a trough, of something") == ""
    assert "trough" not in " ".join(context.names)


def test_a_slope_that_the_model_does_not_follow_is_no_trough() -> None:
    context, _ = look((WAVE["middle"] / 2100.0) ** 1.5)
    assert "trough" not in " ".join(context.names)


def test_noise_alone_makes_no_trough_and_without_a_model_none_is_looked_for() -> None:
    assert "trough" not in " ".join(look(np.ones(WAVE["middle"].size), noise=0.5)[0].names)
    assert "trough" not in " ".join(look(dip(speed_of("CIV1549"), -8000.0), model=False)[0].names)


def test_masked_pixels_and_pixels_without_a_model_say_nothing() -> None:
    wave = WAVE["middle"]
    flux = dip(speed_of("CIV1549"), -8000.0).astype(np.float32)
    ivar, model, no = np.full(wave.size, 400.0, np.float32), np.ones(wave.size), np.zeros(wave.size, dtype=bool)
    found = troughs_of(wave, flux, model, ivar=ivar, masked=no)
    assert found is not None
    assert {RESONANCE[i].name for i in found.which[found.which >= 0]} == {"CIV1549"}
    assert (found.speed[found.which < 0] == 0).all()
    assert troughs_of(wave, flux, model, ivar=ivar, masked=~no) is None
    assert troughs_of(wave, flux, np.full(wave.size, np.nan), ivar=ivar, masked=no) is None
    noisy = flux + np.float32(0.05) * np.random.default_rng(1).normal(size=wave.size).astype(np.float32)
    without = troughs_of(wave, noisy, model, ivar=None, masked=no)
    assert without is not None
    assert ((without.which >= 0) != (found.which >= 0)).mean() < 0.01


@pytest.mark.parametrize("what", ["GALAXY", "STAR", ""])
def test_nothing_of_troughs_is_computed_for_others(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("asked for a spectrum that is no quasar")

    monkeypatch.setattr("specanom.explain.classes.troughs_of", never)
    assert look(dip(speed_of("CIV1549"), -8000.0), what=what)[0].untold == ""
    with pytest.raises(AssertionError, match="no quasar"):
        look(dip(speed_of("CIV1549"), -8000.0))
