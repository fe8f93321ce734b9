"""The page on ``specanom reproduce``: its commands are taken, its table is that of the record, its picture is small."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

import specanom.reproduce as reproducing
from benchmarks.reproduce import RESULTS, table, written
from specanom.reproduce.numbers import ITEMS
from specanom.reproduce.verdicts import AGREES, DIFFERS, OPEN, PARTLY
from specanom.run.cli import main
from tests.guides import Guide

PAGE = Guide("docs/reproduce.md")


def test_every_command_of_the_page_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(_: object, parameters: dict[str, str], **__: object) -> str:
        asked.append(parameters.get("survey", ""))
        return "page"

    monkeypatch.setattr(reproducing, "reproduce", note)
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"^specanom (reproduce.*?)(?:#.*)?$", PAGE.text, flags=re.M):
        assert main(shlex.split(line)) == 0
    assert asked == ["", "sdss", "desi"]


def test_every_link_of_the_page_leads_somewhere() -> None:
    assert PAGE.missing() == []


def test_the_table_is_that_of_the_record_with_every_figure_and_table() -> None:
    record = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert list(record["items"]) == [item.key for item in ITEMS]
    assert table(record) in PAGE.text
    assert written(PAGE.text, record) == PAGE.text


def test_every_verdict_is_explained() -> None:
    for verdict in (AGREES, PARTLY, DIFFERS, OPEN):
        assert f"\n| {verdict} |" in PAGE.text


def test_the_picture_is_small() -> None:
    assert Path("docs/images/reproduce.png").stat().st_size < 300_000
