"""Kills a run at random moments and lets it go on: ``python -m benchmarks.kills``.

Each run is made anew in the same folder, since tables tell the paths of files. The victim is by turns the main
process, a worker process and the kernel of a notebook; the moment is drawn evenly from those at which an undisturbed
run had such a process, which the main process is all along. The same command is then given again. It must end well,
with the same hashes of all results as the undisturbed run and the same files; no process may be left after the kill;
and no task whose files were in place may be done again, so that what is lost is at most the partitions that the workers
had in hand.

Most runs end with the explanations (``--until``), every tenth with the report. At last the work is done by two workers
of a Dask cluster, and those are the victims, ``--dask`` times; and a task that always kills its worker must be singled
out and listed, by Dask and by processes.

What is done is kept in ``--folder`` under a key of the settings and of the package's code: the same command goes on
from there. It ends with 0 when nothing was lost, else with 1, and the folders of runs that lost something stay.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

import specanom
from benchmarks._killers import Singled, isolated
from benchmarks._runs import (
    LONGEST,
    VICTIMS,
    WORKERS,
    Quiet,
    Survey,
    compared,
    fresh,
    processes,
    stage_of,
    started,
    undisturbed,
)
from benchmarks._witness import Witness
from specanom.folders import write_json
from specanom.run.parameters import STAGES, notebook
from specanom.run.stopping import stopped_by_signals

EVERY = 10
"""Of so many kills one is of a whole run."""
TRIES = 6
PATIENCE = 20.0
"""Seconds that processes may take to notice that their parent is gone."""
HEAD = """| at, s | killed | stage | code | in vain | again, s | all, s | hashes | lost |
|---|---|---|---|---|---|---|---|---|"""


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
    seconds, whole : float
        What the command took when it was given again, and all of it.
    results : int
        Of the undisturbed run.
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
    whole: float = field(default=0.0, compare=False)
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
                f"{self.seconds:6.0f} | {self.whole:4.0f} | {said} | {'; '.join(faults) or 'nothing lost'} |")


def kill_one(survey: Survey, quiet: Quiet, folder: Path, *, victim: str, rng: np.random.Generator,
             executor: str) -> Kill:
    """Kill one process of a run at a random moment, and give the command again."""
    for _ in range(TRIES):
        made = _killed(survey, quiet, folder, victim=victim, rng=rng, executor=executor)
        if made is not None:
            return made
    raise RuntimeError(f"{TRIES} runs have ended before a {victim} could be killed")


def _killed(survey: Survey, quiet: Quiet, folder: Path, *, victim: str, rng: np.random.Generator, executor: str
            ) -> Kill | None:
    """Kill and go on; None when the run was over before, which it is when it finds the machine less in use."""
    run, witness = fresh(folder), Witness(folder / "witness")
    command = survey.command(run, executor)
    first = time.monotonic()
    with started(command, witness) as main:
        seen = quiet.seen[victim]
        target = _await(main, victim, float(rng.choice(seen) - min(seen) + rng.uniform(0.0, 0.1)), rng)
        if target is None:
            return None
        moment, stage, family = time.monotonic() - first, stage_of(run), _family(main)
        with contextlib.suppress(psutil.NoSuchProcess):
            os.kill(target.pid, signal.SIGKILL)
        code = main.wait(LONGEST)
        orphans = _left(family)
    begin = time.monotonic()
    with started(command, witness) as main:
        again = main.wait(LONGEST)
    now, tasks = time.monotonic(), witness.tasks()
    return Kill(moment, victim, stage, code, again, tasks.cut_short, tasks.done_twice, orphans=orphans,
                seconds=now - begin, whole=now - first, **compared(run, quiet))


def _await(main: psutil.Popen, victim: str, later: float, rng: np.random.Generator) -> psutil.Process | None:
    """Return the process to kill, `later` seconds after the first of its kind; None when the run is over before.

    From the first of its kind and not from the start: how long Python takes to start varies more than the work.
    """
    first: float | None = None
    while main.poll() is None:
        if there := processes(main)[victim]:
            first = time.monotonic() if first is None else first
            if time.monotonic() - first >= later:
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
        with started(survey.command(run, f"dask:{cluster.scheduler_address}"), witness) as main:
            wanted, target = int(rng.integers(1, quiet.tasks)), None
            while main.poll() is None and target is None:
                working = [address for address, keys in client.processing().items() if keys]
                if working and sum(witness.tasks().begun.values()) >= wanted:
                    target = client.run(os.getpid, workers=[str(rng.choice(working))])
                time.sleep(0.02)
            moment, stage = time.monotonic() - begin, stage_of(run)
            for pid in (target or {}).values():
                os.kill(pid, signal.SIGKILL)
            code = main.wait(LONGEST)
    whole, tasks = time.monotonic() - begin, witness.tasks()
    return Kill(moment, "Dask worker" if target else "(none)", stage, code, code, tasks.cut_short, tasks.done_twice,
                whole=whole, **compared(run, quiet))


def code() -> str:
    """Return a hash of the package and its notebooks."""
    root = Path(specanom.__file__).parent
    made = hashlib.sha256()
    for path in [*sorted(root.rglob("*.py")), *map(notebook, STAGES)]:
        made.update(path.read_bytes())
    return made.hexdigest()


def known(path: Path, make: Callable[[], Any]) -> Any:
    """Return what is kept in a file of JSON, or make and keep it."""
    if not path.exists():
        write_json(path, make())
    return json.loads(path.read_text(encoding="utf-8"))


def measured(given: argparse.Namespace, root: Path) -> list[Kill]:
    """Make the kills that are not made yet, and print each."""
    folder, executor = root / "one", f"processes:{WORKERS}"
    done: list[Kill] = []
    print(HEAD, flush=True)
    for name, i in [*(("kill", i) for i in range(given.kills)), *(("dask", i) for i in range(given.dask))]:
        until = "" if name == "kill" and i % EVERY == EVERY - 1 else given.until
        survey = Survey(given.n, given.partition, given.steps, until=until)

        def reference(survey: Survey = survey) -> dict[str, Any]:
            return undisturbed(survey, folder, executor).to_dict()

        quiet = Quiet.of(known(root / f"undisturbed-{until or 'whole'}.json", reference))

        def make(name: str = name, i: int = i, survey: Survey = survey, quiet: Quiet = quiet) -> dict[str, Any]:
            rng = np.random.default_rng([given.seed, i, name == "dask"])
            made = kill_dask(survey, quiet, folder, rng) if name == "dask" else kill_one(
                survey, quiet, folder, victim=VICTIMS[i % len(VICTIMS)], rng=rng, executor=executor)
            if not made.fine:
                shutil.copytree(folder, root / f"{name}-{i:02d}", dirs_exist_ok=True)
            return asdict(made)

        told = known(root / f"{name}-{i:02d}.json", make)
        done.append(Kill(**{**told, "differ": tuple(told["differ"]), "leftovers": tuple(told["leftovers"])}))
        print(done[-1].row(), flush=True)
    for path in sorted(root.glob("undisturbed-*.json")):
        quiet = Quiet.of(json.loads(path.read_text(encoding="utf-8")))
        print(f"{path.stem}: {quiet.seconds:.0f} s, {quiet.tasks} tasks, {len(quiet.digests)} results")
    return done


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=(__doc__ or "").splitlines()[0])
    plain = Survey()
    for name, default in (("kills", 30), ("dask", 2), ("seed", 1), ("n", plain.n), ("partition", plain.partition),
                          ("steps", plain.steps)):
        made.add_argument(f"--{name}", type=int, default=default)
    made.add_argument("--until", default="05_explain", choices=STAGES[1:], help="last stage of most runs")
    made.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "specanom-kills",
                      help="where runs are made, and what is done is kept (default: %(default)s)")
    made.add_argument("--json", type=Path, help="where the figures are written too")
    return made


def main(argv: list[str] | None = None) -> int:
    """Kill, print the table, and return 1 when anything was lost."""
    given = parser().parse_args(argv)
    settings = {name: value for name, value in vars(given).items() if name not in ("folder", "json", "kills", "dask")}
    key = hashlib.sha256(json.dumps([settings, code()]).encode()).hexdigest()[:12]
    root = given.folder.absolute() / key
    root.mkdir(parents=True, exist_ok=True)
    with stopped_by_signals():
        done = measured(given, root)
        singled: list[Singled] = []
        for executor in ("processes:2", "dask") if given.dask else ():
            singled.append(isolated(root / "killer", executor))
            print(singled[-1], flush=True)
    fine = all(one.fine for one in (*done, *singled))
    print(f"{sum(one.fine for one in done)} of {len(done)} kills lost nothing; {sum(one.cut_short for one in done)} "
          f"tasks were begun in vain; {sum(one.whole for one in done) / 60:.0f} minutes")
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in done], indent=1), encoding="utf-8")
    shutil.rmtree(root / "one", ignore_errors=True)
    shutil.rmtree(root / "killer", ignore_errors=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
