"""One survey run in many ways: where the work is done and how it is parted must not show in a single value."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks._watch import watched
from specanom.run.digest import digests

HERE = Path(__file__).resolve().parent.parent
WAYS = {"serial, 4096": ("serial", 4096), "serial, 512": ("serial", 512), "threads:2, 512": ("threads:2", 512),
        "processes:2, 512": ("processes:2", 512), "processes:2, 4096": ("processes:2", 4096),
        "Dask with 2 workers, 512": ("dask", 512), "Dask with 2 workers, 4096": ("dask", 4096)}
"""Executor and partition by how they are called; the first is what the others are compared with."""
COMMAND = "import sys; from specanom.run.cli import main; sys.exit(main())"


@contextlib.contextmanager
def opened(executor: str) -> Iterator[str]:
    """Start a Dask cluster of two processes where one is asked for; yields what ``--executor`` takes."""
    if executor != "dask":
        yield executor
        return
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
        yield f"dask:{cluster.scheduler_address}"


def ways(raw: Path, folder: Path, parameters: Mapping[str, Any], chosen: Mapping[str, tuple[str, int]] = WAYS
         ) -> list[dict[str, Any]]:
    """Run ``specanom run`` on the files of `raw` in each way and compare all results.

    Returns
    -------
    list of dict
        ``way``, ``results`` (how many were compared), ``differ`` (names of those that are not as in the first way),
        ``digest`` of all of them together, ``wall``, ``cpu`` and ``memory``.
    """
    rows: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    for number, (way, (executor, size)) in enumerate(chosen.items()):
        run = folder / f"way-{number}" / "run"  # a catalogue tells the name
        with opened(executor) as where:
            command = [sys.executable, "-c", COMMAND, "run", "--run-dir", str(run), "--survey", "sdss", "--path",
                       str(raw), "--executor", where]
            told = {**parameters, "partition": size}
            command += [part for name, value in told.items() for part in ("-p", f"{name}={value}")]
            taken = watched(command, run, log=folder / "log.txt", cwd=HERE)
        found = digests(run)
        first = first or found
        every = hashlib.sha256("".join(f"{name} {value}\n" for name, value in sorted(found.items())).encode())
        rows.append({"way": way, "results": len(found), "digest": every.hexdigest()[:16], "differ": sorted(
            name for name in found.keys() | first.keys() if found.get(name) != first.get(name)),
            "wall": taken.wall, "cpu": taken.cpu, "memory": taken.memory})
    return rows
