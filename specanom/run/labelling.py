"""Files of labels of several people, brought together in the labels of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArgumentError, DataError, message
from ..triage import Agreement, Label, LabelLog, agreement, read_inspections
from ..triage.verdicts import standing
from .folder import RunFolder
from .matching import LABELS

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10
"""Ids and disagreements that are told one by one."""
NOBODY = "(no name)"
INSPECTIONS = ".csv"
"""How files of visual inspections end; all others are logs of labels."""


@dataclass(frozen=True)
class LabelFile:
    """What one file brought.

    Attributes
    ----------
    path : Path
    labels : tuple of Label
        What it holds, in its order.
    unread : int
        Its lines that cannot be read.
    new : int
        How many of its labels the run did not have.
    """

    path: Path
    labels: tuple[Label, ...]
    unread: int
    new: int = 0

    @property
    def told(self) -> str:
        """One line for people."""
        torn = f"; {_many(self.unread, 'line')} cannot be read" if self.unread else ""
        return f"{self.path.name}: {_many(len(self.labels), 'label')}, {self.new:,} new{torn}"


@dataclass(frozen=True)
class Labelled:
    """What became of the labels of a run when files were added.

    Attributes
    ----------
    log : LabelLog
        Of the run.
    files : tuple of LabelFile
    foreign : tuple of str
        Ids in the files that the run does not have; their labels are kept, and nothing in the run asks for them.
    agreement : Agreement
        Of all who have a word in the log.
    """

    log: LabelLog
    files: tuple[LabelFile, ...]
    foreign: tuple[str, ...]
    agreement: Agreement

    @property
    def new(self) -> int:
        """How many labels the run did not have."""
        return sum(one.new for one in self.files)

    def summary(self) -> str:
        """Return what came in, who says what by now, and how far they agree, as lines of text."""
        lines = [one.told for one in self.files]
        if self.foreign:
            more = f" and {len(self.foreign) - SHOWN:,} more" if len(self.foreign) > SHOWN else ""
            lines.append(f"not of this run, kept but of no use here: {', '.join(self.foreign[:SHOWN])}{more}")
        lines += [f"{self.log.path} says:", *_authors(self.log), *_agreed(self.agreement)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Labelled: {_many(self.new, 'new label')} of {_many(len(self.files), 'file')} in {self.log.path}"


def add_labels(run_dir: str | Path, files: Iterable[str | Path]) -> Labelled:
    """Merge files of labels into the labels of a run; what is there stays, so that nobody erases another.

    Parameters
    ----------
    run_dir : path-like
        A run that has its sample (stage 02).
    files : iterable of path-like
        Logs of labels, as explorers export and dashboards write them, or files of visual inspections (``.csv``). The
        same file may be given again: only what is new is appended (:meth:`specanom.triage.LabelLog.merge`).

    Returns
    -------
    Labelled

    Raises
    ------
    ArgumentError
        When a file is not there.
    DataError
        When a file has no line that is a label, or none of its ids is in the run. Nothing is appended then, of the
        other files neither.

    Examples
    --------
    >>> print(add_labels("runs/first", ["labels-ada.jsonl", "labels-bob.jsonl"]).summary())   # doctest: +SKIP
    """
    run = RunFolder(run_dir)
    here = set(run.objects().ids)
    read = [_checked(_read(Path(file).expanduser()), here, run) for file in files]
    log = LabelLog(run / LABELS)
    done = tuple(LabelFile(one.path, one.labels, one.unread, log.merge(one.labels)) for one in read)
    foreign = dict.fromkeys(said.id for one in done for said in one.labels if said.id not in here)
    return Labelled(log, done, tuple(foreign), agreement(log))


def _read(path: Path) -> LabelFile:
    if not path.is_file():
        raise ArgumentError(message("FILE", expected="a file of labels", got=str(path)))
    if path.suffix.lower() == INSPECTIONS:
        seen = read_inspections(path)
        return LabelFile(path, tuple(seen.labels), len(seen.skipped))
    log = LabelLog(path)
    return LabelFile(path, tuple(log.history()), log.torn)


def _checked(file: LabelFile, here: set[str], run: RunFolder) -> LabelFile:
    if file.unread and not file.labels:
        raise DataError(message("FILE", expected="labels, a line of JSON each, or visual inspections (.csv)",
                                got=f"{file.path}, of which no line can be read"))
    ids = {said.id for said in file.labels}
    if ids and not ids & here:
        raise DataError(message("FILE", expected=f"labels of spectra of {run.path}",
                                got=f"{file.path}, none of whose {_many(len(ids), 'id')} it has, e.g. {min(ids)!r}",
                                hint="the run whose spectra were looked at"))
    return file


def _authors(log: LabelLog) -> list[str]:
    """Return one line an author: how many objects are called what."""
    words: dict[str, Counter[str]] = {}
    for (_, author), said in standing(log).items():
        words.setdefault(author, Counter())[said.label] += 1
    return [f"  {author or NOBODY}: {', '.join(f'{count:,} {word}' for word, count in sorted(said.items()))}"
            for author, said in sorted(words.items())]


def overlap(found: Agreement) -> str:
    """Say how far people agree on what at least two of them judged; empty where there is no such spectrum."""
    if not len(found.table):
        return ""
    return (f"judged by two or more: {_many(len(found.table), 'spectrum', 'spectra')}, of which "
            f"{len(found.disagreements):,} not alike{_kappa(found)}")


def _agreed(found: Agreement) -> list[str]:
    """Return that sentence, and the first that are not judged alike."""
    apart, told = found.disagreements, overlap(found)
    rows: Sequence[tuple[str, ...]] = list(apart.head(SHOWN).itertuples(index=False, name=None))
    lines = [told] * bool(told) + [f"  {id}: {_said(found, words)}" for id, *words in rows]
    return lines + ([f"  and {len(apart) - SHOWN:,} more"] if len(apart) > SHOWN else [])


def _kappa(found: Agreement) -> str:
    if found.kappa != found.kappa:
        return "; κ is not defined where all use one word"
    name = "Cohen's" if len(found.pairs) == 1 else "Fleiss'"
    pairs: pd.DataFrame = found.pairs
    value, (low, high) = (found.kappa, found.interval) if len(pairs) > 1 else (
        float(pairs["kappa"].iloc[0]), (float(pairs["low"].iloc[0]), float(pairs["high"].iloc[0])))
    return f"; {name} κ = {value:.2f}" + (f" ({found.level:.0%}: {low:.2f} to {high:.2f})" if low == low else "")


def _said(found: Agreement, words: Iterable[str]) -> str:
    return ", ".join(f"{who or NOBODY} {word}" for who, word in zip(found.authors, words, strict=True) if word)


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"
