from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError, DataError
from specanom.triage.crossmatch import Found, LocalTable, Matches, crossmatch

TARGET = "39633345008634465"


class Silent:
    """A service that answers for the first object only."""

    service, radius = "silent", 2.0

    def __call__(self, positions, access, /):
        pairs = pd.DataFrame({"row": [0], "separation": [1.0], "name": ["S"], "type": ["star"], "z": [np.nan],
                              "ra": [0.0], "dec": [0.0]})
        return Found(pairs, failed={1: "no answer"}, unchecked={2: "too late"}, chance=0.5, chance_from="a guess")


def objects() -> pd.DataFrame:
    return pd.DataFrame({"id": [TARGET, "b", "c", "d"], "ra": [10.0, 20.0, 30.0, np.nan], "dec": [0.0] * 4})


def lenses() -> LocalTable:
    table = pd.DataFrame({"ra": [10.0001, 30.0], "dec": [0.0, 0.0], "name": ["L1", "L3"], "z": [0.3, 0.4],
                          "W1": [14.0, 15.0]})
    return LocalTable(table, 1.0, service="lenses", columns=["W1"])


@pytest.fixture
def matches() -> Matches:
    return crossmatch(objects(), [Silent(), lenses()])


def test_there_is_a_row_for_each_object_and_service_in_the_order_given(matches):
    rows = list(zip(matches.table["id"], matches.table["service"], matches.table["status"], strict=True))
    assert rows == [
        (TARGET, "silent", "matched"), (TARGET, "lenses", "matched"), ("b", "silent", "failed"),
        ("b", "lenses", "none"), ("c", "silent", "not_checked"), ("c", "lenses", "matched"),
        ("d", "silent", "not_checked"), ("d", "lenses", "not_checked"),
    ]


def test_only_an_object_that_every_service_looked_up_is_uncatalogued(matches):
    best = matches.best().set_index("id")
    assert best["status"].to_dict() == {TARGET: "matched", "b": "failed", "c": "matched", "d": "not_checked"}
    assert best.loc["b", "unchecked"] == "silent"
    alone = crossmatch(objects(), lenses()).best().set_index("id")
    assert alone.loc["b", "status"] == "none"
    assert alone.loc["d", "status"] == "not_checked"


def test_the_best_counterpart_is_the_one_least_likely_by_chance_with_any_known_redshift(matches):
    first = matches.best().iloc[0]
    assert (first["name"], first["service"], first["services"], first["z"]) == ("L1", "lenses", "silent; lenses", 0.3)
    assert first["coincidence"] < 0.01


def test_the_summary_counts_every_state_and_what_chance_would_give(matches):
    rows = matches.summary().set_index("service")
    assert rows.loc["silent", ["matched", "none", "not_checked", "failed"]].tolist() == [1, 0, 2, 1]
    assert rows.loc["silent", "by_chance"] == 0.5
    assert rows.loc["lenses", ["matched", "none", "not_checked", "failed"]].tolist() == [2, 1, 1, 0]
    assert rows.loc["lenses", "reason"] == "no position: ra is blank or not a number"
    text = repr(matches)
    assert "4 objects, 2 services" in text
    assert "silent: 1 matched, 2 not_checked, 1 failed; 0.5 expected by chance" in text


def test_coincidence_grows_with_the_area_and_reaches_the_chance_at_the_radius(matches):
    row = matches.table.iloc[0]
    assert row["coincidence"] == pytest.approx(1 - 0.5 ** 0.25)


def test_columns_of_local_tables_can_be_put_beside_a_table(matches):
    wide = matches.wide()
    assert wide["id"].tolist() == objects()["id"].tolist()
    assert wide["lenses:W1"].tolist()[0] == 14.0
    assert "silent:W1" not in wide
    joined = objects().merge(wide, on="id", how="left")
    assert joined["lenses:status"].tolist() == ["matched", "none", "matched", "not_checked"]


def test_what_is_saved_comes_back(matches, tmp_path):
    path = matches.save(tmp_path / "deep" / "matches.parquet")
    again = Matches.load(path)
    pd.testing.assert_frame_equal(again.table, matches.table)
    assert again.table["id"][0] == TARGET
    assert dict(again.provenance) == dict(matches.provenance)
    assert repr(again) == repr(matches)
    assert [one.name for one in path.parent.iterdir()] == ["matches.parquet"]


def test_another_file_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_text("no")
    for name in ("a.parquet", "b.parquet", "none.parquet"):
        with pytest.raises(DataError, match="a saved specanom-matches"):
            Matches.load(tmp_path / name)
    with pytest.raises(DataError, match="no id, service"):
        Matches(pd.DataFrame({"a": [1]}))


def test_ids_are_text_and_come_once():
    numbers = pd.DataFrame({"id": [int(TARGET), int(TARGET), 5], "ra": [10.0, 10.0, 30.0], "dec": [0.0, 0.0, 0.0]})
    assert crossmatch(numbers, lenses()).table["id"].tolist() == [TARGET, "5"]
    with pytest.raises(DataError, match="lost digits"):
        crossmatch(numbers.astype({"id": float}), lenses())
    with pytest.raises(ArgumentError, match="columns id, ra and dec, got no id, dec"):
        crossmatch(numbers[["ra"]], lenses())


def test_objects_keep_their_order_whatever_their_ids_come_as():
    numbers = pd.DataFrame({"id": [9.0, 10.0, np.nan, 5.0], "ra": [10.0, 20.0, 30.0, np.nan], "dec": 0.0})
    table = crossmatch(numbers, [lenses(), LocalTable(numbers, 1.0, service="own")]).table
    assert table["id"].tolist() == ["9", "9", "10", "10", "", "", "5", "5"]
    assert table["service"].tolist() == [lenses().service, "own"] * 4
    assert table.loc[table["id"] == "", "reason"].tolist() == ["no id"] * 2
    assert table.loc[table["id"] == "5", "status"].tolist() == ["not_checked"] * 2
    assert table.loc[table["id"] == "10", ["status", "name"]].values.tolist() == [["none", ""], ["matched", "10"]]


def test_a_set_of_spectra_is_taken_by_its_table():
    from specanom import SpectrumSet

    sample = SpectrumSet(np.arange(4000.0, 4010.0), np.ones((4, 10)), table=objects())
    assert crossmatch(sample, lenses()).summary()["matched"].tolist() == [2]


def test_importing_it_loads_neither_astroquery_nor_astropy():
    code = ("import sys, specanom.triage.crossmatch; "
            "print([m for m in ('astroquery', 'astropy', 'pyvo', 'astropy_healpix') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
