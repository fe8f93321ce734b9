"""A JupyterLab, Notebook 7 or Voilà server of its own for tests, in folders of its own, that ends with them."""

from __future__ import annotations

import ctypes
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("lab", "notebook", "voila")
PATIENCE = 60.0
"""Seconds until a test gives up on what should happen at once: a fresh machine compiles on first use."""
CELLS = 120.0
"""Seconds until it gives up on cells that load specanom."""
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(fact: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Return what `fact()` returns as soon as it is true."""
    end = time.monotonic() + timeout
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:.0f} s: {what}")
        time.sleep(0.02)


def _end_with_me() -> None:
    """Have Linux end this process when the one that started it dies, even when it is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Frontend:
    """A server of its own, with Jupyter folders of its own.

    Parameters
    ----------
    kind : {"lab", "notebook", "voila"}
        Which.
    folder : Path
        Everything it writes lies in here; its notebooks in ``folder / "notebooks"``.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.notebooks = folder / "notebooks"
        self.port, self.token = free_port(), secrets.token_hex(8)
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Frontend:
        """Start the server and wait until it answers."""
        for name in ("notebooks", "config", "data", "runtime", "settings", "workspaces", "ipython"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in SETTINGS.items():
            path = self.folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(self._command(), env=self._environment(), cwd=self.notebooks,
                                             stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                                             preexec_fn=_end_with_me if sys.platform == "linux" else None)
        try:
            until(self._answers, f"{self.kind} answers", CELLS)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        if self._process is None:
            return
        for kernel in self.kernels():
            self.end_kernel(kernel)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None

    def url(self, name: str, *, theme: str = "light") -> str:
        """Return the address of a notebook."""
        place = {"lab": f"/lab/tree/{name}?reset&", "notebook": f"/notebooks/{name}?",
                 "voila": f"/voila/render/{name}?theme={theme}&"}[self.kind]
        return f"{self.address}{place}token={self.token}"

    def kernels(self) -> list[str]:
        """Return the ids of the running kernels."""
        if self.kind == "voila":  # Voilà has no list
            return [path.stem.removeprefix("kernel-") for path in (self.folder / "runtime").rglob("kernel-*.json")]
        return [one["id"] for one in json.loads(self._ask("/api/kernels"))]

    def end_kernel(self, id: str) -> None:
        """End a kernel; one that is gone already is left in peace."""
        with suppress(urllib.error.URLError):
            self._ask(f"/api/kernels/{id}", "DELETE")

    def connection(self, id: str) -> Path:
        """Return the file that says how to talk to a kernel."""
        return Path(next((self.folder / "runtime").rglob(f"kernel-{id}.json")))

    def _ask(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(self.address + path, method=method,
                                         headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"{self.kind} ended by itself:\n{self.log.read_text()[-3000:]}")
        try:
            self._ask("/" if self.kind == "voila" else "/api")
        except urllib.error.HTTPError:
            return self.kind == "voila"  # an empty folder may be an error of its own: it listens
        except OSError:
            return False
        return True

    def _command(self) -> list[str]:
        if self.kind == "voila":
            return [sys.executable, "-m", "voila", str(self.notebooks), "--no-browser", f"--port={self.port}",
                    "--Voila.ip=127.0.0.1", f"--token={self.token}", "--template=specanom",
                    f"--Voila.connection_dir_root={self.folder / 'runtime'}"]
        app = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[self.kind]
        module = {"lab": "jupyterlab", "notebook": "notebook"}[self.kind]
        return [sys.executable, "-m", module, "--no-browser", "--allow-root", f"--ServerApp.port={self.port}",
                "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={self.token}",
                f"--ServerApp.root_dir={self.notebooks}", f"--{app}.expose_app_in_browser=True",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=None",
                "--LabApp.extension_manager=readonly"]

    def _environment(self) -> dict[str, str]:
        own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
               "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
               "IPYTHONDIR": "ipython"}
        return {**os.environ, **{name: str(self.folder / place) for name, place in own.items()},
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "JUPYTER_PATH": str(ROOT / "widgets"), "JUPYTER_PLATFORM_DIRS": "1", "OMP_NUM_THREADS": "1",
                "PYTHONPATH": "", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*")


@contextmanager
def served(run: Path, folder: Path) -> Iterator[str]:
    """Start ``specanom app`` on a run, its own files in `folder`; yields the address to open."""
    log = folder / "log"
    runtime = {"JUPYTER_RUNTIME_DIR": str(folder), "IPYTHONDIR": str(folder / "ipython"), "OMP_NUM_THREADS": "1"}
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "specanom.run.cli", "app", str(run), "--no-browser", f"--port={free_port()}"],
            stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env={**os.environ, **runtime})
    try:
        yield until(lambda: (found := ADDRESS.search(log.read_text())) and found.group(), "an address is said", CELLS)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
