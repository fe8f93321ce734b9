"""A Dask cluster gives the same bytes as the calling thread, also when its workers die."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specanom.errors import DataError, MissingDependency
from specanom.parallel import Partitioned, map_blocks, partitions
from tests.parallel.jobs import Trap, nested, squares

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    import dask

    # One death is enough to tell; a cluster that loses its nannies on a busy machine fails, and does not hang.
    with (dask.config.set({"distributed.scheduler.allowed-failures": 0}), pytest.MonkeyPatch.context() as patch,
          distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made):
        patch.setenv("SPECANOM_WAIT_FOR_WORKERS", "120")
        yield made


@pytest.fixture
def client(cluster: object) -> Iterator[object]:
    with distributed.Client(cluster) as made:
        yield made


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, bytes]:
    Partitioned(tmp_path / "truth", "v1", "serial")(squares, partitions(100, 10))
    return files_of(tmp_path / "truth")


def test_the_client_of_the_program_is_found(client: object, truth: dict[str, bytes], tmp_path: Path) -> None:
    Partitioned(tmp_path / "out", "v1")(squares, partitions(100, 10))
    assert files_of(tmp_path / "out") == truth
    pids = set(map_blocks(_pid, range(8)))
    assert os.getpid() not in pids


def _pid(_: int) -> int:
    return os.getpid()


def test_an_address_is_enough(cluster: object, truth: dict[str, bytes], tmp_path: Path) -> None:
    address = cluster.scheduler_address  # type: ignore[attr-defined]
    Partitioned(tmp_path / "out", "v1", f"dask:{address}")(squares, partitions(100, 10))
    assert files_of(tmp_path / "out") == truth


def test_a_killed_worker_costs_nothing(client: object, truth: dict[str, bytes], tmp_path: Path) -> None:
    done = Partitioned(tmp_path / "out", "v1", client)(Trap(tmp_path, 4, "kill"), partitions(100, 10))
    assert not len(done.failures)
    assert files_of(tmp_path / "out") == truth


def test_a_task_that_always_kills_its_worker_is_singled_out(client: object, tmp_path: Path) -> None:
    done = Partitioned(tmp_path / "out", "v1", client)(Trap(tmp_path, 4, "kill", times=99), partitions(100, 10))
    assert list(done.failures["partition"]) == [4]
    assert list(done.failures["error"]) == ["KilledWorker"]


def test_blocks_inside_a_task_stay_where_they_are(client: object, tmp_path: Path) -> None:
    # A task that hands blocks to the cluster and waits takes the place that they need: two such are a deadlock.
    done = Partitioned(tmp_path, "v1", client)(nested, partitions(40, 10))
    assert list(done.table("doubled")["n"]) == [2 * n for n in range(40)]


def test_no_scheduler_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("specanom.parallel.executors._PATIENCE", 0.5)
    with pytest.raises(DataError, match=r"Dask scheduler that answers at tcp://127\.0\.0\.1:9"):
        Partitioned(tmp_path, "v1", "dask:tcp://127.0.0.1:9")(squares, partitions(10))


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r"specanom\[dask\]"):
        list(map_blocks(_pid, [1], "dask:tcp://127.0.0.1:9"))


def test_dask_is_not_imported_for_nothing() -> None:
    code = ("import sys; from specanom.parallel import map_blocks; list(map_blocks(abs, [1])); "
            "sys.exit('distributed' in sys.modules or 'dask' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
