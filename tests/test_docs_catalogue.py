"""What the guide to the catalogue shows runs as shown, from top to bottom."""

from __future__ import annotations

import dataclasses

import pytest

from specanom.triage.catalogue import Catalogue, Parts
from tests.guides import Guide

PAGE = Guide("docs/catalogue.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    told = capsys.readouterr().out
    assert "gold: chi2_ivar_cal at least 5" in told
    assert names["spectrum"].id == names["id"]
    assert len(names["again"]) == 5
    assert names["again"].skipped == []
    assert names["index"].locate(names["catalogue"].table["id"])["state"].eq("ok").all(), "every row opens"
    assert len(names["found"]) == len(names["catalogue"])
    assert (tmp_path / "odd.vot").exists()


def test_each_part_has_a_row_in_the_table() -> None:
    for one in dataclasses.fields(Parts):
        assert f"`{one.name}`" in PAGE.text


def test_its_images_and_pages_exist() -> None:
    assert PAGE.missing() == []
    assert Catalogue.__name__ in PAGE.text
