"""The catalogue of a run takes what is in its folder, with thresholds from the false alarms of its scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.run.cataloguing import catalogue_of, provenance_of, tiers_of
from specanom.run.manifest import Manifest
from specanom.triage import LabelLog
from specanom.triage.catalogue import Catalogue

N, PIXELS = 60, 120
IDS = ["39633345008634465", *(f"o-{i}" for i in range(1, N))]


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory) -> Path:
    """A folder as a run leaves it, of random spectra."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    folder.mkdir()
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"id": IDS, "survey": "desi", "ra": rng.uniform(0, 360, N), "dec": rng.uniform(-80, 80, N),
                          "z": rng.uniform(0.1, 0.2, N), "snr": rng.uniform(4, 20, N), "path": "/secret"})
    flux = 1 + 0.1 * rng.standard_normal((N, PIXELS))
    sample = sa.SpectrumSet(np.linspace(4000, 5000, PIXELS), flux.astype(np.float32), np.ones((N, PIXELS)), table)
    sample.save(folder / "sample.zarr")
    raw = rng.random(N)
    calibrated = norm.ppf((np.arange(N) + 0.5) / N)
    calibrated[:2] = 40.0, 30.0
    scores = table[["id", "z", "snr", "ra", "dec"]].assign(chi2_ivar=raw, chi2_ivar_cal=calibrated, latent_0=0.5)
    scores.to_parquet(folder / "scores.parquet", index=False)
    scorer = sa.Scorer(sa.PCAModel(3).fit(sample), "mse")
    es = sa.Explainer(scorer, segments=sa.Uniform(6), perturbation=sa.Scale(0.9), method=sa.Lime(n_samples=100), seed=0
                      ).explain_many(sample[:3])
    es.save(folder / "explanations.zarr")
    pd.DataFrame({"id": IDS[:3], "cluster": [0, 0, 1], "distance": 0.1}).to_parquet(folder / "clusters.parquet")
    (folder / "tables").mkdir()
    pd.DataFrame({"cluster": [0, 1], "size": [2, 1], "story": ["2 spectra on Hα.", "1 spectrum."]}
                 ).to_parquet(folder / "tables" / "clusters.parquet")
    manifest = {"format": "specanom run", "version": 1, "versions": {"specanom": "9.9"},
                "parameters": {"rank_by": "", "preset": "", "seed": 1, "run_dir": "anywhere"},
                "stages": {"03_train": {"outputs": {"model": "abcdef0123456789"}},
                           "04_score": {"started": 1_700_000_000.0}}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def catalogue(finished_run) -> Catalogue:
    return catalogue_of(finished_run)


def test_every_spectrum_of_the_sample_is_a_row(catalogue) -> None:
    assert sorted(catalogue.table["id"]) == sorted(IDS)
    assert {"chi2_ivar", "chi2_ivar_cal", "latent_0", "cluster_story", "top_1_segment", "context_lines",
            "artefact"} <= set(catalogue.table.columns)
    assert "path" not in catalogue.table
    assert catalogue[IDS[1]]["cluster_story"] == "2 spectra on Hα."
    assert catalogue[IDS[0]]["explanation_grade"] != ""
    assert catalogue[IDS[9]]["explanation_grade"] == ""


def test_it_says_where_it_is_from(catalogue) -> None:
    told = catalogue.meta["provenance"]
    assert (told["run"], told["specanom"], told["model"], told["scored"]) == ("first", "9.9", "abcdef012345",
                                                                            "2023-11-14")
    assert len(told["parameters"]) == 12


def test_where_the_work_was_done_is_no_part_of_what_a_run_was(finished_run) -> None:
    manifest = Manifest(finished_run)
    here = provenance_of(manifest)
    manifest.content["parameters"] |= {"executor": "processes:2", "partition": 512, "run_dir": "elsewhere"}
    assert provenance_of(manifest) == here
    manifest.content["parameters"] |= {"seed": 2}
    assert provenance_of(manifest) != here


def test_thresholds_are_those_of_so_many_false_alarms(catalogue) -> None:
    tiers = catalogue.meta["tiers"]
    assert tiers["score"] == "chi2_ivar_cal"
    assert tiers["expected"] == {"gold": 1.0, "silver": 10.0}
    assert tiers["gold"] == pytest.approx(norm.isf(1 / N), abs=0.4), "of a normal score, known from 60 of them"
    assert tiers["silver"] == pytest.approx(norm.isf(10 / N), abs=0.2)
    assert set(catalogue.table.loc[catalogue.table["tier"] != "", "id"]) >= set(IDS[:2])


def test_a_run_of_a_few_spectra_has_no_tiers_and_says_why(finished_run, tmp_path) -> None:
    import shutil

    folder = shutil.copytree(finished_run, tmp_path / "few")
    scores = pd.read_parquet(folder / "scores.parquet")
    scores.head(18).to_parquet(folder / "scores.parquet", index=False)
    made = catalogue_of(folder)
    assert set(made.table["tier"]) == {""}
    why = ("calibrated scores of fewer than 20 spectra, here 18, are in excess of the median of the few spectra, which "
           "says nothing of false alarms")
    assert set(made.table["tier_reason"]) == {f"no tiers are given: {why}"}
    assert f"No tiers are given: {why}." in made.summary()
    told = made.describe().set_index("name")["description"]
    assert told["chi2_ivar_cal"] == (
        "Score chi2_ivar in excess of the median of the few spectra, in units of their scatter")
    tiers = made.meta["tiers"]
    assert (tiers["expected"], tiers["gold"], tiers["silver"]) == ({}, 5.0, 3.0), "robust deviations above the median"


@pytest.mark.parametrize("expected", [(0.5, 5.0), (1.0, 10.0), (5.0, 5.0)])
def test_the_thresholds_of_a_normal_score_are_its_quantiles(expected) -> None:
    n = 20_000
    scores = pd.DataFrame({"x_cal": norm.ppf((np.arange(n) + 0.5) / n)})
    tiers = tiers_of(scores, "x_cal", gold=expected[0], silver=expected[1])
    assert [tiers.gold, tiers.silver] == pytest.approx(norm.isf(np.array(expected) / n).tolist(), abs=0.02)


def test_what_later_stages_and_people_add_is_taken(finished_run, tmp_path) -> None:
    import shutil

    folder = shutil.copytree(finished_run, tmp_path / "second")
    LabelLog(folder / "labels.jsonl").add(IDS[0], "artefact", author="ada")
    pd.DataFrame({"id": [IDS[1]], "service": ["SIMBAD"], "status": ["matched"], "name": ["NGC 1"]}
                 ).to_parquet(folder / "matches.parquet")
    pd.DataFrame({"query": [IDS[1]], "rank": [1], "id": [IDS[5]], "distance": [0.1]}).to_parquet(folder / "kin.parquet")
    made = catalogue_of(folder, parts={"shares": pd.DataFrame({"id": IDS[:1], "b": [0.7]})})
    assert (made[IDS[0]]["label"], made[IDS[0]]["tier"], made[IDS[0]]["share_b"]) == ("artefact", "", 0.7)
    assert (made[IDS[1]]["simbad_name"], made[IDS[0]]["simbad_status"]) == ("NGC 1", "not_checked")
    assert made.kin(IDS[1]) == [IDS[5]]
    with pytest.raises(ArgumentError, match="did you mean 'matches'"):
        catalogue_of(folder, parts={"match": pd.DataFrame()})


def test_wrong_calls_are_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="sample"):
        catalogue_of(tmp_path)
    with pytest.raises(ArgumentError, match="0 < gold ≤ silver"):
        tiers_of(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), "x", gold=5.0, silver=1.0)
    with pytest.raises(DataError, match="at least 3"):
        tiers_of(pd.DataFrame({"x": [1.0, np.nan]}), "x")
