"""VOTables that are written block by block hold what astropy would have written at once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io.votable import parse_single_table, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.triage.catalogue import file_votable
from specanom.triage.catalogue.cells import typed
from specanom.triage.catalogue.columns import Column
from specanom.triage.catalogue.file_votable import read_votable, write_votable

META = {"provenance": {"run": "</TABLE> & co"}}


def odd() -> pd.DataFrame:
    return pd.DataFrame({
        "id": ["39633345008634465", "b & <c>", "", "d"], "z": [0.1, np.nan, np.inf, -1e-300],
        "snr": np.array([0.1, np.nan, 1e10, -np.inf], np.float32), "whole": [1, -2, 3, 2**62],
        "some": pd.array([1, None, 3, 2**60], dtype="Int64"), "ra": [1.0, 2.5, 1e17, 359.99999999999994],
        "note": ["é 𝔘", "\"'", "]]>", "</TD></TR>"]}).astype({"id": "str", "note": "str"})


def columns_of(table: pd.DataFrame) -> list[Column]:
    return [Column(name, f"What {name} means", ucd="meta.note") for name in table]


def both(table: pd.DataFrame, folder: Path) -> tuple[object, object]:
    columns = columns_of(table)
    theirs = io.BytesIO()
    file_votable._votable(table, columns, META).to_xml(theirs, tabledata_format="tabledata")
    write_votable(folder / "ours.vot", table, columns, META)
    return parse_single_table(folder / "ours.vot"), parse_single_table(theirs)


def check_same(ours, theirs) -> None:
    assert ours.array.dtype == theirs.array.dtype
    for name in theirs.array.dtype.names:
        np.testing.assert_array_equal(ours.array.mask[name], theirs.array.mask[name])
        np.testing.assert_array_equal(ours.array[name].filled(), theirs.array[name].filled())
    for ours_, theirs_ in zip(ours.fields, theirs.fields, strict=True):
        assert (ours_.name, ours_.datatype, ours_.arraysize, ours_.ucd, ours_.ref) == (
            theirs_.name, theirs_.datatype, theirs_.arraysize, theirs_.ucd, theirs_.ref)


@pytest.mark.parametrize("rows", [1, 3, 4096])
def test_every_value_is_the_one_astropy_writes(rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_votable, "ROWS", rows)
    check_same(*both(odd(), tmp_path))
    assert validate(tmp_path / "ours.vot", output=None)


def test_it_reads_back(tmp_path: Path) -> None:
    write_votable(tmp_path / "odd.vot", odd(), columns_of(odd()), META)
    table, columns, meta = read_votable(tmp_path / "odd.vot")
    pd.testing.assert_frame_equal(table, odd().astype({"z": "float64"}), check_dtype=False)
    assert [one.name for one in columns] == list(odd())
    assert meta == META


def test_an_empty_catalogue_has_its_columns(tmp_path: Path) -> None:
    write_votable(tmp_path / "empty.vot", odd().iloc[:0], columns_of(odd()), META)
    table, columns, _ = read_votable(tmp_path / "empty.vot")
    assert len(table) == 0
    assert [one.name for one in columns] == list(odd())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(), st.floats(), st.floats(width=32), st.integers(-2**63 + 1, 2**63 - 1)), min_size=1,
                max_size=6))
def test_no_text_or_number_is_changed(tmp_path_factory, cells) -> None:
    names, doubles, singles, whole = zip(*cells, strict=True)
    table = pd.DataFrame({"id": typed(pd.Series(names)), "a": doubles, "b": np.array(singles, np.float32), "c": whole})
    check_same(*both(table, tmp_path_factory.mktemp("cells")))
