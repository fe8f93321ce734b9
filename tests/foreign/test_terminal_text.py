"""No escape sequence of a name reaches a terminal, by a message or by the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
from specanom.errors import DataError, message
from specanom.run.cli import main
from specanom.run.plainly import CLEAR, printed_plainly
from specanom.visible import visible

ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m"


@given(st.text())
def test_what_is_visible_acts_on_nothing_and_keeps_every_letter(text: str) -> None:
    made = visible(text)
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 or one in "\u202a\u202e\u2066\u2028\u2029" for one in made)
    assert visible(made) == made
    if text.isprintable():
        assert made == text


def test_a_message_shows_what_hides(tmp_path: Path) -> None:
    assert ESCAPE not in message("id", expected="text", got=ESCAPE)
    with pytest.raises(DataError) as told:
        sa.models.load(tmp_path / f"a{ESCAPE}\u202eb")
    assert "␛[2J" in str(told.value)
    assert not any(one in str(told.value) for one in "\x1b\x07\x9b\u202e")


def test_what_is_printed_is_text_but_for_the_line_that_is_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    with printed_plainly():
        sys.stdout.write(f"{CLEAR}stage {ESCAPE}\tx\n")
        sys.stderr.write(ESCAPE)
    out, err = capsys.readouterr()
    assert out == f"{CLEAR}stage ␛[2J␛]0;owned␇⟨U+009B⟩31m\tx\n"
    assert "\x1b" not in err


@pytest.mark.parametrize("command", [["compare"], ["report"], ["cite"], ["app", "--no-browser"], ["run", "--run-dir"]])
def test_the_command_prints_no_name_of_a_stranger_raw(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / f"run{ESCAPE}"
    folder.mkdir()
    told = {"format": "specanom run", "version": 1, "parameters": {ESCAPE: ESCAPE, "path": f"../{ESCAPE}"},
            "versions": {}, "stages": {ESCAPE: {"status": ESCAPE, "outputs": {"../../x": "1"}}}}
    (folder / "manifest.json").write_text(json.dumps(told))
    before = sorted(os.listdir(tmp_path))
    given = [*command, str(folder)] + ([str(folder)] if command == ["compare"] else [])
    main(given)
    assert "\x1b" not in "".join(capsys.readouterr())
    assert sorted(os.listdir(tmp_path)) == before


def test_a_log_of_the_command_has_none_either(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "specanom.run.cli", "report", str(tmp_path / f"no{ESCAPE}")],
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == 3
    assert b"\x1b" not in done.stdout + done.stderr
