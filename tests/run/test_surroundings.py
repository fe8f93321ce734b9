"""What a run finds out around its anomalies: matches, verdicts, crowds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError
from specanom.run.folder import RunFolder
from specanom.run.matching import matchers_of, outside
from specanom.run.surroundings import crowds, ticket_table, verdicts
from specanom.triage import LabelLog
from specanom.triage.catalogue import Catalogue, Parts, Tiers
from specanom.triage.crossmatch import LocalTable, Ned, Simbad, XMatch


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
    found = verdicts(catalogue, explained)
    assert set(found["verdict"]) == {"sky residual"}
    assert sorted(found["id"]) == sorted(explained)


def test_a_bad_plate_gets_a_ticket_with_its_spectra(catalogue: Catalogue) -> None:
    rates, found = crowds(catalogue)
    assert set(rates["by"]) >= {"plate", "fiber"}
    plate = rates[(rates["by"] == "plate") & (rates["bin"] == "3")].iloc[0]
    assert (plate["odd"], plate["stands_out"]) == (20, "high")
    table = ticket_table(found).set_index("by")
    assert table.loc["plate", "where"] == "3"
    assert table.loc["plate", "spectra"] == 20
    assert "20 of 200 spectra on plate 3 are anomalous" in table.loc["plate", "text"]
