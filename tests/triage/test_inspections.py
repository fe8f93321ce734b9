"""Visual inspections are checked when they are said, kept as they are, and go to DESI's files and back."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.triage import Inspection, Label, LabelLog, read_inspections, write_inspections
from specanom.triage.visual import COLUMNS

LONG = "39633345008634465"
# The sixteen columns of the files of DESI's inspectors (prospect, vi_file_fields), in their order.
PROSPECT = ["TARGETID", "EXPID", "NIGHT", "TILEID", "Spec_version", "Redrock_version", "Template_version",
            "Redrock_spectype", "Redrock_z", "Redrock_deltachi2", "VI_scanner", "VI_quality", "VI_issue", "VI_z",
            "VI_spectype", "VI_comment"]
INSPECTIONS = st.builds(
    Inspection, quality=st.one_of(st.none(), st.integers(0, 4), st.floats(0, 4)),
    issues=st.lists(st.sampled_from("RCS")), spectype=st.sampled_from(["", "GALAXY", "QSO", "STAR"]),
    z=st.one_of(st.none(), st.floats(-0.01, 7)), comment=st.text(st.characters(codec="utf-8", exclude_characters="\0")))


@pytest.fixture
def log(tmp_path) -> LabelLog:
    return LabelLog(tmp_path / "labels.jsonl")


def test_an_inspection_and_a_reason_are_kept_with_the_label(log) -> None:
    seen = Inspection(quality=3, issues="SR", spectype="QSO", z=2.1, comment="BAL")
    said = log.add(LONG, "interesting", note="trough", author="ada", reason="rank 3 in chi2_ivar_cal", inspection=seen)
    assert (said.inspection, said.reason) == (seen, "rank 3 in chi2_ivar_cal")
    back = LabelLog(log.path).current()[LONG]
    assert (back.inspection, back.reason, back.note) == (seen, "rank 3 in chi2_ivar_cal", "trough")
    content = json.loads(log.path.read_text())
    assert content["inspection"] == {"quality": 3, "issues": ["R", "S"], "spectype": "QSO", "z": 2.1, "comment": "BAL"}


def test_a_label_without_them_is_the_line_it_was(log) -> None:
    log.add("a", "known")
    assert list(json.loads(log.path.read_text())) == ["id", "label", "note", "author", "source", "time"]
    assert (log.current()["a"].inspection, log.current()["a"].reason) == (None, "")


@given(seen=INSPECTIONS)
def test_every_inspection_comes_back_from_json(seen) -> None:
    assert Inspection.from_dict(json.loads(json.dumps(seen.to_dict()))) == seen


@pytest.mark.parametrize("wrong", [
    {"quality": 5}, {"quality": -1}, {"quality": "3"}, {"quality": True}, {"quality": float("nan")}, {"issues": "X"},
    {"issues": 3}, {"spectype": "GALAXIE"}, {"z": "2"}, {"z": float("inf")}, {"z": -1}, {"comment": None},
])
def test_what_no_inspector_can_mean_is_refused(wrong) -> None:
    with pytest.raises(ArgumentError, match=f"{next(iter(wrong))}: expected"):
        Inspection(**wrong)


def test_only_an_inspection_is_one(log) -> None:
    with pytest.raises(ArgumentError, match="an Inspection"):
        log.add("a", "known", inspection={"quality": 3})
    with pytest.raises(ArgumentError, match="reason: expected text"):
        log.add("a", "known", reason=3)
    assert not log.path.exists()


@pytest.mark.parametrize("line", ['{"quality": 9}', '{"colour": "red"}', '"good"', "3", "null"])
def test_an_inspection_that_cannot_be_read_is_left_in_the_log(log, line) -> None:
    log.path.write_text(f'{{"id": "a", "label": "known", "inspection": {line}}}\n')
    said = log.current()["a"]
    assert said.inspection is None
    assert said.more["inspection"] == json.loads(line)
    assert log.torn == 0


def test_the_limit_of_secure_redshifts_is_that_of_desi() -> None:
    assert [Inspection(quality=q).secure for q in (None, 2, 2.5, 4)] == [False, False, True, True]


# -- files of inspections ----------------------------------------------------------------------------------------------


def test_a_file_has_the_columns_of_desi_and_astropy_reads_it(log, tmp_path) -> None:
    from astropy.table import Table

    log.add(LONG, "interesting", author="ada", inspection=Inspection(4, "S", "QSO", 2.123456789, "BAL, \"sure\""))
    log.add("39633345008634466", "artefact", author="bob", note="sky\nlines", inspection=Inspection(0))
    objects = pd.DataFrame({"id": [LONG], "tile": [80613], "class": ["QSO"], "z": [2.1], "deltachi2": [1e3]})
    path = write_inspections(log.history(), tmp_path / "vi.csv", objects=objects)
    with open(path, newline="", encoding="utf-8") as handle:
        header = next(csv.reader(handle))
    assert header == PROSPECT == list(COLUMNS)
    table = Table.read(path, format="ascii.csv")
    assert table["TARGETID"].tolist() == [int(LONG), int(LONG) + 1]
    assert table["VI_quality"].tolist() == [4, 0]
    assert table["TILEID"].tolist() == [80613, -1]
    assert table["VI_z"][0] == 2.123456789
    assert table["VI_comment"].tolist() == ["BAL, \"sure\"", "sky\nlines"]


@given(seen=st.lists(INSPECTIONS, min_size=1, max_size=4))
def test_a_file_gives_back_every_inspection(tmp_path_factory, seen) -> None:
    path = tmp_path_factory.mktemp("vi") / "vi.csv"
    labels = [Label(str(int(LONG) + i), "known", author="ada", more={"inspection": one.to_dict()})
              for i, one in enumerate(seen)]
    back = read_inspections(write_inspections(labels, path))
    assert back.skipped == ()
    assert [one.id for one in back.labels] == [one.id for one in labels]
    for one, want in zip(back.labels, seen, strict=True):
        found = one.inspection or Inspection()
        assert (found.quality, found.issues, found.spectype, found.z) == (
            want.quality, want.issues, want.spectype, want.z)
        assert found.comment.splitlines() == want.comment.splitlines()


def test_ids_that_are_no_numbers_stay_as_they_are(tmp_path) -> None:
    labels = [Label("0266-51602-0001", "known"), Label(LONG, "known")]
    back = read_inspections(write_inspections(labels, tmp_path / "vi.csv"))
    assert [one.id for one in back.labels] == ["0266-51602-0001", LONG]


def test_a_row_that_cannot_be_read_is_skipped_and_told(tmp_path) -> None:
    path = tmp_path / "vi.csv"
    path.write_text("TARGETID,VI_quality,VI_z,VI_issue,VI_spectype,VI_scanner,VI_comment\n"
                    f"{LONG},3,2.1,RS,QSO,ada,fine\n1,7,,,,,\n2,good,,,,,\n,3,,,,,\n3,-1,,,,bob,\n", encoding="utf-8")
    made = read_inspections(path)
    assert [one.id for one in made.labels] == [LONG, "3"]
    assert [row for row, _ in made.skipped] == [2, 3, 4]
    assert "quality" in made.skipped[0][1]
    assert "3 skipped" in repr(made)
    assert made.labels[1].inspection == Inspection()
    assert made.labels[0].source == "vi.csv"
    assert made.labels[0].label == "noted"


def test_merged_tables_of_the_early_release_are_read(tmp_path) -> None:
    path = tmp_path / "EDR_VI_QSO_v1.csv"
    path.write_text(f"TARGETID,VI_Z,VI_QUALITY,VI_SPECTYPE\n{LONG},1.5,3.5,QSO\n")
    said = read_inspections(path).labels[0]
    assert (said.id, said.inspection) == (LONG, Inspection(3.5, (), "QSO", 1.5))


def test_numbers_that_are_missing_are_read_however_they_are_written(tmp_path) -> None:
    path = tmp_path / "vi.csv"
    blanks = ["", "nan", "NaN", "--", "None", "-1", "-1.0", " ", "<NA>"]
    path.write_text("TARGETID,VI_quality,VI_z\n" + "".join(f"{i},{one},{one}\n" for i, one in enumerate(blanks)))
    made = read_inspections(path)
    assert made.skipped == ()
    assert [(one.inspection.quality, one.inspection.z) for one in made.labels] == [(None, None)] * len(blanks)


def test_an_id_that_a_spreadsheet_has_rounded_is_skipped_and_said(tmp_path) -> None:
    path = tmp_path / "vi.csv"
    path.write_text(f"TARGETID,VI_z\n3.9633345008634465e16,1\n39633345008634465.0,1\n3.96333450086345E+16,1\n{LONG},1\n")
    made = read_inspections(path)
    assert [one.id for one in made.labels] == [LONG]
    assert [row for row, _ in made.skipped] == [1, 2, 3]
    assert "has lost digits" in repr(made)


def test_two_columns_of_one_name_are_refused(tmp_path) -> None:
    path = tmp_path / "vi.csv"
    path.write_text("TARGETID,VI_Z,VI_z\n1,2,3\n")
    with pytest.raises(DataError, match="one column VI_Z"):
        read_inspections(path)


@pytest.mark.parametrize("id", ["00123", "0", "18446744073709551615", "9223372036854775808", "+5", "٣", "1e5", " 7"])
def test_ids_of_digits_come_back_as_they_were(tmp_path, id) -> None:
    for ids in ([id], [id, LONG]):
        path = write_inspections([Label(one, "known", author="ada") for one in ids], tmp_path / "vi.csv")
        assert [one.id for one in read_inspections(path).labels] == ids


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\xff\xfe"])
def test_a_file_of_something_else_is_refused(tmp_path, content) -> None:
    path = tmp_path / "vi.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match="path: expected"):
        read_inspections(path)
    with pytest.raises(DataError, match="path: expected"):
        read_inspections(tmp_path / "none.csv")


def test_no_label_at_all_is_a_file_with_a_header(tmp_path) -> None:
    assert read_inspections(write_inspections([], tmp_path / "vi.csv")).labels == ()
    with pytest.raises(ArgumentError, match="id"):
        write_inspections([], tmp_path / "vi.csv", objects=pd.DataFrame({"TARGETID": [1]}))


# -- merging -----------------------------------------------------------------------------------------------------------


def test_merging_twice_changes_nothing(log, tmp_path) -> None:
    other = LabelLog(tmp_path / "other.jsonl")
    other.add("a", "known", author="bob", inspection=Inspection(2))
    log.add("a", "artefact", author="ada")
    assert (log.merge(other.history()), log.merge(other.history())) == (1, 0)
    assert {one.author: one.label for one in log.standing("a")} == {"ada": "artefact", "bob": "known"}
    assert log.current("bob")["a"].inspection == Inspection(2)


def test_an_old_file_never_overrules_a_newer_word(log) -> None:
    old = Label("a", "artefact", author="ada", time="2020-01-01T00:00:00Z")
    log.add("a", "interesting", author="ada")
    assert log.merge([old]) == 0
    assert log.current()["a"].label == "interesting"


def test_of_what_is_merged_the_latest_counts_in_any_order(log) -> None:
    times = ["2020-01-01T00:00:00", "2021-06-01T00:00:00+02:00", "2021-06-01T01:00:00Z"]
    labels = [Label("a", word, author="ada", time=time) for word, time in zip("xyz", times, strict=True)]
    assert log.merge([labels[2], labels[0], labels[1]]) == 3
    assert log.current()["a"].label == "z"


def test_files_of_inspections_can_be_merged(log, tmp_path) -> None:
    labels = [Label(LONG, "known", author="ada", more={"inspection": Inspection(4, z=0.5).to_dict()})]
    file = read_inspections(write_inspections(labels, tmp_path / "vi.csv"), label="known")
    assert log.merge(file.labels) == 1
    assert np.isclose(log.current("ada")[LONG].inspection.z, 0.5)


@pytest.mark.parametrize(("cell", "id"), [
    ("3.9633345e16", ""), ("39633345008634465.0", ""), ("9007199254740992.", ""), ("1E+17", ""),
    ("39633345008634465", "39633345008634465"), ("1e5", "1e5"), ("0266-51602-0001", "0266-51602-0001")])
def test_a_number_that_is_no_whole_id_is_nobody(tmp_path, cell: str, id: str) -> None:
    (tmp_path / "vi.csv").write_text(f"TARGETID,VI_quality,VI_comment\n{cell},4,sure\n")
    made = read_inspections(tmp_path / "vi.csv")
    assert [label.id for label in made.labels] == ([id] if id else [])
    assert [reason for _, reason in made.skipped] == ([] if id else [f"TARGETID {cell} has lost digits"])
