"""Asking a service chunk by chunk, one after the other; what is kept is not asked again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ...errors import ArgumentError, DataError, message
from ...parallel.progress import shown
from .cache import Question, now
from .found import Access, Found, no_pairs
from .nearest import coordinates, density_chance, shifted
from .network import Busy, Late, Offline, Pace, is_forbidden, knock, sleep, within
from .positions import Positions
from .votables import BadAnswer

if TYPE_CHECKING:
    import pandas as pd

RETRIES = 2
PATIENCE = 2
"""Chunks that may fail one after the other before the rest is no longer asked."""
SHIFT_ANGLE = 45.0
LONGEST_REASON = 200


class Service(Protocol):
    """A server that is asked about some positions at a time."""

    @property
    def service(self) -> str: ...

    @property
    def radius(self) -> float: ...

    @property
    def columns(self) -> tuple[str, ...]:
        """What is handed on beside name, type and z."""
        ...

    @property
    def url(self) -> str:
        """The server, to see whether there is a way to it."""
        ...

    @property
    def chunk(self) -> int:
        """Positions per request."""
        ...

    @property
    def gap(self) -> float:
        """Seconds from request to request."""
        ...

    @property
    def limit(self) -> float:
        """Seconds a request may take."""
        ...

    @property
    def shifted(self) -> bool:
        """Whether to ask a second time at shifted positions, for the rate of chance matches."""
        ...

    def request(self, positions: Positions) -> bytes:
        """Ask; return the answer as it came."""
        ...

    def parse(self, raw: bytes, positions: Positions) -> pd.DataFrame:
        """Return the pairs in an answer, see :class:`Found`."""
        ...


class Answer(NamedTuple):
    """Pairs and when they were told, or why there are none: ``state`` is "", "failed" or "not_checked"."""

    pairs: Any
    date: str
    state: str = ""
    reason: str = ""


def ask(service: Service, positions: Positions, access: Access) -> Found:
    """Ask a service about every position.

    A chunk that fails is tried again twice, but not when the answer was late or useless; what then has no answer is
    failed. A late request is waited for before the next one, as long again. After two chunks that failed, a late one
    that does not end, and without a way to the server, the rest is not_checked. Answers that are kept are used first
    and in any case.

    Raises
    ------
    DataError
        When the server refuses (HTTP 403): it is not asked again.
    """
    desk = _Desk(service, access)
    parts: list[Any] = []
    states: dict[str, dict[int, str]] = {"failed": {}, "not_checked": {}}
    dates: dict[int, str] = {}
    for start, answer in _chunks(desk, positions, access):
        rows = range(start, min(start + service.chunk, len(positions)))
        if answer.state:
            states[answer.state].update(dict.fromkeys(rows, answer.reason))
            continue
        dates.update(dict.fromkeys(rows, answer.date))
        if len(answer.pairs):
            parts.append(answer.pairs.assign(row=answer.pairs["row"] + start))
    pairs = _joined(parts, service)
    chance, how = _chance(desk, positions[sorted(dates)], pairs)
    return Found(pairs, states["not_checked"], states["failed"], chance, how, dates)


def _chunks(desk: _Desk, positions: Positions, access: Access) -> Iterator[tuple[int, Answer]]:
    size = desk.service.chunk
    starts: Iterable[int] = range(0, len(positions), size)
    if access.progress:
        starts = shown(starts, desk.service.service, len(range(0, len(positions), size)), unit="requests")
    for start in starts:
        yield start, desk(positions[start : start + size])


def _joined(parts: list[Any], service: Service) -> pd.DataFrame:
    import pandas as pd

    if not parts:
        return no_pairs(service.columns)
    pairs: pd.DataFrame = pd.concat(parts, ignore_index=True)
    inside = pairs[pairs["separation"] <= service.radius]
    return inside.sort_values(["row", "separation"], kind="stable", ignore_index=True)


def _chance(desk: _Desk, checked: Positions, pairs: pd.DataFrame) -> tuple[float, str]:
    """Return the rate of chance matches and how it is known."""
    service = desk.service
    if not len(checked):
        return float("nan"), ""
    if not service.shifted:
        return density_chance(pairs["separation"], len(checked), service.radius), "outer half of the search circles"
    moved = shifted(coordinates(checked.ra, checked.dec), service.radius, SHIFT_ANGLE)
    there = Positions(checked.ids, moved.ra.deg, moved.dec.deg, checked.epoch)
    asked = hits = 0
    for start in range(0, len(there), service.chunk):
        part = there[start : start + service.chunk]
        answer = desk(part)
        if not answer.state:
            near = answer.pairs[answer.pairs["separation"] <= service.radius]
            asked, hits = asked + len(part), hits + near["row"].nunique()
    how = f"a second query at {asked:,} shifted positions"
    return (hits / asked, how) if asked else (float("nan"), "the query at shifted positions failed")


class _Desk:
    """Where a service is asked: keeps the pace, the cache, and whether there is any use in going on."""

    def __init__(self, service: Service, access: Access) -> None:
        self.service, self.access = service, access
        self._pace = Pace(service.gap)
        self._closed = ""
        self._knocked = False
        self._in_a_row = 0

    def __call__(self, part: Positions) -> Answer:
        question = Question.of(self.service, part)
        kept = self._kept(question, part)
        if kept is not None:
            return kept
        if not self._closed and not self._knocked:
            self._knock()
        if self._closed:
            return Answer(None, "", "not_checked", self._closed)
        answer = self._ask(question, part)
        self._in_a_row = self._in_a_row + (answer.state == "failed") if answer.state else 0
        if self._in_a_row == PATIENCE:
            self._closed = f"not asked: {PATIENCE} requests before it failed ({answer.reason})"
        return answer

    def _kept(self, question: Question, part: Positions) -> Answer | None:
        known = self.access.cache.get(question) if self.access.cache and not self.access.refresh else None
        if known is None:
            return None
        try:
            return Answer(self.service.parse(known[0], part), known[1])
        except BadAnswer:
            return None

    def _knock(self) -> None:
        self._knocked = True
        try:
            knock(self.service.url)
        except Offline as exc:
            self._closed = str(exc)

    def _ask(self, question: Question, part: Positions) -> Answer:
        reason = ""
        for attempt in range(RETRIES + 1):
            self._pace.wait()
            try:
                raw = within(self.service.limit, lambda: self.service.request(part), server=self.service.url)
                pairs = self.service.parse(raw, part)
            except ArgumentError:
                raise
            except Busy as exc:
                self._closed = str(exc)
                return Answer(None, "", "not_checked", self._closed)
            except (BadAnswer, Late) as exc:
                return Answer(None, "", "failed", _short(str(exc)))
            except Exception as exc:
                if is_forbidden(exc):
                    raise _forbidden(self.service, exc) from exc
                reason = _reason(exc)
                if attempt < RETRIES:
                    sleep(2.0 ** (attempt + 1))
                continue
            date = now()
            if self.access.cache is not None:
                self.access.cache.put(question, raw, date)
            return Answer(pairs, date)
        return Answer(None, "", "failed", f"{reason}, {RETRIES + 1} times")


def _forbidden(service: Service, exc: BaseException) -> DataError:
    return DataError(message(
        service.service, expected="a server that answers", got=f"HTTP 403, it refuses this address: {_short(str(exc))}",
        hint="ask nothing more, wait an hour, run one cross-match at a time (answers so far are in the cache folder), "
             "and write to the service if it stays so"))


def _reason(exc: BaseException) -> str:
    """Return what went wrong, the HTTP error where a library's own trouble with its text hides it."""
    from requests import HTTPError

    hidden = exc.__context__
    told = hidden if isinstance(hidden, HTTPError) else exc
    return _short(f"{type(told).__name__}: {told}")


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= LONGEST_REASON else f"{plain[:LONGEST_REASON - 1]}…"


def of_pairs(i: Any, j: Any, separation: Any, sources: dict[str, Any]) -> pd.DataFrame:
    """Return a table of pairs: rows `i` of the question with rows `j` of the columns of an answer."""
    import pandas as pd

    made = pd.DataFrame({"row": np.asarray(i), "separation": separation})
    return made.assign(**{name: np.asarray(column, dtype=object if isinstance(column, list) else None)[j]
                          for name, column in sources.items()})
