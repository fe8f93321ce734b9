"""What manifests, hashes, fsync and renames cost beside a bare loop over the same tasks."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from numpy.typing import NDArray

from specanom.parallel import Partition, Partitioned, partitions

Doubles = NDArray[np.float64]

ROWS, COLUMNS = 4096, 30
"""Of the table that a task makes, as many as a partition of scores has."""


@dataclass(frozen=True)
class Burn:
    """A task that takes `seconds` of a processor and makes a table like that of the scores of a partition."""

    seconds: float

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the table."""
        end = time.process_time() + self.seconds
        values = np.arange(20_000, dtype=np.float64) + part.number
        while time.process_time() < end:
            values = np.sqrt(values * values + 1.0)
        rng = np.random.default_rng(part.number)
        made = pd.DataFrame(rng.normal(size=(ROWS, COLUMNS)), columns=[f"score_{i}" for i in range(COLUMNS)])
        made.insert(0, "id", [f"{part.number:04d}-{i:05d}" for i in range(ROWS)])
        return {"scores": made}


def bare(task: Burn, parts: list[Partition], pool: Executor | None) -> int:
    """Run a task over partitions and keep nothing; returns the rows that it made."""
    if pool is None:
        return sum(len(task(part)["scores"]) for part in parts)
    return sum(pool.map(_Rows(task), parts))


@dataclass(frozen=True)
class _Rows:
    """A task of which only the number of rows comes back."""

    task: Burn

    def __call__(self, part: Partition) -> int:
        return len(self.task(part)["scores"])


@contextlib.contextmanager
def pools(executor: str) -> Iterator[Executor | None]:
    """Open what both loops work on, warm, so that starting it counts for neither."""
    if executor == "serial":
        yield None
        return
    width = int(executor.partition(":")[2])
    with ProcessPoolExecutor(width, mp_context=get_context("spawn")) as pool:
        list(pool.map(_Rows(Burn(0.3)), partitions(4 * width, 1)))
        yield pool


def compared(executor: str, seconds: float, folder: Path, *, tasks: int, repeat: int) -> dict[str, Any]:
    """Run bare and kept in turns, the order changing, and return what keeping costs.

    Returns
    -------
    dict
        ``executor``, ``seconds`` of a task, ``tasks``, ``repeat``; ``wall`` and ``cpu``, each with the ``ratios`` of
        all pairs, their median as ``ratio``, the quartiles as ``low`` and ``high``, and ``milliseconds`` a task. Of the
        processors the time of all processes counts, which other work on the machine hardly changes.
    """
    task, parts = Burn(seconds), partitions(tasks, 1)
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with pools(executor) as pool:
        for turn in range(repeat):
            for kept in ((False, True) if turn % 2 else (True, False)):
                wall, cpu = time.perf_counter(), _used()
                if kept:
                    done = Partitioned(folder, "overhead", pool or "serial")(task, parts)
                    rows = len(done.records) * ROWS
                else:
                    rows = bare(task, parts, pool)
                taken[kept].append((time.perf_counter() - wall, _used() - cpu))
                if rows != tasks * ROWS or (kept and (done.resumed or len(done.table("scores")) != rows)):
                    raise RuntimeError(f"{rows} rows are not those of {tasks} tasks")
                shutil.rmtree(folder, ignore_errors=True)
    with_, without = np.array(taken[True]).T, np.array(taken[False]).T
    told = {name: _told(with_[i], without[i], tasks) for i, name in enumerate(("wall", "cpu"))}
    return {"executor": executor, "seconds": seconds, "tasks": tasks, "repeat": repeat, **told}


def _told(with_: Doubles, without: Doubles, tasks: int) -> dict[str, Any]:
    ratios = with_ / without
    low, middle, high = (float(value) for value in np.percentile(ratios, [25, 50, 75]))
    return {"ratios": ratios.tolist(), "ratio": middle, "low": low, "high": high,
            "milliseconds": float(1e3 * np.median(with_ - without) / tasks)}


def _used() -> float:
    """Return the processor seconds of this process and of its living children."""
    own = psutil.Process()
    return sum(sum(one.cpu_times()[:2]) for one in [own, *own.children(recursive=True)])


def overhead(folder: Path, *, lengths: tuple[float, ...], executors: tuple[str, ...], leg: float, repeat: int
             ) -> list[dict[str, Any]]:
    """Compare for each length of a task and each executor; a leg takes about `leg` seconds."""
    rows = []
    for executor in executors:
        width = 1 if executor == "serial" else int(executor.partition(":")[2])
        for seconds in lengths:
            tasks = max(2 * width, round(width * leg / seconds))
            rows.append(compared(executor, seconds, folder / "kept", tasks=tasks, repeat=repeat))
    return rows
