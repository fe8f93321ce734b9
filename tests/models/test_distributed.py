"""A fit in two processes: the loss curve and the weights of one process, and no waiting for the dead."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from specanom.models.distributed import Group, launched

pytestmark = pytest.mark.xdist_group("joint")  # one worker: what the processes made is made once

HERE = Path(__file__).parent
_SPEC = importlib.util.spec_from_file_location("joint", HERE / "joint.py")
joint = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(joint)


def start(folder: Path, *cases: str, world: int = 2) -> list[subprocess.Popen[str]]:
    environment = {**os.environ, "WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1"}
    return [subprocess.Popen([sys.executable, str(HERE / "joint.py"), str(folder), *cases], text=True,
                             env={**environment, "RANK": str(rank)}, stderr=subprocess.PIPE)
            for rank in range(world)]


def ended(processes: list[subprocess.Popen[str]], seconds: float = 300) -> list[tuple[int, str]]:
    try:
        return [(process.returncode, text) for process in processes
                for text in [process.communicate(timeout=seconds)[1]]]
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joint")
    for code, text in ended(start(folder, *joint.CASES, "other settings")):
        assert code == 0, text
    return folder


@pytest.mark.parametrize("case", joint.CASES)
def test_two_processes_train_like_one(together: Path, case: str) -> None:
    alone = joint.CASES[case]().fit(joint.the_sample())
    weights = joint.weights_of(alone).numpy()
    history, *rest = (pd.read_parquet(together / f"{case}.{rank}.parquet") for rank in range(2))
    first, second = (np.load(together / f"{case}.{rank}.npy") for rank in range(2))
    assert np.array_equal(first, second), "both have the same model"
    assert history.equals(rest[0])
    assert len(history) == len(alone.history) >= 6
    for column in alone.history.columns.drop(["fold"]):
        assert np.allclose(history[column], alone.history[column], rtol=1e-5, atol=1e-7), column
    assert history["loss"].iloc[-1] != pytest.approx(history["loss"].iloc[0], rel=1e-2), "something was learnt"
    assert np.abs(first - weights).max() < 1e-4 * np.abs(weights).max()


def test_a_dead_process_ends_the_other_with_words(tmp_path: Path) -> None:
    (waiting, words), (killed, _) = ended(start(tmp_path, "killed"))
    assert killed == -9
    assert waiting == 1
    assert "ProcessLost: process group: expected 2 processes that answer" in words


def test_processes_with_other_settings_are_refused(together: Path) -> None:
    for rank in range(2):
        assert "sample: expected the same in each process" in (together / f"other settings.{rank}").read_text()


def test_parts_of_a_batch_are_all_of_it() -> None:
    rows = torch.arange(7)
    parts = [Group(rank, 3).share(rows) for rank in range(3)]
    assert torch.equal(torch.cat(parts), rows)
    assert [len(part) for part in parts] == [3, 2, 2]
    values = torch.rand(7)
    shares = [Group(rank, 3).mean(Group(rank, 3).share(values), 7) for rank in range(3)]
    assert float(sum(shares)) == pytest.approx(float(values.mean()))


def test_a_process_alone_is_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with launched() as group:
        assert group == Group.current() == Group(0, 1)
        assert group.first
