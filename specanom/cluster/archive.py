"""A fitted clusterer on disk: settings as JSON, arrays as npz, nothing pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, message
from ..folders import write_text, write_whole
from ..foreign import (
    Anything,
    Either,
    ListOf,
    MapOf,
    Maybe,
    Record,
    Text,
    Whole,
    check,
    damaged,
    read_arrays,
    read_json,
)
from .features import Features, LeftOut
from .kmeans import KMeansFit

FORMAT = 2
READ = (1, 2)
"""Formats that are read: 1 knew one frame only."""
WHAT = "a folder written by ExplanationClusterer.save"
LARGEST = 2**31
"""Bytes of the JSON file: it tells of every spectrum that is left out, and what is known of the others."""
NEEDED = ("rows", "kept", "ids", "centers", "labels")
SHAPES = {"rows": ("f", (2,)), "kept": ("b", (1,)), "ids": ("U", (1,)), "centers": ("f", (2,)), "labels": ("i", (1,)),
          "segments": ("iu", (1, 2)), "wave": ("f", (1,)), "scores": ("f", (1,)), "moved": ("f", (2,)),
          "moved_kept": ("b", (1,)), "edges": ("f", (1,)), "z": ("f", (1,))}
"""Kinds of numbers and of axes of the arrays."""
_FRAME = Maybe(Text(among=("rest", "observed")))
_TABLE = Maybe(MapOf(ListOf(Anything()), most=10_000))
_LEFT = ListOf(ListOf(Text(), 2, 2))
FORM = Record({
    "format": Whole(),
    "settings": Record({"n_clusters": Either(Text(), Maybe(Whole(1, 10_000))),
                        "k_range": ListOf(Whole(1, 10_000), 2, 2), "seed": Whole(), "bootstrap": Whole(0, 10**6)},
                       more=True),
    "left_out": _LEFT, "names": Maybe(ListOf(ListOf(Text()))), "curves": _TABLE, "stability": _TABLE,
    "context": _TABLE}, {"moved_left_out": Maybe(_LEFT), "frames": ListOf(_FRAME, 2, 2)})
SETTINGS = ("n_clusters", "k_range", "seed", "bootstrap", "stability", "preset", "frame")


@dataclass(frozen=True, eq=False)
class Saved:
    """What a folder holds."""

    settings: dict[str, Any]
    features: Features
    partition: KMeansFit
    curves: pd.DataFrame
    stability: pd.DataFrame


def write_clusterer(clusterer: Any, features: Features, path: Path) -> Path:
    """Write `clusterer` into the folder `path`; the JSON file is written last, so that it marks a whole folder."""
    path.mkdir(parents=True, exist_ok=True)
    own = features if features.own is None else features.own
    values: dict[str, NDArray[Any] | None] = {
        "rows": own.rows, "kept": own.kept, "ids": np.array(features.ids, dtype=np.str_),
        "segments": own.segments, "wave": own.wave, "scores": own.scores,
        "centers": clusterer.centers_, "labels": clusterer.labels_,
    }  # fmt: skip
    if features.own is not None:
        values |= {"moved": features.rows, "moved_kept": features.kept, "edges": features.edges, "z": features.z}
    arrays = {name: value for name, value in values.items() if value is not None}
    write_whole(path / "clusters.npz", lambda part: _save(part, arrays))
    tables: dict[str, Any] = {
        "curves": clusterer.curves_,
        "stability": clusterer.stability_,
        "context": features.context,
    }
    state = {
        "format": FORMAT,
        "settings": {name: getattr(clusterer, name) for name in SETTINGS},
        "left_out": [[one.id, one.reason] for one in own.left_out],
        "moved_left_out": None if features.own is None else [[one.id, one.reason] for one in features.left_out],
        "frames": [own.frame, features.frame],
        "names": own.names,
        **{name: None if table is None else table.to_dict("list") for name, table in tables.items()},
    }
    write_text(path / "clusterer.json", json.dumps(state, ensure_ascii=False))
    return path


def _save(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    with open(path, "wb") as handle:  # given a name, numpy would append its own suffix
        np.savez_compressed(handle, allow_pickle=False, **arrays)


def read_clusterer(path: Path) -> Saved:
    """Read what :func:`write_clusterer` wrote.

    Raises
    ------
    DataError
        When the folder holds no clusterer, or one of another format.
    """
    state = read_json(path / "clusterer.json", WHAT, most=LARGEST)
    arrays = read_arrays(path / "clusters.npz", WHAT, needed=NEEDED)
    known = state.get("format") if isinstance(state, dict) else type(state).__name__
    if known not in READ:
        raise DataError(
            message("path", expected=f"format {' or '.join(map(str, READ))}", got=known, hint="fit and save again")
        )  # fmt: skip
    check(state, FORM, path / "clusterer.json")
    with damaged(path, WHAT):
        _check_shapes(arrays)
        return _saved(state, arrays)


def _saved(state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Saved:
    features = _features(state, arrays)
    found = KMeansFit(arrays["labels"][features.kept].astype(np.intp), arrays["centers"], float("nan"))
    settings = {**state["settings"], "k_range": tuple(state["settings"]["k_range"])}
    return Saved(settings, features, found, pd.DataFrame(state["curves"]), pd.DataFrame(state["stability"]))


def _check_shapes(arrays: dict[str, NDArray[Any]]) -> None:
    """Raise ValueError unless the arrays are of one set of explanations, clusters are among the centres."""
    for name, (kind, axes) in SHAPES.items():
        if name in arrays and (arrays[name].dtype.kind not in kind or arrays[name].ndim not in axes):
            raise ValueError(f"{name} is {arrays[name].dtype} of shape {arrays[name].shape}")
    count = len(arrays["kept"])
    for name in ("rows", "ids", "labels", "scores", "moved", "moved_kept", "z"):
        if name in arrays and len(arrays[name]) not in (count, int(arrays["kept"].sum())):
            raise ValueError(f"{name} has {len(arrays[name])} rows, kept {count}")
    labels, centres = arrays["labels"], arrays["centers"]
    if labels.size and not -1 <= labels.min() <= labels.max() < len(centres):
        raise ValueError(f"clusters {labels.min()} to {labels.max()} with {len(centres)} centres")


def _features(state: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Features:
    names = state["names"]
    own_frame, frame = state.get("frames", [None, None])
    own = Features(
        arrays["rows"], arrays["kept"], tuple(str(id) for id in arrays["ids"]),
        tuple(LeftOut(*one) for one in state["left_out"]), segments=arrays.get("segments"), wave=arrays.get("wave"),
        scores=arrays.get("scores"), context=None if state["context"] is None else pd.DataFrame(state["context"]),
        names=None if names is None else tuple(tuple(row) for row in names), frame=own_frame,
    )  # fmt: skip
    if "moved" not in arrays:
        return own
    left = tuple(LeftOut(*one) for one in state["moved_left_out"])
    return replace(own, rows=arrays["moved"], kept=arrays["moved_kept"], left_out=left, segments=None, wave=None,
                   names=None, frame=frame, edges=arrays["edges"], z=arrays["z"], own=own)
