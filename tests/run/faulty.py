"""A run on a disk with a fault, in a process of its own: ``unshare -m python -m tests.run.faulty FOLDER``.

The stages make what those of a real run make (sets of spectra, tables, work in partitions), but of random numbers.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from specanom import disk
from specanom.errors import SpecanomError
from specanom.parallel import Partition, Partitioned, partitions
from specanom.run import pipeline
from specanom.run.folder import RunFolder
from specanom.run.parameters import STAGES
from specanom.run.pipeline import run_pipeline
from specanom.spectrumset import SpectrumSet

ROWS, PIXELS = 300, 500


def scores(part: Partition) -> dict[str, Any]:
    rng = np.random.default_rng(part.number)
    return {"scores": pd.DataFrame({"score": rng.random(20 * len(part))})}


def stage(source: Path, target: Path, parameters: Mapping[str, Any]) -> None:
    """Make a set, a table and a work in partitions, and say so; a notebook without a notebook."""
    name, run = source.stem, RunFolder(parameters["run_dir"])
    target.write_text(json.dumps({"cells": [], "stage": name}))
    rng = np.random.default_rng(STAGES.index(name))
    sample = SpectrumSet(np.linspace(4000, 7000, PIXELS), rng.normal(size=(ROWS, PIXELS)).astype(np.float32),
                         table=pd.DataFrame({"id": [f"{name}-{i}" for i in range(ROWS)]}))
    sample.save(run / f"{name}.zarr")
    done = Partitioned(run.work(name), "v1", retries=0)(scores, partitions(ROWS, 50))
    run.write(done.table("scores"), name)
    run.record(name, {"spectra": ROWS}, [f"{name}.zarr", f"{name}.parquet"])


def digests(folder: Path) -> dict[str, str]:
    """Return a hash of every product of a run."""
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).parts[0][:2].isdigit()}


def halves(folder: Path) -> list[str]:
    """Return what is there and no finished product."""
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))
            if path.name.endswith((disk.PART, ".old", ".partial")) or path.name.startswith((".nfs", "tmp"))]


def attempt(folder: Path) -> str:
    """Run; return what was said when that failed."""
    pipeline._papermill = stage
    try:
        run_pipeline(folder, {"survey": "mock"}, until="04_score")
    except (SpecanomError, OSError) as exc:
        return str(exc)
    return ""


# -- faults: each gives what mends it ----------------------------------------------------------------------------------


def mount(*options: str) -> Callable[[Path], None]:
    return lambda folder: _remount(folder, *options)


def _remount(folder: Path, *options: str) -> None:
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), str(folder.parent)], check=True)


def nothing(folder: Path) -> None:
    """Leave all as it is."""


def quota(folder: Path) -> None:
    """Let a file server tell of a quota when files are put on the disk, as it does; only of the third stage's."""
    real = os.fsync

    def fsync(handle: int) -> None:
        if "03_train" in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        real(handle)

    os.fsync = fsync  # type: ignore[assignment]
    mended.append(lambda: setattr(os, "fsync", real))


def limit(folder: Path) -> None:
    """Set a limit on the size of files, which a spectrum set is beyond; SIGXFSZ is ignored by Python."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    mended.append(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))


def read_only_later(folder: Path) -> None:
    """Let the disk become read-only while the third stage writes, as after an error of it."""
    real = disk.sync

    def sync(path: Path) -> None:
        if "03_train" in str(path):
            disk.sync = real
            _remount(folder, "ro")
        real(path)

    disk.sync = sync
    mended.append(lambda: _remount(folder, "rw"))


def renames(number: int, times: int, *, inner: bool = False) -> Callable[[Path], None]:
    """Let renames of products of the third stage fail; `inner`, those of Zarr within one that is being written."""

    def fail(folder: Path) -> None:
        real, left = os.replace, [times]

        def replace(source: Any, target: Any, **more: Any) -> None:
            if left[0] and "03_train." in str(target) and (".partial" in str(source)) == inner:
                left[0] -= 1
                raise OSError(number, os.strerror(number), str(source), None, str(target))
            real(source, target, **more)

        os.replace = replace  # type: ignore[assignment]
        mended.append(lambda: setattr(os, "replace", real))

    return fail


mended: list[Callable[[], None]] = []
ALWAYS = 1_000_000
FAULTS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], None]]] = {
    "none": ("size=90m", nothing, nothing),
    "full": ("size=1900k", nothing, mount("size=90m")),
    "full of names": ("size=90m,nr_inodes=60", nothing, mount("nr_inodes=9000")),
    "full at once": ("size=4k", nothing, mount("size=90m")),
    "quota": ("size=90m", quota, nothing),
    "limit": ("size=90m", limit, nothing),
    "read-only": ("size=90m", mount("ro"), mount("rw")),
    "read-only later": ("size=90m", read_only_later, nothing),
    **{f"rename {name} {times}": ("size=90m", renames(getattr(errno, name), times), nothing)
       for name in ("ESTALE", "EBUSY", "EIO", "EXDEV") for times in (1, ALWAYS)},
    "rename in a set": ("size=90m", renames(errno.ESTALE, 1, inner=True), nothing),
}


def main(fault: str, place: Path) -> dict[str, Any]:
    """Mount a disk, run into its fault, mend it, run again; returns what was seen."""
    options, break_it, mend = FAULTS[fault]
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    folder = place / "run"
    break_it(folder)
    said = attempt(folder)
    left, manifest = halves(folder), folder / "manifest.json"
    known = json.loads(manifest.read_text())["stages"] if manifest.exists() else {}
    while mended:
        mended.pop()()
    mend(folder)
    again = attempt(folder)
    return {"said": said, "halves": left, "again": again, "digests": digests(folder), "in the end": halves(folder),
            "status": {name: record["status"] for name, record in known.items()}}


if __name__ == "__main__":
    root, disk.WAITS = Path(sys.argv[1]), (0.01, 0.02)
    sys.stdout.write(json.dumps({fault: main(fault, root / str(n)) for n, fault in enumerate(FAULTS)}))
