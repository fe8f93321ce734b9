"""One process a run folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import SpecanomError, message

NAME = ".lock"


class RunBusy(SpecanomError):
    """Another process is working in the run folder."""


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run folder.

    The lock is the system's: it ends with the process, however that ends, so that there is nothing to clear away. Where
    the system or the file system has no such locks, nothing is locked.

    Raises
    ------
    RunBusy
        When another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / NAME, "a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise RunBusy(message("run_dir", expected="a folder that no other run is working in",
                                  got=f"{folder}, in use by process {handle.read().strip() or 'unknown'}",
                                  hint="wait for it, or give another --run-dir")) from None
        except OSError:
            yield
            return
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield
