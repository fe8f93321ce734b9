"""Explanations on disk, opened: a table and a manifest are read, arrays wait until they are touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, message
from ..foreign import Anything, ListOf, MapOf, Record, Text, Whole, check, open_arrays, read_json, read_table
from ..store import StoredRows
from .joining import NUMBERS, TEXT
from .names import Names
from .writer import FORMAT, VERSION

LATER = ("z_second", "untold")
"""Columns that sets of this version may lack: they were not looked for yet."""
WHAT = "a finished set of explanations (a folder with manifest.json)"
KINDS = {"wave": "f", "weights": "f", "interval": "f", "error": "f", "shares": "f", "flux": "f", "names": "i",
         "segments": "iu", "narrow": "b"}
"""Kinds of numbers of the arrays."""
_SHAPE = ListOf(Whole(0, 2**40), least=1, most=3)
FORM = Record({
    "format": Text(), "version": Whole(), "rows": Whole(1, 2**40), "frame": Text(among=("rest", "observed")),
    "arrays": Record(dict.fromkeys(("wave", "weights", "interval", "error", "shares", "names", "segments"), _SHAPE),
                     {"narrow": _SHAPE, "flux": _SHAPE}),
    "settings": MapOf(Anything(), most=1000),
    "skipped": ListOf(Record({"id": Text(), "reason": Text()}, more=True))})


def read_columns(path: str | Path) -> dict[str, Any]:
    """Return the constructor arguments of the ExplanationSet at `path`; its large arrays as StoredRows.

    Raises
    ------
    DataError
        Without a manifest, with one of another version, or when arrays are not what it says.
    """
    folder = Path(path)
    manifest = _manifest(folder)
    group: Any = _opened(folder, manifest)
    for name, shape in manifest["arrays"].items():
        found = list(group[name].shape) if name in group else None
        if found != shape:
            raise DataError(message("path", expected=f"{name} of shape {shape} as the manifest says",
                                    got=f"shape {found} in {folder}", hint="write it again with .save()"))
    columns: dict[str, Any] = dict.fromkeys(("narrow", "flux"))
    columns |= {name: StoredRows(group[name]) for name in manifest["arrays"]
                if name not in ("wave", "names", "segments")}
    wave, segments = np.asarray(group["wave"][:]), group["segments"]
    table = read_table(folder / "table.parquet", WHAT, needed=[one for one in (*TEXT, *NUMBERS) if one not in LATER])
    if len(table) != manifest["rows"]:
        raise DataError(message("path", expected=f"{manifest['rows']} rows as the manifest says",
                                got=f"{len(table)} in the table of {folder}", hint="write it again with .save()"))
    columns |= {name: table[name].astype(object).tolist() if name in table or name not in LATER else [""] * len(table)
                for name in TEXT}
    columns |= {name: table[name].to_numpy() if name in table or name not in LATER else np.full(len(table), np.nan)
                for name in NUMBERS}
    vocabulary = read_json(folder / "names.json", WHAT)
    check(vocabulary, ListOf(Text()), folder / "names.json")
    codes = StoredRows(group["names"])
    _check_names(codes.load(), len(vocabulary), folder)
    names = Names(codes, vocabulary)
    return columns | {"wave": wave, "names": names, "frame": manifest["frame"], "settings": manifest["settings"],
                      "segments": np.asarray(segments[:]) if segments.ndim == 1 else StoredRows(segments),
                      "skipped": manifest["skipped"]}


def _opened(folder: Path, manifest: dict[str, Any]) -> Any:
    """Open the arrays when their shapes belong together, and are not more than their files can hold."""
    shapes = {name: tuple(shape) for name, shape in manifest["arrays"].items()}
    rows, pixels = manifest["rows"], shapes["wave"]
    wide = (rows, *shapes["weights"][1:])
    right = {"wave": (pixels,), "weights": (wide,), "interval": ((*wide, 2),), "error": (wide,), "narrow": (wide,),
             "names": (wide,), "shares": ((rows, *shapes["shares"][1:2]),), "flux": ((rows, *pixels),),
             "segments": (pixels, (rows, *pixels))}
    for name, shape in shapes.items():
        if shape not in right[name] or (len(shape) != len(right[name][0]) and name != "segments"):
            raise DataError(message(f"{folder / 'manifest.json'}, arrays.{name}",
                                    expected=" or ".join(map(str, right[name])), got=shape))
    return open_arrays(folder, WHAT, arrays=shapes, filled=("wave", "weights"), kinds=KINDS)


def _check_names(codes: Any, known: int, folder: Path) -> None:
    if codes.size and not -1 <= codes.min() <= codes.max() < known:
        raise DataError(message(f"{folder / 'names'}", expected=f"numbers of {known} names, or -1",
                                got=f"{codes.min()} to {codes.max()}"))


def _manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = read_json(folder / "manifest.json", WHAT, hint="write it again with .save()")
    if not isinstance(manifest, dict):
        check(manifest, FORM, folder / "manifest.json")
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise DataError(message("path", expected=f"{FORMAT!r} of version {VERSION}",
                                got=f"{manifest.get('format')!r} of version {manifest.get('version')}",
                                hint="make it again with this version of specanom"))
    check(manifest, FORM, folder / "manifest.json")
    return manifest
