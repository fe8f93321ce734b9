"""A run that is killed goes on and loses nothing: three kills of the thirty that the benchmark makes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks._killers import GUILTY, isolated
from benchmarks._runs import LEFTOVER, VICTIMS, Quiet, Survey, compared, undisturbed
from benchmarks._witness import Tasks, Witness
from benchmarks.kills import Kill, kill_one

SURVEY = Survey(n=80, partition=10, until="02_preprocess")


@pytest.mark.slow
@pytest.mark.notebook
def test_a_run_that_is_killed_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    quiet = undisturbed(SURVEY, tmp_path / "one", "processes:2")
    assert quiet.tasks >= 10
    assert "sample.zarr" in quiet.digests
    for i, victim in enumerate(VICTIMS):
        kill = kill_one(SURVEY, quiet, tmp_path / "one", victim=victim, rng=np.random.default_rng([3, i]),
                        executor="processes:2")
        assert kill.fine, kill.row()
        assert kill.victim == victim
        assert (kill.code == 0) == (victim == "worker"), kill.row()


def test_what_is_lost_is_seen() -> None:
    kill = Kill(1.0, "worker", "02_preprocess", cut_short=2)
    assert kill.fine
    for worse in ({"again": 4}, {"cut_short": 3}, {"done_twice": 1}, {"differ": ("scores.parquet",)},
                  {"leftovers": ("work/x",)}, {"orphans": 1}):
        assert not replace(kill, **worse).fine
    assert "differ: scores.parquet" in replace(kill, differ=("scores.parquet",)).row()


def test_other_values_and_other_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("")
    (tmp_path / ".scores.parquet.1a2b.part").write_text("")
    quiet = Quiet(1.0, {}, {"scores.parquet": "a"}, frozenset({"notes"}), 3)
    found = compared(tmp_path, quiet)
    assert found["differ"] == ("scores.parquet",)
    assert found["leftovers"] == (".scores.parquet.1a2b.part",)


@pytest.mark.parametrize("name", ["a/.b.parquet.1a.part", "work/02_preprocess/all/done/part-00000.json", "tmp1234/x",
                                  "sample.zarr/.tmp-1", "x.part/y",
                                  "sample.zarr.work/prepared/done/part-00000.json"])
def test_leftovers_are_told_by_their_names(name: str) -> None:
    assert LEFTOVER.search(name)


@pytest.mark.parametrize("name", ["tables/waterfall.parquet", "sample.zarr/flux/c/0/0", "worklist.csv",
                                  "explorer/parts.js"])
def test_results_are_no_leftovers(name: str) -> None:
    assert not LEFTOVER.search(name)


def test_every_task_of_other_processes_is_witnessed(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "witness")
    code = ("from specanom.parallel import Partitioned, partitions\nfrom tests.parallel.jobs import squares\n"
            "if __name__ == '__main__':\n"
            "    for folder in ('a', 'a', 'b'):\n"
            f"        Partitioned({str(tmp_path)!r} + '/' + folder, 'v', 'processes:2')(squares, partitions(40, 10))\n")
    (tmp_path / "job.py").write_text(code)
    path = os.pathsep.join((witness.environment()["PYTHONPATH"], os.getcwd()))
    subprocess.run([sys.executable, str(tmp_path / "job.py")], check=True,
                   env={**os.environ, **witness.environment(), "PYTHONPATH": path})
    tasks = witness.tasks()
    assert (len(tasks), sum(tasks.ended.values()), tasks.cut_short, tasks.done_twice) == (8, 8, 0, 0)
    one, two = ("a", "0"), ("a", "1")
    cut = Tasks(Counter({one: 2, two: 1}), Counter({one: 2}))
    assert (cut.cut_short, cut.done_twice) == (1, 1)


def test_a_task_that_always_kills_its_worker_is_listed_alone(tmp_path: Path) -> None:
    told = isolated(tmp_path / "killer", "processes:2")
    assert told.fine, str(told)
    assert told.listed == {GUILTY: "WorkerDied"}
