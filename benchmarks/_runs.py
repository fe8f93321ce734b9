"""A run of a small survey that is watched: its processes, what it ends with, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks._watch import end
from benchmarks._witness import Witness
from specanom.run.digest import digests
from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES

WORKERS = 2
VICTIMS = ("main process", "worker", "kernel")
LEFTOVER = re.compile(r"\.part($|[./])|(^|/|\.)work(/|$)|(^|/)\.?tmp|scratch|progress\.txt|\.checkpoint")
LONGEST = 1800.0
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Survey:
    """What is run: small partitions, so that there are many.

    Parameters
    ----------
    n, partition, steps, top, samples : int
        Spectra, spectra of a partition, steps of training, spectra that are explained, and samples of each.
    until : str
        The last stage; "" for all, by the command.
    """

    n: int = 120
    partition: int = 16
    steps: int = 20
    top: int = 8
    samples: int = 100
    until: str = ""

    def parameters(self, executor: str) -> dict[str, Any]:
        """Return the parameters of the run."""
        return {"survey": "mock", "n": self.n, "partition": self.partition, "max_steps": self.steps, "top": self.top,
                "samples": self.samples, "executor": executor}

    def command(self, run: Path, executor: str) -> list[str]:
        """Return the command that makes the run, or goes on with it."""
        given = self.parameters(executor)
        if self.until:
            code = ("import json, sys; from specanom.run.pipeline import run_pipeline; "
                    "run_pipeline(sys.argv[1], json.loads(sys.argv[2]), until=sys.argv[3])")
            return [sys.executable, "-c", code, str(run), json.dumps(given), self.until]
        installed = Path(sys.executable).with_name("specanom")
        program = [str(installed)] if installed.exists() else [sys.executable, "-m", "specanom.run.cli"]
        words = [word for name, value in given.items() if name not in ("survey", "executor")
                 for word in ("-p", f"{name}={value}")]
        return [*program, "run", "--quiet", "--survey", "mock", "--run-dir", str(run), "--executor", executor, *words]


@dataclass(frozen=True)
class Quiet:
    """An undisturbed run.

    Attributes
    ----------
    seconds : float
    seen : dict
        Kind of process → the moments at which there was one.
    digests : dict
        Of all results.
    files : frozenset
        Names of all files.
    tasks : int
    """

    seconds: float
    seen: Mapping[str, list[float]]
    digests: Mapping[str, str]
    files: frozenset[str]
    tasks: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "files": sorted(self.files)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Quiet:
        """Return what plain values tell."""
        return cls(**{**told, "files": frozenset(told["files"])})


@contextlib.contextmanager
def started(command: list[str], witness: Witness) -> Iterator[psutil.Popen]:
    """Start a run, and end it with all its processes when this one is stopped; what it says goes to a file.

    It is a session of its own, so that a signal to this process does not reach it first.
    """
    environment = {**os.environ, **witness.environment(), "OMP_NUM_THREADS": "1"}
    with open(witness.log.with_suffix(".out"), "ab") as told:
        main = psutil.Popen(command, stdout=told, stderr=told, env=environment, start_new_session=True)
    try:
        yield main
    except BaseException:
        end(main.pid)
        raise


def processes(main: psutil.Process) -> dict[str, list[psutil.Process]]:
    """Return the processes of a run by kind."""
    found: dict[str, list[psutil.Process]] = {"main process": [main], "worker": [], "kernel": []}
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in main.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = " ".join(one.cmdline())
                if "ipykernel_launcher" in words:
                    found["kernel"].append(one)
                elif "spawn_main" in words:
                    found["worker"].append(one)
    return found


def undisturbed(survey: Survey, folder: Path, executor: str) -> Quiet:
    """Make the run that all others are compared with."""
    run, witness = fresh(folder), Witness(folder / "witness")
    seen: dict[str, list[float]] = {name: [] for name in VICTIMS}
    begin = time.monotonic()
    with started(survey.command(run, executor), witness) as main:
        while main.poll() is None:
            now = time.monotonic() - begin
            for name, there in processes(main).items():
                if there:
                    seen[name].append(now)
            if now > LONGEST:
                raise RuntimeError(f"the undisturbed run hangs; see {witness.log.parent}")
            time.sleep(0.1)
    if main.returncode:
        raise RuntimeError(f"the undisturbed run ended with {main.returncode}; see {witness.log.parent}")
    tasks = witness.tasks()
    if not tasks.ended or tasks.cut_short or tasks.done_twice:
        raise RuntimeError(f"tasks of the undisturbed run: {tasks}")
    return Quiet(time.monotonic() - begin, seen, digests(run), names(run), len(tasks))


def fresh(folder: Path) -> Path:
    """Return a run folder that is not there; what another kill left is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder / "run"


def names(run: Path) -> frozenset[str]:
    """Return the names of all files of a run, but for the numbers of its locks."""
    return frozenset(re.sub(r"\.lock-\d+$", ".lock", path.relative_to(run).as_posix())
                     for path in run.rglob("*") if path.is_file())


def stage_of(run: Path) -> str:
    """Return the stage that a run is at."""
    with contextlib.suppress(Exception):  # its manifest may not be there yet
        stages = Manifest(run).content["stages"]
        return next((name for name in STAGES if stages.get(name, {}).get("status") != "done"), "report")
    return STAGES[0]


def compared(run: Path, quiet: Quiet) -> dict[str, Any]:
    """Say how a run differs from the undisturbed one."""
    made, there = digests(run), names(run)
    differ = sorted({name for name, _ in made.items() ^ quiet.digests.items()})
    left = sorted({*(there - quiet.files), *(name for name in there if LEFTOVER.search(name))})
    return {"differ": tuple(differ), "leftovers": tuple(left), "results": len(quiet.digests)}
