"""Stage 03 in several processes: the same model, no waiting for the dead, nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import specanom as sa
from specanom.models import BinnedModel, Training, VAEModel
from specanom.run import joint
from specanom.run.joint import fit_jointly
from specanom.run.training import fit_by_bin, scratch_for


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = sa.Preprocessor().fit_transform(sa.surveys.mock(n=140, seed=1))
    table = made.table.assign(bin=np.arange(len(made)) % 2)
    return made.replace(table=table).save(tmp_path_factory.mktemp("set") / "sample.zarr")


def small(**more: object) -> VAEModel:
    settings = {"hidden": (32, 16, 16), "max_steps": 40, "folds": 1, "device": "cpu",
                "training": Training(check_every=20, basis=16), **more}
    return VAEModel(4, **settings)  # type: ignore[arg-type]


def test_two_processes_fit_the_model_of_one(sample: Path, tmp_path: Path) -> None:
    opened = sa.SpectrumSet.open(sample)
    alone = fit_by_bin(small, opened)
    both = fit_jointly(small(), sample, processes=2, work=tmp_path / "a #1 ?b=2;c%20", scratch=tmp_path / "scratch")
    assert isinstance(both, BinnedModel)
    assert np.allclose(alone.reconstruct(opened), both.reconstruct(opened), atol=2e-4)
    assert np.allclose(alone.history["loss"], both.history["loss"], rtol=1e-4)
    assert not np.allclose(both.reconstruct(opened), opened.flux.mean(axis=0), atol=1e-2)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(sa.ArgumentError, match="devices: expected at most 2, one process a GPU, got 4"):
        joint._check_devices(4, "cuda")
    joint._check_devices(2, "cuda")
    joint._check_devices(4, "cpu")


def test_what_fails_in_a_process_is_told(sample: Path, tmp_path: Path) -> None:
    impossible = VAEModel(500, hidden=(8,), folds=1, device="cpu")  # more than there are spectra
    with pytest.raises(sa.DataError, match="spectra to learn from in each fold"):
        fit_jointly(impossible, sample, processes=2, work=tmp_path)


def test_processes_end_with_the_one_that_started_them(sample: Path, tmp_path: Path) -> None:
    code = ("import sys; from pathlib import Path; sys.path.insert(0, sys.argv[3]); import test_joint as t\n"
            "t.fit_jointly(t.small(max_steps=10**7, training=t.Training(patience=10**9)), Path(sys.argv[1]),"
            " processes=2, work=Path(sys.argv[2]))")
    parent = subprocess.Popen([sys.executable, "-c", code, str(sample), str(tmp_path), str(Path(__file__).parent)])
    try:
        children = _wait_for(lambda: _children(parent.pid), 2)
        assert len(children) == 2
        _wait_for(lambda: [1] if list((tmp_path / "kept").glob("*/fit.json")) else [], 1)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert _wait_for(lambda: [pid for pid in children if not _alive(pid)], 2), "they have ended"


def _wait_for(look: object, count: int, seconds: float = 60) -> list[int]:
    deadline = time.monotonic() + seconds
    while len(found := look()) < count and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.05)
    return found


def _children(pid: int) -> list[int]:
    return [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_only_a_sample_that_is_too_large_is_copied(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = sa.SpectrumSet.open(sample)
    assert scratch_for(opened, tmp_path) is None
    inside = scratch_for(opened, tmp_path / "work", str(tmp_path / "fast"))
    assert inside is not None
    assert inside.parent == tmp_path / "fast", "a folder of its own, which may be removed"
    monkeypatch.setattr("specanom.models.memory.free_memory", lambda: 1e5)
    assert scratch_for(opened, tmp_path) == tmp_path / "scratch"


def test_as_many_as_there_are_gpus() -> None:
    import torch

    assert joint.gpus() == max(torch.cuda.device_count(), 1)
    assert os.environ.get("RANK") is None, "this process is in no group"
