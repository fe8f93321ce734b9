"""A run that is stopped or killed, and its kernel and workers: real processes, all gone soon, and nothing lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from specanom.run.manifest import Manifest
from specanom.run.process import _began
from specanom.run.stopping import Stopped, exit_code, stopped_by_signals

ROOT = Path(__file__).resolve().parent.parent.parent
SOON = 60.0  # seconds, on a machine that does much else


def command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "tests.run.killable", str(folder), *more]


@contextlib.contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Start a run as a terminal does; gives it, and the pids of its kernel and of that's workers."""
    running = subprocess.Popen(command(folder), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    with running:
        try:
            wait_for((folder / "pids.json").exists, "the notebook to start")
            pids = json.loads((folder / "pids.json").read_text())
            assert all(map(alive, pids))
            yield running, pids
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def wait_for(what: Callable[[], bool], name: str) -> None:
    end = time.monotonic() + SOON
    while not what():
        assert time.monotonic() < end, f"waited for {name}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    return _began(pid) is not None


def gone(pids: list[int]) -> bool:
    return not any(map(alive, pids))


def resumes(folder: Path) -> None:
    """Go on with a run, and see that it ends as one that was never stopped."""
    (folder / "go").touch()
    done = subprocess.run(command(folder, "resume"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "product").read_text() == "made"
    assert Manifest(folder).stage("01_acquire")["status"] == "done"
    assert not [path for path in folder.rglob("*") if path.name.endswith((".part", ".old"))]


@pytest.mark.parametrize(("number", "to", "code"), [
    (signal.SIGINT, "group", 130), (signal.SIGTERM, "one", 143), (signal.SIGTERM, "all", 143),
    (signal.SIGHUP, "group", 129)])
def test_a_run_that_is_asked_to_stop_ends_all_it_started_and_goes_on_later(
        number: signal.Signals, to: str, code: int, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with started(folder) as (running, pids):
        if to == "one":
            os.kill(running.pid, number)
        else:  # the keys of a terminal reach its group, a batch system every process of a job
            os.killpg(running.pid, number)
            for pid in pids if to == "all" else []:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        _, said = running.communicate(timeout=SOON)
        assert running.returncode == code
        assert said.splitlines() == ["interrupted; finished stages are kept, the same command goes on from there"]
        wait_for(lambda: gone(pids), "the kernel and its workers to end")
    assert Manifest(folder).stage("01_acquire")["status"] == "interrupted"
    assert not [path for path in folder.rglob("*") if path.name.endswith((".part", ".old"))]
    if to != "group":
        resumes(folder)


def test_a_killed_run_takes_its_kernel_and_workers_along(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with started(folder) as (running, pids):
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        wait_for(lambda: gone(pids), "the kernel and its workers to end")
    assert Manifest(folder).stage("01_acquire")["status"] == "running"
    resumes(folder)


def test_a_killed_kernel_is_told_in_one_message_and_takes_its_workers_along(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with started(folder) as (running, pids):
        os.kill(pids[0], signal.SIGKILL)
        _, said = running.communicate(timeout=SOON)
        assert running.returncode == 4
        assert said.startswith("specanom: 01_acquire: process: expected the notebook's process to live, got its end")
        assert "Traceback" not in said
        assert "give the same command again" in said
        wait_for(lambda: gone(pids), "the workers to end")
    assert Manifest(folder).stage("01_acquire")["status"] == "failed"
    resumes(folder)


def test_a_signal_that_is_ignored_stays_so_and_all_is_as_before_in_the_end() -> None:
    def both() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup leaves it
    try:
        with pytest.raises(Stopped) as told, stopped_by_signals():
            both()
        assert exit_code(told.value) == 143
        assert exit_code(KeyboardInterrupt()) == 130
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
