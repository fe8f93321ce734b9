"""A task that always kills its worker, among others that do not."""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from specanom.parallel import Partition, Partitioned, partitions

GUILTY = 7
PARTS = 20


@dataclass(frozen=True)
class Singled:
    """How a killer among the tasks was dealt with.

    Attributes
    ----------
    executor : str
    done : int
        Tasks that were done.
    listed : dict
        What the list of failures says: partition → error.
    died : int
        Workers it has killed.
    """

    executor: str
    done: int
    listed: dict[int, str]
    died: int

    @property
    def fine(self) -> bool:
        """Whether all others were done, and it alone was listed."""
        return self.done == PARTS - 1 and set(self.listed) == {GUILTY}

    def __str__(self) -> str:
        return (f"a task that always kills its worker ({self.executor}): {self.done} of {PARTS - 1} others done, "
                f"{self.died} workers dead, listed as {self.listed}")


@dataclass(frozen=True)
class Killer:
    """A task of which one partition kills its worker; `folder` remembers how often."""

    folder: Path

    def __call__(self, part: Partition) -> dict[str, object]:
        """Return numbers, or do not return."""
        if part.number == GUILTY:
            with open(self.folder / "deaths", "ab") as handle:
                handle.write(b".")
            time.sleep(1.0)  # a nanny of Dask gives up a worker that ends before it was seen to start
            os.kill(os.getpid(), signal.SIGKILL)
        return {"numbers": pd.DataFrame({"n": range(part.start, part.stop)})}


def isolated(folder: Path, executor: str) -> Singled:
    """Run a killer among other tasks, in processes or on a small Dask cluster."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if executor != "dask":
        return _ran(folder, executor, executor)
    import distributed

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                  silence_logs=50) as cluster:
        return _ran(folder, executor, f"dask:{cluster.scheduler_address}")


def _ran(folder: Path, name: str, executor: str) -> Singled:
    done = Partitioned(folder / "out", "v1", executor)(Killer(folder), partitions(PARTS * 10, 10))
    listed = dict(zip(done.failures["partition"].astype(int), done.failures["error"].astype(str), strict=True))
    return Singled(name, len(done.records), listed, (folder / "deaths").stat().st_size)
