"""Dashboards on a run: which program is started, on what, with what around it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ..errors import DataError, choice, message, require
from .folder import RunFolder

PAGES: Mapping[str, Sequence[tuple[str, str]]] = {
    "workbench": (("sample.zarr", "02_preprocess"), ("model", "03_train"), ("scores.parquet", "04_score"),
                  ("explanations.zarr", "05_explain"), ("clusters", "06_clusters")),
    "pick": (("sample.zarr", "02_preprocess"), ("model", "03_train"), ("scores.parquet", "04_score")),
    "tune": (("sample.zarr", "02_preprocess"), ("model", "03_train")),
    "inspect": (("sample.zarr", "02_preprocess"), ("explanations.zarr", "05_explain"), ("clusters", "06_clusters")),
}
"""The pages, and what of a run each stands on, as (product, stage that makes it)."""
RUN = "SPECANOM_RUN"
"""The environment variable that tells a page which run it shows."""
OWN = "dashboards"
"""The folder of a run that holds its own copies of the pages, to be changed at will."""
APP_PORT, LAB_PORT = 8866, 8888
ASKS_NOBODY = ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None",
               "--LabApp.extension_manager=readonly")
"""What keeps JupyterLab from asking addresses outside the machine by itself."""
IDLE = 1800
"""Seconds after which Voilà ends a kernel whose page is gone."""


@dataclass(frozen=True)
class Program:
    """A program to be started.

    Attributes
    ----------
    command : tuple of str
        The program and its arguments.
    environment : dict
        What it finds in its environment beside what is there already.
    folder : Path
        Where it starts.
    """

    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path

    def run(self) -> int:
        """Start it, wait for its end and return its exit code; Ctrl-C and a request to end reach it."""
        process = subprocess.Popen(self.command, env={**os.environ, **self.environment}, cwd=self.folder)
        before = {one: signal.signal(one, _passed_on(process, one)) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            return process.wait()
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def app(run_dir: str | Path, *, page: str = "workbench", port: int = APP_PORT, browser: bool = True) -> Program:
    """Return the Voilà server that shows a run.

    Parameters
    ----------
    run_dir : path-like
        A finished run.
    page : {"workbench", "pick", "tune", "inspect"}
        Which dashboard.
    port : int
        Where it listens; the next free one when that is taken.
    browser : bool
        Whether a browser is opened on it.

    Raises
    ------
    DataError
        When the run lacks what the page shows.
    MissingDependency
        When the extra ``widgets`` is not installed.
    """
    run = _checked(run_dir, choice("page", page, list(PAGES)))
    require("voila", extra="widgets")
    command = [sys.executable, "-m", "voila", str(_pages() / f"{page}.ipynb"), "--template=specanom",
               f"--port={port}", "--Voila.ip=127.0.0.1", "--Voila.auto_token=True", "--show_tracebacks=True",
               f"--MappingKernelManager.cull_idle_timeout={IDLE}", "--MappingKernelManager.cull_interval=60",
               *_whether(browser)]
    return Program(tuple(command), _environment(run), run)


def lab(run_dir: str | Path, *, port: int = LAB_PORT, browser: bool = True) -> Program:
    """Return the JupyterLab that has a run, its notebooks and copies of the pages in front of it.

    Parameters
    ----------
    run_dir : path-like
        A finished run. The pages are copied into ``run_dir/dashboards``; a copy that is there already stays.
    port, browser
        As for :func:`app`, which raises the same errors.
    """
    run = _checked(run_dir, "workbench")
    require("jupyterlab", extra="widgets")
    own = run / OWN
    own.mkdir(exist_ok=True)
    for page in sorted(_pages().glob("*.ipynb")):
        if not (own / page.name).exists():
            shutil.copyfile(page, own / page.name)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1",
               f"--ServerApp.root_dir={run}", f"--LabApp.default_url=/lab/tree/{OWN}/workbench.ipynb",
               *ASKS_NOBODY, *_whether(browser), *_as_root()]
    return Program(tuple(command), _environment(run), run)


def _whether(browser: bool) -> list[str]:
    return [] if browser else ["--no-browser"]


def _as_root() -> list[str]:
    """Return what lets JupyterLab start in a container, where the user is root: it listens on this machine only."""
    return ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _checked(run_dir: str | Path, page: str) -> Path:
    """Return the absolute folder of a run that has all that a page shows."""
    path = Path(run_dir).expanduser().absolute()
    if not path.is_dir():
        raise DataError(message("run_dir", expected="the folder of a finished run", got=f"no folder {path}",
                                hint=f"make one with specanom run --run-dir {run_dir}"))
    run = RunFolder(path)
    for product, stage in PAGES[page]:
        run.need(product, stage)
    return path


def _widgets() -> Path:
    """Return the folder of :mod:`specanom.widgets`, without importing it."""
    found = importlib.util.find_spec("specanom.widgets")
    if found is None or not found.submodule_search_locations:
        raise DataError(message("specanom.widgets", expected="the dashboards beside the package", got="none",
                                hint="install specanom again"))
    return Path(next(iter(found.submodule_search_locations)))


def _pages() -> Path:
    return _widgets() / "pages"


def _environment(run: Path) -> dict[str, str]:
    """Return what tells the pages their run, and Voilà where its template lies."""
    places = [str(_widgets()), *filter(None, [os.environ.get("JUPYTER_PATH", "")])]
    return {RUN: str(run), "JUPYTER_PATH": os.pathsep.join(places)}


def _passed_on(process: subprocess.Popen[Any], wanted: signal.Signals) -> Callable[[int, FrameType | None], None]:
    """Return a handler that leaves Ctrl-C to the program, which the terminal tells too, and passes on the rest."""
    def handler(_number: int, _frame: FrameType | None) -> None:
        if wanted != signal.SIGINT and process.poll() is None:
            process.send_signal(wanted)
    return handler
