"""The probability of an artefact: what is plainly one, what is plainly none, and what cannot be told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explain.artefact import LEVELS, Calibration, Regression, at_prior, marks_for, recalibration, shipped
from specanom.explain.classes import ground_of
from specanom.explain.context import Context, Evidence, artefact_probability, context_of
from specanom.explain.marks import KNOWLEDGE, MARKS, Residual, box, knowledge_of, residual_marks, usable
from specanom.explain.reliability import calibration_error, reliability_table
from specanom.explain.segments import Uniform
from specanom.lines import C_KMS, line
from specanom.spectrum import Spectrum

WAVE = np.linspace(3600.0, 7400.0, 3700)
Z = 0.12
NOISE = 0.04
TYPICAL = 1.0 + 0.1 * np.sin(WAVE / 700.0)


def _spectrum(extra: np.ndarray | float = 0.0, seed: int = 0, **more: object) -> Spectrum:
    flux = TYPICAL + extra + NOISE * np.random.default_rng(seed).normal(size=WAVE.size)
    imputed = np.abs(WAVE * (1 + Z) - 5577.5) < 12.5
    fields: dict[str, object] = {
        "ivar": np.full(WAVE.size, NOISE**-2), "imputed": imputed, "z": Z, "frame": "rest", "scale": "normalised",
        "id": "a", "meta": {"instrument": "SDSS", "lsf": 70.0}}
    return Spectrum(WAVE, flux, **{**fields, **more})  # type: ignore[arg-type]


def _context(spectrum: Spectrum, *, model: bool = True, weighted: bool = True, fill: float = 0.9) -> Context:
    """Context of weights like the residual, as an additive score has them."""
    keep = None if spectrum.imputed is None else ~spectrum.imputed
    weight = spectrum.ivar if weighted else None
    segments = Uniform(77)(spectrum.flux, spectrum.wave)
    evidence = Evidence.of(spectrum.flux, (fill * spectrum.flux).astype(np.float32),
                           reconstruction=TYPICAL if model else None, keep=keep, weight=weight)
    weights = np.bincount(segments, evidence.observed**2)
    return context_of(spectrum, segments, weights, evidence=evidence)


def _line(name: str, height: float, sigma: float) -> np.ndarray:
    centre = line(name).wave
    return height * np.exp(-0.5 * ((WAVE - centre) / (centre * sigma / C_KMS)) ** 2)


def _cosmic_ray() -> Spectrum:
    extra = np.zeros(WAVE.size)
    extra[1500:1503] += [0.6, 2.0, 0.5]
    return _spectrum(extra)


def _dead_block() -> Spectrum:
    spectrum = _spectrum()
    flux = spectrum.flux.copy()
    flux[900:960] = 0.0
    return replace(spectrum, flux=flux)


def _sky_residual(wave: float = 5578.89) -> Spectrum:
    """Light of [O I] 5577 or another line that no mask of the preprocessing hides, and the noise that it brings."""
    near = 4.0 * np.exp(-0.5 * ((WAVE * (1 + Z) - wave) / 1.2) ** 2)
    ivar = np.full(WAVE.size, NOISE**-2)
    ivar[np.abs(WAVE * (1 + Z) - wave) < 4] /= 4.0
    return _spectrum(near, ivar=ivar, imputed=None)


def _arm_step() -> Spectrum:
    return _spectrum(np.where(WAVE * (1 + Z) > 6000.0, 0.15, -0.15))


def _oiii() -> Spectrum:
    return _spectrum(_line("OIII5008", 4.0, 110.0) + _line("OIII4960", 1.35, 110.0) + _line("Hb", 1.0, 110.0)
                     + _line("OII3730", 1.5, 150.0) + _line("Ha", 3.0, 110.0))


def _broad_halpha() -> Spectrum:
    return _spectrum(_line("Ha", 1.2, 1600.0) + _line("Hb", 0.35, 1600.0) + _line("OIII5008", 0.5, 150.0))


def _post_starburst() -> Spectrum:
    extra = sum(-_line(name, depth, 600.0) for name, depth in (("Hb", 0.3), ("Hg", 0.35), ("Hd", 0.45),
                                                               ("Hepsilon", 0.4), ("Hzeta", 0.35)))
    return _spectrum(extra + 0.15 * np.exp(-0.5 * ((WAVE - 4150) / 150) ** 2))


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("made", [_cosmic_ray, _dead_block, _arm_step, _sky_residual])
def test_what_the_instrument_or_the_sky_did_is_probably_an_artefact(made, weighted: bool) -> None:
    assert _context(made(), weighted=weighted).artefact > 0.5


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("made", [_oiii, _broad_halpha, _post_starburst])
def test_what_the_galaxy_did_is_probably_none(made, weighted: bool) -> None:
    assert _context(made(), weighted=weighted).artefact < 0.5


@pytest.mark.parametrize("made", [_cosmic_ray, _dead_block, _arm_step, _oiii, _broad_halpha])
def test_with_a_model_the_probability_does_not_depend_on_the_fill(made) -> None:
    spectrum = made()
    assert _context(spectrum, fill=0.9).artefact == _context(spectrum, fill=0.2).artefact


def test_artefacts_and_galaxies_are_told_apart_without_noise_or_line_spread_function_too() -> None:
    for unknown in ({"ivar": None}, {"meta": {"instrument": "SDSS"}}, {"meta": {}}):
        low = _context(replace(_oiii(), **unknown), weighted=False).artefact
        high = _context(replace(_arm_step(), **unknown), weighted=False).artefact
        assert np.isfinite([low, high]).all()
        assert low < 0.5
        assert low < high


def test_without_an_observed_frame_or_any_weight_it_cannot_be_told() -> None:
    assert np.isnan(_context(replace(_oiii(), z=None)).artefact)
    assert np.isfinite(_context(replace(_oiii(), z=None, frame="observed")).artefact)
    spectrum = _spectrum()
    segments = Uniform(77)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, spectrum.flux, reconstruction=TYPICAL)
    assert np.isnan(context_of(spectrum, segments, np.zeros(77), evidence=evidence).artefact)


def test_without_a_model_the_weights_decide() -> None:
    spectrum = _dead_block()
    segments = Uniform(77)(spectrum.flux, WAVE)
    evidence = Evidence.of(spectrum.flux, np.ones(WAVE.size, dtype=np.float32))
    weights = np.bincount(segments, evidence.changed**2)
    bad = context_of(spectrum, segments, weights, evidence=evidence).artefact
    galaxy = _oiii()
    evidence = Evidence.of(galaxy.flux, np.ones(WAVE.size, dtype=np.float32))
    good = context_of(galaxy, segments, np.bincount(segments, evidence.changed**2), evidence=evidence).artefact
    assert good < 0.5 < bad


def test_every_state_of_knowledge_has_its_regression() -> None:
    calibration = shipped()
    for bits in range(2 ** len(KNOWLEDGE)):
        known = tuple(name for i, name in enumerate(KNOWLEDGE) if bits >> i & 1)
        one = calibration.regressions["+".join(known)]
        assert {*one.mechanisms, *one.signs} == set(marks_for(known))
        assert len(one.slopes) == 1 + len(one.signs)
        assert np.isfinite([*np.ravel(one.knots), *one.slopes, one.intercept]).all()


def test_mechanisms_speak_for_an_artefact_and_signs_of_the_galaxy_against() -> None:
    sign = {mark.name: mark.sign for mark in MARKS}
    for known, one in shipped().regressions.items():
        assert all(sign[name] == 1 for name in one.mechanisms)
        assert all(sign[name] == -1 for name in one.signs)
        assert one.slopes[0] > 0 if "model" in known else one.slopes[0] >= 0
        assert max(one.slopes[1:], default=0.0) <= 0
        assert (np.diff(one.knots, axis=1) >= 0).all()


@pytest.mark.parametrize("name", ["OI5579", "OI6302sky", "NaD1"])
def test_a_badly_subtracted_line_of_the_sky_is_probably_an_artefact(name: str) -> None:
    spectrum = _sky_residual(line(name).wave)
    for known in (spectrum, replace(spectrum, meta={"instrument": "SDSS"})):
        assert _context(known).artefact > 0.5
    assert _context(replace(spectrum, z=None, frame="observed", wave=WAVE * (1 + Z))).artefact > 0.5


@given(st.sampled_from(sorted(name for name in marks_for(KNOWLEDGE))), st.floats(0, 1), st.floats(0, 1))
def test_more_of_a_mark_never_speaks_the_other_way(name: str, low: float, high: float) -> None:
    low, high = sorted((low, high))
    one = shipped().regressions["+".join(KNOWLEDGE)]
    usual = dict.fromkeys((*one.mechanisms, *one.signs), 0.1)
    change = one.logit({**usual, name: high}) - one.logit({**usual, name: low})
    assert change >= -1e-9 if name in one.mechanisms else change <= 1e-9


def test_of_many_mechanisms_the_strongest_decides() -> None:
    knots = tuple(np.linspace(0.1, 0.8, LEVELS.size).tolist())
    one = Regression(("dead", "narrow", "step", "ripple"), (knots,) * 4, (), (1.0,), -1.0)
    marks = dict.fromkeys(one.mechanisms, 0.0)
    assert one.logit(marks) == pytest.approx(-1.0)  # nothing that half of the objects do not have
    assert one.logit({**marks, "step": 5.0}) == pytest.approx(-1.0 + 2.0)  # less than one object in 200
    assert one.logit({**marks, "ripple": 5.0}) == one.logit({**marks, "step": 5.0})
    assert one.logit(dict.fromkeys(one.mechanisms, 5.0)) == pytest.approx(-1.0 + 2.0 * 1.75)
    assert np.isnan(one.logit({**marks, "dead": float("nan")}))


def test_the_calibration_says_what_it_was_made_of_and_survives_json(tmp_path) -> None:
    calibration = shipped()
    assert calibration.training["prior"] == 0.5
    assert calibration.training["instrumental"]
    assert calibration.training["explanations"] > 1000
    again = Calibration.open(calibration.save(tmp_path / "artefact.json"))
    assert again.regressions == calibration.regressions
    assert dict(again.training) == dict(calibration.training)
    for text in ("", "[]", "{}", json.dumps({"version": 1, "regressions": {}})):
        with pytest.raises(DataError, match="text"):
            Calibration.of_json(text)


def test_a_refit_finds_the_mark_that_tells_and_writes_the_same_format() -> None:
    rng = np.random.default_rng(1)
    bad = rng.random(400) < 0.5
    rows = np.column_stack([np.where(bad, 0.7, 0.2) + 0.2 * rng.normal(size=400), rng.normal(size=400)])
    one = Regression.fit(("narrow", "lines"), rows, bad, weight=np.ones(400))
    assert one.slopes[0] > 0.5
    assert -0.2 < one.slopes[1] <= 0.0
    assert one.logit({"narrow": 0.9, "lines": 0.0}) > 0 > one.logit({"narrow": 0.0, "lines": 0.0})
    assert one.logit({"narrow": 99.0, "lines": 0.0}) == one.logit({"narrow": one.knots[0][-1], "lines": 0.0})
    assert np.isnan(one.logit({"narrow": float("nan"), "lines": 0.0}))
    assert np.isnan(one.logit({"narrow": 0.5, "lines": float("nan")}))
    made = Calibration({"model": one})
    assert Calibration.of_json(made.to_json()).regressions["model"] == one
    with pytest.raises(DataError, match="rows"):
        Regression.fit(("narrow", "lines"), rows, np.ones(400, dtype=bool), weight=np.ones(400))


def test_a_mechanism_no_survey_had_counts_by_what_objects_do_not_show() -> None:
    rng = np.random.default_rng(3)
    n = 3000
    bad, ripples = rng.random(n) < 0.5, 0.1 * rng.random(n)
    rows = np.column_stack([np.where(bad, 0.5 + 0.5 * rng.random(n), 0.4 * rng.random(n)), ripples])
    one = Regression.fit(("narrow", "ripple"), rows, bad, weight=np.ones(n))  # no artefact of this survey ripples
    assert one.logit({"narrow": 0.1, "ripple": 0.8}) > 1.0
    assert one.logit({"narrow": 0.1, "ripple": 0.02}) < 0.0


def test_a_known_probability_is_calibrated_by_the_recalibration() -> None:
    rng = np.random.default_rng(2)
    logits = 3.0 * rng.normal(size=20_000)
    bad = rng.random(logits.size) < 1 / (1 + np.exp(-(0.5 * logits - 0.4)))
    slope, offset = recalibration(logits, bad, weight=np.ones(logits.size))
    assert slope == pytest.approx(0.5, abs=0.03)
    assert offset == pytest.approx(-0.4, abs=0.06)
    one = Regression(("narrow",), (tuple(LEVELS.tolist()),), (), (3.0,), 0.2)
    again = one.recalibrated(slope, offset)
    for value in (0.0, 0.8, 0.99):
        marks = {"narrow": value}
        assert again.logit(marks) == pytest.approx(slope * one.logit(marks) + offset, abs=1e-3)
    told = 1 / (1 + np.exp(-(slope * logits + offset)))
    assert calibration_error(reliability_table(told, bad)) < 0.02
    assert recalibration(-logits, bad, weight=np.ones(logits.size))[0] == pytest.approx(0.0, abs=1e-6)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_the_prior_multiplies_the_odds(probability: float, prior: float) -> None:
    moved = at_prior(probability, prior)
    assert moved / (1 - moved) == pytest.approx(probability / (1 - probability) * prior / (1 - prior), rel=1e-6)
    assert at_prior(probability, 0.5) == pytest.approx(probability)


def test_priors_outside_zero_to_one_are_refused() -> None:
    for prior in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(ArgumentError, match="prior"):
            at_prior(0.5, prior)
    context = _context(_oiii())
    assert context.artefact_at(0.1) < context.artefact


@given(st.integers(1, 400), st.sampled_from([3, 5, 7, 31, 151]))
def test_running_means_are_those_of_a_loop(p: int, width: int) -> None:
    values = np.random.default_rng(p).normal(size=p)
    made = box(np.concatenate([[0.0], np.cumsum(values)]), width)
    half = width // 2
    expected = [values.mean() if p <= width else values[max(i - half, 0) : i + half + 1].mean() for i in range(p)]
    np.testing.assert_allclose(made, expected, atol=1e-12)


def test_marks_are_finite_for_anything_and_zero_residuals() -> None:
    for spectrum in (_spectrum(), _dead_block(), replace(_spectrum(), ivar=np.zeros(WAVE.size))):
        for observed in (np.zeros(WAVE.size), spectrum.flux - TYPICAL):
            found = residual_marks(Residual.of(ground_of(spectrum), observed, np.ones(WAVE.size)))
            assert np.isfinite(list(found.values())).all()
    short = Spectrum(WAVE[:20], np.ones(20), z=Z, frame="rest", id="short")
    assert np.isfinite(list(residual_marks(Residual.of(ground_of(short), np.ones(20), np.ones(20))).values())).all()


def test_knowledge_is_what_the_spectrum_says() -> None:
    assert knowledge_of(ground_of(_spectrum()), model=True) == KNOWLEDGE
    assert knowledge_of(ground_of(_spectrum(meta={}, ivar=None)), model=False) == ("z",)
    narrow = next(mark for mark in MARKS if mark.name == "narrow")
    assert not usable(narrow, ("model",))
    assert usable(narrow, ("model", "lsf"))


def test_unknown_knowledge_gives_no_probability() -> None:
    spectrum = _oiii()
    evidence = Evidence.of(spectrum.flux, spectrum.flux, reconstruction=TYPICAL)
    none = Calibration({})
    assert np.isnan(artefact_probability(ground_of(spectrum), {"imputed": 0.0}, evidence, calibration=none))


def test_reliability_counts_what_was_so_and_bounds_it() -> None:
    table = reliability_table(np.array([0.05, 0.05, 0.95, 0.95, np.nan]), np.array([0, 1, 1, 1, 1]))
    assert table["count"].tolist() == [2, 2]
    assert table["observed"].tolist() == [0.5, 1.0]
    assert table["predicted"].tolist() == pytest.approx([0.05, 0.95])
    assert (table["low"] <= table["observed"]).all()
    assert (table["high"] >= table["observed"]).all()
    assert table["low"][0] == pytest.approx(0.0945, abs=1e-3)  # Wilson, 1 of 2
    assert calibration_error(table) == pytest.approx(0.25)
    with pytest.raises(ShapeError, match="truth"):
        reliability_table(np.ones(3), np.ones(2))
