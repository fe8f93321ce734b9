"""The benchmark of scale measures what it says it measures."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

import specanom as sa
from benchmarks import _growth, _projection, scale
from benchmarks._growth import Growth
from benchmarks._overhead import Burn, compared
from benchmarks._plates import SimulatedPlates
from benchmarks._stages import PREPARE
from benchmarks._watch import size_of, watched
from specanom.run.folder import RunFolder

N = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scale")


@pytest.fixture(scope="module")
def grown(folder: Path) -> dict[str, object]:
    return scale.grown(N, folder, {"seed": scale.SEED, "executor": "serial"}, until=PREPARE)


def test_a_stage_is_measured_without_the_simulating_of_its_plates(grown, folder) -> None:
    step = grown["steps"][PREPARE]
    assert step["simulating"]["fibres"] == N
    assert 0 < step["simulating"]["cpu"] < step["cpu"]
    assert _growth.own(step, "cpu") == pytest.approx(step["cpu"] - step["simulating"]["cpu"])
    assert step["memory"] >= step["largest"] > 100e6
    assert grown["counts"][PREPARE]["read"] == N
    assert grown["bytes"]["sample.zarr"] > 1e5


def test_plates_are_gone_when_they_are_read(grown, folder) -> None:
    assert not list(folder.rglob("spPlate*"))
    assert not (folder / "plates").exists()


def test_the_sample_is_that_of_the_same_survey_in_files(grown, folder, tmp_path) -> None:
    raw = sa.surveys.mock(N, scale.SEED).write(tmp_path / "raw")
    want = sa.Preprocessor().fit_transform(sa.read(str(raw), survey="sdss", target="galaxy"))
    got = RunFolder(folder / "run").sample()
    assert list(got.ids) == list(want.ids)
    np.testing.assert_array_equal(np.asarray(got.flux), np.asarray(want.flux))
    np.testing.assert_array_equal(np.asarray(got.ivar), np.asarray(want.ivar))
    truth = RunFolder(folder / "run").truth()
    assert truth is not None
    known = pd.read_csv(raw / "truth.csv", keep_default_na=False)
    assert truth["kind"].tolist() == known["kind"].tolist()


def test_what_is_done_is_not_measured_again(grown, folder) -> None:
    start = time.perf_counter()
    again = scale.grown(N, folder, {"seed": scale.SEED, "executor": "serial"}, until=PREPARE)
    assert again == grown
    assert time.perf_counter() - start < 2


def test_a_survey_of_plates_travels_and_reads_the_same_again(tmp_path) -> None:
    survey = pickle.loads(pickle.dumps(SimulatedPlates(700, 3, tmp_path, plates=1)))  # noqa: S301 - our own
    first, second = survey.partitions()
    assert (len(first), len(second)) == (640, 60)
    assert first.inputs != second.inputs
    fluxes = []
    for _ in range(2):
        read = survey.read(second)
        blocks = list(read.blocks(64))
        fluxes.append(np.concatenate([np.asarray(block.flux) for block in blocks]))
        known = {id for block in blocks for id in block.table["id"]} | {one.id for one in read.skipped}
        assert known == set(survey.ids(second))
        assert list(tmp_path.glob("plates-*"))
        del read
        assert not list(tmp_path.glob("plates-*"))
    np.testing.assert_array_equal(*fluxes)
    assert survey.simulating()["fibres"] == 120


def test_a_command_is_watched_with_its_children(tmp_path) -> None:
    code = ("import subprocess, sys, time; held = bytearray(200_000_000); "
            "subprocess.run([sys.executable, '-c', 'import time; end = time.process_time() + 1\\n"
            "while time.process_time() < end: pass']); open('file', 'wb').write(bytes(5_000_000))")
    taken = watched([sys.executable, "-c", code], tmp_path, log=tmp_path / "log.txt", cwd=tmp_path)
    assert 1.0 <= taken.cpu <= taken.wall * 2.5
    assert taken.memory > taken.largest > 150e6
    assert taken.disk >= 5_000_000
    assert taken.workers == 0
    with pytest.raises(RuntimeError, match="exit code 3"):
        watched([sys.executable, "-c", "import sys; print('why'); sys.exit(3)"], tmp_path, log=tmp_path / "log.txt")


def test_a_measurement_that_is_stopped_ends_what_it_started(tmp_path) -> None:
    child = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    job = ("import sys; from pathlib import Path; from benchmarks import scale\n"
           "from benchmarks._watch import watched\n"
           f"def work(given): watched([sys.executable, '-c', {code!r}], Path('.'), log=Path('log'))\n"
           "scale.growth = work\nsys.argv = ['scale', 'growth', '--folder', '.']\nscale.main()")
    paths = os.pathsep.join([str(scale.HERE), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen([sys.executable, "-c", job], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}) as other:
        pid = tmp_path / "pid"
        while not (pid.exists() and pid.read_text()):
            assert other.poll() is None
            time.sleep(0.05)
        other.send_signal(signal.SIGTERM)
        assert other.wait(30) == 128 + signal.SIGTERM
    assert not psutil.pid_exists(int(pid.read_text()))


def test_of_one_size_nothing_is_projected(tmp_path, monkeypatch) -> None:
    (tmp_path / scale.GROWTH).write_text(json.dumps({"rows": [row(1000)]}))
    monkeypatch.setattr(sys, "argv", ["scale", "projection", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit, match="one size"):
        scale.main()
    assert "nan" not in _growth.table([row(1000)])
    assert len(_growth.figure([row(1000)]).children[0].legend[0].items) == len(scale.STEPS)


def test_a_file_with_two_names_counts_once(tmp_path) -> None:
    (tmp_path / "a").write_bytes(bytes(1000))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert size_of(tmp_path) == 1000
    assert size_of(tmp_path / "nothing") == 0


def test_growth_is_told_from_costs() -> None:
    n = [1000, 3000, 10_000, 30_000]
    line = Growth.of(n, [5 + 0.002 * one for one in n])
    assert (line.fixed, line.each) == pytest.approx((5, 0.002), rel=1e-6)
    assert line.exponent < 1
    square = Growth.of(n, [1e-6 * one**2 for one in n])
    assert (square.exponent, square.last) == pytest.approx((2, 2))
    assert np.isnan(Growth.of([10], [1.0]).exponent)


def row(n: int) -> dict[str, object]:
    """Return what a survey of `n` would have taken: training alone is not in proportion."""
    none = {"fibres": 0, "wall": 0.0, "cpu": 0.0}
    steps = {step: {"wall": 3 + n / 500, "cpu": 5 + n / 250, "workers": 0.0, "memory": 1e9, "largest": 5e8 + 1e3 * n,
                    "disk": 7000 * n, "simulating": none, "cells": []} for step in scale.STEPS}
    steps[PREPARE] |= {"workers": n / 300, "simulating": {"fibres": n, "wall": n / 300, "cpu": n / 1000}}
    steps["04_score"] |= {"workers": n / 400}
    counts = {PREPARE: {"read": n, "kept": n, "pixels": 3890}, "03_train": {"steps": 10_000}}
    return {"n": n, "executor": "processes:2", "counts": counts, "steps": steps,
            "bytes": {"sample.zarr": 21_000 * n, "scores.parquet": 400 * n}}


def test_growth_is_told_as_a_table_and_drawn() -> None:
    rows = [row(1000), row(10_000)]
    text = _growth.table(rows)
    assert "| read and preprocess | 8 / 35 |" in text  # 5 + n / 250 less the simulating, n / 1000
    assert "| `sample.zarr` | 21,000 / 21,000 |" in text
    layout = _growth.figure(rows)
    assert len(layout.children) == 2
    assert len(layout.children[0].legend[0].items) == len(scale.STEPS) + 1


def test_workers_divide_only_what_they_share() -> None:
    made = _projection.projection([row(1000), row(10_000)], {"SDSS": 2e-3, "DESI": 6e-3, "ratio": 3.0}, bandwidth=1e12)
    sdss = {one["workers"]: one for one in made["times"] if (one["survey"], one["keep"]) == ("SDSS", "all")}
    first = {n: sdss[n]["stages"][PREPARE] for n in sdss}
    assert first[2]["processors"] == pytest.approx(1_200_000 * (1 / 300 - 1 / 1000) / 2, rel=0.01)
    assert first[2]["processors"] / first[128]["processors"] == pytest.approx(49)  # 293 partitions: 147 and 3 rounds
    assert first[2]["one process"] == pytest.approx(first[1024]["one process"])
    assert [first[n]["limit"] for n in (2, 1024)] == ["processors", "one process"]
    assert sdss[2]["hours"] > sdss[16]["hours"] > sdss[1024]["hours"]
    desi = [one for one in made["times"] if (one["survey"], one["keep"], one["workers"]) == ("DESI", "all", 2)]
    ratio = desi[0]["stages"][PREPARE]["processors"] / first[2]["processors"]
    assert ratio == pytest.approx(3.0 * 22.5 / 1.2, rel=0.01)
    top = {(one["survey"], one["keep"], one["precision"]): one["spectra"] for one in made["bytes"]}
    assert top["DESI", "top", "full"] < 0.02 * top["DESI", "all", "full"]
    assert "DESI 22,500,000" in _projection.table(made)


def test_a_slow_disk_limits_reading() -> None:
    made = _projection.projection([row(1000), row(10_000)], {"SDSS": 2e-3, "DESI": 6e-3, "ratio": 3.0}, bandwidth=1e7)
    assert {one["stages"][PREPARE]["limit"] for one in made["times"] if one["workers"] > 2} == {"reading"}


@pytest.mark.parametrize("executor", ["serial", "processes:1"])
def test_keeping_is_compared_with_a_bare_loop(executor: str, tmp_path) -> None:
    made = compared(executor, 0.05, tmp_path / "kept", tasks=4, repeat=2)
    assert len(made["wall"]["ratios"]) == len(made["cpu"]["ratios"]) == 2
    assert made["cpu"]["ratio"] > 0.8
    assert made["cpu"]["low"] <= made["cpu"]["ratio"] <= made["cpu"]["high"]
    assert not (tmp_path / "kept").exists()


def test_a_burning_task_takes_the_processor_that_long_and_gives_the_same_table() -> None:
    part = sa.parallel.partitions(1, 1)[0]
    start = time.process_time()
    first = Burn(0.1)(part)["scores"]
    assert time.process_time() - start >= 0.1
    pd.testing.assert_frame_equal(first, Burn(0.0)(part)["scores"])


def test_the_command_line_says_what_it_measured(tmp_path, monkeypatch, capsys) -> None:
    folder = tmp_path / "made"
    (folder / "1000").mkdir(parents=True)
    (folder / "1000" / "row.json").write_text(json.dumps(row(1000)))
    monkeypatch.setattr(sys, "argv", ["scale", "growth", "--sizes", "1000", "--folder", str(folder), "--json",
                                      str(tmp_path / "out.json"), "--markdown", str(tmp_path / "out.md")])
    scale.main()
    assert "read and preprocess" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text())["rows"][0]["n"] == 1000
    assert (tmp_path / "out.md").read_text().startswith("| stage |")
    shutil.rmtree(folder)
