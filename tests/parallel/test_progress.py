"""What a work in partitions shows of itself: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from specanom.parallel import progress
from specanom.parallel.progress import QUIET, Progress, shown

WORK = """
import sys
from specanom.parallel import progress
from specanom.parallel.progress import Progress
clock = iter(range(10**9))
progress.time.monotonic = lambda: 0.5 * next(clock)  # half a second at each look
with Progress("score", 1001, 100_100) as bar:
    for number in range(1000):
        bar.done(100, found=number < 10)
    bar.failed(100)
    bar.hindered("no worker is left")
    bar.hindered("")
"""


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != QUIET} | more


def test_a_log_gets_a_few_whole_lines_and_no_carriage_return(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with open(log, "wb") as file:
        subprocess.run([sys.executable, "-c", WORK], check=True, stdout=file, stderr=file, env=environment())
    said = log.read_bytes().decode("utf-8")
    assert "\r" not in said
    assert "\x1b" not in said
    lines = said.splitlines()
    assert said.endswith("\n")
    assert 5 < len(lines) <= 40  # 1,000 partitions in about 17 minutes
    assert all(line.startswith("score: ") and "partitions, " in line and "a second" in line for line in lines)
    assert lines[-1].startswith("score: 1000 of 1001 partitions, 100,000 of 100,100 spectra")
    assert lines[-1].endswith("; 100 in failed partitions")
    assert any(line.endswith("waits: no worker is left") for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_gets_one_line_that_moves_and_ends(tmp_path: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    running = subprocess.Popen([sys.executable, "-c", WORK.replace("progress.time.monotonic", "unused")], stdin=theirs,
                               stdout=theirs, stderr=theirs, env=environment(TERM="xterm", COLUMNS="90"))
    os.close(theirs)
    said = b""
    try:
        while data := os.read(ours, 65536):
            said += data
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert running.wait(60) == 0
    drawn = [part.rstrip() for part in said.decode("utf-8").replace("\x1b[A", "").splitlines() if part.strip()]
    assert max(map(len, drawn)) <= 90
    assert said.count(b"\n") <= 2  # moved by carriage returns
    assert drawn[-1].startswith("score: ")
    assert "100k/100k" in drawn[-1]
    assert drawn[-1].endswith("100 in failed partitions]")  # also when what it waited for has come
    assert any("waits:" in part for part in drawn)


def test_a_notebook_that_shows_its_own_progress_stays_quiet(monkeypatch, capsys) -> None:
    monkeypatch.setenv(QUIET, "1")
    assert not progress.shows_bars()
    with Progress("score", 1, 10) as bar:
        bar.done(10)
    assert capsys.readouterr().err == ""


def test_where_nobody_knows_how_many_there_are_nothing_is_made_up(monkeypatch, capsys) -> None:
    monkeypatch.delenv(QUIET, raising=False)
    with Progress("preprocess", 0, 0) as bar:
        bar.done(256)
    said = capsys.readouterr().err
    assert said.startswith("preprocess: 256 spectra, ")
    assert "of" not in said.split()
    assert "to go" not in said


def test_things_go_by_and_are_counted_by_their_name(monkeypatch, capsys) -> None:
    monkeypatch.delenv(QUIET, raising=False)
    assert list(shown(iter("abc"), "download", 3, unit="files")) == ["a", "b", "c"]
    assert capsys.readouterr().err.startswith("download: 3 of 3 files, ")
