"""What the README shows runs as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_ten_lines_run_as_shown(capsys) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, flags=re.S))
    assert code.count("\n") <= 11
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Context(" in printed
    assert len(names["explanation"].weights) == 77  # type: ignore[attr-defined]


def test_what_it_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"make ([a-z]+)\b", README)) - {"and"}
    assert named <= targets, named - targets


def test_its_commands_exist(capsys) -> None:
    from specanom.run.cli import main

    for command in set(re.findall(r"specanom (run|score|compare|doctor|report|label|cite)\b", README)):
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
