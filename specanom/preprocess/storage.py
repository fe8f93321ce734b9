"""A fitted Preprocessor on disk: JSON for people to read, npz for arrays; reading executes nothing."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, message
from ..folders import write_json
from ..seeds import content_hash
from .fitting import Fitted
from .report import PreprocessReport

FORMAT = "specanom preprocessor"
VERSION = 1
_ARRAYS = ("grid", "kept", "typical", "snr_edges", "missing")


def paths(path: str | Path) -> tuple[Path, Path]:
    """Return the JSON and the npz file that belong to `path`: ``preprocess`` or ``preprocess.json`` name both."""
    base = Path(path)
    base = base.with_suffix("") if base.suffix in (".json", ".npz") else base
    return base.with_name(base.name + ".json"), base.with_name(base.name + ".npz")


def save_state(path: str | Path, settings: dict[str, Any], fitted: Fitted, report: PreprocessReport | None) -> Path:
    """Write both files and return the path of the JSON; it is written last and holds a hash of the arrays."""
    text, arrays = paths(path)
    text.parent.mkdir(parents=True, exist_ok=True)
    values = {name: getattr(fitted, name) for name in _ARRAYS}
    part = arrays.with_name(arrays.name + ".part")
    with open(part, "wb") as handle:
        np.savez_compressed(handle, **values)
    part.replace(arrays)
    write_json(text, {"format": FORMAT, "version": VERSION, "arrays": arrays.name, "n": fitted.n,
                      "blake2": content_hash(*values.values()), "settings": settings,
                      "report": None if report is None else report.to_dict()})
    return text


def load_state(path: str | Path) -> tuple[dict[str, Any], Fitted, PreprocessReport | None]:
    """Return settings, what was fitted, and the report.

    Raises
    ------
    DataError
        When the files are missing, of another version, or do not belong together.
    """
    text, arrays = paths(path)
    try:
        content = json.loads(text.read_text(encoding="utf-8"))
        with np.load(arrays, allow_pickle=False) as stored:
            values = {name: stored[name] for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise DataError(message("path", expected="a saved Preprocessor (a .json and a .npz file)",
                                got=f"{text} ({type(exc).__name__}: {exc})", hint="write it with .save()")) from exc
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        got = (content.get("format"), content.get("version")) if isinstance(content, dict) else type(content).__name__
        raise DataError(message("path", expected=f"{FORMAT!r} of version {VERSION}", got=got,
                                hint="fit again with this version of specanom"))
    if content_hash(*values.values()) != content["blake2"]:
        raise DataError(message("path", expected="arrays as they were saved", got=f"others in {arrays}",
                                hint="copy the .json and the .npz together"))
    report = content["report"]
    return (content["settings"], Fitted(**values, n=int(content["n"])),
            None if report is None else PreprocessReport.from_dict(report))
