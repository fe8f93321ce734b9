"""A survey in partitions that workers read by themselves: they are told a folder and a number, not spectra."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, DataError, message
from ..folders import write_json, write_whole
from ..foreign import Maybe, Record, Text, check, read_json, read_table
from ..parallel import SIZE, Partition
from .database import database
from .gate import Gate
from .locate import SpectrumIndex
from .locate_write import FILES, KNOWLEDGE, SPECTRA, checked_of, quoted, read_of
from .survey import Skipped, Survey

FORM = Record({"gate": Record({"target": Maybe(Text()), "preset": Maybe(Text())})}, more=True)
ORDER, PLAN, LEFT = "order.parquet", "parted.json", "skipped.parquet"
"""Ids in reading order, what let them in, and what was left out; beside an index of the spectra."""


class PartedSurvey:
    """A survey of files, cut into partitions in the order in which it is read.

    It can be sent to other processes and machines: it holds the place of an index, and each reads its own part. The
    index and the files must be on a file system that all of them see.

    Parameters
    ----------
    path : path-like
        The index, see :class:`SpectrumIndex`.
    size : int
        Spectra of a partition; the last may have fewer.
    work : path-like, optional
        Where a Preprocessor keeps what it has done so far. Whoever names it deletes it, once a result is safe; without
        it the Preprocessor does, when it returns.

    Examples
    --------
    >>> parted = PartedSurvey.of(specanom.read("spectra/"), "index")                    # doctest: +SKIP
    >>> [len(parted.read(part)) for part in parted.partitions()]                        # doctest: +SKIP
    [4096, 4096, 1808]
    """

    def __init__(self, path: str | Path, size: int = SIZE, *, work: str | Path | None = None) -> None:
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ArgumentError(message("size", expected="a number of spectra, at least 1", got=repr(size)))
        self.path, self.size = Path(path), size
        self.work = Path(work) if work is not None else None
        self._index: SpectrumIndex | None = None

    @classmethod
    def of(cls, survey: Survey, path: str | Path, *, size: int = SIZE, work: str | Path | None = None) -> PartedSurvey:
        """Index a survey of files and return it in partitions.

        Parameters
        ----------
        survey : Survey
            Its gate decides who is in; of copies of an id the first is.
        path : path-like
            Folder of the index; one that is there is replaced.
        size : int
            Spectra of a partition.
        work : path-like, optional
            As above.

        Raises
        ------
        DataError
            When there is no spectrum in a file.
        """
        made = cls(path, size, work=work)
        index = SpectrumIndex.build(survey, path)
        # Apart from what is asked before every reading: a million may have been left out.
        write_whole(made.path / LEFT, _table(index.skipped).to_parquet)
        gate = {"target": survey.gate.target, "preset": survey.gate.preset}
        write_json(made.path / PLAN, {"spectra": len(index), "gate": gate})
        write_whole(made.path / ORDER, made._write_order)  # the last: it says that this is an index in partitions
        return made

    def __len__(self) -> int:
        return len(self.index)

    @property
    def index(self) -> SpectrumIndex:
        """Where each spectrum lies."""
        if self._index is None:
            self._index = _OneCore.open(self.path)
        return self._index

    @property
    def skipped(self) -> list[Skipped]:
        """What was left out when the index was made."""
        self._order  # noqa: B018 - says what to do when this is no index in partitions
        table = read_table(self.path / LEFT, "what was left out of a survey in partitions", needed=Skipped._fields)
        return [Skipped(*one) for one in table[list(Skipped._fields)].itertuples(index=False, name=None)]

    def partitions(self) -> list[Partition]:
        """Return the partitions, each with a hash of its spectra.

        It is one of their ids, of the sizes and times of their files, and of what else is known of them: a redshift
        that was mended in a catalogue, or in a file beside the spectra, makes other inputs.
        """
        gate = json.dumps(self._told["gate"], sort_keys=True)
        with database() as base:
            rows = base.execute(f"""
                SELECT place // {self.size} AS part, count(*), md5(? || string_agg(md5(concat_ws('|', id, f.path,
                    f.size, f.mtime, k.known)), '' ORDER BY place))
                FROM {checked_of(self._order)} AS o
                JOIN {checked_of(self.path / FILES)} AS f ON f.file = o.file
                LEFT JOIN (SELECT "key", "check", md5(known::VARCHAR) AS known FROM
                    {checked_of(self.path / KNOWLEDGE)} AS known) AS k ON k."key" = o."key" AND k."check" = o."check"
                GROUP BY part ORDER BY part""", [gate]).fetchall()
        return [Partition(number, number * self.size, number * self.size + count, inputs)
                for number, count, inputs in rows]

    def ids(self, partition: Partition) -> list[str]:
        """Return the ids of a partition, in reading order."""
        with database(threads=1) as base:
            found = base.execute(f"SELECT id FROM {checked_of(self._order)} WHERE place >= {partition.start} AND "
                                 f"place < {partition.stop} ORDER BY place").fetchall()
        return [str(row[0]) for row in found]

    def read(self, partition: Partition) -> Survey:
        """Return the spectra of a partition as a Survey; what cannot be read is in its ``.skipped``."""
        return self.select(self.ids(partition))

    def select(self, ids: Sequence[str]) -> Survey:
        """Return some spectra as a Survey, wherever they lie."""
        survey = self.index.read_many(ids)
        survey.gate = Gate(**self._told["gate"])  # it let them in, and its remarks are wanted
        return survey

    @property
    def _told(self) -> dict[str, Any]:
        self._order  # noqa: B018 - says what to do when this is no index in partitions
        told: dict[str, Any] = read_json(self.path / PLAN, "a survey in partitions")
        check(told, FORM, self.path / PLAN)
        return told

    @property
    def _order(self) -> Path:
        path = self.path / ORDER
        if not path.exists():
            raise DataError(message("path", expected="an index that was made in partitions", got=f"no {path}",
                                    hint="PartedSurvey.of(survey, path)"))
        return path

    def _write_order(self, path: Path) -> None:
        """Write the ids in reading order: by file as they came, by row within."""
        with database() as base:
            base.execute(f"COPY (SELECT row_number() OVER (ORDER BY file, \"row\") - 1 AS place, id, file, "
                         f"\"key\", \"check\" FROM "
                         f"{read_of(self.path / SPECTRA)} ORDER BY place) TO {quoted(path)} (FORMAT parquet)")

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path.absolute(), "size": self.size, "work": self.work, "_index": None}

    def __repr__(self) -> str:
        return f"PartedSurvey: {len(self)} spectra in {-(-len(self) // self.size)} partitions, {self.path}"


class _OneCore(SpectrumIndex):
    """An index of which each of several workers looks up a few thousand ids at a time."""

    _threads = 1


def _table(skipped: Sequence[tuple[str, str, str]]) -> Any:
    """Return what was left out as a table of text."""
    import pandas as pd

    # Names of files need not be UTF-8.
    texts = [[str(text).encode("utf-8", "backslashreplace").decode() for text in one] for one in skipped]
    return pd.DataFrame(texts, columns=list(Skipped._fields), dtype="str")
