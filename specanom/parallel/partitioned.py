"""Work in partitions that survives being killed, goes on where it stopped, and lists what failed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..disk import DiskError, disk_error, is_full
from ..errors import ArgumentError, SpecanomError, message
from ..folders import write_whole
from .executors import Needs, Workers, workers
from .ledger import Ledger, Made, read_table
from .partition import Partition
from .progress import Progress
from .single import single_threaded

if TYPE_CHECKING:
    import pandas as pd

FAILURES = "failures.parquet"
"""Beside the results: what failed, and why."""
PROGRESS = "progress.txt"
"""Beside the results while work goes on: a line that says how far it is."""
PASSING = (OSError, MemoryError, TimeoutError, EOFError)
"""Errors that another try may not meet: of a busy disk, network or memory. Others would come again."""
_DIED = "WorkerDied"
_BLAMED = "KilledWorker"  # what Dask says of all tasks that a dead worker held, also of those that it had not begun

Task = Callable[[Partition], Made]
"""Makes the files of one partition; importable, and the same for the same partition wherever it runs."""


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
            raise PartitionsFailed.of(self.failures, None)
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
        done: dict[int, Mapping[str, Any]] = {
            part.number: record for part in parts if (record := ledger.record(part)) is not None}
        ledger.sweep(done.values())
        resumed = len(done)
        todo = [part for part in parts if part.number not in done]
        ledger.folder.mkdir(parents=True, exist_ok=True)
        file = ledger.folder / PROGRESS
        with Progress(self.label, len(parts), sum(map(len, parts)), file=file) as progress:
            for part in parts:
                if part.number in done:
                    progress.done(len(part), found=True)
            round_ = _Round(task, ledger, self.retries, progress)
            if todo:
                try:
                    with workers(self.executor, needs=self.needs) as crew:
                        round_.run(todo, crew)
                finally:
                    done |= round_.records
                    ledger.sweep(done.values())  # halves that killed workers left, or a full disk
        failures = failure_table(round_.failures)
        _keep(ledger.folder, failures)
        if todo and len(round_.failures) == len(todo) and not resumed:
            if isinstance(round_.last, ArgumentError):  # it says more than we could of it
                raise round_.last
            raise PartitionsFailed.of(failures, round_.last)
        return Outcome(ledger.folder, tuple(done[number] for number in sorted(done)), failures, resumed)


class PartitionsFailed(SpecanomError):
    """Every partition failed."""

    @classmethod
    def of(cls, failures: pd.DataFrame, cause: BaseException | None) -> PartitionsFailed:
        """Make it of what failed; the last error is its cause."""
        first = failures.iloc[0]
        made = cls(message("task", expected="at least one partition that can be worked off",
                           got=f"{len(failures)} failures, the first {first['error']}: {first['text']}"))
        made.__cause__ = cause
        return made


@dataclass
class _Round:
    """One pass: what is in flight, what failed, and who is suspected of having killed a worker."""

    task: Task
    ledger: Ledger
    retries: int
    progress: Progress
    records: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    last: BaseException | None = None
    attempts: Counter[int] = field(default_factory=Counter)

    def run(self, todo: Iterable[Partition], crew: Workers) -> None:
        """Work off `todo`. After a death those in flight go on one at a time, so that the guilty one shows."""
        waiting, alone = deque(todo), deque[Partition]()
        flying: dict[Any, Partition] = {}
        while waiting or alone or flying:
            if not alone:
                self._launch(waiting, flying, crew, crew.ahead)
            elif not flying:
                self._launch(alone, flying, crew, 1)
            lonely = len(flying) == 1
            died = [part for future in _some(flying)
                    if self._settle(future, part := flying.pop(future), waiting, None if lonely else alone)]
            if died:
                died += flying.values()
                flying.clear()
                self._renew(crew)
                for part in died:
                    self._suspect(part, alone, counts=lonely)

    def _launch(self, queue: deque[Partition], flying: dict[Any, Partition], crew: Workers, limit: int) -> None:
        while queue and len(flying) < limit:
            try:
                future = crew.submit_named(name_of(self.task, queue[0]), perform, self.task, queue[0], self.ledger)
            except BrokenExecutor as exc:  # a worker died between two calls
                self.last = exc
                if flying:  # their results say so too
                    return
                self._renew(crew)
                continue
            flying[future] = queue.popleft()

    def _settle(self, future: Any, part: Partition, waiting: deque[Partition],
                alone: deque[Partition] | None) -> bool:
        """Take one result; returns whether its worker died. `alone` is for those that may share the blame."""
        try:
            record = future.result()
        except (BrokenExecutor, CancelledError) as exc:
            self.last = exc
            return True
        except Exception as exc:
            self.last = exc
            if type(exc).__name__ == _BLAMED and alone is not None:
                alone.append(part)
                return False
            self.attempts[part.number] += 1
            if is_full(exc):
                raise disk_error(exc, self.ledger.folder) or exc from exc
            if isinstance(exc, PASSING) and self.attempts[part.number] <= self.retries:
                waiting.append(part)
            elif isinstance(exc, DiskError):
                raise
            else:
                self._fail(part, type(exc).__name__, str(exc))
            return False
        self.records[part.number] = record
        self.progress.done(len(part))
        return False

    def _suspect(self, part: Partition, alone: deque[Partition], *, counts: bool) -> None:
        self.attempts[part.number] += counts
        if self.attempts[part.number] > self.retries:
            self._fail(part, _DIED, "the process that worked on it ended, each time it was alone: out of memory, "
                                    "killed, or a crash in compiled code")
        else:
            alone.append(part)

    def _fail(self, part: Partition, error: str, text: str) -> None:
        self.failures.append({"partition": part.number, "start": part.start, "stop": part.stop,
                              "attempts": self.attempts[part.number], "error": error, "text": text})
        self.progress.failed(len(part))

    def _renew(self, crew: Workers) -> None:
        if not crew.renew():
            raise SpecanomError(message("executor", expected="workers that live on", got=f"{self.last or 'none'}",
                                        hint='open it again and run again: what is done stays; "processes:N" and '
                                             "Dask replace dead workers by themselves")) from self.last


def name_of(task: Task, part: Partition) -> str:
    """Return what monitors call a task: ``"score-00012"``, of its function or class."""
    kind = getattr(task, "__name__", type(task).__name__).strip("_<>").removesuffix("Part")
    return f"{kind.lower()}-{part.number:05d}"


def perform(task: Task, part: Partition, ledger: Ledger) -> Mapping[str, Any]:
    """Do the work of one partition, in the worker, and return its manifest."""
    done = ledger.record(part)  # another worker may have finished it that was taken for dead
    if done is not None:
        return done
    with single_threaded():
        made = task(part)
    return ledger.write(part, made)


def _some(flying: Mapping[Any, Partition]) -> list[Any]:
    """Return futures that are done, at least one; of foreign kinds that cannot be waited for, the oldest."""
    try:
        done, _ = wait(flying, return_when=FIRST_COMPLETED)
        return sorted(done, key=lambda future: flying[future].number)
    except AttributeError:
        return [next(iter(flying))]


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
