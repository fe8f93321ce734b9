"""The workers of a Dask scheduler."""

from __future__ import annotations

import contextlib
import math
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Future
from typing import Any

from .answers import within
from .crew import Needs, Workers, check_needs

_LOOK = 5  # seconds after which it is asked again who works for it
_ANSWER = 15  # seconds that it may take to tell


class Dask(Workers):
    """The workers of a Dask scheduler; some may still join, and others leave.

    Parameters
    ----------
    client : distributed.Client
    needs : mapping, optional
        Resources that each call takes, such as ``{"GPU": 1}``. When some worker declares all of them now, all calls go
        to such workers, also to those that join later; when none does, they go to any. It is decided once, so that
        calls of one kind do not run partly on GPUs and partly beside them: their numbers would differ in the last bit.
    """

    def __init__(self, client: Any, needs: Needs | None = None) -> None:
        self._client = client
        # The face of ``concurrent.futures``: its futures can be waited for together with any others.
        self._executor = client.get_executor(pure=False)
        self._needs: Needs = {}
        self._looked, self._width = -math.inf, 1
        wanted = check_needs(needs or {})
        if any(_places(one, wanted) for one in self._workers() or ()):
            self._needs = wanted

    @property
    def width(self) -> int:  # type: ignore[override]
        """Calls that can run at a time, as of a few seconds ago."""
        if time.monotonic() - self._looked > _LOOK:
            self._width = max(1, sum(_places(one, self._needs) for one in self._workers() or ()))
            self._looked = time.monotonic()
        return self._width

    def count(self, needs: Needs | None = None) -> int:
        """Return how many workers are there now, with `needs` those that have them."""
        return sum(_places(one, needs or {}) > 0 for one in self._workers() or ())

    def asking(self, needs: Needs) -> Dask:
        """See :class:`Workers`."""
        return Dask(self._client, needs)

    def absent(self) -> str:
        """See :class:`Workers`; a worker that has stopped for want of memory, and does nothing, is none."""
        there = self._workers()
        if there is None:
            return "no answer of the Dask scheduler"
        if any(_places(one, self._needs) and _works(one) for one in there):
            return ""
        which = "".join(f" with {name}" for name in self._needs)
        return f"no worker of Dask{which}" if not there else f"none of {len(there)} workers of Dask that goes on{which}"

    def submit(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """See :class:`Workers`."""
        return self._submitted(fn, args)

    def submit_named(self, name: str, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """See :class:`Workers`; the dashboard shows the name, without what makes it unique."""
        return self._submitted(fn, args, key=f"{name}-{uuid.uuid4().hex[:8]}")

    def _submitted(self, fn: Callable[..., Any], args: tuple[Any, ...], **options: str) -> Future[Any]:
        if self._client.status != "running":  # what is asked for now might never come back
            raise BrokenExecutor("the connection to the Dask scheduler is lost")
        future: Future[Any] = self._executor.submit(fn, *args, resources=dict(self._needs) or None, **options)
        return future

    def _workers(self) -> list[Mapping[str, Any]] | None:
        """Return what the scheduler tells of each worker; None when it does not answer."""
        if self._client.status != "running":
            return None
        try:
            told = within(_ANSWER, self._identity)
        except (OSError, TimeoutError, RuntimeError, CancelledError):  # the client may be closed meanwhile
            return None
        return list(told["workers"].values())

    def _identity(self) -> Mapping[str, Any]:
        try:
            told: Mapping[str, Any] = self._client.scheduler_info(n_workers=-1)
        except TypeError:  # before 2025 it always told all of them
            told = self._client.scheduler_info()
        return told


def _places(worker: Mapping[str, Any], needs: Needs) -> int:
    """Return how many calls a worker of Dask can run at a time."""
    has = worker.get("resources") or {}
    return int(min([worker["nthreads"], *(has.get(name, 0) // amount for name, amount in needs.items())]))


def _works(worker: Mapping[str, Any]) -> bool:
    """Say whether a worker of Dask takes calls, or is still busy with one."""
    counts = (worker.get("metrics") or {}).get("task_counts") or {}
    return worker.get("status", "running") == "running" or bool(counts.get("executing"))


def dask_client() -> Any:
    """Return the Dask client of this program, or None; Dask is never imported for it."""
    distributed = sys.modules.get("distributed")
    if distributed is None or _is_dask_task(distributed):
        return None
    with contextlib.suppress(ValueError):  # "no global client found"
        return distributed.get_client()
    return None


def _is_dask_task(distributed: Any) -> bool:
    """Say whether this is a task of Dask: one that waits for others takes the place they need."""
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def is_dask(executor: Any) -> bool:
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(executor, distributed.Client)
