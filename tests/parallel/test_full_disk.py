"""A disk that takes no more ends a work in partitions: no row of failures may stand for what it would have held."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specanom import disk
from specanom.disk import DiskError
from specanom.parallel import Partitioned, partitions
from tests.parallel.jobs import squares


@pytest.mark.parametrize("executor", ["serial", "threads:2", "processes:2"])
def test_a_full_disk_ends_partitions_that_no_row_of_failures_may_stand_for(
        executor: str, tmp_path: Path) -> None:
    work = Partitioned(tmp_path / "work", "v1", executor)
    with pytest.raises(DiskError, match="takes no more"):
        work(full_in_the_middle, partitions(100, 10))
    assert not (tmp_path / "work" / "failures.parquet").exists()
    done = work(squares, partitions(100, 10))
    assert 1 <= done.resumed <= 8
    assert list(done.table("squares")["square"]) == [n**2 for n in range(100)]


def full_in_the_middle(part: Any) -> dict[str, object]:
    if part.number in (5, 6):
        raise OSError(errno.ENOSPC, "No space left on device")
    return squares(part)


def test_a_write_that_keeps_failing_is_no_fault_of_its_partition(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def stale(source: Any, target: Any, real: Callable[..., None] = os.replace) -> None:
        if "part-00003" in str(target):
            tries.append(1)
            raise OSError(errno.ESTALE, "Stale file handle")
        real(source, target)

    monkeypatch.setattr(os, "replace", stale)
    monkeypatch.setattr(disk, "sleep", lambda seconds: None)
    with pytest.raises(DiskError, match="no longer knows"):
        Partitioned(tmp_path, "v1", retries=2)(squares, partitions(100, 10))
    assert len(tries) == 3 * (1 + len(disk.WAITS))
