"""An id is the same text wherever it comes from and whoever takes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
from specanom.errors import DataError
from specanom.explorer.record import whole_ids
from specanom.ids import EXACT, id_text, id_texts
from specanom.retrieve import KnowledgeBase
from specanom.surveys.tables import with_text_ids
from specanom.triage.candidates import from_frame
from specanom.triage.catalogue import Catalogue, Parts
from specanom.triage.crossmatch import LocalTable, crossmatch

TARGETID = 39633345008634465  # a float makes …464 of it
TID = str(TARGETID)


def through_the_rule(column: pd.Series) -> list[str]:
    return id_texts(column)


def through_a_table_of_spectra(column: pd.Series) -> list[str]:
    return list(with_text_ids(pd.DataFrame({"targetid": column}))["id"])


def through_a_set_of_spectra(column: pd.Series) -> list[str]:
    made = sa.SpectrumSet(np.arange(4000.0, 4005.0), np.ones((len(column), 5)), table=pd.DataFrame({"id": column}))
    return list(made.ids)


def through_candidates(column: pd.Series) -> list[str]:
    found = from_frame(pd.DataFrame({"id": column, "score": 1.0}))
    return [*found.ids, *(id for id, _ in found.skipped)]


def through_a_knowledge_base(column: pd.Series) -> list[str]:
    base = KnowledgeBase.build(np.arange(2.0 * len(column)).reshape(-1, 2), ids=column)
    return [*base.ids, *(one.id for one in base.skipped)]


def through_a_catalogue(column: pd.Series) -> list[str]:
    made = Catalogue.of(Parts(pd.DataFrame({"id": column, "ra": 10.0, "dec": 0.0})))
    return [*made.table["id"], *(id for id, reason in made.meta["left_out"] if "no id" in reason)]


def through_a_cross_match(column: pd.Series) -> list[str]:
    objects = pd.DataFrame({"id": column, "ra": 10.0, "dec": 0.0})
    return list(crossmatch(objects, LocalTable(pd.DataFrame({"ra": [1.0], "dec": [1.0]}), 1.0)).table["id"])


def through_an_explorer(column: pd.Series) -> list[str]:
    return whole_ids(column, "catalogue")


ROOMS = [through_the_rule, through_a_table_of_spectra, through_a_set_of_spectra, through_candidates,
         through_a_knowledge_base, through_a_catalogue, through_a_cross_match, through_an_explorer]
NEED_ALL = (through_a_set_of_spectra, through_an_explorer)
SAME = [
    ([5.0], "5"), (["5"], "5"), ([" 5 "], "5"), ([5], "5"), ([np.float32(5)], "5"), ([np.int64(5)], "5"),
    ([b"5"], "5"), ([np.bytes_("5")], "5"), (pd.array([5], dtype="Int64"), "5"), (["00123"], "00123"), ([-5], "-5"),
    ([TARGETID], TID), ([TID], TID), ([TID.encode()], TID), (pd.array([TARGETID], dtype="Int64"), TID),
    (np.array([TARGETID], dtype=np.uint64), TID), ([2**64 - 1], str(2**64 - 1)), ([float(EXACT - 1)], str(EXACT - 1)),
]
LOST = [[float(TARGETID)], [float(EXACT)], [5.5], [float("inf")], [True],
        pd.Series([2**24], dtype="float32"), pd.array([float(TARGETID)], dtype="Float64")]
MISSING = [None, float("nan"), pd.NA, pd.NaT, "", " ", "nan", "<NA>"]


@pytest.mark.parametrize("room", ROOMS)
def test_the_same_id_comes_out_of_every_room(room: Callable[[pd.Series], list[str]]) -> None:
    for given_as, text in SAME:
        assert room(pd.Series(given_as)) == [text], repr(given_as)


@pytest.mark.parametrize("room", ROOMS)
def test_a_float_that_may_have_lost_digits_is_refused_in_every_room(room: Callable[[pd.Series], list[str]]) -> None:
    for given_as in LOST:
        with pytest.raises(DataError, match="expected text or an integer"):
            room(pd.Series(given_as))


@pytest.mark.parametrize("room", [one for one in ROOMS if one not in NEED_ALL])
def test_a_blank_id_does_not_change_the_others(room: Callable[[pd.Series], list[str]]) -> None:
    for nothing in MISSING:
        assert sorted(room(pd.Series([TID, nothing, "7"], dtype=object))) == ["", TID, "7"], repr(nothing)
    assert sorted(room(pd.Series([TARGETID, None], dtype="Int64"))) == ["", TID]
    assert sorted(room(pd.Series([5.0, np.nan]))) == ["", "5"]


def test_an_explorer_needs_every_id() -> None:
    for nothing in MISSING:
        with pytest.raises(DataError, match="a missing one in row 1"):
            whole_ids(pd.Series([TID, nothing], dtype=object), "catalogue")


def test_an_index_takes_an_id_as_any_room_does(tmp_path: Path) -> None:
    survey = tmp_path / "spectra.csv"
    wave = np.arange(4000.0, 4030.0)
    rows = [pd.DataFrame({"id": id, "wave": wave, "flux": 1.0, "ivar": 1.0}) for id in (TID, "5")]
    pd.concat(rows).to_csv(survey, index=False)
    index = sa.surveys.locate.SpectrumIndex.build(survey, tmp_path / "index")
    for asked, text in SAME:
        if text in ("5", TID):
            place = index.locate(pd.Series(asked)).iloc[0]
            assert (place["id"], place["state"]) == (text, "ok"), repr(asked)
    assert index.read(TARGETID).meta["id"] == index.read(np.int64(TARGETID)).meta["id"] == TID
    assert TARGETID in index
    assert 5.0 in index
    for asked in LOST:
        with pytest.raises(DataError, match="expected text or an integer"):
            index.locate(pd.Series(asked))


def test_what_is_masked_has_no_id() -> None:
    assert id_texts(np.ma.array([TARGETID, 1], mask=[False, True])) == [TID, ""]


@given(st.integers(-(2**70), 2**70))
def test_integers_keep_all_digits(number: int) -> None:
    assert id_text(number) == str(number) == id_text(id_text(number))


@given(st.floats() | st.floats(width=32).map(np.float32) | st.floats(width=16).map(np.float16))
def test_a_float_that_is_taken_is_the_only_one_near_its_integer(value: Any) -> None:
    try:
        text = id_text(value)
    except DataError:
        return
    assert text == "" if np.isnan(value) else type(value)(int(text) + 1) != value != type(value)(int(text) - 1)


@given(st.text())
def test_a_text_is_taken_twice_alike(text: str) -> None:
    assert id_text(id_text(text)) == id_text(text)
