"""Takes a picture of the Dask dashboard during a real run: ``python -m benchmarks.dashboard docs/images/dask.png``."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVERY = 2.0
"""Seconds between two pictures; the last one with tasks of the wanted kind on it stays."""


def main(argv: list[str] | None = None) -> int:
    """Run a survey on two workers and keep the last picture on which tasks score; returns 1 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--partition", type=int, default=32)
    parser.add_argument("--kind", default="score", help="tasks that are to be on it")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="dashboard-") as folder:
        seen = _pictures(given, Path(folder))
    print(f"{seen} pictures with tasks called {given.kind}; {given.picture}")
    return 0 if seen else 1


def _pictures(given: argparse.Namespace, folder: Path) -> int:
    import distributed
    from playwright.sync_api import sync_playwright

    seen = 0
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, \
            sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 760})
        page.goto(cluster.dashboard_link)
        run = subprocess.Popen([
            sys.executable, "-m", "specanom.run.cli", "run", "--quiet", "--survey", "mock", "--run-dir",
            str(folder / "run"), "--executor", f"dask:{cluster.scheduler_address}", "-p", f"n={given.n}", "-p",
            f"partition={given.partition}", "-p", "max_steps=100", "-p", "top=16", "-p", "samples=300"])
        with distributed.Client(cluster, set_as_default=False) as client:
            while run.poll() is None:
                time.sleep(EVERY)
                if any(str(key).startswith(given.kind) for keys in client.processing().values() for key in keys):
                    page.screenshot(path=given.picture)
                    seen += 1
                elif seen:
                    break
        run.terminate()
        run.wait()
        browser.close()
    return seen


if __name__ == "__main__":
    sys.exit(main())
