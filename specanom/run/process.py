"""A process by more than its number, which systems give again: host, boot, and when it began."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import os
import platform
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")
JOB = "SPECANOM_JOB"
"""Variable for the name of a job of a cluster that is never at work twice; set by scripts of ``specanom deploy``."""


@dataclass(frozen=True)
class Process:
    """A process.

    Parameters
    ----------
    pid : int
    host : str
        Name of the machine, or of the container.
    machine : str
        What tells a machine from another of that name; empty where the system does not say.
    boot : str
        What tells one start of the machine from another; empty where the system does not say.
    space : str
        What tells the numbers of processes of one container from those of another; empty where there is no such thing.
    began : str
        When the process began, by a clock that nobody sets; empty where the system does not say.
    since : str
        When it took what it holds, for people.
    job : str
        The job of a cluster that it belongs to; empty outside of one. A cluster starts a job again, perhaps on another
        machine, only when it has ended.
    """

    pid: int
    host: str
    machine: str = ""
    boot: str = ""
    space: str = ""
    began: str = ""
    since: str = ""
    job: str = ""

    @property
    def on_this_machine(self) -> bool:
        """Whether it was started by the system that runs here, in a container or not."""
        return bool(self.boot) and self.boot == _boot()

    @property
    def here(self) -> bool:
        """Whether what becomes of it can be seen from here."""
        if self.boot and _boot():
            return self._before_boot or (self.boot == _boot() and self.space == _space())
        return self.host == platform.node()

    @property
    def _before_boot(self) -> bool:
        """Whether it ran on this machine before that was started again: it has ended then."""
        return (self.host, self.machine) == (platform.node(), _machine()) and self.boot != _boot() \
            and not self.host.startswith("localhost")

    @property
    def alive(self) -> bool:
        """Whether it still runs, for one that is `here`."""
        if self._before_boot:
            return False
        began = _began(self.pid)
        return began is not None and (not began or not self.began or began == self.began)

    def same(self, other: Process) -> bool:
        """Say whether both are one process."""
        return replace(self, since="") == replace(other, since="")

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" + (f" since {self.since}" if self.since else "")


def this_process() -> Process:
    """Return the process that asks, as of now."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Process(os.getpid(), platform.node(), _machine(), _boot(), _space(), _began(os.getpid()) or "", now,
                   os.environ.get(JOB, ""))


def _machine() -> str:
    return _text(Path("/etc/machine-id"))


def _boot() -> str:
    return _text(_PROC / "sys/kernel/random/boot_id")


@lru_cache
def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text().strip()
    return ""


def _space() -> str:
    with contextlib.suppress(OSError):
        return os.readlink(_PROC / "self/ns/pid")
    return ""


def _began(pid: int) -> str | None:
    """Return when a process began, empty when that cannot be known, None when there is no such process."""
    if (_PROC / "self/stat").exists():
        return _linux_began(pid)
    with contextlib.suppress(ImportError):
        psutil = importlib.import_module("psutil")  # comes with the kernels of notebooks
        with contextlib.suppress(psutil.AccessDenied):
            try:
                process = psutil.Process(pid)
                return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
            except psutil.NoSuchProcess:
                return None
        return ""
    return _asked(pid)


def _asked(pid: int) -> str | None:
    if os.name == "nt":  # there, this question would end it
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return ""


def _linux_began(pid: int) -> str | None:
    """Return the ticks between the start of the machine and that of a process: no clock that is set changes them."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return _asked(pid)  # some systems hide those of other people
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]
