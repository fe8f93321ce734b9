"""What the guide to triage shows runs as shown, and what its text says is true."""

from __future__ import annotations

import pytest

from specanom.triage import Condition
from tests.guides import Guide

PAGE = Guide("docs/triage.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    told = capsys.readouterr().out
    assert "listed: rank 1 in" in told
    assert "κ = " in told
    assert names["session"].answered >= 5
    assert names["file"].skipped == ()
    assert names["log"].torn == 0
    assert (tmp_path / "list.parquet").is_file()
    assert names["figure"].select_one({"name": "after labels"}) is not None


def test_each_condition_of_its_table_can_be_read() -> None:
    rows = [line.split("|")[1].strip(" `") for line in PAGE.text.splitlines() if line.startswith("| `{")]
    read = [Condition.of(column, written) for row in rows for column, written in eval(row).items()]
    assert [one.operator for one in read] == [">", "between", "in", "&", "missing"]


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
