"""Broad lines of quasars hold their weight, by name, and what lies between them may be iron."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.explain.context import Context, Evidence, context_of
from specanom.explain.segments import Uniform
from specanom.lines import C_KMS, line
from specanom.preprocess import quasar_bins
from specanom.spectrum import Spectrum

WAVE = quasar_bins()[1].wave
Z = 1.7
NOISE = 0.03 * np.random.default_rng(0).normal(size=WAVE.size)


def look(flux: np.ndarray, what: str = "QSO") -> tuple[Context, str]:
    """Context of weights that are the squared residuals from 1, and the name of the heaviest segment."""
    spectrum = Spectrum(WAVE, flux, ivar=np.full(WAVE.size, 1000.0), z=Z, frame="rest", scale="normalised",
                        meta={"instrument": "DESI", "class": what, "lsf": 30.0})
    segments = Uniform(60)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, np.ones(WAVE.size, np.float32), reconstruction=np.ones(WAVE.size))
    weights = np.bincount(segments, evidence.observed**2)
    context = context_of(spectrum, segments, weights, evidence=evidence)
    return context, context.names[int(weights.argmax())]


@pytest.mark.parametrize(("name", "label"), [("CIV1549", "C IV"), ("CIII1909", "C III]"), ("MgII2799", "Mg II")])
def test_a_broad_line_of_a_quasar_gets_its_weight_and_its_name(name: str, label: str) -> None:
    speed = (WAVE / line(name).wave - 1) * C_KMS
    context, found = look(1 + NOISE + 2.0 * np.exp(-0.5 * (speed / 1200) ** 2))
    assert found.startswith(label)
    assert context.lines > 0.8


def test_a_blend_of_iron_is_named_in_quasars_only() -> None:
    flux = 1 + NOISE + 0.6 * ((WAVE > 2505) & (WAVE < 2560))
    _, found = look(flux)
    assert found.startswith("continuum 25")
    assert found.endswith("(Fe II)")
    _, found = look(flux, "GALAXY")
    assert found.startswith("continuum 25")
    assert "Fe" not in found


def test_continuum_away_from_iron_stays_as_it_was() -> None:
    _, found = look(1 + NOISE + 0.6 * ((WAVE > 1955) & (WAVE < 2005)))
    assert found.startswith("continuum 19")
    assert found.endswith("Å")
