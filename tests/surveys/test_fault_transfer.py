"""Downloads from a server that cuts, lies and stalls: a real one, on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specanom.surveys import transfer
from specanom.surveys.fits_write import image
from specanom.surveys.transfer import Report, Task, fetch_all, is_whole

WHOLE = image(None, primary=True) + image(np.arange(200_000, dtype=np.float32), name="FLUX")
HALF = 4 * transfer.CHUNK
CUT, HTML, SHORT, STALL, LOST = "cut", "html", "short", "stall", "lost"
PAGE = b"<!DOCTYPE html>\n<title>Please log in</title>" + b" " * 3000


class Server(ThreadingHTTPServer):
    """Serves one FITS file, after the mishaps that it is told of, one a request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mishaps: list[str] = []
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/spec.fits"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Range", ""))
        mishap = self.server.mishaps.pop(0) if self.server.mishaps else ""
        start = int(self.headers["Range"][6:-1]) if "Range" in self.headers else 0
        body = WHOLE[start:]
        if mishap == HTML:
            start, body = 0, PAGE
        if mishap == SHORT:  # and says so itself, as a server whose own copy is torn
            start, body = 0, WHOLE[:HALF]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(WHOLE) - 1}/{len(WHOLE)}")
        if mishap != LOST:  # without a length, a cut looks like an end
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:HALF] if mishap in (CUT, STALL, LOST) else body)
        if mishap == STALL:
            self.server.stalled.wait(20)  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(transfer, "sleep", lambda seconds: None)
    monkeypatch.setattr(transfer, "TIMEOUT", (5, 0.5))
    monkeypatch.setattr(transfer._local, "session", None, raising=False)
    del transfer._local.session
    with Server() as made:
        made.stalled = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.stalled.set()  # type: ignore[attr-defined]
        made.shutdown()


def fetch(server: Server, folder: Path, *, retries: int = 3) -> Report:
    def no_look(get: Callable[..., Any], url: str) -> None:
        """Ask nothing before."""

    return fetch_all([Task("a", server.url, "spec.fits")], folder, workers=1, retries=retries, progress=False,
                     probe=no_look)


@pytest.mark.parametrize(("mishaps", "asked"), [
    ([], [""]),
    ([CUT], ["", f"bytes={HALF}-"]),
    ([CUT, CUT], ["", f"bytes={HALF}-", f"bytes={2 * HALF}-"]),
    ([STALL], ["", f"bytes={HALF}-"]),
    ([LOST], ["", ""]),
    ([SHORT], ["", ""]),
    ([HTML], ["", ""]),
    ([CUT, HTML, SHORT], ["", f"bytes={HALF}-", "", ""])])
def test_whatever_is_cut_the_file_comes_whole(
        mishaps: list[str], asked: list[str], server: Server, tmp_path: Path) -> None:
    server.mishaps = list(mishaps)
    report = fetch(server, tmp_path)
    assert report.outcomes[0].status == "fetched", report
    assert (tmp_path / "spec.fits").read_bytes() == WHOLE
    assert is_whole(tmp_path / "spec.fits")
    assert server.asked == asked
    assert [path.name for path in tmp_path.iterdir()] == ["spec.fits"]
    assert fetch(server, tmp_path).outcomes[0].status == "kept"


def test_a_page_instead_of_a_file_is_called_that_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.mishaps = [HTML] * 9
    report = fetch(server, tmp_path, retries=1)
    assert report.failed[0].reason == "no FITS file came but '<!DOCTYPE html>'"
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_was_given_up_goes_on_the_next_time(server: Server, tmp_path: Path) -> None:
    server.mishaps = [CUT]
    assert "IncompleteRead" in fetch(server, tmp_path, retries=0).failed[0].reason
    assert (tmp_path / "spec.fits.part").stat().st_size == HALF
    assert fetch(server, tmp_path, retries=0).outcomes[0].status == "fetched"
    assert server.asked[-1] == f"bytes={HALF}-"
    assert (tmp_path / "spec.fits").read_bytes() == WHOLE
