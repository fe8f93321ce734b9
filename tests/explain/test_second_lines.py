"""Explanations of a galaxy with another one behind it: named, no artefact, kept in sets and on disk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.explain.classes import CLASSES, ground_of
from specanom.explain.context import Evidence, artefact_probability, second_ground
from specanom.explain.marks import Residual, residual_marks
from specanom.lines import C_KMS, line
from specanom.spectrum import Spectrum

WAVE = 10 ** np.arange(np.log10(3800.0), np.log10(9200.0), 1e-4)
Z, BEHIND, NOISE = 0.08, 0.1139, 0.03
"""[O III] 5008 of the other galaxy lies on [O I] 5577 of the sky."""
STRENGTHS = {"OII3727": 12.0, "OII3730": 15.0, "Hb": 12.0, "OIII4960": 12.0, "OIII5008": 36.0, "Ha": 30.0,
             "NII6585": 5.0}
SKY = (5578.89, 6302.05)


def model(flux):
    """Reconstruct every spectrum as a flat one."""
    return np.ones_like(np.asarray(flux, dtype=float))


def spectrum(seed=0, *, emitter=True, sky=False) -> Spectrum:
    """Return a flat galaxy whose noise is raised on the sky, perhaps with an emitter behind or residual sky."""
    rng = np.random.default_rng(seed)
    sigma = np.full(WAVE.size, NOISE)
    for at in SKY:
        sigma[np.abs(WAVE - at) < 6] *= 2
    flux = 1 + rng.normal(size=WAVE.size) * sigma
    for name, height in STRENGTHS.items() if emitter else ():
        flux += height * NOISE * np.exp(-0.5 * ((WAVE / (line(name).wave * (1 + BEHIND)) - 1) * C_KMS / 120) ** 2)
    for at in SKY if sky else ():
        flux += 60 * NOISE * np.exp(-0.5 * ((WAVE / at - 1) * C_KMS / 90) ** 2)
    return Spectrum(WAVE / (1 + Z), flux, 1 / sigma**2, id=f"g{seed}", z=Z, frame="rest",
                    meta={"instrument": "SDSS", "lsf": 69.0, "survey": "sdss"})


@pytest.fixture(scope="module")
def explainer() -> sa.Explainer:
    return sa.Explainer(_Flat(), sa.explain.Uniform(40), perturbation=sa.Typical(), method=sa.explain.Lime(300))


class _Flat:
    """A score: the mean squared distance from a flat spectrum."""

    name = "flat"

    def bind(self, spectrum: Spectrum) -> _Bound:
        return _Bound()


class _Bound:
    keep = weights = None

    def __call__(self, flux):
        return ((np.asarray(flux, dtype=float) - 1) ** 2).mean(axis=1)

    def reconstruct(self, flux):
        return model(flux)


@pytest.fixture(scope="module")
def explanations(explainer: sa.Explainer) -> sa.ExplanationSet:
    return explainer.explain_many([spectrum(0), spectrum(1, emitter=False), spectrum(2, emitter=False, sky=True)])


def test_lines_of_the_other_galaxy_are_named_with_its_redshift(explanations: sa.ExplanationSet) -> None:
    best = explanations[0].as_list(3)
    assert all(f"at z = {explanations[0].z_second:.4f}" in name for name, _ in best)
    assert "[O III]" in best[0][0] or "Hα" in best[0][0]
    assert not any("at z" in name for one in (explanations[1], explanations[2]) for name in one.names)


def test_its_redshift_stands_in_explanation_set_table_and_repr(explanations: sa.ExplanationSet) -> None:
    assert explanations[0].z_second == pytest.approx(BEHIND, abs=1e-4)
    assert np.isnan(explanations.z_second[1:]).all()
    assert explanations.to_frame()["z_second"].tolist()[0] == explanations[0].context.z_second
    assert f"lines at z = {BEHIND:.4f}" in repr(explanations[0].context)
    assert "at z" not in repr(explanations[1].context)


def test_it_is_no_artefact_though_it_lies_on_the_sky(explanations: sa.ExplanationSet) -> None:
    assert explanations[0].artefact < 0.2
    assert explanations[0].context.lines > 0.6
    assert explanations[2].artefact > 0.5


def test_it_survives_the_disk_and_old_sets_have_none(explanations: sa.ExplanationSet, tmp_path) -> None:
    path = explanations.save(tmp_path / "e.zarr")
    again = sa.ExplanationSet.open(path)
    np.testing.assert_array_equal(again.z_second, explanations.z_second)
    assert again[0].z_second == explanations[0].z_second
    table = pd.read_parquet(path / "table.parquet").drop(columns="z_second")
    table.to_parquet(path / "table.parquet")
    assert np.isnan(sa.ExplanationSet.open(path).z_second).all()


def test_marks_never_speak_more_for_an_artefact_than_without_the_second_redshift() -> None:
    for seed in range(5):
        one = spectrum(seed, sky=seed > 2)
        observed = one.flux.astype(float) - 1
        evidence = Evidence(observed, observed, np.ones(observed.size), True)
        ground, plain = second_ground(one, evidence), ground_of(one)
        after = residual_marks(Residual.of(ground, observed, np.ones(observed.size)))
        before = residual_marks(Residual.of(plain, observed, np.ones(observed.size)))
        for name in ("foreign", "narrow", "step", "sky_deficit", "ripple", "far_red"):
            assert after[name] <= before[name] + 1e-12, name
        for name in ("lines", "kin"):
            assert after[name] >= before[name] - 1e-12, name
        shares = {"imputed": 0.0}
        assert (artefact_probability(ground, shares, evidence) <= artefact_probability(plain, shares, evidence) + 1e-12)


def test_masked_pixels_stay_masked() -> None:
    one = spectrum(0)
    masked = np.abs(WAVE - line("Hb").wave * (1 + BEHIND)) < 2
    one = one.replace(imputed=masked)
    observed = np.where(masked, 0.0, one.flux.astype(float) - 1)
    ground = second_ground(one, Evidence(observed, observed, np.ones(observed.size), True))
    assert ground.second.found
    assert (ground.classes[masked] == CLASSES.index("imputed")).all()
    assert (ground.foreign[masked] == -1).all()


def test_without_a_model_nothing_is_looked_for() -> None:
    one = spectrum(0)
    observed = one.flux.astype(float)
    assert not second_ground(one, Evidence(observed, observed)).second.found
