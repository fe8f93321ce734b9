"""Reports of large surveys: JSON stays short, and no id is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import DataError
from specanom.preprocess import Cut, Note, Preprocessor, PreprocessReport
from specanom.preprocess.dropped import FEW
from specanom.preprocess.names import Names

MANY = tuple(str(39_633_345_008_634_465 + i) for i in range(5000))
HOSTILE = "../plates/<b>,;\n.fits"


@given(st.lists(st.text(max_size=5), max_size=30), st.slices(30))
def test_names_are_what_a_tuple_of_them_is(names: list[str], some: slice) -> None:
    made, plain = Names(names), tuple(names)
    assert made == plain
    assert plain == made
    assert made == Names(names)
    assert made != (*plain, "x")
    assert (len(made), tuple(made), made[some], hash(made)) == (len(plain), plain, plain[some], hash(plain))
    assert all(name in made for name in names)
    assert "not there" not in made
    with pytest.raises(IndexError):
        made[len(names)]


@pytest.fixture
def large(observed) -> Preprocessor:
    maker = Preprocessor((3500, 7500, 4000)).fit(observed(20))
    more = (Cut("skipped", "sky fibre", 5000, MANY), Cut("z_range", "redshift outside", 2, ("a", HOSTILE)),
            Cut("snr", "too faint", 0))
    maker._report = replace(maker.report, waterfall=more, n_in=5022, notes=(Note("odd", FEW + 1, MANY[: FEW + 1]),))
    return maker


def test_a_large_report_is_short_in_json_and_whole_when_it_is_read(large: Preprocessor, tmp_path: Path) -> None:
    path = large.save(tmp_path / "preprocess")
    assert path.stat().st_size < 400_000
    report = json.loads(path.read_text())["report"]
    assert (report["waterfall"][0]["count"], len(report["waterfall"][0]["ids"])) == (5000, FEW)
    again = Preprocessor.load(path).report
    assert again.waterfall[0].ids == MANY
    assert again.waterfall[1].ids == ("a", HOSTILE)
    assert [len(one.ids) for one in (*again.waterfall, *again.notes)] == [5000, 2, 0, FEW + 1]
    assert again.reason(MANY[-1]) == "sky fibre"
    assert again.to_frame()["ids"].tolist()[0] == list(MANY)


def test_without_the_table_a_report_knows_its_counts_and_the_first_ids(large: Preprocessor, tmp_path: Path) -> None:
    path = large.save(tmp_path / "preprocess")
    (tmp_path / "preprocess.dropped.parquet").unlink()
    found = Preprocessor.load(path).report.waterfall[0]
    assert (found.count, found.ids) == (5000, MANY[:FEW])


@pytest.mark.parametrize("group", [0, -1, 9, None])
def test_the_table_of_another_report_is_refused(large: Preprocessor, tmp_path: Path, group: int | None) -> None:
    path = large.save(tmp_path / "preprocess")
    table = pd.read_parquet(tmp_path / "preprocess.dropped.parquet")
    forged = table.iloc[:-1] if group == 0 else table.assign(group=group if group is not None else np.nan)
    forged.to_parquet(tmp_path / "preprocess.dropped.parquet")
    with pytest.raises(DataError, match="belong"):
        Preprocessor.load(path)


def test_what_is_short_needs_no_table_and_takes_an_earlier_one_away(large: Preprocessor, observed,
                                                                    tmp_path: Path) -> None:
    large.save(tmp_path / "preprocess")
    assert (tmp_path / "preprocess.dropped.parquet").exists()
    small = Preprocessor((3500, 7500, 4000)).fit(observed(20))
    path = small.save(tmp_path / "preprocess")
    assert not (tmp_path / "preprocess.dropped.parquet").exists()
    assert Preprocessor.load(path).report.to_dict() == small.report.to_dict()
    large.save(tmp_path / "preprocess", report=False)
    assert not (tmp_path / "preprocess.dropped.parquet").exists()


def test_a_report_that_lists_all_ids_in_json_is_read_as_it_was_written(large: Preprocessor, tmp_path: Path) -> None:
    path = large.save(tmp_path / "preprocess")
    content = json.loads(path.read_text())
    (tmp_path / "preprocess.dropped.parquet").unlink()
    content["report"] = json.loads(json.dumps(large.report.to_dict()))
    path.write_text(json.dumps(content))
    assert Preprocessor.load(path).report.waterfall == large.report.waterfall
    assert PreprocessReport.from_dict(content["report"]).to_dict() == large.report.to_dict()
