"""The page of ``specanom reproduce``: whole, self-contained, with every figure and table of both runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from specanom.errors import DataError
from specanom.reproduce import page as page_of
from specanom.reproduce import reproduce
from specanom.reproduce.making import LAST, PAGE
from specanom.reproduce.numbers import ITEMS
from specanom.reproduce.reasons import REASONS
from specanom.run.cli import main
from specanom.run.manifest import Manifest

pytestmark = pytest.mark.xdist_group("reproduce")


@pytest.fixture(scope="module")
def page(reproduction: Path) -> str:
    return (reproduction / PAGE).read_text(encoding="utf-8")


def test_every_figure_and_table_has_a_section_with_a_verdict_of_both_runs(page: str) -> None:
    for item in ITEMS:
        part = page.partition(f'<h2 id="{item.key}">')[2].partition("<h2 ")[0]
        assert part.count('<span class="chip') == 2, item.title
        assert part.count("</span> With preset=") == part.count("</span> With our defaults") == 1, item.title
        assert "<svg" in part or "Not made:" in part or item.key.startswith("table"), item.title


def test_no_side_is_empty_and_no_caption_tells_a_redshift_twice(page: str) -> None:
    sides = re.findall(r'<div class="side"><header>.*?</header>(.*?)</div>\s*(?=<div class="side">|</div>)', page,
                       flags=re.S)
    assert sides
    assert all('<p class="note">' in side for side in sides)
    assert not [note for note in re.findall(r'<p class="note">(.*?)</p>', page, flags=re.S)
                if note.lower().count("median z") > 1]


def test_the_page_asks_for_nothing_and_runs_nothing(page: str) -> None:
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)


def test_every_link_leads_to_something_on_the_page(page: str) -> None:
    for target in set(re.findall(r'href="#([^"]+)"', page)):
        assert f'id="{target}"' in page, target


def test_the_two_runs_share_their_spectra_and_differ_in_the_preset(reproduction: Path) -> None:
    told = {name: Manifest(reproduction / name).content for name in ("paper", "defaults")}
    assert told["paper"]["parameters"]["preset"] == "paper"
    assert told["defaults"]["parameters"]["preset"] == ""
    for name in ("survey", "n", "seed"):
        assert told["paper"]["parameters"][name] == told["defaults"]["parameters"][name]
    assert all(LAST in content["stages"] for content in told.values())


def test_the_command_takes_finished_runs(
    reproduction: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of, "ITEMS", ITEMS[:1])
    runs = [str(reproduction / name) for name in ("paper", "defaults")]
    assert main(["reproduce", "--out", str(tmp_path), "--runs", *runs]) == 0
    assert (tmp_path / PAGE).exists()
    assert str(tmp_path / PAGE) in capsys.readouterr().out


def test_runs_of_the_wrong_preset_are_refused(reproduction: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="preset"):
        reproduce(tmp_path, runs=(reproduction / "defaults", reproduction / "paper"))


def test_a_run_that_is_not_finished_is_refused(reproduction: Path, tmp_path: Path) -> None:
    for name in ("paper", "defaults"):
        (tmp_path / name).mkdir()
        shutil.copy(reproduction / name / "manifest.json", tmp_path / name)
    Manifest(tmp_path / "paper").write(stage="03_train", record={"status": "failed"})
    with pytest.raises(DataError):
        reproduce(tmp_path, runs=(tmp_path / "paper", tmp_path / "defaults"))


def test_reasons_are_rows_of_the_page_on_differences() -> None:
    rows = {line.split("|")[1].strip() for line in Path("docs/differences.md").read_text().splitlines()
            if line.startswith("|")}
    assert {reason.row for reason in REASONS.values() if reason.row} <= rows
