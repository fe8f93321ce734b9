"""How a run grows with its survey, whether it ends with the same bytes everywhere, and what the mechanism costs.

    python -m benchmarks.scale growth --folder DIR [--sizes 1000 3000 10000 30000 100000] [--figure PNG]
    python -m benchmarks.scale digests --folder DIR [--n 6000]
    python -m benchmarks.scale overhead --folder DIR [--repeat 7]
    python -m benchmarks.scale projection --folder DIR           # from the growth in the same folder

each with [--json PATH] [--markdown PATH]. *growth*: surveys of so many fibres, sky and stars counted, from plates to
the report, each stage in a process of its own: the notebooks that ``specanom run`` executes, but that plates are
simulated when they are read, and deleted after. The time of simulating is measured apart and taken off. What is done
in the folder is not done again. *digests*: one survey run in every way there is. *overhead*: partitions that are kept,
beside a bare loop over the same tasks, in turns. *projection*: what a million spectra take on N workers.

About 4 kB of disk a spectrum are needed for a moment, and 90 kB for 8,000 plates of each worker.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import specanom as sa
from benchmarks import _growth, _projection
from benchmarks._overhead import overhead
from benchmarks._stages import REPORT, STEPS, cells_of, survey_of
from benchmarks._watch import size_of, watched
from benchmarks._ways import WAYS, ways
from specanom.folders import write_json
from specanom.run.folder import RunFolder
from specanom.run.stopping import exit_code, stopped_by_signals

HERE = Path(__file__).resolve().parent.parent
SIZES = (1000, 3000, 10_000, 30_000, 100_000)
SEED = 1
GROWTH = "growth.json"
"""In the folder: what the projection is made from."""


# -- growth ------------------------------------------------------------------------------------------------------------


def grown(n: int, folder: Path, settings: dict[str, Any], *, until: str = STEPS[-1]) -> dict[str, Any]:
    """Run everything on a survey of `n` fibres and return what each step took; steps that are done are not done again.

    Parameters
    ----------
    n : int
    folder : Path
        Of this survey; the run lies in ``run``, what was measured in ``taken``.
    settings : dict
        Parameters of the notebooks; ``seed`` and ``executor`` at least.
    until : str
        The last step.
    """
    run, taken = folder / "run", folder / "taken"
    taken.mkdir(parents=True, exist_ok=True)
    settings = {**settings, "n": n}
    steps = STEPS[: STEPS.index(until) + 1]
    for step in steps:
        path = taken / f"{step}.json"
        if path.exists():
            continue
        before = survey_of(run, settings).simulating()
        command = [sys.executable, "-m", "benchmarks._stages", step, str(run), json.dumps(settings)]
        made = watched(command, folder, log=folder / "log.txt", cwd=HERE).to_dict()
        after = survey_of(run, settings).simulating()
        made |= {"load": os.getloadavg()[0], "simulating": {name: after[name] - before[name] for name in after},
                 "cells": cells_of(step, RunFolder(run))}
        write_json(path, made)
        print(f"{n:>7,} {step:<14} {made['wall']:8.1f} s  {made['cpu']:8.1f} s CPU  "
              f"{made['memory'] / 1e6:7.0f} MB  disk {made['disk'] / 1e6:7.0f} MB  load {made['load']:.1f}", flush=True)
    shutil.rmtree(survey_of(run, settings).scratch, ignore_errors=True)
    counts = {step: RunFolder(run).recorded(step)["counts"] for step in steps if step != REPORT}
    return {"n": n, "executor": settings["executor"], "counts": counts,
            "steps": {step: json.loads((taken / f"{step}.json").read_text()) for step in steps},
            "bytes": {path.name: size_of(path) for path in sorted(run.iterdir())}}


def growth(given: argparse.Namespace) -> tuple[Any, str]:
    """Measure all sizes, the smallest first, and keep what was found so far after each."""
    settings, rows = {"seed": SEED, "executor": given.executor}, []
    for n in sorted(given.sizes):
        folder = given.folder / f"{n}"
        known = folder / "row.json"
        rows.append(json.loads(known.read_text()) if known.exists() else grown(n, folder, settings))
        write_json(given.folder / GROWTH, {"rows": rows, "fits": _growth.told(rows)})
        if n >= given.clear:
            write_json(known, rows[-1])
            shutil.rmtree(folder / "run", ignore_errors=True)
    if given.figure:
        _growth.draw(rows, given.figure)
    return {"rows": rows, "fits": _growth.told(rows)}, _growth.table(rows)


# -- the same everywhere, and at what cost -----------------------------------------------------------------------------


def same(given: argparse.Namespace) -> tuple[Any, str]:
    """Run one survey in every way."""
    raw = given.folder / "raw"
    if not (raw / "truth.csv").exists():
        sa.surveys.mock(given.n, SEED).write(raw)
    rows = ways(raw, given.folder, {"max_steps": given.steps, "top": given.top},
                {name: WAYS[name] for name in given.ways or WAYS})
    lines = ["| way | results | digest of all | not the same | wall s | processor s | memory MB |", "|" + "---|" * 7]
    lines += [f"| {row['way']} | {row['results']} | `{row['digest']}` | {', '.join(row['differ']) or 'none'} | "
              f"{row['wall']:,.0f} | {row['cpu']:,.0f} | {row['memory'] / 1e6:,.0f} |" for row in rows]
    return rows, "\n".join(lines)


def cost(given: argparse.Namespace) -> tuple[Any, str]:
    """Compare kept partitions with a bare loop."""
    rows = overhead(given.folder, lengths=tuple(given.lengths), executors=tuple(given.executors), leg=given.leg,
                    repeat=given.repeat)
    lines = ["| executor | task s | wall / bare (quartiles) | ms a task | processors / bare (quartiles) | ms a task |",
             "|" + "---|" * 6]
    for row in rows:
        cells = [f"{one['ratio']:.3f} ({one['low']:.3f}–{one['high']:.3f}) | {one['milliseconds']:.0f}"
                 for one in (row["wall"], row["cpu"])]
        lines.append(f"| {row['executor']} | {row['seconds']:g} | {' | '.join(cells)} |")
    return rows, "\n".join(lines)


def projected(given: argparse.Namespace) -> tuple[Any, str]:
    """Project the growth of the folder to large surveys."""
    rows = json.loads((given.folder / GROWTH).read_text())["rows"]
    if len(rows) < 2:
        sys.exit(f"{given.folder} has one size, which tells nothing of larger ones: growth --sizes N N … first")
    desi = _projection.desi_ratio(given.folder / "desi", given.n)
    made = _projection.projection(rows, desi, bandwidth=1e9 * given.bandwidth)
    return made, _projection.table(made)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("growth", help="surveys of growing size, from plates to the report")
    one.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    one.add_argument("--executor", default="processes:2")
    one.add_argument("--figure", type=Path)
    one.add_argument("--clear", type=int, default=10**9, help="sizes from which on a finished run is deleted")
    one.set_defaults(work=growth)
    one = commands.add_parser("digests", help="one survey in every way there is")
    one.add_argument("--n", type=int, default=6000)
    one.add_argument("--steps", type=int, default=300, help="of training, which no executor has a part in")
    one.add_argument("--top", type=int, default=0)
    one.add_argument("--ways", nargs="+", choices=list(WAYS))
    one.set_defaults(work=same)
    one = commands.add_parser("overhead", help="kept partitions beside a bare loop")
    one.add_argument("--lengths", type=float, nargs="+", default=[0.1, 0.3, 1.0, 3.0])
    one.add_argument("--executors", nargs="+", default=["serial", "processes:2"])
    one.add_argument("--leg", type=float, default=6.0, help="seconds of one measurement")
    one.add_argument("--repeat", type=int, default=7)
    one.set_defaults(work=cost)
    one = commands.add_parser("projection", help="a million spectra on N workers")
    one.add_argument("--n", type=int, default=1000, help="simulated DESI targets that are timed")
    one.add_argument("--bandwidth", type=float, default=5.0, help="GB/s that the file system gives all workers")
    one.set_defaults(work=projected)
    for command in commands.choices.values():
        command.add_argument("--folder", type=Path, required=True, help="for everything; kept")
        command.add_argument("--json", type=Path)
        command.add_argument("--markdown", type=Path)
    return made


def main() -> None:
    """Measure what is asked for."""
    given = parser().parse_args()
    given.folder = given.folder.absolute()
    given.folder.mkdir(parents=True, exist_ok=True)
    try:
        with stopped_by_signals():
            made, text = given.work(given)
    except KeyboardInterrupt as exc:
        print("stopped; what was measured stays, the same command goes on from there", file=sys.stderr)
        sys.exit(exit_code(exc))
    print(text)
    for path, content in ((given.json, json.dumps(made, indent=1)), (given.markdown, text + "\n")):
        if path:
            path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
