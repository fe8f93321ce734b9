"""Explanations on disk: arrays in a Zarr v3 group, text in Parquet, a manifest by rename as the only truth."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, message
from ..store import part_of, put_in_place, writable, write_json

FORMAT = "specanom explanations"
VERSION = 2
ARRAYS = ("weights", "interval", "error", "segments", "wave", "scores", "intercepts", "r2", "ess", "stability",
          "completeness", "n_samples", "artefact", "shares", "narrow", "flux")
TEXT = ("ids", "grades", "reasons", "paths", "names")
ROWS = 4096  # rows of a shard
CHUNK = 64


def write_columns(explanations: Any, path: str | Path, *, overwrite: bool = True) -> Path:
    """Write an ExplanationSet beside `path`, then rename; returns the path.

    Raises
    ------
    DataError
        When something other than saved explanations or an empty folder is at `path`.
    """
    import pandas as pd
    import zarr

    folder = writable(path, FORMAT, overwrite=overwrite)
    part = part_of(folder)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        group = zarr.create_group(store=str(part))
        shapes = {}
        for name in ARRAYS:
            array = getattr(explanations, name)
            if array is not None:
                shapes[name] = list(array.shape)
                _write_array(group, name, array)
        table = pd.DataFrame({name: [list(v) if name == "names" else v for v in getattr(explanations, name)]
                              for name in TEXT})
        table.to_parquet(part / "table.parquet", index=False)
        write_json(part / "manifest.json", {
            "format": FORMAT, "version": VERSION, "rows": len(explanations), "arrays": shapes,
            "frame": explanations.frame, "settings": dict(explanations.settings),
            "skipped": [{"id": one.id, "reason": one.reason} for one in explanations.skipped],
        })
        put_in_place(part, folder, FORMAT)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return Path(path)


def _write_array(group: Any, name: str, array: Any) -> None:
    stored = array.astype(np.int32) if name == "segments" else np.asarray(array)
    if len(stored) <= CHUNK:
        group.create_array(name, data=stored)
        return
    shards = -(-min(len(stored), ROWS) // CHUNK) * CHUNK
    group.create_array(name, data=stored, chunks=(CHUNK, *stored.shape[1:]), shards=(shards, *stored.shape[1:]))


def read_columns(path: str | Path) -> dict[str, Any]:
    """Return the constructor arguments of the ExplanationSet at `path`.

    Raises
    ------
    DataError
        Without a manifest, with one of another version, or when arrays are not what it says.
    """
    import pandas as pd
    import zarr

    folder = Path(path)
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DataError(message("path", expected="a finished set of explanations (a folder with manifest.json)",
                                got=f"{folder} ({type(exc).__name__})", hint="write it again with .save()")) from exc
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise DataError(message("path", expected=f"{FORMAT!r} of version {VERSION}",
                                got=f"{manifest.get('format')!r} of version {manifest.get('version')}",
                                hint="make it again with this version of specanom"))
    group: Any = zarr.open_group(str(folder), mode="r")
    columns: dict[str, Any] = dict.fromkeys(("narrow", "flux"))
    for name, shape in manifest["arrays"].items():
        columns[name] = np.asarray(group[name][...])
        if list(columns[name].shape) != shape:
            raise DataError(message("path", expected=f"{name} of shape {shape} as the manifest says",
                                    got=f"shape {columns[name].shape} in {folder}"))
    table = pd.read_parquet(folder / "table.parquet")
    text = {name: [str(value) for value in table[name]] for name in TEXT if name != "names"}
    names = [tuple(str(part) for part in row) for row in table["names"]]
    return columns | text | {"names": names, "segments": columns["segments"].astype(np.intp),
                             "frame": manifest["frame"], "settings": manifest["settings"],
                             "skipped": manifest["skipped"]}
