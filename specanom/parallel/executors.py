"""Where work is done: one face for the calling thread, threads, processes, Dask and anybody's executor."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from ..errors import ArgumentError, DataError, message, require

_CALLS = 'None, "serial", "threads:N", "processes:N", "dask:ADDRESS" or an object with .submit'
_PATIENCE = 15  # seconds that a Dask scheduler may take to answer
_LOOK = 5  # seconds after which it is asked again who works for it

Needs = Mapping[str, float]
"""Resources by name, and how much of each one call takes."""


class Workers(ABC):
    """Somewhere to run functions.

    Attributes
    ----------
    width : int
        Functions that run at a time.
    ahead : int
        Calls worth having in flight: enough to keep it busy, few enough to hold memory flat.
    """

    width: int = 1

    @property
    def ahead(self) -> int:
        """Calls worth having in flight."""
        return max(8, 2 * self.width)

    @abstractmethod
    def submit(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Ask for ``fn(*args)``; returns a future."""

    def submit_named(self, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        """Ask for ``fn(*args)`` under a name that monitors show; returns a future."""
        return self.submit(fn, *args)

    def renew(self) -> bool:
        """Replace workers of which one has died; returns whether that can be done here."""
        return False

    def close(self, *, at_once: bool = False) -> None:  # noqa: B027 - most were opened by somebody else
        """Let the workers go; `at_once` without waiting for what they are doing."""


class Here(Workers):
    """The calling thread: a call is done when :meth:`submit` returns."""

    ahead = 1

    def submit(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args))
        except Exception as exc:  # an interrupt is nobody's result
            future.set_exception(exc)
        return future


class Foreign(Workers):
    """An executor that somebody else opened, and closes."""

    def __init__(self, executor: Any, width: int | None = None) -> None:
        self._executor = executor
        self.width = width or int(getattr(executor, "_max_workers", 0) or os.cpu_count() or 1)

    def submit(self, fn: Callable[..., Any], *args: Any) -> Any:
        """See :class:`Workers`."""
        return self._executor.submit(fn, *args)


