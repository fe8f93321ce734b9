"""What all workers of a parallel test run share: one of them makes it, the others wait."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file against the other workers."""
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder called `name`, made by ``make(folder)`` for the whole test run; nobody may change it."""
    shared = factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, whole = shared / name, shared / f"{name}.whole"
    with locked(shared / f"{name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # half of it, of a maker that failed
            make(folder)
            whole.touch()
    return folder
