"""How much memory there is, and what is too large for it."""

from __future__ import annotations

import math
import os
from pathlib import Path

SHARE = 0.25
"""Share of the free memory above which data are better left on disk."""


def is_large(size: float) -> bool:
    """Whether so many bytes are more than a quarter of the free memory."""
    return size > SHARE * free_memory()


def free_memory() -> float:
    """Return the bytes that this process may still take: of the machine, or of its control group where that is less.

    Infinite where the system does not tell.
    """
    return min(_of_machine(), _of_group())


def _of_machine() -> float:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * float(line.split()[1])
    except (OSError, ValueError):
        pass
    try:
        return 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")  # what is free is not told: half
    except (OSError, ValueError, AttributeError):
        return math.inf


def _of_group(mount: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> float:
    """Return what the control group (version 2) leaves, such as that of a container or of a Slurm job."""
    try:
        name = next(line[3:] for line in own.read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return math.inf
    left, folder = math.inf, mount / name.strip("/")
    while folder.is_relative_to(mount):
        left = min(left, _left_in(folder))
        folder = folder.parent
    return left


def _left_in(folder: Path) -> float:
    try:
        most = float((folder / "memory.max").read_text())  # "max" is no number
        used = float((folder / "memory.current").read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return math.inf
    return max(most - used + float(stat.get("file", 0.0)), 0.0)  # pages of files are given back when room is needed
