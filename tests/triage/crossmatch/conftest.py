"""Services that answer with VOTables in their shape, and a network that is there or not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from requests import HTTPError

from specanom.triage.crossmatch import asking, network

from .made import xmatch_answer

WRITTEN = Path(__file__).resolve().parents[2] / "data" / "crossmatch"


@dataclass
class Reply:
    """As much of an HTTP response as astroquery looks at."""

    content: bytes
    status_code: int = 200

    @property
    def text(self) -> str:
        return self.content.decode()

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            error = HTTPError(f"{self.status_code} Server Error")
            error.response = self
            raise error


@dataclass
class Server:
    """Stands in for a server: what was asked, and what it answers."""

    answer: Callable[[list[dict[str, str]]], Reply]
    uploads: list[list[dict[str, str]]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, method: str, url: str, params: Any = None, data: Any = None, **options: Any) -> Reply:
        files = options.get("files") or {}
        rows = list(csv.DictReader(io.StringIO(files["cat1"][1]))) if "cat1" in files else []
        self.asked.append({"method": method, "url": url, **(params or {}), **(data or {})})
        self.uploads.append(rows)
        return self.answer(rows)


def written(name: str) -> bytes:
    """Return an answer that was written by hand in the shape of the service's."""
    return (WRITTEN / name).read_bytes()


@pytest.fixture(autouse=True)
def no_real_network(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No test reaches for a server, and none waits; returns what would have been waited."""
    waits: list[float] = []
    monkeypatch.setattr(asking, "knock", lambda url: None)
    monkeypatch.setattr(asking, "sleep", waits.append)
    monkeypatch.setattr(network, "sleep", waits.append)
    return waits


@pytest.fixture
def xmatch_server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """CDS XMatch, whose answers are made of what was sent."""
    from astroquery.xmatch import XMatchClass

    server = Server(lambda rows: Reply(xmatch_answer(rows)))
    monkeypatch.setattr(XMatchClass, "_request", lambda self, *a, **k: server(*a, **k))
    return server


@pytest.fixture
def ned_server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """NED, which knows M 87 and nothing else."""
    from astroquery.ipac.ned import NedClass

    server = Server(lambda rows: Reply(written("ned_nothing.vot")))

    def request(self: Any, method: str, url: str, params: Any = None, **options: Any) -> Reply:
        server(method, url, params=params, **options)
        near = abs(float(params["lon"]) - 187.7059 / 15) < 1e-3   # astroquery sends hours, as NED takes plain numbers
        return Reply(written("ned_m87.vot" if near else "ned_nothing.vot"))

    monkeypatch.setattr(NedClass, "_request", request)
    return server
