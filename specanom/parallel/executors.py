"""Where work is done: one face for the calling thread, threads, processes, Dask and anybody's executor."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from ..errors import ArgumentError, DataError, message, nearest, require
from .answers import within
from .crew import Needs, Workers, check_needs
from .scheduler import Dask, dask_client, is_dask

_CALLS = 'None, "serial", "threads:N", "processes:N", "dask:ADDRESS" or an object with .submit'
_PATIENCE = 15  # seconds that a Dask scheduler may take to answer
_CLOSES = 30  # and to say farewell

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


@contextlib.contextmanager
def workers(executor: Any = None, *, needs: Needs | None = None) -> Iterator[Workers]:
    """Open what an executor's name stands for, and close it again.

    Parameters
    ----------
    executor : optional
        ``None``: a Dask client when the program has one already, else the calling thread. ``"serial"``: the calling
        thread. ``"threads"``, ``"threads:N"``, ``"processes"``, ``"processes:N"``: a pool, of as many as there are
        cores when N is not said. ``"dask:tcp://host:8786"`` or ``"dask:scheduler.json"``: the workers of a Dask
        scheduler. Or a Dask client, what this function has opened, or any object with ``.submit``, such as an
        executor of ``concurrent.futures``; those are left open.
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
    if isinstance(executor, Workers):
        yield executor.asking(check_needs(needs or {}))
        return
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
        near = _meant(kind, rest)
        hint = f"did you mean {near!r}?" if near else ""
        raise ArgumentError(message("executor", expected=_CALLS, got=repr(executor), hint=hint))


def _meant(kind: str, rest: str) -> str:
    """Return the executor that a name may have been meant for, or ""."""
    if kind in ("tcp", "tls", "ucx"):
        return f"dask:{kind}:{rest}"
    said = kind.strip().lower()
    name = said.rstrip("0123456789")
    near = nearest(name.rstrip(" ="), ["serial", *_POOLS, "dask"]) or ""
    if near == "dask":
        return f"dask:{rest or 'ADDRESS'}"
    count = rest if rest.isdecimal() else said[len(name):]
    return f"{near}:{int(count)}" if near in _POOLS and count and int(count) else near


_POOLS: dict[str, Callable[[int], Workers]] = {"threads": Threads, "processes": Processes}


def _opened(executor: Any, stack: contextlib.ExitStack, needs: Needs) -> Workers:
    if isinstance(executor, str):
        check_executor(executor)
        kind, _, rest = executor.partition(":")
        if kind == "dask":
            return Dask(stack.enter_context(_connected(rest)), needs)
        if kind in _POOLS:
            return _POOLS[kind](int(rest) if rest else os.cpu_count() or 1)
    executor = (executor or dask_client()) if executor in (None, "") else executor
    if executor is None or executor == "serial":
        return Here()
    if is_dask(executor):
        return Dask(executor, needs)
    if isinstance(executor, Executor) or callable(getattr(executor, "submit", None)):
        return Foreign(executor)
    raise ArgumentError(message("executor", expected=_CALLS, got=repr(executor)))


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    distributed = require("distributed", extra="dask")
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    try:
        # Of something else that listens there, or has been stopped, a client waits for ever.
        client = within(3 * _PATIENCE, lambda: distributed.Client(**where, timeout=_PATIENCE, set_as_default=False))
    except (OSError, TimeoutError, ValueError) as exc:
        raise DataError(message("executor", expected=f"a Dask scheduler that answers at {address}",
                                got=f"{type(exc).__name__}: {exc}",
                                hint='"dask:tcp://HOST:PORT" as its log says, or "processes:N"')) from exc
    try:
        yield client
    finally:
        with contextlib.suppress(OSError, TimeoutError):  # of a scheduler that is gone, there is nothing to close
            within(_CLOSES, client.close)
