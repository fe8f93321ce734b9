"""Explanations on disk, opened: a table and a manifest are read, arrays wait until they are touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, message
from ..store import Rows
from .joining import NUMBERS, TEXT
from .names import Names
from .writer import FORMAT, VERSION

LATER = ("z_second", "untold")
"""Columns that sets of this version may lack: they were not looked for yet."""


def read_columns(path: str | Path) -> dict[str, Any]:
    """Return the constructor arguments of the ExplanationSet at `path`; its large arrays as Rows.

    Raises
    ------
    DataError
        Without a manifest, with one of another version, or when arrays are not what it says.
    """
    import pandas as pd
    import zarr

    folder = Path(path)
    manifest = _manifest(folder)
    group: Any = zarr.open_group(str(folder), mode="r")
    for name, shape in manifest["arrays"].items():
        found = list(group[name].shape) if name in group else None
        if found != shape:
            raise DataError(message("path", expected=f"{name} of shape {shape} as the manifest says",
                                    got=f"shape {found} in {folder}", hint="write it again with .save()"))
    columns: dict[str, Any] = dict.fromkeys(("narrow", "flux"))
    columns |= {name: Rows(group[name]) for name in manifest["arrays"] if name not in ("wave", "names", "segments")}
    wave, segments = np.asarray(group["wave"][:]), group["segments"]
    table = pd.read_parquet(folder / "table.parquet")
    if len(table) != manifest["rows"]:
        raise DataError(message("path", expected=f"{manifest['rows']} rows as the manifest says",
                                got=f"{len(table)} in the table of {folder}", hint="write it again with .save()"))
    columns |= {name: table[name].astype(object).tolist() if name in table or name not in LATER else [""] * len(table)
                for name in TEXT}
    columns |= {name: table[name].to_numpy() if name in table or name not in LATER else np.full(len(table), np.nan)
                for name in NUMBERS}
    names = Names(Rows(group["names"]), json.loads((folder / "names.json").read_text(encoding="utf-8")))
    return columns | {"wave": wave, "names": names, "frame": manifest["frame"], "settings": manifest["settings"],
                      "segments": np.asarray(segments[:]) if segments.ndim == 1 else Rows(segments),
                      "skipped": manifest["skipped"]}


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DataError(message("path", expected="a finished set of explanations (a folder with manifest.json)",
                                got=f"{folder} ({type(exc).__name__})", hint="write it again with .save()")) from exc
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise DataError(message("path", expected=f"{FORMAT!r} of version {VERSION}",
                                got=f"{manifest.get('format')!r} of version {manifest.get('version')}",
                                hint="make it again with this version of specanom"))
    return manifest
