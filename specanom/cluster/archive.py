"""A fitted clusterer on disk: settings as JSON, arrays as npz, nothing pickled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, message
from .features import Features, LeftOut
from .kmeans import Partition

FORMAT = 1
SETTINGS = ("n_clusters", "k_range", "seed", "bootstrap", "stability", "preset")


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
    arrays: dict[str, NDArray[Any]] = {
        "rows": features.rows, "kept": features.kept, "ids": np.array(features.ids, dtype=np.str_),
        "centers": clusterer.centers_, "labels": clusterer.labels_,
    }  # fmt: skip
    for name in ("segments", "wave", "scores"):
        value = getattr(features, name)
        if value is not None:
            arrays[name] = value
    np.savez_compressed(path / "clusters.npz", allow_pickle=False, **arrays)
    tables: dict[str, Any] = {
        "curves": clusterer.curves_,
        "stability": clusterer.stability_,
        "context": features.context,
    }
    state = {
        "format": FORMAT,
        "settings": {name: getattr(clusterer, name) for name in SETTINGS},
        "left_out": [[one.id, one.reason] for one in features.left_out],
        "names": features.names,
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
    if state.get("format") != FORMAT:
        raise DataError(
            message("path", expected=f"format {FORMAT}", got=state.get("format"), hint="fit and save again")
        )
    names = state["names"]
    features = Features(
        arrays["rows"], arrays["kept"], tuple(str(id) for id in arrays["ids"]),
        tuple(LeftOut(*one) for one in state["left_out"]), segments=arrays.get("segments"), wave=arrays.get("wave"),
        scores=arrays.get("scores"), context=None if state["context"] is None else pd.DataFrame(state["context"]),
        names=None if names is None else tuple(tuple(row) for row in names),
    )  # fmt: skip
    found = Partition(arrays["labels"][arrays["kept"]].astype(np.intp), arrays["centers"], float("nan"))
    settings = {**state["settings"], "k_range": tuple(state["settings"]["k_range"])}
    return Saved(settings, features, found, pd.DataFrame(state["curves"]), pd.DataFrame(state["stability"]))
