"""A run waits until its cluster has workers, and says when none come."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from specanom.deploy import wait
from specanom.deploy.wait import main, wait_for
from specanom.errors import DataError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "EVERY", 0.1)
    monkeypatch.setattr("specanom.parallel.executors._PATIENCE", 0.5)


def test_it_waits_for_the_workers_that_are_asked_for() -> None:
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": None, "port": 0}}
    gpu = {"cls": distributed.Worker, "options": {"nthreads": 1, "resources": {"GPU": 1}, "dashboard_address": None}}
    plain = {"cls": distributed.Worker, "options": {"nthreads": 1, "dashboard_address": None}}
    with distributed.SpecCluster({0: plain}, scheduler, worker=gpu, silence_logs=50) as cluster:
        address = cluster.scheduler_address
        wait_for(address)
        with pytest.raises(DataError, match=r"2 workers, 1 of them with a GPU, at .* got 1 workers, 0 of them"):
            wait_for(address, n=2, gpus=1, patience=0.5)
        assert main([address, "--gpus", "1", "--patience", "0.2"]) == 3
        late = threading.Timer(0.5, cluster.scale, args=[2])
        late.start()
        start = time.monotonic()
        wait_for(address, n=2, gpus=1, patience=30)
        assert time.monotonic() - start > 0.4
        late.join()


def test_a_scheduler_that_never_answers_is_told() -> None:
    with pytest.raises(DataError, match="Dask scheduler that answers"):
        wait_for("tcp://127.0.0.1:9", patience=0.1)


def test_it_can_be_called_from_a_script() -> None:
    done = subprocess.run([sys.executable, "-m", "specanom.deploy.wait", "--help"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0
    assert "--gpus" in done.stdout
