"""Answers of services as they came, with what was asked beside them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from ...errors import ArgumentError, message
from ...folders import write_json, write_whole
from ...foreign import parse_json
from ...seeds import content_hash
from .positions import Positions

FORM, VERSION = "specanom-response", 1


class Asked(Protocol):
    """As much of a service as a question tells."""

    @property
    def service(self) -> str: ...

    @property
    def radius(self) -> float: ...


@dataclass(frozen=True)
class Question:
    """What is asked of a service.

    Attributes
    ----------
    client : str
        Who asks: SIMBAD answers XMatch and its own client in different tables.
    service : str
        Its name or catalogue.
    radius : float
        Arcsec.
    rows : int
        Positions sent.
    input : str
        Hash of the positions sent.
    """

    client: str
    service: str
    radius: float
    rows: int
    input: str

    @classmethod
    def of(cls, service: Asked, positions: Positions) -> Question:
        """Return what a service is asked about these positions."""
        return cls(type(service).__name__, service.service, float(service.radius), len(positions),
                   content_hash(positions.ra, positions.dec))

    @property
    def stem(self) -> str:
        """Name of its files."""
        slug = re.sub(r"[^A-Za-z0-9]+", "-", self.service).strip("-").lower()
        return f"{slug}-{content_hash(self.client, self.service, repr(self.radius), self.input)}"


class ResponseCache:
    """A folder of raw answers: ``NAME.vot`` as it came, ``NAME.json`` with service, date, radius and hashes of both.

    An answer that is not what was kept is asked for again.

    Parameters
    ----------
    folder : path-like
        Made when missing.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        if self.folder.is_file():
            raise ArgumentError(message("cache", expected="a folder", got=f"the file {folder}"))
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, question: Question) -> tuple[bytes, str] | None:
        """Return the answer that is kept, and when it was given; None when there is none to exactly this question."""
        try:
            known = parse_json((self.folder / f"{question.stem}.json").read_text(encoding="utf-8"))
            raw = (self.folder / f"{question.stem}.vot").read_bytes()
        except (OSError, ValueError):
            return None
        if not isinstance(known, Mapping) or any(known.get(key) != value for key, value in _facts(question).items()):
            return None
        if known.get("answer") != _hash(raw):
            return None
        return raw, str(known.get("date", ""))

    def put(self, question: Question, raw: bytes, date: str) -> None:
        """Keep an answer; what was kept before is replaced."""
        path = self.folder / f"{question.stem}.vot"
        write_whole(path, lambda part: part.write_bytes(raw))
        write_json(path.with_suffix(".json"),
                   {**_facts(question), "date": date, "bytes": len(raw), "answer": _hash(raw)})

    def __repr__(self) -> str:
        return f"ResponseCache {str(self.folder)!r}: {len(list(self.folder.glob('*.vot')))} answers"


def _hash(raw: bytes) -> str:
    return hashlib.blake2b(raw, digest_size=8).hexdigest()


def _facts(question: Question) -> dict[str, Any]:
    return {"format": FORM, "version": VERSION, **asdict(question)}


def now() -> str:
    """Return the time, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
