"""A fitted clusterer on disk: settings as JSON, arrays as npz, nothing pickled."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, message
from .features import Features, LeftOut
from .kmeans import Partition

FORMAT = 2
READ = (1, 2)
"""Formats that are read: 1 knew one frame only."""
SETTINGS = ("n_clusters", "k_range", "seed", "bootstrap", "stability", "preset", "frame")


@dataclass(frozen=True, eq=False)
class Saved:
    """What a folder holds."""

    settings: dict[str, Any]
    features: Features
    partition: Partition
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
    np.savez_compressed(path / "clusters.npz", allow_pickle=False, **arrays)
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
    part = path / "clusterer.json.part"
    part.write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    part.replace(path / "clusterer.json")
    return path


def read_clusterer(path: Path) -> Saved:
    """Read what :func:`write_clusterer` wrote.

    Raises
    ------
    DataError
        When the folder holds no clusterer, or one of another format.
    """
    try:
        state = json.loads((path / "clusterer.json").read_text(encoding="utf-8"))
        with np.load(path / "clusters.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as exc:
        raise DataError(
            message("path", expected="a folder written by ExplanationClusterer.save", got=f"{path} ({exc})")
        ) from exc
    if state.get("format") not in READ:
        raise DataError(
            message("path", expected=f"format {' or '.join(map(str, READ))}", got=state.get("format"),
                    hint="fit and save again")
        )  # fmt: skip
    features = _features(state, arrays)
    found = Partition(arrays["labels"][features.kept].astype(np.intp), arrays["centers"], float("nan"))
    settings = {**state["settings"], "k_range": tuple(state["settings"]["k_range"])}
    return Saved(settings, features, found, pd.DataFrame(state["curves"]), pd.DataFrame(state["stability"]))


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
