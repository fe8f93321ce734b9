"""Scripts for Slurm are what bash, sbatch and dask-jobqueue take, whatever the values."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.deploy import Call, Sizes, Slurm
from specanom.errors import ArgumentError
from specanom.run.process import this_process

GOLDEN = Path(__file__).parent / "golden"
FULL = Slurm("survey", queue="cpu", account="astro", qos="long", time="2-12:00:00", cores=16, jobs=6, gpus=2,
             gpu_queue="gpu", gpu_type="a100", restarts=5, python="/opt/my env/bin/python", scratch="/scratch/a b",
             modules=("python/3.12",), interface="ib0", sizes=Sizes(1_200_000, 3800))
CALL = Call("/data/run 1", "sdss", "/data/sdss", parameters=("partition=4096", "top=500"))
NASTY = ["/data/a b", "/data/'quoted'", '/data/"double"', "/data/$(touch hurt)", "/data/`touch hurt`",
         "/data/a;touch hurt", "/data/$HOME", "/data/{{ 7 * 7 }}", "/data/\\", "/data/-p", "/data/ü*?[x]",
         "/data/#x", "/data/%j"]
TAKE = """import os
from pathlib import Path
from specanom.run.lock import only_one
with only_one(Path(os.environ["RUN"])):
    pass
