"""A fit on disk while it runs: one safetensors file a network, so that a killed fit goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import DataError, message
from ..folders import write_text, write_whole

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
            write_text(card, json.dumps(head))
        elif _read_json(card) != head:
            raise DataError(message("checkpoint", expected="an empty folder or one of this very fit",
                                    got=f"{self.folder}, of other data, settings or version",
                                    hint="another folder, or remove this one"))

    def load(self, name: str) -> bytes:
        """Return what was saved under `name`, for :func:`unpacked`; nothing when there is none."""
        path = self.folder / f"{name}.safetensors"
        return path.read_bytes() if path.exists() else b""

    def save(self, name: str, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Save under `name`; a kill at any moment leaves the old file or the new one."""
        from safetensors.torch import save

        ready = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
        content = save(ready, metadata={"state": json.dumps(state)})
        write_whole(self.folder / f"{name}.safetensors", lambda part: part.write_bytes(content))


def unpacked(content: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and values of what :meth:`Checkpoint.save` saved.

    Raises
    ------
    DataError
        When it is something else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(content)  # checks the length of the head
        length = int.from_bytes(content[:8], "little")
        state = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["state"])
    except (SafetensorError, ValueError, KeyError, TypeError) as exc:
        raise DataError(message("checkpoint", expected="a whole checkpoint", got=f"{type(exc).__name__}: {exc}",
                                hint="remove the folder, the fit begins anew")) from exc
    if not isinstance(state, dict):
        raise DataError(message("checkpoint", expected="named values", got=type(state).__name__))
    return tensors, state


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
