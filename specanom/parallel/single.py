"""One thread a task: the same bits wherever it runs, and no two workers that fight for the cores."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What libraries ask for when they are loaded, as torch is by the first task that uses it."""
_LOCAL = threading.local()


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Keep BLAS, OpenMP and torch to one thread, also those that are loaded meanwhile.

    How a product of matrices is summed depends on the number of threads; a result that does not may be compared byte
    by byte between a laptop and a cluster. Several workers bring the cores back. Tasks may run in several threads of
    a process: of what counts for the whole process, the first sets the limit and the last lifts it.
    """
    if getattr(_LOCAL, "within", False):  # a task within a task: the outer one lifts the limit
        yield
        return
    _LIMIT.enter()
    _LOCAL.within = True
    try:
        yield
    finally:
        _LOCAL.within = False
        _LIMIT.leave()


class _Limit:
    """What all threads that work share: how many they are, and what there was before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: dict[str, int] = {}
        self._variables: dict[str, str | None] = {}
        self._usual = 1

    def enter(self) -> None:
        """Set the limit, of OpenMP and torch in this thread."""
        with self._lock:
            libraries = _libraries()
            if not self._inside:
                self._variables = {name: os.environ.get(name) for name in _VARIABLES}
                self._usual = _usual(self._variables)
                self._before = {one.filepath: one.num_threads for one in libraries}
                self._before["torch"] = _threads_of_torch() or self._usual
                os.environ.update(dict.fromkeys(_VARIABLES, "1"))
            self._inside += 1
            for one in libraries:
                one.set_num_threads(1)
            _set_torch(1)

    def leave(self) -> None:
        """Lift the limit: of OpenMP in this thread, of all else with the last, as torch tells other threads too."""
        with self._lock:
            self._inside -= 1
            for one in _libraries():
                if one.user_api == "openmp" or not self._inside:
                    one.set_num_threads(self._before.get(one.filepath, self._usual))
            if not self._inside:
                _set_torch(self._before["torch"])
                for name, value in self._variables.items():
                    os.environ.pop(name, None)
                    if value is not None:
                        os.environ[name] = value


_LIMIT = _Limit()


def _libraries() -> list[Any]:
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().lib_controllers)


def _usual(variables: dict[str, str | None]) -> int:
    """Return how many threads a library takes that is loaded without a limit."""
    said = variables["OMP_NUM_THREADS"] or ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(said) if said.isdecimal() and int(said) else cores


def _threads_of_torch() -> int:
    torch: Any = sys.modules.get("torch")
    return int(torch.get_num_threads()) if hasattr(torch, "get_num_threads") else 0


def _set_torch(count: int) -> None:
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):
        torch.set_num_threads(count)
        torch.get_num_threads()  # else this thread would begin with what another one sets later
