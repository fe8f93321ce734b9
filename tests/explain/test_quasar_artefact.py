"""Quasars have no probability of an artefact, since none is calibrated for them, and that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import specanom as sa
from specanom import plots
from specanom.explain.artefact import UNTOLD, shipped
from specanom.explain.context import Evidence, artefact_probability, second_ground
from specanom.explorer.cards import explained
from specanom.triage import Listing
from specanom.triage.catalogue.explained import explanation_table


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    return sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))


@pytest.fixture(scope="module")
def model(sample: sa.SpectrumSet) -> sa.PCAModel:
    return sa.PCAModel(6).fit(sample)


def explainer(model: sa.PCAModel, lines: str | None = None) -> sa.Explainer:
    return sa.Explainer(sa.Scorer(model, "chi2_ivar", lines=lines), sa.explain.Uniform(40), method=sa.explain.Lime(200))


def as_quasar(spectrum: sa.Spectrum) -> sa.Spectrum:
    return spectrum.replace(meta={**spectrum.meta, "class": "QSO"})


def test_a_quasar_has_no_probability_and_the_reason_is_said(model, sample) -> None:
    galaxy = explainer(model).explain(sample[0])
    assert np.isfinite(galaxy.artefact)
    assert galaxy.untold == ""
    assert UNTOLD not in repr(galaxy.context)
    quasar = explainer(model).explain(as_quasar(sample[0]))
    assert np.isnan(quasar.artefact)
    assert np.isnan(quasar.context.artefact_at(0.1))
    assert quasar.untold == UNTOLD == "not calibrated for quasars"
    assert f"probability of an artefact {UNTOLD}" in repr(quasar.context)


def test_a_score_made_for_quasars_is_enough_where_nobody_said_what_it_is(model, sample) -> None:
    unknown = sample[0].replace(meta={**sample[0].meta, "class": ""})
    found = explainer(model, "quasar").explain(unknown)
    assert np.isnan(found.artefact)
    assert found.untold == UNTOLD
    calibrated = replace(explainer(model), score=sa.Scorer(model, "chi2_ivar", lines="quasar").calibrate(sample))
    assert calibrated.explain(unknown).untold == UNTOLD


def test_a_galaxy_stays_one_whatever_the_score_leaves_out(model, sample) -> None:
    assert sample[0].meta["class"] == "GALAXY"
    found = explainer(model, "quasar").explain(sample[0])
    assert found.untold == ""
    assert np.isfinite(found.artefact)


def test_a_calibration_of_ones_own_is_taken_for_quasars(sample) -> None:
    spectrum = as_quasar(sample[0])
    evidence = Evidence.of(spectrum.flux, spectrum.flux, reconstruction=np.ones(len(spectrum)))
    ground, shares = second_ground(spectrum, evidence), {"imputed": 0.0}
    assert np.isnan(artefact_probability(ground, shares, evidence))
    assert 0 <= artefact_probability(ground, shares, evidence, calibration=shipped()) <= 1


def test_the_reason_is_kept_on_disk_and_shown(model, sample, tmp_path) -> None:
    two = sa.SpectrumSet.concatenate([sample[:1], sample[1:2]])
    table = two.table.assign(**{"class": ["QSO", "GALAXY"]})
    many = explainer(model).explain_many(two.replace(table=table))
    assert many.untold == [UNTOLD, ""]
    assert f"artefact: {UNTOLD}" in repr(many)
    again = sa.ExplanationSet.open(many.save(tmp_path / "e.zarr"))
    assert again.untold == many.untold
    assert again[0].untold == UNTOLD
    assert again[:1].untold == [UNTOLD]
    titles = [one.text for one in plots.explanation(again[0]).references() if hasattr(one, "text")]
    assert any(isinstance(text, str) and f"Weight · artefact: {UNTOLD}" in text for text in titles)
    assert explained(again[0])["untold"] == UNTOLD
    assert explained(again[0])["artefact"] is None
    made = explanation_table(again)
    assert made["artefact_note"].tolist() == [UNTOLD, ""]
    listed = Listing("score", artefact=0.5)(made)
    assert listed.untold == 1, "a gate lets quasars pass, and counts them"


def test_sets_saved_before_open_without_reasons(model, sample, tmp_path) -> None:
    import pandas as pd

    path = explainer(model).explain_many(sample[:2]).save(tmp_path / "e.zarr")
    pd.read_parquet(path / "table.parquet").drop(columns="untold").to_parquet(path / "table.parquet")
    assert sa.ExplanationSet.open(path).untold == ["", ""]
