"""What stands of an object when all who looked at it are heard: one meaning for lists, rankings and catalogues.

Of each author the last word stands; an empty one takes back what was said, and a note alone is no word. The verdict on
an object is the word that most of its authors stand by; when two words are equally frequent it is disputed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import ArgumentError, message
from .label import NOTED, Label, displaces
from .labels import LabelLog

DISPUTED = "disputed"
"""What is told of an object in place of a word when two are equally frequent."""


@dataclass(frozen=True)
class Verdict:
    """What the authors say of one object.

    Parameters
    ----------
    id : str
    votes : mapping
        Author → the word that author stands by.

    Examples
    --------
    >>> Verdict("a", {"ada": "known", "bob": "artefact", "cyd": "known"})
    Verdict 'a': known (2 of 3)
    >>> Verdict("a", {"ada": "known", "bob": "artefact"})
    Verdict 'a': disputed (artefact, known)
    """

    id: str
    votes: Mapping[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How many authors say each word, the most frequent first, equally frequent ones by name."""
        return dict(sorted(Counter(self.votes.values()).items(), key=lambda item: (-item[1], item[0])))

    @property
    def tied(self) -> tuple[str, ...]:
        """The most frequent words; one, unless the verdict is disputed."""
        most = max(self.counts.values(), default=0)
        return tuple(word for word, count in self.counts.items() if count == most)

    @property
    def disputed(self) -> bool:
        """Whether two words are equally frequent."""
        return len(self.tied) > 1

    @property
    def word(self) -> str:
        """The word most authors stand by; empty when there is none or it is disputed."""
        return self.tied[0] if len(self.tied) == 1 else ""

    @property
    def told(self) -> str:
        """The word, or ``"disputed"``."""
        return DISPUTED if self.disputed else self.word

    @property
    def authors(self) -> tuple[str, ...]:
        """Who gave a word."""
        return tuple(self.votes)

    def __repr__(self) -> str:
        if self.disputed:
            return f"Verdict {self.id!r}: disputed ({', '.join(self.tied)})"
        count = f" ({self.counts[self.word]} of {len(self.votes)})" if self.votes else ""
        return f"Verdict {self.id!r}: {self.word or 'none'}{count}"


def verdicts(labels: LabelLog | Iterable[Label]) -> dict[str, Verdict]:
    """Return the verdict on each object of which somebody stands by a word, id → Verdict.

    Parameters
    ----------
    labels : LabelLog or iterable of Label
        What was said; an iterable gives the oldest first.

    Raises
    ------
    ArgumentError
        When it is something else.

    Examples
    --------
    >>> verdicts([Label("a", "known", author="ada"), Label("a", "noted", author="bob")])["a"].word
    'known'
    """
    votes: dict[str, dict[str, str]] = {}
    for (id, author), said in standing(labels).items():
        if said.label != NOTED:
            votes.setdefault(id, {})[author] = said.label
    return {id: Verdict(id, words) for id, words in votes.items()}


def standing(labels: LabelLog | Iterable[Label]) -> dict[tuple[str, str], Label]:
    """Return what stands, (id, author) → Label, notes among it; for the arguments see :func:`verdicts`."""
    if isinstance(labels, LabelLog):
        labels = labels.history()
    if isinstance(labels, (str, bytes, Mapping)) or not isinstance(labels, Iterable):
        raise ArgumentError(message("labels", expected="a LabelLog or Labels", got=repr(labels),
                                    hint="LabelLog('labels.jsonl')"))
    found: dict[tuple[str, str], Label] = {}
    for one in labels:
        if not isinstance(one, Label):
            raise ArgumentError(message("labels", expected="Labels", got=repr(one), hint="log.history()"))
        key = one.id, one.author
        if displaces(one, found.get(key)):
            found.pop(key, None)
            if one.label:
                found[key] = one
    return found
