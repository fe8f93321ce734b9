"""Run every benchmark that needs no data of its own: ``python -m benchmarks [NAME …]``."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDS_FILES = {"preprocess", "read", "yardstick", "real", "pointing", "grades", "widgets", "latents", "second",
               "dashboard", "kills", "scale", "fuzz", "faults", "tables", "tutorials", "binder"}
"""Those that take folders of spectra, or of a run, or what to measure, as arguments, and those of many minutes."""


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all that need no files; returns how many failed."""
    found = sorted(module.name for module in pkgutil.iter_modules([str(HERE)]) if not module.name.startswith("_"))
    failed = 0
    for name in names or [name for name in found if name not in NEEDS_FILES]:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
