"""Asking a server without waiting for ever, and without asking too often."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

KNOCK = 4.0
"""Seconds after which a server that does not take a connection is taken for out of reach."""
FORBIDDEN = 403
sleep = time.sleep


class Offline(Exception):
    """There is no way to the server."""


class Late(Exception):
    """No answer came in time."""


class Busy(Exception):
    """A request that was given up is still running at the server."""


_left: dict[str, threading.Thread] = {}
"""By server, what was left behind there."""


def within(seconds: float, work: Callable[[], T], *, server: str = "") -> T:
    """Return what `work` returns, or raise :class:`Late`; what it is still waiting for is left behind.

    A name that cannot be looked up and a server that falls silent keep a program waiting for minutes, and neither
    obeys the time limits of libraries.

    Parameters
    ----------
    seconds : float
    work : callable
    server : str
        Who is asked. What was left behind at the same server is waited for first, as long again, so that no two
        requests run there at once.

    Raises
    ------
    Late
        When `work` takes longer.
    Busy
        When what was left behind does not end; `work` is then not begun.
    """
    if server in _left:
        _left[server].join(seconds)
        if _left[server].is_alive():
            raise Busy("not asked: an earlier request that was late is still running at the server")
        del _left[server]
    result: list[T] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as exc:
            trouble.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if trouble:
        raise trouble[0]
    if not result:
        if server:
            _left[server] = thread
        raise Late(f"no answer within {seconds:g} s")
    return result[0]


def knock(url: str) -> None:
    """Raise :class:`Offline` when the server of `url`, or the proxy that leads to it, takes no connection.

    Raises
    ------
    Offline
        After a few seconds at most.
    """
    host, port = _door(url)

    def connect() -> bool:
        socket.create_connection((host, port), timeout=KNOCK).close()
        return True

    try:
        within(KNOCK, connect)
    except (OSError, Late) as exc:
        raise Offline(f"offline: no connection to {host}") from exc


def _door(url: str) -> tuple[str, int]:
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(url, get_environ_proxies(url))
    parts = urlsplit(proxy if proxy and "//" in proxy else f"//{proxy}" if proxy else url)
    return parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)


def is_forbidden(exc: BaseException) -> bool:
    """Tell whether a server refuses to talk to us at all (HTTP 403), however the library wraps it."""
    seen: Any = exc
    while seen is not None:
        for holder in (seen, getattr(seen, "response", None)):
            if FORBIDDEN in (getattr(holder, "status_code", None), getattr(holder, "code", None)):
                return True
        if "has been banned" in str(seen):
            return True
        seen = seen.__cause__ or (getattr(seen, "cause", None) if isinstance(seen, Exception) else None)
    return False


class Pace:
    """Lets a call through no sooner than `gap` seconds after the last one."""

    def __init__(self, gap: float) -> None:
        self.gap = gap
        self._last = -float("inf")

    def wait(self) -> None:
        """Wait until it is time."""
        rest = self._last + self.gap - time.monotonic()
        if rest > 0:
            sleep(rest)
        self._last = time.monotonic()
