"""Kills a run at random moments and lets it go on: ``python -m benchmarks.kills --kills 30``.

Each run is made anew in the same folder, since tables tell the paths of files. The victim is by turns the main
process, a worker process and the kernel of a notebook; the moment is drawn evenly from those at which an undisturbed
run had such a process. The same command is then given again. It must end well, with the same hashes of all results as
the undisturbed run and the same files; no process may be left after the kill; and no task whose files were in place
may be done again, so that what is lost is at most the partitions that the workers had in hand.

With ``--dask`` the work is done by two workers of a Dask cluster, and those are the victims; at last a task that always
kills its worker must be singled out and listed, by Dask and by processes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks._killers import isolated
from benchmarks._witness import Witness
from specanom.run.digest import digests
from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES

WORKERS = 2
VICTIMS = ("main process", "worker", "kernel")
LEFTOVER = re.compile(r"\.part($|[./])|(^|/|\.)work(/|$)|(^|/)\.?tmp|scratch|progress\.txt|\.checkpoint")
PATIENCE = 20.0
"""Seconds that processes may take to notice that their parent is gone."""
LONGEST = 1800.0
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Survey:
    """What is run: small partitions, so that there are many.

    Parameters
    ----------
    n, partition, steps, top : int
        Spectra, spectra of a partition, steps of training, and spectra that are explained.
    until : str
        The last stage; "" for all, by the command.
    """

    n: int = 200
    partition: int = 32
    steps: int = 60
    top: int = 8
    until: str = ""

    def parameters(self, executor: str) -> dict[str, Any]:
        """Return the parameters of the run."""
        return {"survey": "mock", "n": self.n, "partition": self.partition, "max_steps": self.steps, "top": self.top,
                "samples": 200, "executor": executor}

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


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it.

    Attributes
    ----------
    moment : float
        Seconds after the start.
    victim, stage : str
        What was killed, and during which stage.
    code : int
        How the command ended; the same command again must end with 0.
    cut_short, done_twice : int
        Tasks that were begun in vain, and tasks that were done again although they were done.
    differ, leftovers : tuple of str
        Results with other hashes, and files that an undisturbed run does not leave.
    orphans : int
        Processes that were left.
    seconds : float
        What the command took when it was given again.
    """

    moment: float
    victim: str
    stage: str
    code: int = 0
    again: int = 0
    cut_short: int = 0
    done_twice: int = 0
    differ: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    orphans: int = 0
    seconds: float = 0.0
    results: int = field(default=0, compare=False)

    @property
    def fine(self) -> bool:
        """Whether nothing was lost but what the workers had in hand."""
        return not (self.again or self.differ or self.leftovers or self.orphans or self.done_twice
                    or self.cut_short > WORKERS)

    def row(self) -> str:
        """Return a line of the table."""
        lost = f"{self.cut_short} task{'' if self.cut_short == 1 else 's'}" if self.cut_short else "–"
        said = f"{self.results} the same" if not self.differ else f"{len(self.differ)} differ"
        faults = [f"ended with {self.again}"] if self.again else []
        faults += [f"{self.done_twice} done twice"] if self.done_twice else []
        faults += [f"{self.orphans} processes left"] if self.orphans else []
        faults += [f"left: {', '.join(self.leftovers[:3])}"] if self.leftovers else []
        faults += [f"differ: {', '.join(self.differ[:3])}"] if self.differ else []
        return (f"| {self.moment:6.1f} | {self.victim:12} | {self.stage:13} | {self.code:4d} | {lost:7} | "
                f"{self.seconds:6.0f} | {said} | {'; '.join(faults) or 'nothing lost'} |")


def start(command: list[str], witness: Witness) -> psutil.Popen:
    """Start a run; what it says goes to a file beside the log."""
    environment = {**os.environ, **witness.environment(), "OMP_NUM_THREADS": "1"}
    with open(witness.log.with_suffix(".out"), "ab") as told:
        return psutil.Popen(command, stdout=told, stderr=told, env=environment, start_new_session=True)


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
    main = start(survey.command(run, executor), witness)
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


def kill_one(survey: Survey, quiet: Quiet, folder: Path, *, victim: str, rng: np.random.Generator,
             executor: str) -> Kill:
    """Kill one process of a run at a random moment, and give the command again."""
    run, witness = fresh(folder), Witness(folder / "witness")
    command = survey.command(run, executor)
    moment = float(rng.choice(quiet.seen[victim]))
    begin = time.monotonic()
    main = start(command, witness)
    target = _await(main, victim, begin + moment, rng)
    moment, stage, family = time.monotonic() - begin, stage_of(run), _family(main)
    if target is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(target.pid, signal.SIGKILL)
    code = main.wait(LONGEST)
    orphans = _left(family)
    begin = time.monotonic()
    again = start(command, witness).wait(LONGEST)
    tasks = witness.tasks()
    return Kill(moment, victim if target is not None else f"({victim})", stage, code, again, tasks.cut_short,
                tasks.done_twice, orphans=orphans, seconds=time.monotonic() - begin, **compared(run, quiet))


