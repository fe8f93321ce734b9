"""What is derived from masks is kept for the next spectrum, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows its size in memory."""

    @property
    def nbytes(self) -> int:
        """Bytes it keeps."""
        ...


T = TypeVar("T", bound=Sized)


class Kept(Generic[T]):
    """The values last used, by key, as many as fit into `limit` bytes; the newest always fits.

    Threads may share it. Two that ask for the same new value at once both make it, and one is kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Bytes kept in all."""
        with self._lock:
            return sum(value.nbytes for value in self._values.values())

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of `key`, made when it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            held = sum(one.nbytes for one in self._values.values())
            while held > self.limit and len(self._values) > 1:
                held -= self._values.popitem(last=False)[1].nbytes
        return value

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()
