"""What a command and all its children take: wall and processor seconds, memory, room on a disk."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

SPAWNED = "multiprocessing.spawn"
"""In the command of a process of a pool."""
PERIOD = 0.25
"""Seconds between two looks at the memory; at the disk it is looked every tenth time."""


@dataclass(frozen=True)
class Taken:
    """What a command took.

    Attributes
    ----------
    wall, cpu : float
        Seconds; of the processors those of the command and all its children.
    workers : float
        What of `cpu` was used by processes of a pool, which more workers share; the rest is done by one.
    memory : int
        The most bytes that its processes had at a time: the sum of their resident sets, so pages that several share
        count several times.
    largest : int
        The most bytes that one of them had.
    disk : int
        The most bytes that were in the folder.
    """

    wall: float
    cpu: float
    workers: float
    memory: int
    largest: int
    disk: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def watched(command: Sequence[str], folder: Path, *, log: Path, cwd: Path | None = None) -> Taken:
    """Run a command to its end and return what it took.

    Parameters
    ----------
    command : sequence of str
    folder : Path
        Whose size is watched.
    log : Path
        What it prints is added to it.
    cwd : Path, optional

    Raises
    ------
    RuntimeError
        When it fails, with the end of what it said.
    """
    start, before = time.perf_counter(), _used()
    with open(log, "a", encoding="utf-8") as handle:
        process = subprocess.Popen(command, cwd=cwd, stdout=handle, stderr=subprocess.STDOUT)
        look = _Look(process.pid, folder)
        try:
            code = process.wait()
        except BaseException:
            end(process.pid)
            raise
        finally:
            look.end()
    if code:
        tail = "".join(log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-30:])
        raise RuntimeError(f"{' '.join(command)}: exit code {code}\n{tail}")
    return Taken(time.perf_counter() - start, _used() - before, look.workers, look.memory, look.largest, look.disk)


def end(pid: int, patience: float = 10.0) -> None:
    """End a process and all that it has started: asked first, killed after a while.

    Parameters
    ----------
    pid : int
        Of a child, which is waited for too.
    patience : float
        Seconds between the two.
    """
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        family = [first, *first.children(recursive=True)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(number)
        _, family = psutil.wait_procs(family, timeout=patience)


def _used() -> float:
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


class Looking(ABC):
    """Looks at a process and its children now and then, in a thread, from when it is made."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()

    @abstractmethod
    def look(self) -> None:
        """Look once; what is needed for it is there before the thread starts."""

    def _run(self) -> None:
        while not self._over.wait(PERIOD):
            self.look()


class _Look(Looking):
    """Memory, processors and disk."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._folder = folder
        self.memory = self.largest = self.disk = self._count = 0
        self._pool: dict[int, float] = {}
        super().__init__(pid)

    def end(self) -> None:
        """Stop looking."""
        super().end()
        self.disk = max(self.disk, size_of(self._folder))

    @property
    def workers(self) -> float:
        """Processor seconds of processes of a pool, up to a look before their end."""
        return sum(self._pool.values())

    def look(self) -> None:
        """Look at the memory, and now and then at the disk."""
        with contextlib.suppress(psutil.Error):
            self._memory()
        if self._count % 10 == 0:
            self.disk = max(self.disk, size_of(self._folder))
        self._count += 1

    def _memory(self) -> None:
        first = psutil.Process(self._pid)
        sizes = []
        for one in [first, *first.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                sizes.append(one.memory_info().rss)
                if any(SPAWNED in part for part in one.cmdline()):
                    self._pool[one.pid] = sum(one.cpu_times()[:2])
        self.memory, self.largest = max(self.memory, sum(sizes)), max(self.largest, max(sizes, default=0))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder, those with several names once; 0 when it is not there.

    Files may come and go meanwhile.
    """
    if path.is_file():
        return path.stat().st_size
    total, seen = 0, set[int]()
    for root, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                found = os.stat(os.path.join(root, name))
                total += 0 if found.st_ino in seen else found.st_size
                seen.add(found.st_ino)
    return total
