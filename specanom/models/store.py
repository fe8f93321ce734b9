"""A model on disk: weights in safetensors, a card in JSON, the history in Parquet. Nothing in it can run code."""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from ..errors import DataError, message
from ..seeds import content_hash

FORMAT = "specanom model"
VERSION = 1
CARD, WEIGHTS, ARRAYS, HISTORY = "card.json", "weights.safetensors", "arrays.safetensors", "history.parquet"


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
    DataError
        When `path` is something that is not a saved model.
    """
    from safetensors.numpy import save_file as save_arrays
    from safetensors.torch import save_file as save_tensors

    target = Path(path)
    if target.exists() and not (target / CARD).is_file() and (target.is_file() or any(target.iterdir())):
        raise DataError(message("path", expected="a new folder or a saved model to replace", got=str(target)))
    part = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    part.mkdir(parents=True)
    try:
        save_tensors({name: value.contiguous() for name, value in file.tensors.items()}, str(part / WEIGHTS))
        save_arrays({name: np.ascontiguousarray(value) for name, value in file.arrays.items()}, str(part / ARRAYS))
        file.history.to_parquet(part / HISTORY, index=False)
        card = {"format": FORMAT, "version": VERSION, "kind": file.kind, "settings": file.settings,
                "shape": file.shape, "grid": _grid(file.arrays.get("wave")),
                "trained_on": int(file.arrays["known.ids"].size), "software": _software()}
        (part / CARD).write_text(json.dumps(card, indent=2) + "\n")
        if target.exists():
            shutil.rmtree(target)
        os.replace(part, target)
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
    try:
        card = json.loads(source.read_text())
    except FileNotFoundError:
        raise DataError(message("path", expected="the folder of a saved model", got=f"{path}")) from None
    except (OSError, ValueError) as exc:
        raise DataError(message("path", expected="a readable card.json", got=f"{source}: {exc}")) from exc
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(message("path", expected=f"the card of a {FORMAT}", got=f"{source}, which is another file"))
    if card.get("version") != VERSION:
        raise DataError(message("path", expected=f"format version {VERSION}", got=f"version {card.get('version')}",
                                hint="open it with the specanom that wrote it, or fit again"))
    return card


def read_model(path: str | Path, kind: str) -> ModelFile:
    """Read what :func:`write_model` wrote of a model of class `kind`.

    Raises
    ------
    DataError
        When a file is missing, damaged or foreign, or holds a model of another class.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file as load_arrays
    from safetensors.torch import load_file as load_tensors

    folder, card = Path(path), read_card(path)
    if card["kind"] != kind:
        raise DataError(message("path", expected=f"a saved {kind}", got=f"a {card['kind']}",
                                hint="specanom.models.load opens any model"))
    try:
        tensors, arrays = load_tensors(str(folder / WEIGHTS)), load_arrays(str(folder / ARRAYS))
        history = pd.read_parquet(folder / HISTORY)
    except (OSError, SafetensorError, ValueError) as exc:
        raise DataError(message("path", expected="a whole saved model", got=f"{folder}: {exc}")) from exc
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
