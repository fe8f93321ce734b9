"""What a run finds out around its anomalies: matches, verdicts, crowds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.run.closing import _confident
from specanom.run.folder import RunFolder
from specanom.run.matching import matchers_of, outside
from specanom.run.surroundings import crowds, doubtful, rule_table, shares_of, ticket_table, verdicts
from specanom.scores.named import scorers_of
from specanom.triage import LabelLog
from specanom.triage.catalogue import Catalogue, Parts, Tiers
from specanom.triage.crossmatch import LocalTable, Ned, Simbad, XMatch, crossmatch
from specanom.triage.quality import Taxonomy, write_default


def test_matchers_are_named_by_words_and_paths(tmp_path: Path) -> None:
    table = tmp_path / "lenses.csv"
    pd.DataFrame({"ra": [1.0], "dec": [2.0], "name": ["L1"]}).to_csv(table, index=False)
    made = matchers_of(f"simbad, NED ,vizier:II/328/allwise,{table}", 3.0)
    assert [type(one) for one in made] == [Simbad, Ned, XMatch, LocalTable]
    assert {one.radius for one in made} == {3.0}
    assert matchers_of("", 2.0) == []


def test_a_matcher_nobody_knows_is_an_error_at_once() -> None:
    with pytest.raises(ArgumentError, match=r"match: expected simbad, ned, vizier:TABLE.*'nowhere\.csv'"):
        matchers_of("nowhere.csv", 2.0)


@pytest.fixture
def wise(tmp_path: Path) -> Path:
    """A table of infrared sources, with positions, motions, a redshift, two magnitudes and a word."""
    path = tmp_path / "wise.csv"
    pd.DataFrame({"ra": [1.0], "dec": [2.0], "name": ["W1"], "pmra": [0.0], "pmdec": [0.0], "z": [0.1], "w1": [14.5],
                  "w2": [13.5], "flag": ["ok"], "chance": [0.5]}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("brackets", "columns"), [
    ("", ("w1", "w2")), ("[w2, flag]", ("w2", "flag")), ("[]", ()), (" [w1]", ("w1",)),
])
def test_columns_of_a_table_are_named_in_brackets_or_are_its_numbers(wise: Path, brackets: str, columns: Any) -> None:
    simbad, table, vizier = matchers_of(f"simbad,{wise}{brackets},vizier:II/328/allwise[W1mag,W2mag]", 2.0)
    assert isinstance(simbad, Simbad)
    assert table.columns == columns
    assert table.service == "wise"
    assert vizier.columns == ("W1mag", "W2mag")
    found = crossmatch(pd.DataFrame({"id": ["a", "b"], "ra": [1.0, 50.0], "dec": [2.0, 0.0]}), [table]).table
    assert found["status"].tolist() == ["matched", "none"]
    assert all(name in found for name in columns)
    assert found["chance"].max() < 0.5, "not that of the table"


def test_brackets_that_cannot_be_meant_are_errors(wise: Path) -> None:
    with pytest.raises(ArgumentError, match=r"columns: expected some of ra.*'w9'"):
        matchers_of(f"{wise}[w9]", 2.0)
    with pytest.raises(ArgumentError, match=r"match: expected .*simbad\[otype\].*Try: simbad, which"):
        matchers_of("simbad[otype]", 2.0)
    with pytest.raises(ArgumentError, match="match"):
        matchers_of(f"{wise}[w1", 2.0)


def test_a_file_may_have_brackets_in_its_name(wise: Path) -> None:
    odd = wise.rename(wise.with_name("my[w1].csv"))
    assert matchers_of(str(odd), 2.0)[0].columns == ("w1", "w2")
    assert matchers_of(f"{odd}[w1]", 2.0)[0].columns == ("w1",)


def test_labels_and_tables_make_the_last_stage_out_of_date(tmp_path: Path) -> None:
    run, table = RunFolder(tmp_path), tmp_path / "lenses.csv"
    table.write_text("ra,dec\n1,2\n")
    told = {"match": f"simbad,{table}"}
    first = outside("08_catalogue", run, told)
    assert list(first) == [str(table)]
    LabelLog(tmp_path / "labels.jsonl").add("a", "interesting")
    second = outside("08_catalogue", run, told)
    assert len(second) == 2
    LabelLog(tmp_path / "labels.jsonl").add("b", "artefact")
    third = outside("08_catalogue", run, told)
    assert third != second
    table.write_text("ra,dec\n1,3\n")
    assert outside("08_catalogue", run, told) != third
    assert outside("07_kin", run, told) == {}
    assert list(outside("08_catalogue", run, {"match": f"{table}[mag, flux],ned"})) == [
        str(tmp_path / "labels.jsonl"), str(table)]


def test_rules_that_were_edited_make_the_last_stage_out_of_date(tmp_path: Path) -> None:
    rules = write_default(tmp_path / "rules.toml")
    first = outside("08_catalogue", RunFolder(tmp_path), {"rules": str(rules)})
    assert list(first) == [str(rules)]
    rules.write_text(rules.read_text() + "\n# mine\n")
    assert outside("08_catalogue", RunFolder(tmp_path), {"rules": str(rules)}) != first


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """600 objects on three plates; a tenth of plate 3 are odd at one observed wavelength, on sky lines."""
    rng = np.random.default_rng(0)
    ids = [f"{i:04d}" for i in range(600)]
    plate = np.repeat([1, 2, 3], 200)
    bad = (plate == 3) & (np.arange(600) % 10 == 0)
    z = rng.uniform(0.02, 0.2, 600)
    objects = pd.DataFrame({"id": ids, "plate": plate, "fiber": np.arange(600), "z": z, "snr": 10.0,
                            "ra": 10.0 + 0.01 * np.arange(600), "dec": 0.0})
    scores = pd.DataFrame({"id": ids, "chi2_ivar_cal": np.where(bad, 9.0, rng.normal(0, 0.5, 600))})
    rest = 7300.0 / (1 + z[bad])
    told = pd.DataFrame({"id": np.array(ids)[bad], "grade": "trusted", "reason": "", "score": 9.0, "r2": 1.0,
                         "artefact": 0.95, "lines": 0.0, "imputed": 0.0, "sky": 0.6, "telluric": 0.0, "join": 0.0,
                         "continuum": 0.4, "narrow": 0.0, "top_1_segment": "sky", "top_1_from": rest - 5,
                         "top_1_to": rest + 5, "top_1_weight": 3.0})
    return Catalogue.of(Parts(objects=objects, scores=scores, explanations=told), tiers=Tiers())


def test_rules_give_explained_objects_a_verdict(catalogue: Catalogue) -> None:
    explained = catalogue.table.loc[catalogue.table["explanation_grade"] == "trusted", "id"]
    found, told = verdicts(catalogue, explained, Taxonomy.default())
    assert set(found["verdict"]) == {"sky residual"}
    assert sorted(found["id"]) == sorted(explained)
    assert told.counts == {"sky residual": 20}


def test_rules_of_the_user_are_counted_and_those_that_lack_columns_are_told(catalogue: Catalogue) -> None:
    mine = Taxonomy.of([{"name": "quasar", "class": "BAL", "when": {"BAL_PROB": "> 0.5"}},
                        {"name": "near", "class": "nearby", "when": {"z": "< 0.1"}, "why": "Close."}])
    explained = catalogue.table.loc[catalogue.table["explanation_grade"] == "trusted"]
    near = int((explained["z"] < 0.1).sum())
    table = rule_table(mine, verdicts(catalogue, explained["id"], mine)[1])
    assert table["rule"].tolist() == ["quasar", "near", ""]
    assert table["spectra"].tolist() == [0, near, 20 - near]
    assert table["lacking"].tolist() == ["BAL_PROB", "", ""]
    assert table["class"].tolist() == ["BAL", "nearby", "unclassified"]


def test_what_the_pipeline_is_sure_of_is_listed_with_counts_of_the_rest(catalogue: Catalogue, tmp_path: Path) -> None:
    assert doubtful(catalogue) is None, "no survey told a Δχ²"
    delta = pd.DataFrame({"id": catalogue.table["id"], "deltachi2": 10.0})
    odd = np.flatnonzero(catalogue.table["chi2_ivar_cal"] > 5)
    delta.loc[odd[:4], "deltachi2"] = [500.0, 40.0, 39.0, np.nan]
    table = catalogue.table.drop(columns=["tier", "tier_reason", "_healpix_29"])
    made = Catalogue.of(Parts(objects=table, more=delta), tiers=Tiers())
    found = doubtful(made)
    assert found is not None
    assert set(found["id"]) == set(made.table["id"].iloc[odd[:2]])
    assert {"artefact", "top_1_segment", "score", "deltachi2"} <= set(found)
    RunFolder(tmp_path).write(found, "confident")
    kept = RunFolder(tmp_path).table("confident")
    assert {name: int(kept.attrs[name]) for name in ("odd", "unsure", "unknown")} == {
        "odd": 20, "unsure": 17, "unknown": 1}
    said = _confident(kept)
    assert said["sure_told"].startswith("2 of 20 spectra that reach the silver threshold; of 17 the pipeline is not")
    assert len(said["sure"].rows) == 2
    assert _confident(None)["sure"] is None


@pytest.mark.parametrize(("column", "same"), [("mse_filtered_cal", "mse_filtered"), ("multiscale_cal", "chi2_ivar"),
                                              ("combined_cal", "chi2_ivar")])
def test_shares_are_those_of_the_ranking_score_or_of_the_nearest_that_is_a_sum(column: str, same: str) -> None:
    rng = np.random.default_rng(0)
    wave = np.linspace(4800.0, 6800.0, 200)
    table = pd.DataFrame({"id": [f"s{i}" for i in range(40)], "z": 0.1, "snr": 10.0, "class": "GALAXY"})
    sample = sa.SpectrumSet(wave, rng.normal(1, 0.1, (40, 200)).astype("f4"), np.full((40, 200), 100.0), table)
    model = sa.PCAModel(2).fit(sample)
    settings = {"velocity": 0.0, "trim": 0.03, "preset": "", "filter_lines": ""}
    made = shares_of(model, sample, column, settings)
    assert made.shape == (40, 9)
    np.testing.assert_allclose(made.drop(columns="id").sum(axis=1), 1.0)
    expected = sa.scores.band_shares(scorers_of(model, sample)[same], sample)
    pd.testing.assert_frame_equal(made, expected)


def test_a_bad_plate_gets_a_ticket_with_its_spectra(catalogue: Catalogue) -> None:
    rates, found = crowds(catalogue)
    assert set(rates["by"]) >= {"plate", "fiber"}
    plate = rates[(rates["by"] == "plate") & (rates["bin"] == "3")].iloc[0]
    assert (plate["odd"], plate["stands_out"]) == (20, "high")
    table = ticket_table(found).set_index("by")
    assert table.loc["plate", "where"] == "3"
    assert table.loc["plate", "spectra"] == 20
    assert "20 of 200 spectra on plate 3 are anomalous" in table.loc["plate", "text"]
