"""How many spectra a second one core simulates, writes as plates and reads back.

Usage: ``OMP_NUM_THREADS=1 python -m benchmarks.mock [--n 1280] [--repeat 3] [--json PATH]``. The clock is the
process's own CPU time, so other work on the machine counts little. The stellar library is made once per process and
timed alone. The last line is a yardstick of the same run: drawing the same amount of normal numbers with numpy. The
aim is 500 spectra a second, generated.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from specanom.surveys import mock
from specanom.surveys.simulate.grid import NPIX
from specanom.surveys.simulate.populations import populations

AIM = 500.0


def measure(n: int, seed: int) -> dict[str, float]:
    """Return seconds of CPU for simulating n fibres in memory, and for doing so through files."""
    survey = mock(n, seed)
    start = time.process_time()
    for plate in range(len(survey.plates)):
        for _ in survey.fibres(plate):
            pass
    generated = time.process_time()
    count = sum(len(block) for block in survey.blocks(1024))
    read = time.process_time()
    np.random.default_rng(0).standard_normal((n, NPIX))
    drawn = time.process_time()
    assert count <= n
    return {"generate": generated - start, "through_files": read - generated, "numpy_normal": drawn - read}


def main() -> None:
    """Print the best of some repeats."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--n", type=int, default=1280)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    start = time.process_time()
    populations()
    library = time.process_time() - start
    runs = [measure(args.n, seed) for seed in range(1, args.repeat + 1)]
    best = {key: min(run[key] for run in runs) for key in runs[0]}
    rates = {key: args.n / seconds for key, seconds in best.items()}
    print(f"stellar library        {library:8.2f} s, once")
    print(f"generated              {rates['generate']:8.0f} spectra/s (aim {AIM:.0f})")
    print(f"through files          {rates['through_files']:8.0f} spectra/s (generate, write plates, read blocks)")
    ratio = rates["numpy_normal"] / rates["generate"]
    print(f"numpy normal numbers   {rates['numpy_normal']:8.0f} spectra/s ({ratio:.1f}× generation)")
    if args.json:
        args.json.write_text(json.dumps({"library_s": library, **rates}))


if __name__ == "__main__":
    main()
