"""Fixtures every room shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.headless import headless

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile(
    "specanom", deadline=None, derandomize=True, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("specanom")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: programs under test inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as under nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The workshop's folder of real data beside the checkout; tests that need it skip where there is none."""
    folder = Path(os.environ.get("SPECANOM_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "sdss").is_dir():
        pytest.skip(f"needs the real spectra of {folder}/data (set SPECANOM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def sdss_files(shared: Path) -> list[Path]:
    """Every real SDSS file, any format."""
    return sorted(p for p in (shared / "data" / "sdss").rglob("*") if p.suffix in {".fits", ".fit"})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file together as well as those of a group: a worker alone makes what they share."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class Together(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope: str = super()._split_scope(nodeid)
            return scope.split("::", 1)[0]

    return Together(config, log)


# -- a browser without a network ---------------------------------------------------------------------------------------


@dataclass
class Visit:
    """A page in headless Chromium with the network off, and what went wrong on it."""

    page: Any
    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Any:
        """Open a file, wait until every figure is drawn, and return the page."""
        self.page.goto(path.as_uri())
        self.page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents.every(d => d.is_idle)")
        return self.page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Headless Chromium for the tests of a module."""
    yield from headless()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    """A page that must ask for nothing and raise nothing."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800}, offline=True)
    made = Visit(context.new_page())
    made.page.on("request", lambda r: made.asked.append(r.url) if r.url.startswith(("http", "ws")) else None)
    made.page.on("pageerror", lambda error: made.failed.append(str(error)))
    made.page.on("console", lambda said: made.failed.append(said.text) if said.type == "error" else None)
    yield made
    assert made.asked == []
    assert made.failed == []
    context.close()
