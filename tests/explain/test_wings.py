"""Broad lines are named by the line, on whatever band of the atmosphere they lie; nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.explain.context import Context, Evidence, context_of
from specanom.explain.segments import Uniform
from specanom.explain.wings import wings_of
from specanom.lines import C_KMS, line
from specanom.spectrum import Spectrum

WAVE = np.linspace(3500.0, 7500.0, 4000)
Z = 0.109  # Hα in a telluric band of water
NOISE = 0.03 * np.random.default_rng(0).normal(size=WAVE.size)
NOWHERE = np.zeros(WAVE.size, dtype=bool)


def _bump(name: str, height: float, sigma: float, shift: float = 0.0) -> np.ndarray:
    """Return a line of so many km/s, shifted by so many."""
    speed = (WAVE / line(name).wave - 1.0) * C_KMS
    return height * np.exp(-0.5 * ((speed - shift) / sigma) ** 2)


def _broad() -> np.ndarray:
    return 1.0 + NOISE + _bump("Ha", 2.0, 2200.0) + _bump("Hb", 0.7, 2200.0) + _bump("Ha", 4.0, 120.0)


def _context(flux: np.ndarray) -> tuple[Context, np.ndarray]:
    """Context of weights that are the squared residuals from 1, and the middles of the segments."""
    spectrum = Spectrum(WAVE, flux, ivar=np.full(WAVE.size, 1000.0), z=Z, frame="rest", scale="normalised",
                        meta={"instrument": "SDSS", "lsf": 70.0})
    segments = Uniform(77)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, np.ones(WAVE.size, np.float32), reconstruction=np.ones(WAVE.size))
    weights = np.bincount(segments, evidence.observed**2)
    middles = np.bincount(segments, WAVE) / np.bincount(segments)
    return context_of(spectrum, segments, weights, evidence=evidence), middles


def _at(wave: float, flux: np.ndarray) -> str:
    context, middles = _context(flux)
    return context.names[int(np.abs(middles - wave).argmin())]


@pytest.mark.parametrize("shift", [-2500.0, 2500.0])
def test_the_wings_of_a_broad_line_are_named_by_it_on_a_telluric_band(shift):
    wave = line("Ha").wave * (1.0 + shift / C_KMS)
    assert _at(wave, _broad()) == "broad Hα"
    assert _at(wave, 1.0 + NOISE + _bump("Ha", 4.0, 120.0)) != "broad Hα"


def test_a_broad_hbeta_is_named_beside_a_broad_halpha_and_the_middle_stays_the_line():
    assert _at(line("Hb").wave * (1.0 - 2500.0 / C_KMS), _broad()) == "broad Hβ"
    assert _at(line("Ha").wave, _broad()).startswith("Hα")


def test_the_continuum_further_out_stays_continuum():
    assert _at(6100.0, _broad()).startswith("continuum")


@pytest.mark.parametrize("flux", [
    1.0 + NOISE,
    1.0 + NOISE + _bump("Hb", 0.7, 2200.0),                                            # no broad Hα beside it
    1.0 + NOISE + _bump("Ha", 5.0, 330.0) + _bump("Ha", 4.0, 330.0, 940.0),            # [N II] of a large velocity
    1.0 + NOISE + _bump("Ha", 2.0, 1500.0, 4500.0),                                    # a bump on one side
    1.0 + NOISE + 0.5 * ((WAVE > 6400) & (WAVE < 6730)),                               # a band with flat top
    1.0 + NOISE + np.where(np.arange(WAVE.size) % 12 < 3, 3.0, 0.0) * (np.abs(WAVE - 6564) < 200),  # residual sky
], ids=["noise", "Hb alone", "blend", "one side", "flat", "sky"])
def test_what_is_no_broad_line_has_no_wings(flux):
    assert wings_of(WAVE, flux.astype(np.float32), NOWHERE) == []


def test_wings_end_where_the_line_does():
    (_, pixels), _ = wings_of(WAVE, _broad().astype(np.float32), NOWHERE)
    speed = (WAVE[pixels[[0, -1]]] / line("Ha").wave - 1.0) * C_KMS
    assert -7500.0 < speed[0] < -3500.0
    assert 3500.0 < speed[1] < 7500.0


def test_a_line_at_the_end_of_the_grid_or_behind_a_mask_has_none():
    cut = WAVE < 6600.0
    assert wings_of(WAVE[cut], _broad()[cut].astype(np.float32), NOWHERE[cut]) == []
    assert wings_of(WAVE, _broad().astype(np.float32), ~NOWHERE) == []
