"""Takes a picture of the Dask dashboard while a run scores: ``python -m benchmarks.dashboard docs/images/dask.png``.

What comes before scoring is done without Dask, so that its tasks are not on the picture.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._watch import end
from specanom.run.stopping import stopped_by_signals

EVERY = 0.7
"""Seconds between two pictures; the last one on which tasks of the wanted kind are at work stays."""
CODE = ("import json, sys; from specanom.run.pipeline import run_pipeline; "
        "run_pipeline(sys.argv[1], json.loads(sys.argv[2]), until=sys.argv[3])")


def main(argv: list[str] | None = None) -> int:
    """Run a survey on two workers and keep the last picture on which tasks score; returns 1 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--partition", type=int, default=32)
    given = parser.parse_args(argv)
    settings = {"survey": "mock", "n": given.n, "partition": given.partition, "max_steps": 50}
    with stopped_by_signals(), tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
        run = Path(folder) / "run"
        subprocess.run(_command(run, {**settings, "executor": "processes:2"}, "03_train"), check=True)
        seen = _pictures(run, settings, given.picture)
    print(f"{seen} pictures with tasks that score; {given.picture}")
    return 0 if seen else 1


def _command(run: Path, settings: dict[str, Any], until: str) -> list[str]:
    return [sys.executable, "-c", CODE, str(run), json.dumps(settings), until]


def _warm() -> None:
    """Load what scoring needs, which takes longer than a task."""
    import torch  # noqa: F401

    import specanom.models
    import specanom.run.parted  # noqa: F401


def _pictures(run: Path, settings: dict[str, Any], picture: Path) -> int:
    import distributed
    from playwright.sync_api import sync_playwright

    seen = 0
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, \
            distributed.Client(cluster, set_as_default=False) as client, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        client.run(_warm)
        page.goto(cluster.dashboard_link)
        where = f"dask:{cluster.scheduler_address}"
        working = subprocess.Popen(_command(run, {**settings, "executor": where}, "04_score"))
        try:
            while working.poll() is None:
                time.sleep(EVERY)
                if any(str(key).startswith("score") for keys in client.processing().values() for key in keys):
                    page.screenshot(path=picture)
                    seen += 1
        finally:
            end(working.pid)
        browser.close()
    return seen


if __name__ == "__main__":
    sys.exit(main())
