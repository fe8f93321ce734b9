"""A function over blocks, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from .executors import workers
from .patience import result_of

A = TypeVar("A")
B = TypeVar("B")


def map_blocks(fn: Callable[[A], B], blocks: Iterable[A], executor: Any = None) -> Iterator[B]:
    """Apply `fn` to each block and yield the results in order.

    Parameters
    ----------
    fn : callable
        Works on one block. For processes it must be importable.
    blocks : iterable
        The blocks; taken only as fast as they are worked off.
    executor : optional
        Where to work, see :func:`specanom.parallel.workers`.

    Yields
    ------
    object
        ``fn(block)``, in the order of the blocks.
    """
    with workers(executor) as crew:
        waiting: deque[Any] = deque()
        for block in blocks:
            waiting.append(crew.submit(fn, block))
            if len(waiting) >= crew.ahead:
                yield result_of(waiting.popleft(), crew)
        while waiting:
            yield result_of(waiting.popleft(), crew)
