"""One pass over partitions: what is in flight, what is tried again, and who is suspected of having killed a worker."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass, field
from typing import Any

from ..disk import FULL, DiskError, disk_error
from ..errors import SpecanomError, message
from .crew import Workers
from .ledger import Ledger, Made
from .partition import Partition
from .patience import some_done
from .progress import Progress
from .single import single_threaded

WORTH_A_TRY = (OSError, MemoryError, TimeoutError, EOFError)
"""Errors that another try may not meet: of a busy disk, network or memory. Others would come again."""
LETHAL = 3
"""Partitions with which every worker died, and none that was done, after which it is no fault of theirs."""
_DIED = "WorkerDied"
_BLAMED = "KilledWorker"  # what Dask says of all tasks that a dead worker held, also of those that it had not begun

Task = Callable[[Partition], Made]
"""Makes the files of one partition; importable, and the same for the same partition wherever it runs."""


class PartitionsFailed(SpecanomError):
    """Every partition failed."""

    @classmethod
    def of(cls, failures: Sequence[Mapping[Any, Any]], cause: BaseException | None) -> PartitionsFailed:
        """Make it of what failed; the last error is its cause."""
        first = failures[0]
        made = cls(message("task", expected="at least one partition that can be worked off",
                           got=f"{len(failures)} failures, the first {first['error']}: {first['text']}"))
        made.__cause__ = cause
        return made


@dataclass
class Round:
    """One pass: what seems to be done, what is, what failed, and who is suspected of having killed a worker."""

    task: Task
    ledger: Ledger
    retries: int
    progress: Progress
    seen: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    resumed: int = 0
    records: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    last: BaseException | None = None
    attempts: Counter[int] = field(default_factory=Counter)

    def check(self, parts: Iterable[Partition]) -> None:
        """See here whether what seems to be done is."""
        for part in parts:
            if part.number in self.seen:
                self._checked(part, check(part, self.ledger))

    def _checked(self, part: Partition, record: Mapping[str, Any] | None) -> bool:
        """Take the result of a check, if there is one; returns whether the partition is done."""
        self.seen.pop(part.number, None)
        if record is None:
            return False
        self.records[part.number] = record
        self.resumed += 1
        self.progress.done(len(part), found=True)
        return True

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
            died = [part for future in self._some(flying, crew)
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
                future = self._asked(queue[0], crew)
            except BrokenExecutor as exc:  # a worker died between two calls
                self.last = exc
                if flying:  # their results say so too
                    return
                self._renew(crew)
                continue
            flying[future] = queue.popleft()

    def _asked(self, part: Partition, crew: Workers) -> Any:
        if part.number in self.seen:
            return crew.submit_named(f"check-{part.number:05d}", check, part, self.ledger)
        return crew.submit_named(name_of(self.task, part), perform, self.task, part, self.ledger)

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
            if isinstance(exc, OSError) and exc.errno in FULL:  # by its number: a file may say anything
                raise disk_error(exc, self.ledger.folder) or exc from exc
            if isinstance(exc, WORTH_A_TRY) and self.attempts[part.number] <= self.retries:
                waiting.append(part)
            elif isinstance(exc, DiskError):
                raise
            else:
                self._fail(part, type(exc).__name__, str(exc))
            return False
        if part.number in self.seen:
            if not self._checked(part, record):
                waiting.append(part)
            return False
        self.records[part.number] = record
        self.progress.done(len(part))
        return False

    def _suspect(self, part: Partition, alone: deque[Partition], *, counts: bool) -> None:
        self.seen.pop(part.number, None)  # it is looked at again before it is worked on
        self.attempts[part.number] += counts
        if self.attempts[part.number] > self.retries:
            self._fail(part, _DIED, "the process that worked on it ended, each time it was alone: out of memory, "
                                    "killed, or a crash in compiled code")
        else:
            alone.append(part)

    def _some(self, flying: Mapping[Any, Partition], crew: Workers) -> list[Any]:
        """Return futures that are done, at least one; of foreign kinds that cannot be waited for, the oldest."""
        try:
            return sorted(some_done(flying, crew, self.progress.hindered), key=lambda future: flying[future].number)
        except AttributeError:
            return [next(iter(flying))]

    def _fail(self, part: Partition, error: str, text: str) -> None:
        self.failures.append({"partition": part.number, "start": part.start, "stop": part.stop,
                              "attempts": self.attempts[part.number], "error": error, "text": text})
        self.progress.failed(len(part))
        if error in (_DIED, _BLAMED) and not self.records and len(self.failures) >= LETHAL:
            raise PartitionsFailed(message(
                "executor", expected="workers that live until one partition is done",
                got=f"{len(self.failures)} partitions with which every worker ended, and none that was done",
                hint='in a script the call belongs under if __name__ == "__main__":, since each worker imports it; '
                     "else look for memory and libraries that workers lack")) from self.last

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


def check(part: Partition, ledger: Ledger) -> Mapping[str, Any] | None:
    """Return the manifest of a partition whose files are whole, in the worker."""
    return ledger.record(part)
