"""Training on more spectra than memory holds: peak memory and steps a second, from memory and from a copy on disk.

    python -m benchmarks.training [--spectra 20000 60000] [--pixels 3700] [--steps 300] [--folder FOLDER]

Made-up spectra with noise are written block by block into sets in FOLDER (a temporary one by default; 30 kB a spectrum
and as much again while one is trained on). Each fit is a process of its own, of which the system tells the peak memory.
The smallest sample is also trained on in memory, without a basis ("in pixels"), and from disk once more where the
process may not take more than so many bytes (``--limit``): the system then refuses memory instead of telling how much
was taken.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from specanom.spectrumset import SpectrumSet
from specanom.store import SpectrumWriter

BLOCK = 4096


def make(path: Path, n: int, p: int) -> Path:
    """Write `n` spectra of `p` pixels on a curved surface of five dimensions, with noise."""
    wave, rng = np.linspace(3800, 7500, p), np.random.default_rng(n)
    x = np.linspace(0, 1, p)
    shapes = np.array([np.sin((3 + 4 * k) * x + k) for k in range(5)])
    with SpectrumWriter(path, wave) as writer:
        for start in range(0, n, BLOCK):
            m = min(BLOCK, n - start)
            z = rng.normal(size=(m, 5))
            sigma = 0.05 * np.exp(0.5 * rng.normal(size=(m, 1))) * (1 + 0.5 * x)
            flux = 1 + 0.2 * z @ shapes + 0.1 * (z[:, :1] ** 2) * shapes[1] + sigma * rng.standard_normal((m, p))
            ids = [f"{start + k:08d}" for k in range(m)]
            writer.append(pd.DataFrame({"id": ids}), {"flux": flux, "ivar": 1 / sigma**2})
    return path


def fit(path: Path, scratch: str, steps: int, *, limit: float, pixels: bool) -> dict[str, Any]:
    """Train on a set and return what it took; runs in a process of its own."""
    import torch

    from specanom.models import Training, VAEModel
    from specanom.models.loop import Loop

    torch.set_num_threads(1)
    sample = SpectrumSet.open(path)
    before, loop, took = _peak(), Loop.run, []
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))

    def timed(self: Any, on_check: Any) -> Any:
        start = time.perf_counter(), time.process_time()
        network = loop(self, on_check)
        took.extend([time.perf_counter() - start[0], time.process_time() - start[1], self.state.step])
        return network

    Loop.run = timed  # type: ignore[method-assign]
    start = time.perf_counter()
    training = Training(check_every=steps, **({"basis": None, "start": "glorot"} if pixels else {}))
    model = VAEModel(max_steps=steps, folds=1, training=training, device="cpu")
    try:
        model.fit(sample, scratch=scratch or None)
    except (MemoryError, RuntimeError) as exc:  # torch has an error of its own for this
        return {"failed": f"{type(exc).__name__}: {str(exc)[:90]}"}
    return {"peak": _peak(), "before": before, "fit_s": time.perf_counter() - start, "steps_s": took[0],
            "steps_cpu_s": took[1], "steps": took[2], "fingerprint": model.fingerprint}


def _peak() -> float:
    # Not ru_maxrss: that of a new process begins with that of the one it was started by.
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * float(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def child(path: Path, scratch: str, steps: int, *, limit: float = 0, pixels: bool = False) -> dict[str, Any]:
    """Run :func:`fit` in a new process."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.training", "--child", str(path), scratch, str(steps),
                           str(limit), "pixels" if pixels else "basis"], check=False, text=True, stdout=subprocess.PIPE,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        return {"failed": f"exit code {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def show(what: str, size: float, found: dict[str, Any]) -> None:
    """Print one row of the table."""
    if "failed" in found:
        print(f"| {what} | {size / 1e6:.0f} MB | {found['failed']} | | | |", flush=True)
        return
    rate = found["steps"] / found["steps_cpu_s"]
    print(f"| {what} | {size / 1e6:.0f} MB | {found['peak'] / 1e6:.0f} MB | {found['before'] / 1e6:.0f} MB | "
          f"{rate:.0f} | {found['fit_s']:.0f} s |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spectra", type=int, nargs="+", default=[20_000, 60_000])
    parser.add_argument("--pixels", type=int, default=3700)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--limit", type=float, default=1200e6)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    print("| fit | flux and ivar | peak memory | of it before the fit | steps per CPU-s | fit |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for number, n in enumerate(sorted(arguments.spectra)):
            path = make(Path(folder) / f"{n}.zarr", n, arguments.pixels)
            size, scratch, steps = 8.0 * n * arguments.pixels, str(Path(folder) / "scratch"), arguments.steps
            disk = child(path, scratch, steps)
            show(f"{n} spectra, from disk", size, disk)
            if number == 0:
                memory = child(path, "", steps)
                show(f"{n} spectra, in memory", size, memory)
                print(f"<!-- same weights: {disk.get('fingerprint') == memory.get('fingerprint')} -->", flush=True)
                for what, place in (("from disk", scratch), ("in memory", "")):
                    show(f"{n} spectra, {what}, in pixels", size, child(path, place, steps // 3, pixels=True))
                told = f"at most {arguments.limit / 1e6:.0f} MB of data"
                show(f"{n} spectra, from disk, {told}", size, child(path, scratch, steps, limit=arguments.limit))
                show(f"{n} spectra, in memory, {told}", size, child(path, "", steps, limit=arguments.limit))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(fit(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), limit=float(sys.argv[5]),
                             pixels=sys.argv[6] == "pixels")))
    else:
        main()