class Threads(Workers):
    """A pool of threads."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._pool = ThreadPoolExecutor(width)

    def submit(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """See :class:`Workers`."""
        return self._pool.submit(fn, *args)

    def close(self, *, at_once: bool = False) -> None:
        """See :class:`Workers`; threads cannot be stopped, what runs is finished."""
        self._pool.shutdown(wait=True, cancel_futures=at_once)


class Processes(Workers):
    """A pool of processes, which end when this one does, however it ends.

    Each holds the reading end of a pipe whose only writing end is here. The system closes it with this process, also
    after ``kill -9``; a pool of the standard library alone would leave its workers waiting for ever.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._open()

    def _open(self) -> None:
        # Spawned: a fork takes over locks of threads, of which torch and BLAS have many.
        context = multiprocessing.get_context("spawn")
        lifeline, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.width, mp_context=context, initializer=_stand_by, initargs=(lifeline,))

    def submit(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """See :class:`Workers`."""
        return self._pool.submit(fn, *args)

    def renew(self) -> bool:
        """See :class:`Workers`."""
        self.close(at_once=True)
        self._open()
        return True

    def close(self, *, at_once: bool = False) -> None:
        """See :class:`Workers`."""
        if at_once:
            self._lifeline.close()
        self._pool.shutdown(wait=True, cancel_futures=at_once)
        self._lifeline.close()


def _stand_by(lifeline: Any) -> None:
    """Prepare a worker process: Ctrl-C is its parent's to answer, and it ends when the lifeline is cut."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            lifeline.recv()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
        if any(_places(one, wanted) for one in self._workers()):
            self._needs = wanted

    @property
    def width(self) -> int:  # type: ignore[override]
        """Calls that can run at a time, as of a few seconds ago."""
        if time.monotonic() - self._looked > _LOOK:
            self._looked = time.monotonic()
            self._width = max(1, sum(_places(one, self._needs) for one in self._workers()))
        return self._width

    def count(self, needs: Needs | None = None) -> int:
        """Return how many workers are there now, with `needs` those that have them."""
        return sum(_places(one, needs or {}) > 0 for one in self._workers())

    def submit(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """See :class:`Workers`."""
        return self._submitted(fn, args)

    def submit_named(self, name: str, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """See :class:`Workers`; the dashboard shows the name, without what makes it unique."""
        return self._submitted(fn, args, key=f"{name}-{uuid.uuid4().hex[:8]}")

    def _submitted(self, fn: Callable[..., Any], args: tuple[Any, ...], **options: str) -> Future[Any]:
        future: Future[Any] = self._executor.submit(fn, *args, resources=dict(self._needs) or None, **options)
        return future

    def _workers(self) -> list[Mapping[str, Any]]:
        try:
            told = self._client.scheduler_info(n_workers=-1)
        except TypeError:  # before 2025 it always told all of them
            told = self._client.scheduler_info()
        return list(told["workers"].values())


def check_needs(needs: Needs) -> Needs:
    """Return resources when they can be asked for.

    Raises
    ------
    ArgumentError
        For one without a name, or an amount that is no positive number.
    """
    for name, amount in needs.items():
        number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not (isinstance(name, str) and name and number and 0 < amount < math.inf):
            raise ArgumentError(message("needs", expected='resources and how much of each a task takes, {"GPU": 1}',
                                        got=f"{name!r}: {amount!r}"))
    return dict(needs)


def _places(worker: Mapping[str, Any], needs: Needs) -> int:
    """Return how many calls a worker of Dask can run at a time."""
    has = worker.get("resources") or {}
    return int(min([worker["nthreads"], *(has.get(name, 0) // amount for name, amount in needs.items())]))


@contextlib.contextmanager
def workers(executor: Any = None, *, needs: Needs | None = None) -> Iterator[Workers]:
    """Open what an executor's name stands for, and close it again.

    Parameters
    ----------
    executor : optional
        ``None``: a Dask client when the program has one already, else the calling thread. ``"serial"``: the calling
        thread. ``"threads"``, ``"threads:N"``, ``"processes"``, ``"processes:N"``: a pool, of as many as there are
        cores when N is not said. ``"dask:tcp://host:8786"`` or ``"dask:scheduler.json"``: the workers of a Dask
        scheduler. Or a Dask client, or any object with ``.submit``, such as an executor of ``concurrent.futures``;
        those are left open.
    needs : mapping, optional
        Resources that each call takes, such as ``{"GPU": 1}``: on a Dask cluster where some workers declare them, the
        calls go to those only. Elsewhere nothing is asked.

    Yields
    ------
    Workers

    Raises
    ------
    ArgumentError
        For any other executor, or needs that are none.
    DataError
        When no Dask scheduler answers at the address.
    """
    with contextlib.ExitStack() as stack:
        crew = _opened(executor, stack, check_needs(needs or {}))
        try:
            yield crew
        except BaseException:
            crew.close(at_once=True)
            raise
        crew.close()


def check_executor(executor: str) -> None:
    """Look at an executor's name, ``""`` for none, without opening it.

    Raises
    ------
    ArgumentError
        When it is none.
    """
    kind, _, rest = executor.partition(":")
    pool = kind in _POOLS and (not rest or (rest.isdecimal() and int(rest) > 0))
    if executor not in ("", "serial") and not pool and not (kind == "dask" and rest):
        raise ArgumentError(message("executor", expected=_CALLS, got=repr(executor)))


_POOLS: dict[str, Callable[[int], Workers]] = {"threads": Threads, "processes": Processes}


def _opened(executor: Any, stack: contextlib.ExitStack, needs: Needs) -> Workers:
    if isinstance(executor, str):
        check_executor(executor)
        kind, _, rest = executor.partition(":")
        if kind == "dask":
            return Dask(stack.enter_context(_connected(rest)), needs)
        if kind in _POOLS:
            return _POOLS[kind](int(rest) if rest else os.cpu_count() or 1)
    executor = (executor or _dask_client()) if executor in (None, "") else executor
    if executor is None or executor == "serial":
        return Here()
    if isinstance(executor, Workers):
        return executor
    if _is_dask(executor):
        return Dask(executor, needs)
    if isinstance(executor, Executor) or callable(getattr(executor, "submit", None)):
        return Foreign(executor)
    raise ArgumentError(message("executor", expected=_CALLS, got=repr(executor)))


def _dask_client() -> Any:
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


def _is_dask(executor: Any) -> bool:
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(executor, distributed.Client)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    distributed = require("distributed", extra="dask")
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    try:
        client = distributed.Client(**where, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as exc:
        raise DataError(message("executor", expected=f"a Dask scheduler that answers at {address}",
                                got=f"{type(exc).__name__}: {exc}",
                                hint='"dask:tcp://HOST:PORT" as its log says, or "processes:N"')) from exc
    with client:
        yield client
