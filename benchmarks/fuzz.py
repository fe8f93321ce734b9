"""Files that lie, given to the readers: what is not specanom's own error is a fault.

    python -m benchmarks.fuzz [--engine random|hypothesis|atheris] [--minutes 20] [--runs 1000000] [--json PATH]

An input is a small survey of SDSS or DESI, or a table, some of whose headers, bytes and HDUs were changed: sizes that
are not there, columns that are none, values that are no numbers, files cut, packed and put together anew; footers and
pages of Parquet, headers of ECSV and rows of text, parts of gzip. It is read through ``specanom.read`` as spectra and
as blocks, and each file through ``Spectrum.read``; tables also as catalogues to match with. Some inputs are what is
read beside spectra: VOTables, arrays in npz and npy, Zarr groups with their metadata. It must hold of each input:

* nothing but :class:`specanom.errors.SpecanomError` is raised, and only by the call that opens; in a survey a file that
  cannot be read is skipped and listed;
* it takes no more than 2 s of CPU time, and the process does not grow by more than 200 MB;
* at most three warnings are issued;
* what is read is finite or masked, wavelengths rise, names are text that can be printed, numbers are numbers.

``random`` draws changes from a generator, ``hypothesis`` from strategies (and makes a failing input small), ``atheris``
lets libFuzzer look for new branches of the readers and of astropy.io.fits (``pip install atheris`` into an environment
of its own). A failing input is written to ``--failures`` as a folder of files.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks._fuzz_files import Files
from benchmarks._fuzz_judge import Fault, Judge, resident
from benchmarks._fuzz_mutants import mutant
from benchmarks._fuzz_picks import FromBytes, FromDraw, FromRandom, Picks


class Run:
    """One run: until the time is over, or the number of inputs is reached."""

    def __init__(self, judge: Judge, minutes: float, runs: int, failures: Path) -> None:
        self.judge, self.runs, self.failures = judge, runs, failures
        self.until = time.monotonic() + 60 * minutes
        self.faults: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return time.monotonic() > self.until or self.judge.counts["inputs"] >= self.runs

    def one(self, picks: Picks) -> None:
        """Make and read one input; a fault is counted, and kept the first time that it is seen."""
        files = mutant(picks)
        try:
            self.judge(files)
        except Fault as exc:
            self.judge.counts["inputs"] += 1
            place = _place(exc)
            self.faults[place] += 1
            if self.faults[place] == 1:
                self._keep(files, place, exc)

    def _keep(self, files: Files, place: str, exc: Fault) -> None:
        folder = self.failures / f"fault-{len(self.faults):03d}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / "trace.txt").write_text("".join(traceback.format_exception(exc)))
        print(f"FAULT {place}\n  {folder}", flush=True)


def _place(exc: Fault) -> str:
    """Return what broke, and in which line of the package it came up: faults of one line are one fault."""
    cause = exc.__cause__ or exc
    frames = [one for one in traceback.extract_tb(cause.__traceback__) if f"{os.sep}specanom{os.sep}" in one.filename]
    line = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    what = re.sub(r"[-\d.e+]*\d", "#", str(exc)[:60])
    return f"{what.partition(':')[0] if frames else what}{line}"


def by_random(run: Run, seed: int) -> None:
    """Change files at random."""
    while not run.over:
        run.one(FromRandom(seed))
        seed += 1


def by_hypothesis(run: Run, seed: int) -> None:
    """Change files as Hypothesis draws, a hundred thousand a round."""
    import hypothesis as hy
    from hypothesis import strategies as st

    rounds = 0
    while not run.over:
        @hy.seed(seed + rounds)
        @hy.settings(max_examples=20_000, deadline=None, database=None, suppress_health_check=list(hy.HealthCheck),
                     phases=[hy.Phase.generate])
        @hy.given(st.data())
        def example(data: Any) -> None:
            if not run.over:
                run.one(FromDraw(data.draw))

        example()
        rounds += 1


def by_atheris(run: Run, seed: int, argv: Sequence[str]) -> None:
    """Let libFuzzer choose, by the branches that an input takes."""
    import atheris

    def example(data: bytes) -> None:
        run.one(FromBytes(data))
        if run.over:
            report(run, "atheris", argv)
            shutil.rmtree(run.judge.folder, ignore_errors=True)
            os._exit(1 if run.faults else 0)

    atheris.Setup([sys.argv[0], f"-seed={seed + 1}", "-max_len=256", "-len_control=0", "-timeout=60", "-rss_limit_mb=0",
                   "-print_final_stats=1", "-verbosity=0"], example)
    atheris.Fuzz()


def report(run: Run, engine: str, argv: Sequence[str]) -> None:
    """Print the figures, and write them where `argv` says."""
    judge = run.judge
    told = {"engine": engine, **judge.counts, "cpu_s": round(judge.seconds, 1),
            "slowest_ms": round(1e3 * judge.slowest, 1), "most_mb_of_an_input": round(judge.grown, 1),
            "process_mb_before_and_after": [round(judge.first), round(resident()[0])],
            "faults": dict(run.faults)}
    print(json.dumps(told, indent=1), flush=True)
    if "--json" in argv:
        Path(argv[list(argv).index("--json") + 1]).write_text(json.dumps(told, indent=1))


def main(argv: Sequence[str]) -> int:
    """Run and print; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("random", "hypothesis", "atheris"), default="random")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    if args.engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["specanom.surveys", "specanom.foreign", "astropy.io.fits"]):

            import specanom.surveys.files  # noqa: F401
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None)
    try:
        run = Run(Judge(folder), args.minutes, args.runs, args.failures)
        if args.engine == "atheris":
            by_atheris(run, args.seed, argv)
        else:
            {"random": by_random, "hypothesis": by_hypothesis}[args.engine](run, args.seed)
            report(run, args.engine, argv)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
