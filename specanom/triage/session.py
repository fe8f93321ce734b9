"""Going through a pool with an inspector, who may be a person, a widget or a function.

The callbacks follow coniferest (Kornilov et al. 2025): what is decided about one object is a function of its
metadata, its features and the session, so that a keyboard, a dashboard, a scheduled job and a test share one loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..seeds import object_seed
from .active import STRATEGIES, Ranking, Reranker
from .inspection import Inspection
from .label import Label
from .labels import LabelLog
from .pool import Pool
from .verdicts import verdicts

Decide = Callable[[Mapping[str, Any], NDArray[np.float64], "InspectionSession"], str | Label | None]


@dataclass(eq=False)
class InspectionSession:
    """One inspector's way through a pool; each answer is on disk, and the ranking follows it.

    ``for id in session`` gives the spectrum that is most worth asking about, after each answer anew, until all have a
    label or the loop is left. A session that ends, for whatever reason, goes on from the log: the same log gives the
    same next spectrum.

    Parameters
    ----------
    pool : Pool
        What is asked about.
    log : LabelLog
        Where answers go, and what was said before; spectra that anybody gave a word there are not asked again.
    reranker : Reranker
        How answers change the ranking.
    strategy : {"best", "uncertain", "explore", "mixed"}
        What to ask next: the best of the ranking; where the forest is unsure; far from all labels; or, of three
        questions, two of the first and one of the third kind. A tie is broken by a number drawn from seed and id.
    author : str, optional
        Who answers; the name of the user when not given.
    seed : int
        Of what breaks ties.

    Attributes
    ----------
    skipped : list of str
        Ids that were given and got no answer; they are not given again in this session.
    on_decision : list of callable
        Called with ``(metadata, features, session)`` after each answer.
    on_refit : list of callable
        Called with ``(session)`` after each new ranking.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> pool = Pool(("a", "b", "c"), np.array([[0.0], [0.1], [5.0]]), np.array([3.0, 2.0, 1.0]))
    >>> session = InspectionSession(pool, LabelLog(Path(tempfile.mkdtemp()) / "labels.jsonl"), author="ada")
    >>> for id in session:
    ...     _ = session.answer(id, "artefact")
    ...     if id == "c":
    ...         break
    >>> list(session.log.current())
    ['a', 'c']
    """

    pool: Pool
    log: LabelLog
    reranker: Reranker = field(default_factory=Reranker)
    strategy: str = "best"
    author: str | None = None
    seed: int = 0
    skipped: list[str] = field(default_factory=list, init=False)
    on_decision: list[Callable[..., Any]] = field(default_factory=list, init=False)
    on_refit: list[Callable[[InspectionSession], Any]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        choice("strategy", self.strategy, STRATEGIES)
        self._made: tuple[int, Ranking] | None = None
        self._stopped = False
        # 53 bits: what a double holds exactly.
        self._lot = np.array([object_seed(self.seed, id) >> 10 for id in self.pool.ids], dtype=np.float64)

    # -- where it stands -------------------------------------------------------------------------------------------

    @property
    def ranking(self) -> Ranking:
        """The pool ranked by all that stands in the log; made anew when the log has grown."""
        said = len(self.log.history())
        if self._made is None or self._made[0] != said:
            self._made = said, self.reranker(self.pool, self.log)
            for call in self.on_refit:
                call(self)
        return self._made[1]

    @property
    def answered(self) -> int:
        """How many spectra of the pool have a word in the log."""
        return len(self._answered())

    def next(self) -> str | None:
        """Return the id that is most worth asking about now; None when there is none left."""
        ranking = self.ranking
        value = np.array(ranking.value(self.strategy, self.answered))
        value[[self.pool.row(id) for id in (*self._answered(), *self.skipped)]] = -np.inf
        best = int(np.lexsort((self._lot, -value))[0])
        return self.pool.ids[best] if np.isfinite(value[best]) else None

    def _answered(self) -> list[str]:
        return [id for id in verdicts(self.log) if id in self.pool]

    # -- going through it ------------------------------------------------------------------------------------------

    def answer(self, id: str, label: str, *, note: str = "", reason: str = "",
               inspection: Inspection | None = None) -> Label:
        """Log an answer; the ranking follows when it is asked for next.

        Raises
        ------
        ArgumentError
            When the id is foreign to the pool, or the word is none of those of ``reranker.relevance``.
        OSError
            When the log cannot be written.
        """
        row = self.pool.row(id)
        choice("label", label, self.reranker.relevance)
        shown = reason or f"rank {self.rank(id)} of {len(self.pool)}, asked by {self.strategy}"
        said = self.log.add(id, label, note=note, author=self.author, source="InspectionSession", reason=shown,
                            inspection=inspection)
        for call in self.on_decision:
            call(self.pool.about(id), self.pool.vectors[row], self)
        return said

    def rank(self, id: str) -> int:
        """Return where an id stands in the ranking, 1 the best."""
        ranking, row = self.ranking, self.pool.row(id)
        before = (ranking.score > ranking.score[row]).sum()
        level = np.flatnonzero(ranking.score == ranking.score[row])
        return int(before) + sum(self.pool.ids[other] <= id for other in level)

    def skip(self, id: str) -> None:
        """Leave an id without an answer for this session."""
        self.pool.row(id)
        if id not in self.skipped:
            self.skipped.append(id)

    def stop(self) -> None:
        """Let the loop that runs end after the answer it is at; to be called by a function that decides."""
        self._stopped = True

    def __iter__(self) -> Iterator[str]:
        self._stopped = False
        while not self._stopped and (id := self.next()) is not None:
            said = len(self.log.history(id))
            yield id
            if len(self.log.history(id)) == said:
                self.skip(id)

    def run(self, decide: Decide, budget: int | None = None) -> Ranking:
        """Let a function inspect, and return the ranking after it.

        Parameters
        ----------
        decide : callable
            Gets ``(metadata, features, session)``: what is known of the spectrum, its vector, and this session. Returns
            a word, or a Label of which word, note, reason and inspection are taken, or None to skip.
        budget : int, optional
            How many answers to ask for at most; all of the pool when not given.
        """
        if budget is not None and budget < 0:
            raise ArgumentError(message("budget", expected="0 or more", got=budget))
        done = 0
        for id in self if budget != 0 else ():
            said = decide(self.pool.about(id), self.pool.vectors[self.pool.row(id)], self)
            if isinstance(said, Label):
                self.answer(id, said.label, note=said.note, reason=said.reason, inspection=said.inspection)
            elif said is not None:
                self.answer(id, said)
            done += said is not None
            if done == budget:
                break
        return self.ranking

    def __repr__(self) -> str:
        return (f"InspectionSession: {self.answered} of {len(self.pool)} answered, strategy {self.strategy!r}, "
                f"next {self.next()!r}, log {self.log.path.name!r}")
