"""Who may work in a run folder: one process, as long as it lives, whatever becomes of it and of the machine."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from specanom.disk import DiskError
from specanom.run import lock, process
from specanom.run.lock import RunBusy, holder, only_one
from specanom.run.process import this_process

HOLD = """
import os, sys, time
from pathlib import Path
from specanom.run.lock import only_one
with only_one(Path(sys.argv[1])):
    if "fork" in sys.argv and os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)
        os._exit(0)
    if "fork" not in sys.argv:
        print(os.getpid(), flush=True)
    time.sleep(60)
"""
ROUNDS, RIVALS = 40, 4


@contextmanager
def holding(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Let another process hold the folder; gives it, and the pid that it printed."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder), *more], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        try:
            yield other, int(other.stdout.readline())
        finally:
            other.kill()


def write_lock(folder: Path, **changed: Any) -> Path:
    """Leave a lock as a process made it that is this one but for some facts."""
    path = folder / ".lock-000003"
    path.write_text(json.dumps(asdict(replace(this_process(), **changed))))
    return path


def locks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _rival(folder: str, barrier: Any, wins: Any) -> None:
    for turn in range(ROUNDS):
        with ExitStack() as stack:
            barrier.wait()
            try:
                stack.enter_context(only_one(Path(folder)))
                with wins.get_lock():
                    wins[turn] += 1
            except RunBusy:
                pass
            barrier.wait()


@pytest.mark.parametrize("links", [True, False])
def test_of_processes_that_start_at_one_moment_one_works(links: bool, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier, wins = context.Barrier(RIVALS, timeout=60), context.Array("i", ROUNDS)
    with pytest.MonkeyPatch.context() as patch:
        if not links:
            patch.setattr(os, "link", no_links)
        rivals = [context.Process(target=_rival, args=(str(tmp_path), barrier, wins)) for _ in range(RIVALS)]
        for one in rivals:
            one.start()
    for one in rivals:
        one.join()
    assert [one.exitcode for one in rivals] == [0] * RIVALS
    assert wins[:] == [1] * ROUNDS
    assert len(locks(tmp_path)) == 1  # the last one, released
    assert holder(tmp_path) is None


def no_links(*args: Any) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_a_folder_in_use_says_by_whom_since_when_and_what_to_do(tmp_path: Path) -> None:
    with holding(tmp_path) as (other, pid):
        with pytest.raises(RunBusy) as told, only_one(tmp_path):
            pass
        assert other.poll() is None
        assert f"in use by process {pid} on {this_process().host} since 20" in str(told.value)
        assert f"kill {pid} ends it" in str(told.value)
        found = holder(tmp_path)
        assert found is not None
        assert found.pid == pid


def test_a_killed_owner_is_taken_over_from_at_once_even_before_it_is_reaped(tmp_path: Path) -> None:
    with holding(tmp_path) as (other, pid):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # a zombie: dead, and its number is still given
        with only_one(tmp_path):
            found = holder(tmp_path)
            assert found is not None
            assert found.pid == os.getpid()
        assert other.wait() == -signal.SIGKILL


def test_a_child_that_lives_on_does_not_hold_the_folder(tmp_path: Path) -> None:
    with holding(tmp_path, "fork") as (other, child):
        other.kill()
        other.wait()
        try:
            os.kill(child, 0)  # it lives, with all files that its parent had open
            with only_one(tmp_path):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_child_that_leaves_the_block_does_not_release_the_folder(tmp_path: Path) -> None:
    with only_one(tmp_path):
        child = os.fork()
        if child == 0:
            os._exit(_left(tmp_path))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert holder(tmp_path) is not None


def _left(folder: Path) -> int:
    """Leave, in a child, the block that its parent is in; returns 0 when the lock is still held."""
    generator = only_one(folder / "own").gen
    next(generator)
    if os.fork() == 0:
        next(generator, None)
        os._exit(0)
    os.wait()
    return 0 if holder(folder / "own") is not None else 1


def test_a_number_that_was_given_again_is_no_owner(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=os.getppid(), began="12345")  # that process lives, but it began at another time
    with only_one(tmp_path):
        pass
    (tmp_path / "other").mkdir()
    write_lock(tmp_path / "other", pid=os.getppid(), began=process._began(os.getppid()))
    with pytest.raises(RunBusy), only_one(tmp_path / "other"):
        pass


def test_a_machine_that_was_started_again_has_no_owners(tmp_path: Path) -> None:
    write_lock(tmp_path, pid=os.getppid(), boot="another start", began=process._began(os.getppid()))
    with only_one(tmp_path):
        pass


@pytest.mark.parametrize("changed", [{"host": "node17", "boot": "other"}, {"machine": "of that name", "boot": "other"}])
def test_a_lock_of_another_machine_is_left_alone_and_the_way_out_told(changed: dict[str, str], tmp_path: Path) -> None:
    path = write_lock(tmp_path, pid=4_000_000, **changed)
    before = path.read_bytes()
    with pytest.raises(RunBusy, match=f"process 4000000 on .* delete {path}"), only_one(tmp_path):
        pass
    assert path.read_bytes() == before
    path.unlink()  # as told
    with only_one(tmp_path):
        pass


def test_another_container_of_this_machine_is_seen_by_the_lock_of_the_system(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    path = write_lock(tmp_path, host="container", space="pid:[1]", pid=7)
    with open(path, "rb") as handle:  # as that one has it
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(RunBusy, match="on container"), only_one(tmp_path):
            pass
    with only_one(tmp_path):
        pass


def test_two_threads_of_one_process_are_two(tmp_path: Path) -> None:
    said: list[str] = []

    def work() -> None:
        try:
            with only_one(tmp_path):
                said.append("let in")
        except RunBusy as exc:
            said.append(str(exc))

    with only_one(tmp_path):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    work()
    assert f"process {os.getpid()}" in said[0]
    assert "kill" not in said[0]
    assert said[1] == "let in"


def test_a_lock_that_its_maker_never_wrote_to_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    (tmp_path / ".lock-000009").write_bytes(b"")
    with only_one(tmp_path):
        assert locks(tmp_path) == [".lock-000010"]


def test_locks_of_earlier_versions_and_of_ended_runs_are_tidied_away(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("123\n")
    for _ in range(3):
        with only_one(tmp_path):
            pass
    assert locks(tmp_path) == [".lock-000003"]


def test_one_who_looked_long_ago_does_not_get_a_number_that_is_past(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look: Callable[[Path], Path | None] = lock._last
    looks: list[Path | None] = []

    def slow(folder: Path) -> Path | None:
        found = look(folder)
        if not looks:  # meanwhile others come and go, and one stays
            looks.append(found)
            write_lock(tmp_path, pid=os.getppid(), began=process._began(os.getppid()))
        return found

    monkeypatch.setattr(lock, "_last", slow)
    with pytest.raises(RunBusy, match=str(os.getppid())), only_one(tmp_path):
        pass
    assert locks(tmp_path) == [".lock-000003"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: Any, **more: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DiskError, match=r"mounted read-only.*Try: a folder that may be written to"), only_one(tmp_path):
        pass
