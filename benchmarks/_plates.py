"""A simulated survey too large for the disk: its plates are written when a partition is read, and deleted after."""

from __future__ import annotations

import json
import shutil
import time
import uuid
import weakref
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

import specanom as sa
from specanom.parallel import Partition
from specanom.surveys import Survey
from specanom.surveys.mock_survey import PLATE_FIBRES, MockSurvey, join, truth_of
from specanom.surveys.write import write_fibres

PLATES = 6
"""Of a partition: 3,840 fibres, about 340 MB of files."""
TOLD = "simulated.jsonl"
"""Beside the files: what simulating each partition took, a line each time that it was read."""


@dataclass(frozen=True)
class SimulatedPlates:
    """A survey in partitions as :class:`specanom.surveys.parted.PartedSurvey` is one, of plates that are not kept.

    The same bytes each time: a plate depends on `seed` and its number alone.

    Parameters
    ----------
    n, seed : int
        Of :func:`specanom.surveys.mock`.
    scratch : Path
        Folder for plates while they are read, the truth, and what simulating took.
    plates : int
        Of a partition.
    target : str
        What :func:`specanom.read` lets in.
    """

    n: int
    seed: int
    scratch: Path
    plates: int = PLATES
    target: str = "galaxy"

    @property
    def skipped(self) -> list[Any]:
        """Nothing is known beforehand."""
        return []

    def __len__(self) -> int:
        return self.n

    def partitions(self) -> list[Partition]:
        """Return the partitions: whole plates."""
        size = self.plates * PLATE_FIBRES
        return [Partition(i, start, min(start + size, self.n), f"mock {self.seed}, {start}–{min(start + size, self.n)}")
                for i, start in enumerate(range(0, self.n, size))]

    def ids(self, partition: Partition) -> list[str]:
        """Return the ids of all fibres of a partition, in reading order."""
        mock = _mock(self.n, self.seed)
        return [id for plate in self._plates(partition) for id in mock.plates.ids(plate)]

    def read(self, partition: Partition) -> Survey:
        """Simulate the plates of a partition and return them as the reader of SDSS files does; they go with it."""
        folder = self.scratch / f"plates-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        wall, cpu = time.perf_counter(), time.process_time()
        truth = [self._write(plate, folder) for plate in self._plates(partition)]
        self._tell(partition, time.perf_counter() - wall, time.process_time() - cpu)
        part = self.scratch / f"truth-{partition.number:05d}.parquet"
        pd.concat(truth, ignore_index=True).to_parquet(made := part.with_suffix(f".{folder.name}"))
        made.replace(part)
        survey = sa.read(str(folder), survey="sdss", target=self.target)
        weakref.finalize(survey, shutil.rmtree, folder, ignore_errors=True)
        return survey

    def truth(self) -> pd.DataFrame:
        """Return what is in each fibre, of the partitions that were read."""
        return pd.concat(map(pd.read_parquet, sorted(self.scratch.glob("truth-*.parquet"))), ignore_index=True)

    def simulating(self) -> dict[str, float]:
        """Return how long simulating took so far, of all workers: fibres, wall and CPU seconds."""
        path = self.scratch / TOLD
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return {name: sum(line[name] for line in lines) for name in ("fibres", "wall", "cpu")}

    def sweep(self) -> None:
        """Delete plates that a killed worker left."""
        for left in self.scratch.glob("plates-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _tell(self, partition: Partition, wall: float, cpu: float) -> None:
        line = json.dumps({"partition": partition.number, "fibres": len(partition), "wall": wall, "cpu": cpu})
        with open(self.scratch / TOLD, "a", encoding="utf-8") as handle:  # a short line is written at once
            handle.write(line + "\n")

    def _plates(self, partition: Partition) -> range:
        return range(partition.start // PLATE_FIBRES, -(-partition.stop // PLATE_FIBRES))

    def _write(self, plate: int, folder: Path) -> pd.DataFrame:
        fibres = join(list(_mock(self.n, self.seed).fibres(plate)))
        write_fibres(fibres, folder)
        return truth_of(fibres)


@lru_cache(maxsize=1)
def _mock(n: int, seed: int) -> MockSurvey:
    return sa.surveys.mock(n, seed)
