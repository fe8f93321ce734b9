"""Tasks for workers, which import them by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from specanom.errors import ArgumentError
from specanom.parallel import Partition, map_blocks


def squares(part: Partition) -> dict[str, object]:
    n = np.arange(part.start, part.stop)
    return {"squares": pd.DataFrame({"id": [f"{i:05d}" for i in n], "square": n**2}),
            "pieces": {"root": np.sqrt(n)}, "cubes": n.astype(np.float32) ** 3, "rows": len(part)}


class Trap:
    """Squares, with a mishap in one partition; `folder` remembers what has happened across processes."""

    def __init__(self, folder: Path, number: int, mishap: str, *, times: int = 1) -> None:
        self.folder, self.number, self.mishap, self.times = folder, number, mishap, times

    def __call__(self, part: Partition) -> dict[str, object]:
        self._count(f"ran-{part.number}")
        if part.number == self.number and self._count("mishaps") <= self.times:
            self._happen()
        return squares(part)

    def _happen(self) -> None:
        if self.mishap == "kill":
            time.sleep(0.5)  # a nanny of Dask gives up a worker that ends before it was seen to start
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mishap == "busy disk":
            raise OSError("the disk is busy")
        if self.mishap == "sleep":
            time.sleep(60)
        raise ValueError("a task with a fault")

    def _count(self, name: str) -> int:
        with open(self.folder / name, "ab") as handle:
            handle.write(b".")
        return (self.folder / name).stat().st_size

    def runs(self, number: int) -> int:
        path = self.folder / f"ran-{number}"
        return path.stat().st_size if path.exists() else 0


def refuses(part: Partition) -> dict[str, object]:
    raise ArgumentError("segments: expected fewer than pixels")


def double(n: int) -> int:
    return 2 * n


def nested(part: Partition) -> dict[str, object]:
    return {"doubled": pd.DataFrame({"n": list(map_blocks(double, range(part.start, part.stop)))})}


def has_module(name: str) -> bool:
    return name in sys.modules
