"""No run waits without limit for workers that are gone, nor does it believe what files say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specanom.errors import ArgumentError, SpecanomError
from specanom.parallel import Partition, Partitioned, map_blocks, partitions, workers
from specanom.parallel.crew import Workers
from specanom.parallel.ledger import Ledger
from specanom.parallel.patience import VARIABLE, patience
from specanom.parallel.progress import Progress
from specanom.parallel.rounds import PartitionsFailed
from tests.parallel.jobs import double, squares


class Deserted(Workers):
    """Takes calls that nobody ever works off."""

    def submit(self, fn: Any, *args: Any) -> Future[Any]:
        return Future()

    def absent(self) -> str:
        return "no worker"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")


def test_nobody_is_waited_for_without_limit(short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpecanomError, match="no worker for 1 s"):
        Partitioned(tmp_path, "v", Deserted(), label="work")(squares, partitions(10, 5))
    assert "waits: no worker for" in capsys.readouterr().err
    with pytest.raises(SpecanomError, match="no worker"):
        list(map_blocks(double, [1, 2], Deserted()))


@pytest.mark.parametrize(("said", "seconds"), [("", 600), ("x", 600), ("-1", 600), ("nan", 600), ("90", 90)])
def test_how_long_is_set_by_the_environment(said: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    assert patience() == seconds


@pytest.mark.parametrize("engine", ["serial", "threads:2", "processes:2"])
def test_a_crew_that_is_given_stays_open(engine: str, tmp_path: Path) -> None:
    with workers(engine) as crew:
        for name in ("a", "b"):
            assert len(Partitioned(tmp_path / name, "v", crew)(squares, partitions(20, 10)).records) == 2
        assert list(map_blocks(double, [1, 2], crew)) == [2, 4]


def test_a_script_without_a_guard_is_told_soon(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("from tests.parallel.jobs import squares\nfrom specanom.parallel import Partitioned, partitions\n"
                      f"Partitioned({str(tmp_path / 'out')!r}, 'v', 'processes:1', retries=0)"
                      "(squares, partitions(500, 10))\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert done.returncode == 1
    assert 'under if __name__ == "__main__":' in done.stderr.splitlines()[-1]
    assert PartitionsFailed.__name__ in done.stderr


def says_it_is_full(part: Partition) -> dict[str, object]:
    if part.number == 1:
        raise RuntimeError("column 'No space left on device (os error 28)' is not known")
    if part.number == 2:
        raise ArgumentError("name: disk quota exceeded")
    return squares(part)


def test_what_a_file_says_does_not_end_a_run_as_a_full_disk(tmp_path: Path) -> None:
    done = Partitioned(tmp_path, "v")(says_it_is_full, partitions(40, 10))
    assert list(done.failures["error"]) == ["RuntimeError", "ArgumentError"]


def test_a_worker_of_an_earlier_call_overwrites_nothing(tmp_path: Path) -> None:
    late, part = Ledger(tmp_path, "earlier"), Partition(0, 0, 10)
    done = Partitioned(tmp_path, "now")(squares, [part])
    late.write(part, {**squares(part), "cubes": np.zeros(10)})
    assert Ledger(tmp_path, "now").record(part) == done.records[0]
    assert np.load(done.files("cubes")[0])[2] == 8
    Partitioned(tmp_path, "now")(squares, [part, Partition(1, 10, 20)])
    assert len(list((tmp_path / "cubes").iterdir())) == 2


@pytest.mark.parametrize("here", [1 << 30, -1])
def test_files_of_the_right_size_are_read_before_they_are_believed(here: int, tmp_path: Path,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specanom.parallel.partitioned.CHECKED_HERE", here)
    done = Partitioned(tmp_path, "v")(squares, partitions(40, 10))
    path = done.files("squares")[2]
    path.write_bytes(bytes(path.stat().st_size))
    again = Partitioned(tmp_path, "v", "threads:2")(squares, partitions(40, 10))
    assert again.resumed == 3
    assert again.records == done.records
    assert list(again.table("squares")["square"]) == [n**2 for n in range(40)]


def test_a_disk_that_fails_in_the_end_hides_no_other_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **options: Any) -> None:
        raise OSError(5, "Input/output error")

    def work() -> None:
        with Progress("", 1, 1, file=tmp_path / "progress.txt"):
            monkeypatch.setattr(Path, "unlink", fails)
            raise ValueError("the first")

    with pytest.raises(ValueError, match="the first"):
        work()


# -- a real cluster ----------------------------------------------------------------------------------------------------


def slow(part: Partition) -> dict[str, object]:
    time.sleep(0.5)
    return squares(part)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Any, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and a worker as on a cluster: processes of their own."""
    pytest.importorskip("distributed")
    file, env = tmp_path / "scheduler.json", {**os.environ, "PYTHONPATH": os.getcwd()}
    quiet: Any = {"env": env, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker"]
    started = [subprocess.Popen([*program, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)], **quiet),
               subprocess.Popen([*worker, "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny",
                                 "--no-dashboard"], **quiet)]
    while not file.exists():
        time.sleep(0.1)
    yield file, started
    for one in started:
        one.send_signal(signal.SIGCONT)
        one.kill()
        one.wait()


@pytest.mark.xdist_group("dask")
@pytest.mark.parametrize("mishap", ["workers die", "scheduler dies", "scheduler stops"])
def test_a_cluster_that_is_gone_is_told_and_what_is_done_stays(
        mishap: str, cluster: tuple[Path, list[subprocess.Popen[bytes]]], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    file, (scheduler, worker) = cluster
    monkeypatch.setenv(VARIABLE, "3")
    monkeypatch.setattr("specanom.parallel.scheduler._ANSWER", 1)
    monkeypatch.setattr("specanom.parallel.executors._CLOSES", 1)

    def strike() -> None:
        while not list(tmp_path.glob("out/done/*.json")):
            time.sleep(0.05)
        victim = worker if mishap == "workers die" else scheduler
        victim.send_signal(signal.SIGSTOP if mishap == "scheduler stops" else signal.SIGKILL)

    threading.Thread(target=strike, daemon=True).start()
    with pytest.raises(SpecanomError, match="executor: expected workers that"):
        Partitioned(tmp_path / "out", "v", f"dask:{file}")(slow, partitions(400, 10))
    assert Partitioned(tmp_path / "out", "v", "serial")(squares, partitions(400, 10)).resumed >= 1
