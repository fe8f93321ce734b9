"""One way to run a function over blocks: here, in threads, in processes, or on anything with ``.submit``."""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, TypeVar

from .errors import ArgumentError, message

A = TypeVar("A")
B = TypeVar("B")

_AHEAD = 8  # blocks in flight on an executor: enough to keep it busy, few enough to hold memory flat


def map_blocks(fn: Callable[[A], B], blocks: Iterable[A], executor: Any = None) -> Iterator[B]:
    """Apply `fn` to each block and yield the results in order.

    Parameters
    ----------
    fn : callable
        Works on one block. For processes it must be importable.
    blocks : iterable
        The blocks; taken only as fast as they are worked off.
    executor : None, "serial", "threads", "threads:N", "processes:N" or object with ``submit``
        None uses a Dask client when the program has one already, else the calling thread.

    Yields
    ------
    object
        ``fn(block)``, in the order of the blocks.
    """
    if executor is None:
        executor = _dask_client()
    if executor is None or executor == "serial":
        yield from map(fn, blocks)
    elif isinstance(executor, str):
        with _pool(executor) as pool:
            yield from _submit(fn, blocks, pool)
    elif hasattr(executor, "submit"):
        yield from _submit(fn, blocks, executor)
    else:
        raise ArgumentError(message("executor", expected='None, "threads", "processes:N" or an object with .submit',
                                    got=repr(executor)))


def _submit(fn: Callable[[A], B], blocks: Iterable[A], pool: Any) -> Iterator[B]:
    waiting: deque[Any] = deque()
    for block in blocks:
        waiting.append(pool.submit(fn, block))
        if len(waiting) >= _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _pool(text: str) -> Executor:
    kind, _, count = text.partition(":")
    pools: dict[str, Callable[..., Executor]] = {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor}
    if kind not in pools or (count and not count.isdigit()):
        raise ArgumentError(message("executor", expected='"serial", "threads:N" or "processes:N"', got=repr(text)))
    return pools[kind](max_workers=int(count) if count else None)


def _dask_client() -> Any:
    """Return the Dask client of this program, or None; Dask is never imported for it."""
    distributed = sys.modules.get("distributed")
    if distributed is not None:
        with contextlib.suppress(ValueError):  # "no global client found"
            return distributed.get_client()
    return None
