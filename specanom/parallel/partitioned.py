"""Work in partitions that survives being killed, goes on where it stopped, and lists what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from ..folders import write_whole
from .crew import Needs
from .executors import workers
from .ledger import Ledger, read_table, size_of
from .partition import Partition
from .progress import Progress
from .rounds import PartitionsFailed, Round, Task, name_of

if TYPE_CHECKING:
    import pandas as pd

FAILURES = "failures.parquet"
"""Beside the results: what failed, and why."""
PROGRESS = "progress.txt"
"""Beside the results while work goes on: a line that says how far it is."""
CHECKED_HERE = 1 << 28
"""Bytes that are read again here, to see that they are whole, before anybody is asked to work; more are by workers."""
__all__ = ["FAILURES", "PROGRESS", "Outcome", "Partitioned", "PartitionsFailed", "failure_table", "name_of"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a partitioned work.

    Attributes
    ----------
    folder : Path
        Where the files are.
    records : tuple of dict
        The manifest of every partition that is done, in their order.
    failures : DataFrame
        partition, start, stop, attempts, error (its class), text.
    resumed : int
        Partitions that were found done.
    """

    folder: Path
    records: tuple[Mapping[str, Any], ...]
    failures: pd.DataFrame
    resumed: int

    def table(self, name: str) -> pd.DataFrame:
        """Return the rows of a table of all partitions, in their order."""
        return read_table(self.folder, name, self.records)

    def files(self, name: str) -> list[Path]:
        """Return the files of one kind, in the order of the partitions."""
        return [self.folder / path for record in self.records for path in record["files"]
                if path.startswith(f"{name}/")]

    def whole(self) -> Outcome:
        """Return itself when nothing failed.

        Raises
        ------
        PartitionsFailed
            When something did: of a result that is of no use without all its parts.
        """
        if len(self.failures):
            raise PartitionsFailed.of(self.failures.to_dict("records"), None)
        return self

    def told(self, name: str) -> list[Any]:
        """Return what each partition told beside its files."""
        return [record["told"][name] for record in self.records]

    def __repr__(self) -> str:
        lost = f", {len(self.failures)} failed" if len(self.failures) else ""
        return f"Outcome: {len(self.records)} partitions in {self.folder} ({self.resumed} found done{lost})"


@dataclass(frozen=True)
class Partitioned:
    """Runs a task over partitions; calling it computes.

    Every file appears by a rename after it is on the disk, and a manifest last; what has a manifest that fits is not
    made again. A task may run twice, after a worker died: it must give the same both times. A task that fails is
    tried again when that may help, then listed, and the others go on.

    Parameters
    ----------
    folder : path-like
        For the results, on a file system that all workers see.
    config : str
        A hash of all settings.
    executor : optional
        Where to work, see :func:`specanom.parallel.workers`.
    retries : int
        How often a task is tried again whose worker died or whose error may pass.
    label : str
        What the progress bar calls it; none without.
    needs : mapping
        Resources that a task takes, such as ``{"GPU": 1}``. On a Dask cluster where some workers declare them
        (``dask worker --resources GPU=1``) tasks go to those only; elsewhere nothing is asked.

    Examples
    --------
    >>> def squares(part):
    ...     import pandas as pd
    ...     return {"squares": pd.DataFrame({"n": range(part.start, part.stop)})}
    >>> Partitioned("squares", "v1", "processes:2")(squares, partitions(10_000))          # doctest: +SKIP
    Outcome: 3 partitions in squares (0 found done)
    """

    folder: str | Path
    config: str
    executor: Any = None
    retries: int = 2
    label: str = ""
    needs: Needs = field(default_factory=dict)

    def __call__(self, task: Task, parts: Sequence[Partition]) -> Outcome:
        """Run `task` over the partitions that are not done yet.

        Raises
        ------
        PartitionsFailed
            When every one of them fails: that is no bad file but a wrong call.
        ArgumentError
            The task's own, when every one of them fails with it.
        DiskError
            When results cannot be written, as on a full disk: no fault of the partition, which is done the next time.
        """
        ledger = Ledger(self.folder, self.config)
        ledger.folder.mkdir(parents=True, exist_ok=True)
        file = ledger.folder / PROGRESS
        with Progress(self.label, len(parts), sum(map(len, parts)), file=file) as progress:
            found: dict[int, Mapping[str, Any]] = {
                part.number: record for part in parts if (record := ledger.seen(part)) is not None}
            ledger.sweep(found.values())
            round_ = Round(task, ledger, self.retries, progress, found)
            if sum(map(size_of, found.values())) <= CHECKED_HERE:
                round_.check(parts)
            todo = [part for part in parts if part.number not in round_.records]
            if todo:
                try:
                    with workers(self.executor, needs=self.needs) as crew:
                        round_.run(todo, crew)
                finally:
                    # Halves of killed workers; what is done stays, also when nobody could tell of it any more.
                    ledger.sweep([kept for part in parts
                                  if (kept := round_.records.get(part.number) or ledger.seen(part)) is not None])
        failures = failure_table(round_.failures)
        _keep(ledger.folder, failures)
        if parts and len(round_.failures) == len(parts):
            if isinstance(round_.last, ArgumentError):  # it says more than we could of it
                raise round_.last
            raise PartitionsFailed.of(round_.failures, round_.last)
        done = tuple(round_.records[number] for number in sorted(round_.records))
        return Outcome(ledger.folder, done, failures, round_.resumed)


def failure_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return failures as a table, in the order of the partitions."""
    import pandas as pd

    table = pd.DataFrame(rows, columns=["partition", "start", "stop", "attempts", "error", "text"])
    whole = table.astype(dict.fromkeys(("partition", "start", "stop", "attempts"), "int64"))
    return whole.astype({"error": "str", "text": "str"}).sort_values("partition", ignore_index=True)


def _keep(folder: Path, failures: pd.DataFrame) -> None:
    path = folder / FAILURES
    if len(failures):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, failures.to_parquet)
    else:
        path.unlink(missing_ok=True)
