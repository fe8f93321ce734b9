"""Faults of disk and time, injected into real runs: ``python -m benchmarks.faults [NAME …]`` (as root, on Linux).

Each run is made in a file system of its own that is mounted at one place, seen by nobody else. It meets a fault, the
fault is mended, the same command is given again, and the hashes of all results are compared with those of a run that
met none. What only a file server does (quotas, renames that fail) is injected by patched calls into stages of random
numbers. Prints a table; the exit code is the number of faults that lost something.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from specanom.run.digest import digests
from specanom.run.lock import holder

ROOT = Path(__file__).resolve().parent.parent
PARAMETERS = {"n": 120, "max_steps": 40, "folds": 2, "top": 8, "samples": 200, "segments": 20}
ROOMY = "size=400m"


@dataclass(frozen=True)
class Fault:
    """A fault.

    Parameters
    ----------
    how : str
        How it is injected, for the table.
    disk : str
        Options of the file system.
    before, during, mend : callable, optional
        Of the place; `during` also gets the process of the run, once a stage is on.
    stage : str
        During which.
    limit : int
        Largest size of a file, bytes; 0 for none.
    """

    how: str
    disk: str = ROOMY
    before: Callable[[Path], None] | None = None
    during: Callable[[Path, int], None] | None = None
    mend: Callable[[Path], None] | None = None
    stage: str = "04_score"
    limit: int = 0


def remount(options: str) -> Callable[[Path], None]:
    """Return what changes the options of the file system."""

    def change(place: Path) -> None:
        while subprocess.run(["mount", "-o", f"remount,{options}", str(place)], capture_output=True,
                             check=False).returncode:
            time.sleep(0.02)  # busy: a file is open for writing

    return change


def send(number: int, *, to: str = "main") -> Callable[[Path, int], None]:
    """Return what sends a signal to the run, its group as a terminal does, or the kernel of its notebook."""

    def kill(place: Path, pid: int) -> None:
        if to == "group":
            os.killpg(pid, number)
        else:
            os.kill(_kernel(pid) if to == "kernel" else pid, number)

    return kill


def _kernel(pid: int) -> int:
    while True:
        found = subprocess.run(["pgrep", "-P", str(pid), "-f", "ipykernel"], capture_output=True, check=False)
        if pids := found.stdout.split():
            return int(pids[0])
        time.sleep(0.05)


def other_times(place: Path) -> None:
    """Set the times of all files to the year 1970, as a clock that is set back would."""
    for path in place.rglob("*"):
        os.utime(path, (0, 0))


def second_run(place: Path, pid: int) -> None:
    """Give the command a second time while the first one works; it must be refused, and the first one not be hurt."""
    done = subprocess.run(_command(place), capture_output=True, text=True, check=False)
    owner = holder(place / "run")
    if done.returncode != 4 or f"in use by process {pid}" not in done.stderr or owner is None or owner.pid != pid:
        raise AssertionError(done.stderr)


FAULTS = {
    "full disk": Fault("tmpfs of 24 MB, then 400 MB", disk="size=24m", mend=remount(ROOMY)),
    "no more files": Fault("tmpfs of 60 inodes, then 9000", disk=f"{ROOMY},nr_inodes=60",
                           mend=remount("nr_inodes=9000")),
    "read-only folder": Fault("mounted read-only before the start", before=remount("ro"), mend=remount("rw")),
    "disk becomes read-only": Fault("remounted in the middle", during=lambda place, pid: remount("ro")(place),
                                    mend=remount("rw")),
    "limit on file sizes": Fault("RLIMIT_FSIZE of 1 MB", limit=1_000_000),
    "Ctrl-C": Fault("SIGINT to the group", during=send(signal.SIGINT, to="group")),
    "SIGTERM": Fault("to the command", during=send(signal.SIGTERM)),
    "kill -9": Fault("of the command", during=send(signal.SIGKILL)),
    "kill -9 of a kernel": Fault("of the notebook's process", during=send(signal.SIGKILL, to="kernel")),
    "second run": Fault("the command given twice", during=second_run),
    "clock set back": Fault("all files dated 1970 after a kill -9", during=send(signal.SIGKILL), mend=other_times),
}


def _command(place: Path) -> list[str]:
    more = [word for name, value in PARAMETERS.items() for word in ("-p", f"{name}={value}")]
    return [sys.executable, "-m", "specanom.run.cli", "run", "--run-dir", str(place / "run"), "--survey", "mock", *more]


def run(place: Path, fault: Fault) -> tuple[int, str]:
    """Give the command, with a fault; returns its exit code and what it said of trouble."""
    def limited() -> None:
        if fault.limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (fault.limit, fault.limit))

    with subprocess.Popen(_command(place), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          start_new_session=True, preexec_fn=limited) as running:
        if fault.during is not None:
            _wait_for(place, fault.stage, running)
            fault.during(place, running.pid)
        said = running.communicate()[1]
    return running.returncode, said.strip()


def _wait_for(place: Path, stage: str, running: subprocess.Popen[str]) -> None:
    manifest = place / "run" / "manifest.json"
    while running.poll() is None:
        if manifest.exists() and json.loads(manifest.read_text())["stages"].get(stage, {}).get("status") == "running":
            time.sleep(1.0)
            return
        time.sleep(0.1)
    raise AssertionError(f"the run ended before {stage}")


def inject(name: str, place: Path, truth: Mapping[str, Any]) -> dict[str, str]:
    """Let a run meet a fault and go on; returns a row of the table."""
    fault = FAULTS[name]
    subprocess.run(["mount", "-t", "tmpfs", "-o", fault.disk, "tmpfs", str(place)], check=True)
    try:
        if fault.before is not None:
            fault.before(place)
        code, said = run(place, fault)
        left = [] if "read-only" in name else _halves(place)
        if fault.mend is not None:
            fault.mend(place)
        again, trouble = run(place, replace(fault, during=None, limit=0))
        whole = again == 0 and digests(place / "run") == truth and not _halves(place)
        lost = "nothing" if whole else trouble or "results"
        first = said.splitlines()[0] if said else "done, unhurt"
        return {"fault": name, "how": fault.how, "what happened": f"exit {code}: {first}", "halves": str(len(left)),
                "lost": lost}
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _halves(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.name.endswith((".part", ".old", ".partial"))]


def patched(place: Path) -> list[dict[str, str]]:
    """Return the rows of faults that patched calls inject."""
    done = subprocess.run([sys.executable, "-m", "tests.run.faulty", str(place)], cwd=ROOT, capture_output=True,
                          text=True, check=True)
    seen = json.loads(done.stdout)
    rows = []
    for name, found in seen.items():
        if name.startswith(("quota", "rename")):
            same = found["digests"] == seen["none"]["digests"] and not found["in the end"]
            rows.append({"fault": name.replace(" 1000000", " always"), "how": "patched calls",
                         "what happened": (found["said"].splitlines() or ["tried again: done"])[0],
                         "halves": str(len(found["halves"])), "lost": "nothing" if same else "results"})
    return rows


def main(names: list[str]) -> int:
    """Inject the named faults, or all."""
    if "SPECANOM_UNSHARED" not in os.environ:
        command = ["unshare", "-m", sys.executable, "-m", "benchmarks.faults", *names]
        return subprocess.run(command, env=os.environ | {"SPECANOM_UNSHARED": "1"}, check=False).returncode
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        place, other = Path(folder) / "disk", Path(folder) / "other"
        place.mkdir()
        other.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", ROOMY, "tmpfs", str(place)], check=True)
        code, said = run(place, Fault("none"))
        if code:
            raise SystemExit(said)
        truth = digests(place / "run")
        subprocess.run(["umount", "-l", str(place)], check=True)
        print("| fault | how injected | what happened | half files | lost |\n|---|---|---|---|---|", flush=True)
        for row in (inject(name, place, truth) for name in names or FAULTS):
            lost += _tell(row)
        for row in [] if names else patched(other):
            lost += _tell(row)
    return lost


def _tell(row: Mapping[str, str]) -> bool:
    print("| " + " | ".join(value.replace("|", "/").replace("\n", " ") for value in row.values()) + " |", flush=True)
    return row["lost"] != "nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