def _await(main: psutil.Popen, victim: str, when: float, rng: np.random.Generator) -> psutil.Process | None:
    """Return the process to kill, as soon as there is one after the moment; None when the run is over before."""
    while main.poll() is None:
        if time.monotonic() >= when and (there := processes(main)[victim]):
            return there[int(rng.integers(len(there)))]
        time.sleep(0.01)
    return None


def _family(main: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [main, *main.children(recursive=True)]
    return []


def _left(family: list[psutil.Process]) -> int:
    """Return how many of these processes are still there after a while, and end them."""
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    for one in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return len(alive)


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


@contextlib.contextmanager
def dask_cluster(witness: Witness) -> Iterator[Any]:
    """Open two workers of Dask that are watched."""
    import distributed

    os.environ.update(witness.environment())
    with distributed.LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None,
                                  silence_logs=50) as cluster:
        yield cluster


def kill_dask(survey: Survey, quiet: Quiet, folder: Path, rng: np.random.Generator) -> Kill:
    """Kill a worker of Dask in the middle of a task of a run, which must not need another call."""
    import distributed

    run, witness = fresh(folder), Witness(folder / "witness")
    with dask_cluster(witness) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        begin = time.monotonic()
        main = start(survey.command(run, f"dask:{cluster.scheduler_address}"), witness)
        wanted, target = int(rng.integers(1, quiet.tasks)), None
        while main.poll() is None and target is None:
            busy = [address for address, keys in client.processing().items() if keys]
            if busy and sum(witness.tasks().begun.values()) >= wanted:
                target = client.run(os.getpid, workers=[str(rng.choice(busy))])
            time.sleep(0.02)
        moment, stage = time.monotonic() - begin, stage_of(run)
        for pid in (target or {}).values():
            os.kill(pid, signal.SIGKILL)
        code = main.wait(LONGEST)
    tasks = witness.tasks()
    return Kill(moment, "Dask worker", stage, code, code, tasks.cut_short, tasks.done_twice,
                **compared(run, quiet))


def main(argv: list[str] | None = None) -> int:
    """Kill, print the table, and return 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__.splitlines()[0])
    for name, default in (("kills", 30), ("dask", 2), ("seed", 1), ("n", 200), ("partition", 32), ("steps", 60)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--until", default="", help="the last stage (default: all)")
    parser.add_argument("--folder", type=Path, help="where runs are made (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="where the figures are written too")
    given = parser.parse_args(argv)
    survey = Survey(given.n, given.partition, given.steps, until=given.until)
    root = given.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    root.mkdir(parents=True, exist_ok=True)
    folder = root / "one"
    quiet = undisturbed(survey, folder, f"processes:{WORKERS}")
    print(f"undisturbed: {quiet.seconds:.0f} s, {quiet.tasks} tasks, {len(quiet.digests)} results\n\n"
          "| at, s | killed | stage | code | in vain | again, s | hashes | lost |\n|---|---|---|---|---|---|---|---|",
          flush=True)
    done: list[Kill] = []
    for i in range(given.kills + given.dask):
        rng = np.random.default_rng([given.seed, i])
        if i < given.kills:
            one = kill_one(survey, quiet, folder, victim=VICTIMS[i % len(VICTIMS)], rng=rng,
                           executor=f"processes:{WORKERS}")
        else:
            one = kill_dask(survey, quiet, folder, rng)
        done.append(one)
        print(one.row(), flush=True)
        if not one.fine:
            shutil.copytree(folder, root / f"kill-{i:02d}", dirs_exist_ok=True)
    singled = [isolated(root / "killer", executor) for executor in ("processes:2", "dask")] if given.dask else []
    for line in singled:
        print(f"\n{line}", end="")
    fine = all(one.fine for one in done) and all(line.fine for line in singled)
    print(f"\n{sum(one.fine for one in done)} of {len(done)} kills lost nothing; tasks in vain: "
          f"{sum(one.cut_short for one in done)} of {quiet.tasks * len(done)}")
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in done], indent=1), encoding="utf-8")
    if fine and given.folder is None:
        shutil.rmtree(root)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
