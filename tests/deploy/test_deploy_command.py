"""``specanom deploy`` prints or writes what its options say, and refuses what a cluster would not take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from specanom.deploy.slurm import CLUSTER, GPU, NODE, RUN
from specanom.run.cli import main


def test_slurm_scripts_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "slurm", "--run-dir", "runs/my run", "--path", str(tmp_path), "-p", "partition=512",
                 "--gpus", "2", "--gpu-queue", "gpu", "--module", "python/3.12", "--module", "cuda/12", "--output",
                 str(tmp_path / "jobs")]) == 0
    told = capsys.readouterr().out
    assert "sbatch run.sbatch" in told
    assert {path.name for path in (tmp_path / "jobs").iterdir()} == {NODE, RUN, CLUSTER, GPU}
    text = (tmp_path / "jobs" / NODE).read_text()
    assert f"--run-dir '{Path.cwd()}/runs/my run'" in text
    assert "module load python/3.12\nmodule load cuda/12\n" in text
    assert sys.executable in text


def test_smaller_partitions_take_less_memory(capsys: pytest.CaptureFixture[str]) -> None:
    made = {}
    for size in (256, 16_384):
        assert main(["deploy", "slurm", "--run-dir", "/r", "-p", f"partition={size}"]) == 0
        made[size] = capsys.readouterr().out
    assert "'memory': '16GiB'" in made[256]
    assert "'memory': '80GiB'" in made[16_384]


def test_kubernetes_manifests_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", "kubernetes", "--run-dir", "/data/run", "--image", "a/b:1", "--workers", "3"]) == 0
    assert "replicas: 3" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["slurm", "--run-dir", "/r", "--queue", "a;b"],
                                   ["slurm", "--run-dir", "/r", "-p", "partition=many"],
                                   ["kubernetes", "--run-dir", "/elsewhere", "--image", "a/b:1"]])
def test_a_wrong_call_is_told_as_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy", *words]) == 2
    assert "expected" in capsys.readouterr().err
