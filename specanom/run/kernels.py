"""Executes a notebook in a process of its own, of which nothing but the notebook is heard."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ..parallel.progress import QUIET

LOG = "kernel.log"
"""Beside the executed notebook: what its process said past it, as the last words of compiled code."""
IN_A_RUN = "SPECANOM_IN_A_RUN"
"""An environment variable: set in a kernel whose notebook is a stage of ``specanom run``, not run by hand."""
_ENGINE = "specanom"


def execute(source: Path, target: Path, parameters: Mapping[str, Any]) -> None:
    """Execute a notebook with parameters into `target`, saved after each cell.

    Raises
    ------
    papermill.PapermillExecutionError
        For an error in a cell.
    nbclient.exceptions.DeadKernelError
        When the process ended.
    """
    import papermill

    _register()
    # Debugger warnings and progress bars of the kernel do not belong in the log of a cron job.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with _in_a_run():
        papermill.execute_notebook(str(source), str(target), parameters=dict(parameters), kernel_name="python3",
                                   engine_name=_ENGINE, progress_bar=False, log_output=False,
                                   store_widget_state=False, extra_arguments=["--log-level=50"],
                                   kernel_log=str(target.with_name(LOG)))


@contextmanager
def _in_a_run() -> Iterator[None]:
    """Let the kernel know that this process tells what it notes in a file, and what it has done in a manifest."""
    before = {name: os.environ.get(name) for name in (QUIET, IN_A_RUN)}
    os.environ |= dict.fromkeys(before, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@cache
def _register() -> None:
    """Tell papermill of a kernel whose own words go to a file: they would mix with those of the command."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines

    silent = logging.getLogger("specanom.notebooks")  # what it says comes as an error too
    silent.addHandler(logging.NullHandler())
    silent.propagate = False

    class Client(PapermillNotebookClient):  # type: ignore[misc]
        def setup_kernel(self, **kwargs: Any) -> Any:
            return super().setup_kernel(stdout=self.kernel_log, stderr=self.kernel_log, **kwargs)

    class Quiet(Engine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, kernel_log: str,
                                     extra_arguments: list[str], **_: Any) -> None:
            client = Client(nb_man, kernel_name=kernel_name, extra_arguments=extra_arguments, startup_timeout=60,
                            log=silent)
            with open(kernel_log, "ab") as client.kernel_log:
                client.execute()

    papermill_engines.register(_ENGINE, Quiet)
