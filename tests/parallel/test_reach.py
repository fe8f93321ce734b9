"""Whether an executor answers, before anything depends on it."""

from __future__ import annotations

import socket
import sys
import time

import pytest

from specanom.errors import ArgumentError, DataError, MissingDependency
from specanom.parallel.reach import check_reachable


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{one.getsockname()[1]}"


@pytest.mark.parametrize("executor", ["", "serial", "threads", "threads:3", "processes:2"])
def test_pools_of_this_machine_are_always_there(executor: str) -> None:
    check_reachable(executor)


@pytest.mark.parametrize("executor", ["dsak:tcp://x:1", "threads:0", "processes:two", "dask:", "slurm", "dask"])
def test_what_is_no_executor_is_told_what_is(executor: str) -> None:
    with pytest.raises(ArgumentError, match="processes:N"):
        check_reachable(executor)


@pytest.mark.parametrize("address", ["tcp://host", "host:port", "tcp://:8786"])
def test_an_address_without_host_or_port_is_no_address(address: str) -> None:
    with pytest.raises(ArgumentError, match="HOST:PORT"):
        check_reachable(f"dask:{address}")


@pytest.mark.parametrize("start", ["", "tcp://"])
def test_nobody_at_the_address_is_told_within_seconds(start: str, closed: str) -> None:
    before = time.monotonic()
    with pytest.raises(DataError, match=rf"answers at {start}{closed}.*refused.*processes:N"):
        check_reachable(f"dask:{start}{closed}")
    assert time.monotonic() - before < 10


def test_somebody_else_at_the_address_is_no_scheduler() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DataError, match="a Dask scheduler that answers at"):
            check_reachable(f"dask:{address}", patience=0.3)


@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_a_file_that_no_scheduler_wrote_is_named(text: str | None, tmp_path) -> None:
    file = tmp_path / "scheduler.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError, match=r"scheduler-file has written.*scheduler\.json"):
        check_reachable(f"dask:{file}")


def test_without_dask_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependency, match=r"specanom\[dask\]"):
        check_reachable("dask:tcp://127.0.0.1:8786")


@pytest.mark.slow
def test_workers_must_see_the_folder(tmp_path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                                  dashboard_address=None, protocol="tcp://") as cluster:
        file = tmp_path / "scheduler.json"
        with distributed.Client(cluster) as client:
            client.write_scheduler_file(str(file))
        for name in (cluster.scheduler_address, str(file)):
            check_reachable(f"dask:{name}", tmp_path)
            with pytest.raises(DataError, match=r"a folder that all workers see, got no .*nowhere on 1 of 1"):
                check_reachable(f"dask:{name}", tmp_path / "nowhere")
