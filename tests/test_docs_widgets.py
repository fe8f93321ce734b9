"""What the guide to the widgets shows runs as shown, and its keys are those of the dashboards."""

from __future__ import annotations

from pathlib import Path

import pytest

import specanom as sa
from tests.guides import Guide

PAGE = Guide("docs/widgets.md")
ARROWS = {"↑": "ArrowUp", "↓": "ArrowDown", "←": "ArrowLeft", "→": "ArrowRight"}


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    assert "two peaks in [O III]" in capsys.readouterr().out
    for name in ("viewer", "picker", "tuner", "inspector"):
        assert names[name].error is None, f"{name} shows {names[name].error!r}"
    _the_text_is_true(names, tmp_path)


def _the_text_is_true(names: dict, folder: Path) -> None:
    assert (names["spectrum"].z, names["viewer"].frame) == (0.1, "rest")
    assert (names["scorer"].metric, names["scorer"].velocity) == ("mad", 300)
    assert names["explanation"].n_segments == 40
    assert names["explainer"].perturbation == sa.Typical()
    assert names["inspector"].clusterer.n_clusters_ == 4
    assert (folder / "labels.parquet").is_file()
    assert "https://" not in (folder / "explanation.html").read_text(encoding="utf-8").split("<body")[0]
    for column, name in ((2, "picker"), (3, "tuner"), (4, "inspector")):
        missing = _keys(column) - set(names[name].shortcuts())
        assert not missing, f"{name} has no key {missing}"


def _keys(column: int) -> set[str]:
    """Return the keys that the table lists for a dashboard."""
    found = set()
    rows = [line.split("|") for line in PAGE.text.split("## Keys")[1].splitlines() if line.startswith("| ")][1:]
    for row in rows:
        told = row[column].strip()
        keys = [told[0]] if told[1:2] == ":" else row[1].split()
        found |= {ARROWS.get(key, key) for key in keys} if told else set()
    return found


def test_the_table_of_keys_is_read() -> None:
    assert {"ArrowUp", "1", "o", "p", "f", "c"} <= _keys(2)
    assert {"ArrowLeft", "p", "e", "n"} <= _keys(3)
    assert {"[", "]", "n", "u"} <= _keys(4)
    assert "e" not in _keys(4)


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
