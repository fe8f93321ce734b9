"""No cell of a CSV file computes in a spreadsheet, and every text comes back as it was."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from specanom.errors import DataError
from specanom.triage import Label, LabelLog
from specanom.triage.table import FORMULA, defused, fused, read_texts, write_table
from specanom.triage.visual import read_inspections, write_inspections
from tests.foreign.hostile import PAYLOADS

BEGIN = [*FORMULA, "'=", "''+", " =", "\0=", "\ufeff=", "'", '"', '",=1']
TEXTS = (st.text(max_size=20) | st.sampled_from(PAYLOADS)
         | st.builds(str.__add__, st.sampled_from(BEGIN), st.text(max_size=5)))


def computes(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula."""
    return cell.lstrip(" \0\x0b\x0c\xa0\u3000\ufeff")[:1] in set("=+-@\t\r\n＝＋－＠|%") - {""}


@given(TEXTS, TEXTS)
@example("=1+1", "'=1+1")
def test_no_cell_computes_and_no_two_texts_become_one(one: str, other: str) -> None:
    assert fused(defused(one)) == one
    assert not computes(defused(one)) or not defused(one).strip()
    assert (defused(one) == defused(other)) == (one == other)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, TEXTS, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=5))
def test_a_table_comes_back_and_its_numbers_stay_numbers(tmp_path: Path, rows: list[tuple[str, str, float]]) -> None:
    table = pd.DataFrame(rows, columns=["id", "note", "score"]).astype({"id": object, "note": object})
    path = write_table(table, tmp_path / "table.csv")
    made = read_texts(path)
    whole = [[text.encode("utf-8", "replace").decode() for text in row[:2]] for row in rows]
    assert made[["id", "note"]].to_numpy().tolist() == whole
    assert made["score"].astype(float).tolist() == [row[2] for row in rows]
    with open(path, encoding="utf-8", newline="") as file:
        cells = [row[:2] for row in csv.reader(file)]
    assert not any(computes(cell) for row in cells for cell in row if cell.strip())


def test_a_formula_in_the_name_of_a_column_is_defused_too(tmp_path: Path) -> None:
    path = write_table(pd.DataFrame({"=1+1": ["a"]}), tmp_path / "table.csv")
    assert path.read_text(encoding="utf-8").startswith("\"'=1+1\"")
    assert list(read_texts(path)) == ["=1+1"]


def test_labels_are_exported_without_formulas(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for text in PAYLOADS:
        log.add(text, "known", note="=HYPERLINK(\"http://evil\")", author=text)
    made = read_texts(log.export(tmp_path / "labels.csv"))
    assert made["id"].tolist() == list(PAYLOADS)
    assert set(made["note"]) == {"=HYPERLINK(\"http://evil\")"}
    assert "\n\"=" not in (tmp_path / "labels.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", [*PAYLOADS, "'=1+1", "''@x", "-1", "'tis"])
def test_inspections_come_back_with_their_words(tmp_path: Path, text: str) -> None:
    said = Label(f"id {text}".strip(), "noted", text, "ada", "", "")
    made = read_inspections(write_inspections([said], tmp_path / "vi.csv"))
    assert made.skipped == ()
    assert made.labels[0].inspection is not None
    assert made.labels[0].inspection.comment == text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2,3\n", b'TARGETID\n"open', b"\n\n"])
def test_files_that_are_no_table_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vi.csv").write_bytes(content)
    with pytest.raises(DataError, match="CSV file of visual inspections"):
        read_inspections(tmp_path / "vi.csv")
