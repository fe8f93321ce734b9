"""Every change comes with a fragment that towncrier understands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
KINDS = {kind["directory"] for kind in SETTINGS["type"]}
OTHER = {"README.md", "template.md"}
FRAGMENT = re.compile(r"(\+?[a-z0-9][a-z0-9_-]*)\.([a-z]+)(\.\d+)?\.md")


def misnamed(names: list[str]) -> list[str]:
    """Return the files of a folder of fragments that are of no kind."""
    found = {name: FRAGMENT.fullmatch(name) for name in names if name not in OTHER}
    return [name for name, match in found.items() if match is None or match[2] not in KINDS]


def test_each_fragment_is_of_a_known_kind_and_says_something() -> None:
    files = sorted((ROOT / SETTINGS["directory"]).iterdir())
    assert misnamed([file.name for file in files]) == []
    for file in files:
        assert len(file.read_text(encoding="utf-8").split()) > 3, file.name
        assert not file.read_text(encoding="utf-8").startswith(("-", "#")) or file.name in OTHER, file.name


def test_a_fragment_of_no_kind_is_found() -> None:
    assert misnamed(["+x.added.md", "12.fixed.2.md", "README.md"]) == []
    assert misnamed(["+x.feature.md", "note.md", "x.added.rst"]) == ["+x.feature.md", "note.md", "x.added.rst"]


def test_the_kinds_are_those_that_contributors_are_told() -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", (ROOT / "changes" / "README.md").read_text(), flags=re.M)
    assert set(told) == KINDS
    assert SETTINGS["start_string"] in (ROOT / SETTINGS["filename"]).read_text(encoding="utf-8")


def test_towncrier_writes_them_into_the_changelog(tmp_path: Path) -> None:
    pytest.importorskip("towncrier")
    shutil.copytree(ROOT / "changes", tmp_path / "changes")
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "changes" / "+first.fixed.md").write_text("What was wrong is right.\n")
    before = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "9.8.7", "--date", "2031-05-04"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    section = after.split("## 9.8.7 (2031-05-04)\n")[1].split("\n## ")[0]
    assert "- What was wrong is right.\n" in section.split("### Fixed\n\n")[1].split("###")[0]
    assert after.index(SETTINGS["start_string"]) < after.index("## 9.8.7") < after.index("## Unreleased")
    assert after.endswith(before.split(SETTINGS["start_string"])[1].lstrip())
    assert {file.name for file in (tmp_path / "changes").iterdir()} == OTHER
