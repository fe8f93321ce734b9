"""Strings that want to run, to load, to leave their place or to mislead, put wherever a run holds words."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

PAYLOADS = (
    "<script>window.pwned=1</script>",
    "</script><script>window.pwned=2</script>",
    "\"><img src=x onerror=window.pwned=3>",
    "'onmouseover='window.pwned=4' autofocus onfocus='window.pwned=4'",
    "<svg/onload=window.pwned=5>",
    "javascript:window.pwned=6",
    "<a href=javascript:window.pwned=7 id=card>x</a>",
    "{{7*7}}${window.pwned=8}#{7*7}<%= 7*7 %>",
    "`${window.pwned=9}`",
    "-->]]><!--<script>window.pwned=10</script>",
    "\u2028window.pwned=11//\u2029",
    "$$\\href{javascript:window.pwned=12}{x}$$",
    "\u202egnp.exe\u2066<b>",
    "\x1b[2J\x1b]0;owned\x07\x9b2J",
    "<iframe srcdoc='<script>parent.pwned=15</script>'>",
    "<link rel=stylesheet href=//evil.example/x><meta http-equiv=refresh content=0;//evil.example>",
    "@{id}{safe}<b onclick=window.pwned=17>$index",
    "__proto__", "constructor", "../../../etc/passwd", "CON", "a\0b", "=cmd|'/c calc'!A0", "\\u003cscript\\u003e",
)


def hostile(n: int) -> list[str]:
    """`n` different strings, each with one of the payloads."""
    return [f"{PAYLOADS[k % len(PAYLOADS)]}{k:05d}" if k >= len(PAYLOADS) else PAYLOADS[k] for k in range(n)]


class Poison:
    """Renames objects everywhere in a run, and puts payloads into the words that are free.

    Parameters
    ----------
    run : Path
        A run folder; it is changed.
    """

    FREE = ("class", "subclass", "path", "story", "note", "author", "reason", "survey_program", "instrument", "source",
            "spectrum", "file", "name", "label")

    def __init__(self, run: Path) -> None:
        self.run = run
        ids = pq.read_table(run / "sample.zarr" / "table.parquet", columns=["id"])["id"].to_pylist()
        self.ids = dict(zip(ids, hostile(len(ids)), strict=True))
        self._free = 0

    def word(self) -> str:
        """The next payload."""
        self._free += 1
        return PAYLOADS[self._free % len(PAYLOADS)]

    def __call__(self) -> dict[str, str]:
        """Do it; returns old id → new id."""
        for path in sorted(self.run.rglob("*.parquet")):
            self._table(path)
        for path in sorted(self.run.rglob("clusters.npz")):
            self._npz(path)
        for path in sorted(self.run.rglob("*.json")):
            if path.name not in ("zarr.json", "names.json", "card.json") and "raw" not in path.parts:
                self._json(path)
        for path in sorted(self.run.rglob("vectors.npy")):
            self._hashes(path.parent)
        return self.ids

    def _hashes(self, base: Path) -> None:
        """Have the manifest of a knowledge base tell the hashes of what lies there now, as a forger does."""
        told = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
        for name in told["files"]:
            held = (base / name).read_bytes()
            told["files"][name] = {"bytes": len(held), "hash": hashlib.blake2b(held, digest_size=16).hexdigest()}
        (base / "manifest.json").write_text(json.dumps(told), encoding="utf-8")

    def _table(self, path: Path) -> None:
        whole = pq.read_table(path)
        made = whole
        for place, field in enumerate(whole.schema):
            if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
                continue
            cells = whole.column(place).to_pylist()
            new = [self.ids.get(one, one) for one in cells]
            if field.name in self.FREE:
                new = [self.word() if one and one == old else one for one, old in zip(new, cells, strict=True)]
            made = made.set_column(place, field, pa.array(new, field.type))
        pq.write_table(made.replace_schema_metadata(whole.schema.metadata), path)

    def _npz(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as stored:
            held = {name: stored[name] for name in stored.files}
        held["ids"] = np.array([self.ids.get(str(one), str(one)).rstrip("\0") for one in held["ids"]])
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **held)
        path.write_bytes(buffer.getvalue())

    def _json(self, path: Path) -> None:
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(self._renamed(content)), encoding="utf-8")

    def _renamed(self, content: Any) -> Any:
        if isinstance(content, dict):
            return {self.ids.get(key, key): self._renamed(one) for key, one in content.items()}
        if isinstance(content, list):
            return [self._renamed(one) for one in content]
        return self.ids.get(content, content) if isinstance(content, str) else content


def frame(n: int) -> pd.DataFrame:
    """A table whose ids, words and column names are hostile."""
    made = pd.DataFrame({"id": hostile(n), "class": [PAYLOADS[-k % len(PAYLOADS)] for k in range(n)],
                         "z": 0.05, "snr": 9.0})
    made[PAYLOADS[0]] = PAYLOADS[1]
    return made


def entries(path: Path) -> list[str]:
    """Names in an archive."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
