"""What the tutorials take: every one whole, with its own parameters, in a process of its own.

    make tutorials
    python -m benchmarks.tutorials [NAME …] [--out FOLDER [--missing]] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks._watch import Taken, watched

FOLDER = Path(__file__).resolve().parent.parent / "tutorials"
BUDGET = (60.0, 2.0e9)
"""Seconds and bytes that a tutorial may take on two cores."""


def main(arguments: list[str]) -> int:
    """Execute the tutorials and print a table; returns how many failed, or took more than they may.

    With ``--missing`` those alone of which the folder has no copy as old as they are, in whatever time they take.
    """
    parser = argparse.ArgumentParser(description="Execute tutorials whole, and say what they take.")
    parser.add_argument("names", nargs="*", help="as 03_scores (all)")
    parser.add_argument("--out", type=Path, help="folder that keeps the executed notebooks (none: not kept)")
    parser.add_argument("--missing", action="store_true", help="only those of which the folder has no copy")
    parser.add_argument("--json", type=Path, help="file that keeps the numbers; those of others in it stay")
    told = parser.parse_args(arguments)
    if told.missing and told.out is None:
        parser.error("--missing needs --out FOLDER")
    books = [path for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")) if not told.names or path.stem in told.names]
    if told.missing:
        books = [path for path in books if not current(path, told.out / path.name)]
        if not books:
            return 0
    print("| tutorial | seconds | peak memory, MB | |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as spare:
        out = told.out or Path(spare)
        out.mkdir(parents=True, exist_ok=True)
        rows = {path.stem: _row(path, out) for path in books}
    if told.json is not None:
        kept = json.loads(told.json.read_text(encoding="utf-8")) if told.json.exists() else {}
        kept |= {name: {"seconds": taken.wall, "bytes": taken.memory} for name, taken in rows.items() if taken}
        told.json.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    return sum(taken is None or not (within(taken) or told.missing) for taken in rows.values())


def within(taken: Taken) -> bool:
    """Tell whether a tutorial took no more than it may."""
    return taken.wall < BUDGET[0] and taken.memory < BUDGET[1]


def current(path: Path, copy: Path) -> bool:
    """Tell whether an executed copy is of the tutorial as it is: it carries the time at which that was written."""
    return copy.is_file() and copy.stat().st_mtime_ns == path.stat().st_mtime_ns


def _row(path: Path, out: Path) -> Taken | None:
    """Execute one, print its row, and return what it took; None when it failed."""
    copy, written = (out / path.name).resolve(), path.stat().st_mtime_ns
    command = [sys.executable, "-m", "papermill", str(path), str(copy), "--kernel", "python3", "--cwd", str(FOLDER),
               "--no-progress-bar"]
    with tempfile.TemporaryDirectory() as empty:
        try:
            took = watched(command, Path(empty), log=Path(empty) / "log", cwd=FOLDER)
        except RuntimeError as error:
            print(f"| {path.stem} | | | failed |\n{error}", flush=True)
            return None
    os.utime(copy, ns=(written, written))
    told = "" if within(took) else "more than it may"
    print(f"| {path.stem} | {took.wall:.0f} | {took.memory / 1e6:.0f} | {told} |", flush=True)
    return took


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
