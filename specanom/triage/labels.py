"""A log of labels: one line of JSON for each thing said, appended and never rewritten.

A line is on disk before :meth:`LabelLog.add` returns, so a killed kernel loses nothing. What was said last counts, for
each id and author; what was said before stays in the file. Several processes may append to one file, each line in one
write. A line that a crash or a full disk has torn is left where it is, counted, and the next one starts afresh.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, message
from .append import append
from .inspection import Inspection
from .label import FIELDS, GROUP, NOTED, Label, displaces, line_of, moment, now, user
from .table import frame_of, write_table
from .tail import Tail

if TYPE_CHECKING:
    import pandas as pd


class LabelLog:
    """An append-only file of labels (JSON, one a line).

    Parameters
    ----------
    path : path-like
        The file; it and its folder are made by the first label.

    Attributes
    ----------
    path : Path

    Examples
    --------
    >>> import tempfile
    >>> log = LabelLog(Path(tempfile.mkdtemp()) / "labels.jsonl")
    >>> _ = log.add("0266-51602-0001", "interesting", note="two peaks", author="ada")
    >>> log.current()["0266-51602-0001"].note
    'two peaks'
    >>> log
    LabelLog 'labels.jsonl': 1 interesting
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise ArgumentError(message("path", expected="a file", got=f"the folder {path}",
                                        hint=f"{self.path / 'labels.jsonl'}"))
        self._tail = Tail(self.path)

    # -- saying ----------------------------------------------------------------------------------------------------

    def add(self, id: str, label: str, *, note: str = "", author: str | None = None, source: str = "",
            reason: str = "", inspection: Inspection | None = None) -> Label:
        """Append what is said of an id; it is on disk when this returns.

        Parameters
        ----------
        id : str
            Of what.
        label : str
            The word. An empty one takes back what the same author said of it.
        note : str
            Free text, line breaks included.
        author : str, optional
            Who says so; the name of the user when not given.
        source : str
            Where it is said.
        reason : str
            Why the id was looked at, or why this word was chosen.
        inspection : Inspection, optional
            Quality, issues, class and redshift as DESI's inspectors give them.

        Raises
        ------
        ArgumentError
            When the id is no text or empty, or another argument is not of its kind.
        OSError
            When the file cannot be written: a folder that is read-only, a full disk.
        """
        if not isinstance(reason, str):
            raise ArgumentError(message("reason", expected="text", got=repr(reason)))
        if inspection is not None and not isinstance(inspection, Inspection):
            raise ArgumentError(message("inspection", expected="an Inspection", got=repr(inspection),
                                        hint="Inspection(quality=3, spectype='QSO', z=2.1)"))
        more: dict[str, Any] = {"reason": reason} if reason else {}
        more |= {} if inspection is None else {"inspection": inspection.to_dict()}
        return self._said_of([id], label, note=note, author=author, source=source, more=more)[0]

    def add_all(self, ids: Iterable[str], label: str, *, note: str = "", author: str | None = None,
                source: str = "") -> list[Label]:
        """Append the same of many ids, in one write; see :meth:`add`."""
        return self._said_of(ids, label, note=note, author=author, source=source, more={})

    def _said_of(self, ids: Iterable[str], label: str, *, note: str, author: str | None, source: str,
                 more: Mapping[str, Any]) -> list[Label]:
        who, time = user() if author is None else author, now()
        made = [self._checked(Label(id, label, note, who, source, time, more)) for id in ids]
        if made:
            with self._tail.lock:
                append(self.path, b"".join(line_of(said) for said in made))
        return made

    def merge(self, labels: Iterable[Label]) -> int:
        """Append labels of another log or file as they are, with their authors and times; returns how many are new.

        What is in this log already, word for word, is left out, and so is what its author has since said anew of the
        same id in this log: merging twice changes nothing, and an old file never overrules a newer word. What has no
        time, as inspections from a file, is older than all that has one.

        Parameters
        ----------
        labels : iterable of Label
            ``other.history()`` or the labels of a file of visual inspections.

        Examples
        --------
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> mine, yours = LabelLog(folder / "mine.jsonl"), LabelLog(folder / "yours.jsonl")
        >>> _ = yours.add("39633345008634465", "known", author="bob")
        >>> mine.merge(yours.history()), mine.merge(yours.history())
        (1, 0)
        """
        with self._tail.lock:
            known, latest = set(), dict[tuple[str, str], Label]()
            for said in self.history():
                known.add(line_of(said))
                if displaces(said, latest.get((said.id, said.author))):
                    latest[said.id, said.author] = said
            fresh = []
            for said in sorted(labels, key=moment):
                line, before = line_of(self._checked(said)), latest.get((said.id, said.author))
                newer = before is None or (moment(said) >= moment(before) and displaces(said, before))
                if newer and line not in known:
                    known.add(line)
                    fresh.append(line)
            if fresh:
                append(self.path, b"".join(fresh))
        return len(fresh)

    def add_group(self, ids: Iterable[str], label: str, *, note: str = "", author: str | None = None,
                  source: str = "") -> list[Label]:
        """Say a word of a group; what the same author said of one of its members by itself stands.

        A member of which the author has a word of its own keeps it. A member with no more than a note keeps the note
        where the group has none. An empty word takes back what was said of the group: a note that was there before
        comes back. Words that came by this method are known by their source, which begins with ``"group: "``.

        Parameters
        ----------
        ids : iterable of str
            The members.
        label, note, author, source
            As for :meth:`add`.

        Returns
        -------
        list of Label
            What was appended, in one write; members that keep their own word have none.
        """
        who, time = user() if author is None else author, now()
        made = []
        with self._tail.lock:
            self._tail.look()
            for id in dict.fromkeys(ids):
                stands, alone = self._own(id, who)
                if stands is not None and stands.label != NOTED and not stands.source.startswith(GROUP):
                    continue
                if not label and (stands is None or not stands.source.startswith(GROUP)):
                    continue
                kept = alone.note if alone is not None and alone.label else ""
                word, text = (label, note or (stands.note if stands else "")) if label else (NOTED * bool(kept), kept)
                made.append(self._checked(Label(id, word, text, who, f"{GROUP}{source}" if label else source, time)))
            if made:
                append(self.path, b"".join(line_of(said) for said in made))
        return made

    def _own(self, id: str, author: str) -> tuple[Label | None, Label | None]:
        """Return what stands of an id by an author, and what the author said of it last by itself."""
        found = self._tail.standing.get((id, author))
        stands = None if found is None else found[1]
        if stands is None or not stands.source.startswith(GROUP):
            return stands, stands
        mine = [one for one in self._tail.about[id] if one.author == author and not one.source.startswith(GROUP)]
        return stands, mine[-1] if mine else None

    @staticmethod
    def _checked(said: Label) -> Label:
        if not isinstance(said.id, str) or not said.id:
            raise ArgumentError(message("id", expected="the id of a spectrum or cluster", got=repr(said.id)))
        for name in ("label", "note", "author", "source"):
            if not isinstance(getattr(said, name), str):
                raise ArgumentError(message(name, expected="text", got=repr(getattr(said, name))))
        return said

    # -- reading ---------------------------------------------------------------------------------------------------

    def current(self, author: str | None = None) -> dict[str, Label]:
        """Return what stands: id → Label, the latest where several authors spoke; a note alone gives way to a word.

        What most authors say is told by :func:`specanom.triage.verdicts`.

        Parameters
        ----------
        author : str, optional
            Only what this one says.
        """
        found: dict[str, Label] = {}
        for (id, who), (_, said) in sorted(self._read().items(), key=lambda item: item[1][0]):
            bare = said.label == NOTED and id in found and found[id].label != NOTED
            if not bare and author in (None, who):
                found.pop(id, None)
                found[id] = said
        return found

    def standing(self, id: str) -> list[Label]:
        """Return what stands of one id, one label an author, the latest last."""
        with self._tail.lock:
            self._tail.look()
            authors = self._tail.authors.get(id, ())
            found = [self._tail.standing[id, who] for who in authors if (id, who) in self._tail.standing]
        return [said for _, said in sorted(found, key=lambda item: item[0])]

    def history(self, id: str | None = None) -> list[Label]:
        """Return all that was ever said (of one id), in order, with what was taken back."""
        with self._tail.lock:
            self._tail.look()
            return list(self._tail.said if id is None else self._tail.about.get(id, ()))

    @property
    def torn(self) -> int:
        """How many lines of the file cannot be read; they stay in it."""
        with self._tail.lock:
            self._tail.look()
            return self._tail.torn

    def to_frame(self, *, history: bool = False) -> pd.DataFrame:
        """Return a table of what stands, or of all that was said: id, label, note, author, source, time.

        What stands has one row for each id and author, in the order in which it was said.
        """
        if history:
            return frame_of(self.history(), FIELDS)
        stands = sorted(self._read().values(), key=lambda item: item[0])
        return frame_of([said for _, said in stands], FIELDS)

    def export(self, path: str | Path, *, history: bool = False) -> Path:
        """Write the table of labels as Parquet or CSV, whole or not at all; returns the path.

        Parameters
        ----------
        path : path-like
            Ends in ``.parquet`` or ``.csv``. Parquet keeps every character; in CSV a cell that a spreadsheet would
            take for a formula (it begins with ``=``, ``+``, ``-``, ``@``, a tab or a line break) gets a ``'`` in front.
        history : bool
            Whether all that was said is written instead of what stands.

        Raises
        ------
        ArgumentError
            For another ending.
        """
        return write_table(self.to_frame(history=history), Path(path))

    def __repr__(self) -> str:
        try:
            stands = self._read()
        except OSError as exc:
            return f"LabelLog {self.path.name!r}: cannot be read ({exc})"
        words = Counter(said.label for _, said in stands.values())
        told = ", ".join(f"{count} {word}" for word, count in words.most_common()) or "no labels"
        torn = f"; {self.torn} torn line{'s' * (self.torn > 1)}" if self.torn else ""
        return f"LabelLog {self.path.name!r}: {told}{torn}"

    def _read(self) -> dict[tuple[str, str], tuple[int, Label]]:
        """Return a copy of (id, author) → (place, what stands), up to date."""
        with self._tail.lock:
            self._tail.look()
            return dict(self._tail.standing)
