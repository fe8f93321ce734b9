"""A model on disk: weights in safetensors, a card in JSON, the history in Parquet. Nothing in it can run code."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from ..errors import ArgumentError, DataError, message
from ..folders import FILES, part_of, swap
from ..foreign import check, read_json, read_table, read_tensors
from ..seeds import content_hash
from .card import card_form, check_arrays

FORMAT = "specanom model"
VERSION = 1
CARD, WEIGHTS, ARRAYS, HISTORY = "card.json", "weights.safetensors", "arrays.safetensors", "history.parquet"
WHOLE = "a whole saved model"
LARGEST_CARD = 2**20
"""Bytes of a card."""


@dataclass(frozen=True, eq=False)
class ModelFile:
    """Everything a saved model holds.

    Parameters
    ----------
    kind : str
        Name of the class.
    settings : dict
        Constructor arguments.
    shape : dict
        Widths and number of networks.
    tensors : dict
        Weights, ``"reference.mu.weight"`` and so on.
    arrays : dict
        Grid and hashes of what it was trained on.
    history : DataFrame
        How training went.
    """

    kind: str
    settings: dict[str, Any]
    shape: dict[str, Any]
    tensors: dict[str, Tensor]
    arrays: dict[str, NDArray[Any]]
    history: pd.DataFrame


def write_model(path: str | Path, file: ModelFile) -> Path:
    """Write a model; the folder appears when it is whole, and replaces a model that was there.

    Raises
    ------
    ArgumentError
        For a name that ends as those of files do, ``"m.pt"``.
    DataError
        When `path` is something that is not a saved model.
    """
    from safetensors.numpy import save_file as save_arrays
    from safetensors.torch import save_file as save_tensors

    target = Path(path)
    if not target.exists() and target.suffix.lower() in FILES:
        raise ArgumentError(message("path", expected="the name of a folder for a model",
                                    got=f"{str(path)!r}, a file's name", hint=f"{str(target.with_suffix(''))!r}"))
    if target.exists() and not (target / CARD).is_file() and (target.is_file() or any(target.iterdir())):
        raise DataError(message("path", expected="a new folder or a saved model to replace", got=str(target)))
    part = part_of(target)
    part.mkdir(parents=True)
    try:
        save_tensors({name: value.contiguous() for name, value in file.tensors.items()}, str(part / WEIGHTS))
        save_arrays({name: np.ascontiguousarray(value) for name, value in file.arrays.items()}, str(part / ARRAYS))
        file.history.to_parquet(part / HISTORY, index=False)
        card = {"format": FORMAT, "version": VERSION, "kind": file.kind, "settings": file.settings,
                "shape": file.shape, "grid": _grid(file.arrays.get("wave")),
                "trained_on": int(file.arrays["known.ids"].size), "software": _software()}
        (part / CARD).write_text(json.dumps(card, indent=2) + "\n")
        swap(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def read_card(path: str | Path) -> dict[str, Any]:
    """Return the card of a saved model.

    Raises
    ------
    DataError
        When there is none, or it is of another version.
    """
    source = Path(path) / CARD
    if not source.exists():
        raise DataError(message("path", expected="the folder of a saved model", got=f"{path}",
                                hint="model.save(path) writes one; that of a run is RUN/model"))
    card: Any = read_json(source, "a readable card.json", most=LARGEST_CARD)
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(message("path", expected=f"the card of a {FORMAT}", got=f"{source}, which is another file"))
    if card.get("version") != VERSION:
        raise DataError(message("path", expected=f"format version {VERSION}", got=f"version {card.get('version')}",
                                hint="open it with the specanom that wrote it, or fit again"))
    made: dict[str, Any] = card
    return made


def read_model(path: str | Path, kind: str) -> ModelFile:
    """Read what :func:`write_model` wrote of a model of class `kind`.

    Raises
    ------
    DataError
        When a file is missing, damaged or foreign, or holds a model of another class.
    """
    folder, card = Path(path), read_card(path)
    if card.get("kind") != kind:
        raise DataError(message("path", expected=f"a saved {kind}", got=f"a {card.get('kind')}",
                                hint="specanom.models.load opens any model"))
    check(card, card_form(kind), folder / CARD)
    tensors = read_tensors(folder / WEIGHTS, WHOLE, torch=True)
    arrays = read_tensors(folder / ARRAYS, WHOLE, torch=False)
    check_arrays(kind, card["shape"], arrays, folder / ARRAYS)
    history = read_table(folder / HISTORY, WHOLE)
    return ModelFile(card["kind"], card["settings"], card["shape"], tensors, arrays, history)


def _grid(wave: NDArray[np.float64] | None) -> dict[str, Any] | None:
    if wave is None:
        return None
    return {"id": content_hash(wave), "pixels": int(wave.size), "first": float(wave[0]), "last": float(wave[-1]),
            "unit": "vacuum Å, rest frame"}


def _software() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("specanom", "torch", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found
