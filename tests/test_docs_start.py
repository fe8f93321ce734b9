"""The start pages and the guides by task run as shown, and what they say of their results is so."""

from __future__ import annotations

from pathlib import Path

import pytest

from specanom.errors import DataError
from specanom.run.acquire import Files
from specanom.run.limits import check_values
from specanom.run.parameters import known
from specanom.surveys.parted import PartedSurvey
from tests.guides import ROOT, Guide

TASKS = sorted(f"docs/tasks/{path.name}" for path in (ROOT / "docs/tasks").glob("*.md"))
PAGES = ("docs/install.md", "docs/five_minutes.md", *TASKS)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_shown(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Guide(page).run()


def test_the_model_of_a_stranger_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    names = Guide("docs/tasks/trained_model.md").run()
    assert names["check_model"](names["model"], names["sample"].flux[:20]).broken == ()
    assert names["explanation"].id in set(names["sample"].table["id"])


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_links_to_exists(page: str) -> None:
    assert Guide(page).missing() == []


def test_a_table_of_ones_own_is_read_and_a_run_takes_it_without_classes(tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    page = Guide("docs/tasks/own_files.md")
    monkeypatch.chdir(tmp_path)
    names = page.run()
    assert len(names["sample"]) == len(names["spectra"]) > 100
    assert set(names["sample"].table["class"]) == {""}
    assert "-p target=any" in page.text
    check_values({name: one.default for name, one in known().items()} | {"target": "any"})
    files = Files(str(tmp_path / "mine.csv"), "sdss")
    assert len(list(files.read(target="any"))) == len(names["spectra"])
    with pytest.raises(DataError, match=r"-p target=any"):
        PartedSurvey.of(files.read(target="galaxy"), tmp_path / "index", size=100)


def test_a_figure_is_kept_as_the_first_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = Guide("docs/five_minutes.md").run()
    assert "<html" in (tmp_path / "explanation.html").read_text(encoding="utf-8")
    assert "<svg" in names["drawn"]


def test_the_first_explanation_of_a_newcomer_is_trusted_and_says_what_was_put_there(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = Guide("docs/five_minutes.md").run()
    sa, explanation, survey = names["sa"], names["explanation"], names["survey"]
    assert explanation.grade == "trusted"
    assert all("[O III]" in name or "Hα" in name for name, _ in explanation.as_list(3))
    assert all(" at z = " in name for name, _ in explanation.as_list(3))
    assert dict(zip(survey.truth.id, survey.truth.kind, strict=True))[explanation.id] == "background_emitter"
    calibrated = sa.Explainer(names["scorer"].calibrate(names["sample"]), perturbation=sa.Typical())
    other = calibrated.explain(names["oddest"])
    assert other.grade == "poor fit"
    assert other.names[other.order[0]] == explanation.names[explanation.order[0]]
