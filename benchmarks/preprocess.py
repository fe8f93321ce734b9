"""How many spectra a second one core reads from plates and preprocesses.

Usage: ``OMP_NUM_THREADS=1 python benchmarks/preprocess.py FOLDER [--repeat 3]`` where FOLDER holds spPlate and spZbest
files. The clock is the process's own CPU time, so other work on the machine counts little; the wall clock is beside it.
The last line is a yardstick of the same run: ``np.interp`` of the same flux and ivar, one spectrum after another.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from specanom.preprocess import Preprocessor
from specanom.surveys import Survey, read


def clock(name: str, work: Callable[[], int], repeat: int) -> float:
    """Print and return the best spectra per CPU second of `work`, which returns how many it handled."""
    best, wall = 0.0, 0.0
    for _ in range(repeat):
        cpu, start = time.process_time(), time.perf_counter()
        rows = work()
        best = max(best, rows / (time.process_time() - cpu))
        wall = max(wall, rows / (time.perf_counter() - start))
    print(f"{name:<48} {best:8.0f} /s CPU {wall:8.0f} /s wall")
    return best


def yardstick(survey: Survey) -> int:
    """Interpolate flux and ivar of every spectrum with numpy, and nothing else."""
    grid, rows = np.linspace(3500, 7500, 4000), 0
    for block in survey.blocks(512):
        assert block.ivar is not None
        for flux, ivar, z in zip(block.flux, block.ivar, block.table["z"], strict=True):
            np.interp(grid * (1 + z), block.wave, flux)
            np.interp(grid * (1 + z), block.wave, ivar)
            rows += 1
    return rows


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    survey = read(options.folder, target="galaxy")

    def whole(**settings: object) -> Callable[[], int]:
        return lambda: len(Preprocessor(**settings).fit_transform(survey))  # type: ignore[arg-type]

    fitted = Preprocessor().fit(survey)
    clock("read", lambda: sum(len(block) for block in survey.blocks(512)), options.repeat)
    clock("read + fit_transform", whole(), options.repeat)
    clock('read + fit_transform, preset="paper"', whole(preset="paper"), options.repeat)
    clock('read + fit_transform, resample="conserving"', whole(resample="conserving"), options.repeat)
    clock("read + transform", lambda: len(fitted.transform(survey)), options.repeat)
    with tempfile.TemporaryDirectory() as folder:
        clock("read twice + fit_transform to a store",
              lambda: len(Preprocessor().fit_transform(survey, store=Path(folder) / "a.zarr")), options.repeat)
    clock("yardstick: read + np.interp of flux and ivar", lambda: yardstick(survey), options.repeat)


if __name__ == "__main__":
    main()
