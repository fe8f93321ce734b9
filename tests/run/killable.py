"""``python -m tests.run.killable RUN``: the command on a notebook that waits, with workers, to be stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat

from specanom.run import pipeline
from specanom.run.cli import main
from specanom.run.parameters import STAGES
from specanom.run.pipeline import run_pipeline

WAITING = """
import json, os, time
from pathlib import Path
from specanom.folders import write_text
from specanom.parallel import workers
from specanom.run.folder import RunFolder

run = RunFolder(run_dir)
with workers("processes:2") as crew:
    naps = [crew.submit(time.sleep, 0.2 if (run / "go").exists() else 300) for _ in range(2)]
    write_text(run / "pids.json", json.dumps([os.getpid(), *crew._pool._processes]))
    for nap in naps:
        nap.result()
write_text(run / "product", "made")
run.record("01_acquire", {"products": 1}, ["product"])
"""


def write_notebook(path: Path) -> Path:
    """Write a notebook of one parameter and one cell."""
    cells = [nbformat.v4.new_code_cell("run_dir = ''", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell(WAITING)]
    made = nbformat.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    return path


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    path = write_notebook(folder.parent / "waiting.ipynb")
    pipeline.notebook = lambda stage: path
    pipeline.of_stage = lambda stage: {"run_dir": ""}
    if "resume" in sys.argv:
        os.environ["PYTHONWARNINGS"] = "ignore"
        done = run_pipeline(folder, {"survey": "mock"}, until=STAGES[0])
        sys.exit(0 if [one.skipped for one in done] == [False] else 1)
    sys.exit(main(["run", "--run-dir", str(folder)]))
