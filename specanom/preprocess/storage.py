"""A fitted Preprocessor on disk: JSON for people to read, npz for arrays; reading executes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..folders import write_json, write_whole
from ..foreign import (
    Anything,
    Flag,
    ListOf,
    MapOf,
    Maybe,
    Number,
    Record,
    Text,
    Whole,
    check,
    damaged,
    read_arrays,
    read_json,
)
from ..seeds import content_hash
from .dropped import LISTED, report_of, table_of, told
from .fitting import Fitted
from .report import PreprocessReport

FORMAT = "specanom preprocessor"
VERSION = 1
_ARRAYS = {"grid": "f", "kept": "b", "typical": "f", "snr_edges": "f", "missing": "f"}
"""The arrays, and the kind of each."""
_WHAT, _HINT = "a saved Preprocessor (a .json and a .npz file)", "write it with .save()"
_IDS = ListOf(Text())
_REPORT = Record({
    "action": Text(), "n_in": Whole(0), "n_out": Whole(0),
    "waterfall": ListOf(Record({"name": Text(), "reason": Text(), "count": Whole(0), "ids": _IDS}), most=1000),
    "notes": ListOf(Record({"text": Text(), "count": Whole(0), "ids": _IDS})),
    "extinction": MapOf(Anything(), most=100), "wave": ListOf(Number()), "kept": ListOf(Flag()),
    "missing": ListOf(Maybe(Number())), "imputed": Maybe(Number()), "settings": MapOf(Anything(), most=1000)},
    {LISTED: Whole(0)})
_FORM = Record({"format": Text(), "version": Whole(), "arrays": Text(), "n": Whole(0), "blake2": Text(),
                "settings": Record({"grid": ListOf(Number(0))}, more=True), "report": Maybe(_REPORT)})


def paths(path: str | Path) -> tuple[Path, Path]:
    """Return the JSON and the npz file that belong to `path`: ``preprocess`` or ``preprocess.json`` name both."""
    base = Path(path)
    base = base.with_suffix("") if base.suffix in (".json", ".npz") else base
    return base.with_name(base.name + ".json"), base.with_name(base.name + ".npz")


def save_state(path: str | Path, settings: dict[str, Any], fitted: Fitted, report: PreprocessReport | None) -> Path:
    """Write both files and return the path of the JSON; it is written last and holds a hash of the arrays.

    Where a report names many spectra, a third file has their ids, see :mod:`.dropped`.
    """
    text, arrays = paths(path)
    text.parent.mkdir(parents=True, exist_ok=True)
    values = {name: getattr(fitted, name) for name in _ARRAYS}
    write_whole(arrays, lambda part: _save(part, values))
    if report is None:
        table_of(text).unlink(missing_ok=True)  # of an earlier one
    write_json(text, {"format": FORMAT, "version": VERSION, "arrays": arrays.name, "n": fitted.n,
                      "blake2": content_hash(*values.values()), "settings": settings,
                      "report": None if report is None else told(report, text)})
    return text


def _save(path: Path, values: dict[str, Any]) -> None:
    with open(path, "wb") as handle:  # given a name, numpy would append its own suffix
        np.savez_compressed(handle, **values)


def load_state(path: str | Path) -> tuple[dict[str, Any], Fitted, PreprocessReport | None]:
    """Return settings, what was fitted, and the report.

    Raises
    ------
    DataError
        When the files are missing, of another version, or do not belong together.
    """
    text, arrays = paths(path)
    content = read_json(text, _WHAT, hint=_HINT)
    stored = read_arrays(arrays, _WHAT, needed=_ARRAYS, hint=_HINT)
    values = {name: stored[name] for name in _ARRAYS}
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        got = (content.get("format"), content.get("version")) if isinstance(content, dict) else type(content).__name__
        raise DataError(message("path", expected=f"{FORMAT!r} of version {VERSION}", got=got,
                                hint="fit again with this version of specanom"))
    check(content, _FORM, text)
    if content_hash(*values.values()) != content["blake2"]:
        raise DataError(message("path", expected="arrays as they were saved", got=f"others in {arrays}",
                                hint="copy the .json and the .npz together"))
    report = content["report"]
    with damaged(text, _WHAT, hint=_HINT):
        _check_shapes(values)
        given = content["settings"]["grid"]
        if len(given) == 3 and values["grid"].size > 3 and given[2] != values["grid"].size:
            raise ValueError(f"a grid of {given[2]} wavelengths, its arrays have {values['grid'].size}")
        return (content["settings"], Fitted(**values, n=content["n"]),
                None if report is None else report_of(report, text))


def _check_shapes(values: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError unless the arrays are rows of one grid."""
    for name, kind in _ARRAYS.items():
        if values[name].ndim != 1 or values[name].dtype.kind != kind:
            raise ValueError(f"{name} is {values[name].dtype} of shape {values[name].shape}")
    grid, kept = values["grid"], values["kept"]
    if not grid.size == kept.size == values["missing"].size or int(kept.sum()) != values["typical"].size:
        raise ValueError("its arrays are of different grids")
    if not np.isfinite(grid).all() or not (np.diff(grid) > 0).all():
        raise ValueError("its wavelengths do not increase")


def as_tuple(value: Any) -> Any:
    """Return a value of an option as it was before JSON made lists of tuples."""
    return tuple(as_tuple(item) for item in value) if isinstance(value, list) else value