"""
SBATCH = {"--job-name", "--partition", "--account", "--qos", "--nodes", "--ntasks", "--cpus-per-task", "--mem",
          "--time", "--open-mode", "--requeue", "--signal", "--output", "--gres", "--array"}


def directives(script: str) -> dict[str, str]:
    """Return what sbatch reads: the lines before the first command."""
    head = script[: re.search(r"^[^#\n]", script, flags=re.M).start()]  # type: ignore[union-attr]
    lines = [line.removeprefix("#SBATCH ") for line in head.splitlines() if line.startswith("#SBATCH")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def constants(program: str) -> dict[str, Any]:
    """Return the constants of a program without running it."""
    found = [node for node in ast.parse(program).body if isinstance(node, ast.Assign)]
    return {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in found}


def called(script: str, folder: Path) -> list[list[str]]:
    """Run a script in which Python only writes down its arguments; returns those of each call."""
    fake = folder / "python"
    fake.write_text('#!/bin/bash\nprintf "%s\\0" "$@" >> calls\nprintf "\\n" >> calls\n')
    fake.chmod(0o755)
    (folder / "job").write_text(script)
    done = subprocess.run(["bash", "job", "tcp://scheduler:1"], cwd=folder, capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "1"})
    assert done.returncode == 0, done.stderr
    return [line.split("\0")[:-1] for line in (folder / "calls").read_text().splitlines()]


@pytest.mark.parametrize("name", ["node.sbatch", "run.sbatch", "cluster.py", "gpu.sbatch"])
def test_the_scripts_are_as_they_were(name: str) -> None:
    assert FULL(CALL).files[name] == (GOLDEN / f"{name}.golden").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["node.sbatch", "run.sbatch", "gpu.sbatch"])
def test_bash_reads_them_and_sbatch_knows_their_directives(name: str) -> None:
    for slurm in (FULL, Slurm(gpus=1)):
        script = slurm(CALL).files[name]
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
        assert set(directives(script)) <= SBATCH
        assert len(directives(script)) == script.count("#SBATCH ")  # sbatch stops reading at the first command


def test_what_is_asked_stands_in_the_directives() -> None:
    files = FULL(CALL).files
    node, gpu = directives(files["node.sbatch"]), directives(files["gpu.sbatch"])
    assert (node["--partition"], gpu["--partition"]) == ("cpu", "gpu")
    assert (node["--time"], node["--cpus-per-task"], node["--qos"]) == ("2-12:00:00", "16", "long")
    assert (gpu["--gres"], gpu["--array"], gpu["--job-name"]) == ("gpu:a100:1", "1-2", "survey-gpu")
    assert int(node["--mem"].removesuffix("G")) == FULL.sizes.main + 16 * FULL.sizes.worker
    plain = directives(Slurm()(CALL).files["node.sbatch"])
    assert not {"--partition", "--account", "--qos"} & set(plain)


def test_without_gpus_nothing_asks_for_one() -> None:
    files = Slurm()(CALL).files
    assert set(files) == {"node.sbatch", "run.sbatch", "cluster.py"}
    assert constants(files["cluster.py"])["GPUS"] == 0


def test_workers_leave_before_their_time_is_over() -> None:
    for time, total in (("0:20:00", 1200), ("4:00", 14_400), ("2-12:00:00", 216_000)):
        options = constants(Slurm(time=time)(CALL).files["cluster.py"])["WORKERS"]
        words = options["worker_extra_args"]
        life, stagger = (int(words[words.index(name) + 1].removesuffix("s"))
                         for name in ("--lifetime", "--lifetime-stagger"))
        assert 0 < life + stagger <= total - 180
    assert constants(Slurm(time="4:00")(CALL).files["cluster.py"])["WORKERS"]["walltime"] == "04:00:00"


@pytest.mark.parametrize("place", NASTY)
def test_a_path_is_one_argument_and_nothing_else(place: str, tmp_path: Path) -> None:
    call = Call(f"{place}/run", "sdss", place, parameters=(f"target={place}",))
    files = Slurm(python=str(tmp_path / "python"), gpus=1)(call).files
    for name in ("node.sbatch", "gpu.sbatch", "run.sbatch"):
        (tmp_path / name).mkdir()
    (run,) = called(files["node.sbatch"].replace(str(tmp_path), "."), tmp_path / "node.sbatch")
    assert run == ["-m", "specanom.run.cli", *call.words("processes:8")]
    assert {f"{place}/run", place, f"target={place}"} <= set(run)
    assert constants(files["cluster.py"])["RUN"] == call.words("dask:")
    assert not list(tmp_path.rglob("hurt"))


@pytest.mark.parametrize("name", ["node.sbatch", "run.sbatch"])
def test_a_job_that_is_started_again_takes_over_its_own_lock_and_no_other(name: str, tmp_path: Path) -> None:
    run = tmp_path / "a run"
    run.mkdir()
    (tmp_path / "python").write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {tmp_path}/take.py\n")
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "take.py").write_text(TAKE)
    script = Slurm(python=str(tmp_path / "python"))(Call(str(run))).files[name]
    for owner, taken in (("perlmutter-42", True), ("perlmutter-7", False), ("", False)):
        lock = run / ".lock-000002"
        lock.write_text(json.dumps(asdict(replace(this_process(), host="elsewhere", boot="another", job=owner))))
        done = subprocess.run(["bash"], input=script, text=True, check=False, cwd=tmp_path, capture_output=True,
                              env={"PATH": "/usr/bin:/bin", "SLURM_RESTART_COUNT": "1", "SLURM_JOB_ID": "42",
                                   "SLURM_CLUSTER_NAME": "perlmutter", "RUN": str(run)})
        assert (done.returncode == 0) is taken, done.stderr
        assert lock.exists() is not taken
        for one in run.glob(".lock-*"):
            one.unlink()


@pytest.mark.parametrize(("count", "asked"), [("0", True), ("19", True), ("20", False)])
def test_a_job_at_the_end_of_its_time_asks_to_go_on(count: str, asked: bool, tmp_path: Path) -> None:
    (tmp_path / "scontrol").write_text('#!/bin/bash\necho "$@" > asked\n')
    (tmp_path / "slow").write_text("#!/bin/bash\nkill -USR1 $PPID\nsleep 0.2\n")
    for name in ("scontrol", "slow"):
        (tmp_path / name).chmod(0o755)
    script = Slurm(python=str(tmp_path / "slow"))(CALL).files["node.sbatch"]
    done = subprocess.run(["bash"], input=script, text=True, check=False, cwd=tmp_path, capture_output=True,
                          env={"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_RESTART_COUNT": count, "SLURM_JOB_ID": "42"})
    assert (tmp_path / "asked").exists() is asked
    assert asked or "sbatch it once more" in done.stderr
    if asked:
        assert (tmp_path / "asked").read_text() == "requeue 42\n"


@pytest.mark.parametrize("place", NASTY)
def test_scratch_and_interpreter_are_quoted(place: str, tmp_path: Path) -> None:
    (tmp_path / "gpu").mkdir()
    slurm = Slurm(python=place, scratch=f"{tmp_path}{place}", gpus=1)
    script = slurm(CALL).files["gpu.sbatch"].replace(f"exec {shlex.quote(place)}", "exec ./python")
    (worker,) = called(script, tmp_path / "gpu")
    assert worker[worker.index("--local-directory") + 1] == slurm.scratch
    assert worker[worker.index("--resources") + 1] == "GPU=1"
    assert worker[2] == "tcp://scheduler:1"
    assert Path(slurm.scratch).is_dir()
    assert not list(tmp_path.rglob("hurt"))
    options = constants(slurm(CALL).files["cluster.py"])["WORKERS"]
    assert shlex.split(options["python"]) == [place]
    assert shlex.split(options["local_directory"]) == [slurm.scratch]


@given(value=st.text(min_size=1, max_size=30))
@settings(max_examples=60)
def test_any_text_is_quoted_or_refused(value: str) -> None:
    try:
        call = Call("/run", parameters=(value,))
    except ArgumentError:
        assert not value.isprintable()
        return
    line = next(one for one in Slurm(python="/p")(call).files["node.sbatch"].splitlines() if one.startswith("/p "))
    assert shlex.split(line.removesuffix(" &"))[3:] == call.words("processes:8")


@pytest.mark.parametrize("options", [
    {"name": "a b"}, {"name": "a\n#SBATCH --uid=0"}, {"name": ""}, {"name": "$(x)"}, {"queue": "a;b"},
    {"account": 'a"b'}, {"qos": "a b"}, {"gpu_type": "a100", "gpus": 0}, {"time": "soon"}, {"time": "0:05:00"},
    {"time": "24:00:00\n"}, {"cores": 0}, {"cores": True}, {"cores": "8"}, {"jobs": -1}, {"gpus": -1},
    {"python": "python"}, {"python": "/a\nb"}, {"scratch": "scratch"}, {"modules": ("x; rm -rf /",)},
    {"modules": ("",)}, {"interface": "eth0 --x"}, {"restarts": 1.5}])
def test_what_slurm_would_not_take_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Slurm(**options)


@pytest.mark.parametrize("options", [{"run_dir": "runs/first"}, {"run_dir": "/a\nb"}, {"run_dir": ""},
                                     {"run_dir": "/a", "path": "b"}, {"run_dir": "/a", "survey": "x\ny"},
                                     {"run_dir": "/a", "parameters": ("a=\x00",)}])
def test_a_call_that_is_none_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Call(**options)


def test_memory_grows_with_what_is_read() -> None:
    small, large = Sizes(1000, 1000, 256), Sizes(22_500_000, 7781, 4096)
    assert small.worker < large.worker <= 8
    assert small.main < Sizes(100_000, 3800).main < Sizes(1_200_000, 3800).main < large.main
    assert Sizes(10, 7781, 4096).worker == Sizes(10, 7781, 10).worker
    with pytest.raises(ArgumentError, match="partition"):
        Sizes(partition=0)


def test_scripts_are_written_and_read_as_one(tmp_path: Path) -> None:
    scripts = FULL(CALL)
    paths = scripts.write(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == list(scripts.files)
    assert [path.read_text(encoding="utf-8") for path in paths] == list(scripts.files.values())
    assert all(text in str(scripts) for text in scripts.files.values())
