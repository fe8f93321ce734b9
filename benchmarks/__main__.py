"""Run every benchmark that needs no data of its own and takes some minutes: ``python -m benchmarks [NAME …]``."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NEEDS_FILES = {"grades", "second"}
"""Those that start without a folder of spectra, and have nothing to measure then."""
LONG = {"binder", "faults", "fuzz", "kills", "tutorials"}
"""Those of many minutes."""


def benchmarks() -> list[str]:
    """Return the names of all programs that measure: neither what these share nor the page of their results."""
    names = (module.name for module in pkgutil.iter_modules([str(HERE)]))
    return sorted(name for name in names if not name.startswith("_") and name != "page" and is_program(name))


def is_program(name: str) -> bool:
    """Tell whether a module does something when it is run."""
    return '__name__ == "__main__"' in (HERE / f"{name}.py").read_text(encoding="utf-8")


def required(name: str) -> list[str]:
    """Return the arguments without which a benchmark does not start: a folder, a run, or what to measure."""
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    found = []
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            told: dict[str | None, Any] = {one.arg: getattr(one.value, "value", None) for one in call.keywords}
            first = str(getattr(call.args[0], "value", "-")) if call.args else "-"
            positional = not first.startswith("-") and told.get("nargs") not in ("?", "*")
            if call.func.attr == "add_argument" and (positional or told.get("required")):
                found.append(first)
            if call.func.attr == "add_subparsers" and told.get("required"):
                found.append(str(told.get("metavar", "command")))
    return found


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all that need nothing and do not take long; returns how many failed."""
    failed = 0
    for name in names or [name for name in benchmarks() if name not in NEEDS_FILES | LONG and not required(name)]:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=HERE.parent, check=False)
        failed += done.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
