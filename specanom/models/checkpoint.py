"""A fit on disk while it runs: one safetensors file a network, so that a killed fit goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import DataError, message

VERSION = 1


class Checkpoint:
    """Keeps tensors and JSON values of each network of one fit.

    Parameters
    ----------
    folder : path-like
        Made when missing.
    identity : str
        What tells this fit from another: data, settings, seed.

    Raises
    ------
    DataError
        When the folder holds the checkpoint of another fit.
    """

    def __init__(self, folder: str | Path, identity: str) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        head, card = {"format": "specanom checkpoint", "version": VERSION, "fit": identity}, self.folder / "fit.json"
        if not card.exists():
            _write(card, json.dumps(head).encode())
        elif _read_json(card) != head:
            raise DataError(message("checkpoint", expected="an empty folder or one of this very fit",
                                    got=f"{self.folder}, of other data, settings or version",
                                    hint="another folder, or remove this one"))

    def load(self, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return what was saved under `name`, or None."""
        from safetensors import safe_open

        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            return None
        with safe_open(str(path), framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            return tensors, json.loads(file.metadata()["state"])

    def save(self, name: str, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Save under `name`; a kill at any moment leaves the old file or the new one."""
        from safetensors.torch import save

        ready = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        _write(self.folder / f"{name}.safetensors", save(ready, metadata={"state": json.dumps(state)}))


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
