"""Every digit of a TARGETID survives the dashboards: focus, tables, pages, links, code, marks and exports."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pandas as pd
import pytest
from specanom.widgets import Workbench

import specanom as sa
from specanom.triage import LabelLog
from tests.widgets.finished import finish

pytestmark = pytest.mark.xdist_group("long ids")  # the bench is made once

NUMBER = re.compile(r"3\.?963334\d*(?:e\+?\d+)?")
"""A TARGETID of these, whole, rounded or cut short."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Workbench:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))
    ids = [str(39633345008634465 + i) for i in range(len(sample))]
    sample = sample.replace(table=sample.table.assign(id=ids, survey="desi", plate=-1, mjd=-1, fiber=-1))
    return Workbench.open(finish(tmp_path_factory.mktemp("long") / "run", sample))


@pytest.fixture
def oddest(bench) -> str:
    bench.page, bench.selected = "picker", ""
    bench.selected = bench.inspector.clusterer.ids_[0]
    assert bench.error is None
    return bench.selected


def whole(bench: Workbench) -> set[str]:
    return set(bench.picker.sample.ids)


def test_the_picker_shows_and_links_every_digit(bench, oddest) -> None:
    picker = bench.picker
    assert picker.selected == picker.table.selected == picker.marks.target == oddest
    assert set(picker.table.view()["id"]) == whole(bench)
    assert f"<b>{oddest}</b>" in picker.spectrum.details.facts.value
    assert f"targetid{oddest}" in picker.spectrum.details.links.value
    assert set(NUMBER.findall(picker.to_code())) <= whole(bench)


def test_the_tuner_opens_and_writes_every_digit(bench, oddest) -> None:
    bench.page = "tuner"
    tuner = bench.tuner
    assert tuner.selected == tuner.explanation.id == oddest
    assert f"'{oddest}'" in tuner.to_code() or f'"{oddest}"' in tuner.to_code()
    assert any(oddest in str(value) for _, value in tuner.facts())
    assert set(NUMBER.findall(tuner.to_code())) == {oddest}


def test_the_inspector_lists_and_exports_every_digit(bench, oddest) -> None:
    bench.page = "inspector"
    inspector = bench.inspector
    listed = set(inspector.table.view()["id"])
    assert listed <= set(inspector.clusterer.ids_) <= whole(bench)
    inspector.selected = sorted(listed)[-1]
    assert bench.selected == sorted(listed)[-1]
    inspector._export()
    made = pd.read_csv(inspector.book.marks.path.parent / "cluster-labels.csv", dtype=str)
    assert set(made["id"]) == set(inspector.clusterer.ids_)


@pytest.mark.parametrize("end", ["csv", "parquet", "jsonl"])
def test_marks_are_kept_and_exported_with_every_digit(bench, oddest, tmp_path: Path, end: str) -> None:
    other = str(int(oddest) + 1) if str(int(oddest) + 1) in whole(bench) else str(int(oddest) - 1)
    bench.picker.marks.mark("interesting")
    LabelLog(bench.run.labels).add(other, "artefact", author="bob")
    bench.page = "labels"
    bench.labels.refresh()
    assert set(bench.labels.table.view()["id"]) == {oddest, other}
    assert {one.id for one in LabelLog(bench.run.labels).current().values()} == {oddest, other}
    if end == "jsonl":
        assert set(NUMBER.findall(bench.run.labels.read_text())) == {oddest, other}
        return
    bench.labels.path = str(tmp_path / f"labels.{end}")
    bench.labels.children[-1].children[-1].click()
    assert bench.error is None
    made = pd.read_csv(bench.labels.path, dtype=str) if end == "csv" else pd.read_parquet(bench.labels.path)
    assert set(made["id"]) == {oddest, other}


def test_tables_send_ids_to_the_browser_as_text(bench, oddest) -> None:
    for table in (bench.picker.table, bench.inspector.table):
        columns = {one["name"]: number for number, one in enumerate(table._described())}
        sent = table._sent_column(columns["id"])
        assert sent["kind"] == "text"
        ids = set(table.view()["id"])  # the inspector's are those of one cluster
        assert set(re.findall(r"39633345\d{9}", repr(sent))) == ids, "one after another"
    assert oddest in set(bench.picker.table.view()["id"])


def test_the_page_saved_has_every_digit(bench, oddest, tmp_path: Path) -> None:
    found = set(NUMBER.findall(bench.save_html(tmp_path / "bench.html").read_text(encoding="utf-8")))
    assert oddest in found
    assert found <= whole(bench), "none was rounded"
