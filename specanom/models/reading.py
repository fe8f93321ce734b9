"""Opens a saved model of any class."""

from __future__ import annotations

from pathlib import Path

from ..errors import choice
from .binned import KIND as BINNED
from .binned import BinnedModel
from .crossfit import CrossFittedModel
from .pca import PCAModel
from .store import read_card
from .transformer import TransformerEncoder
from .vae import VAEModel

_CLASSES: dict[str, type[CrossFittedModel | TransformerEncoder]] = {
    "VAEModel": VAEModel, "PCAModel": PCAModel, "TransformerEncoder": TransformerEncoder,
}


def load(path: str | Path, *, device: str = "auto") -> CrossFittedModel | BinnedModel | TransformerEncoder:
    """Open a saved model, whatever its class.

    Parameters
    ----------
    path : path-like
        The folder that ``model.save(path)`` made.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it computes.

    Raises
    ------
    DataError
        When there is no finished model of a known version.
    """
    found = str(read_card(path).get("kind"))
    if found == BINNED:
        return BinnedModel.load(path, read=lambda folder: _plain(folder, str(read_card(folder).get("kind")), device))
    return _plain(path, found, device)


def _plain(path: str | Path, found: str, device: str) -> CrossFittedModel | TransformerEncoder:
    """Open a model that is no folder of models: one such inside another could be a link to itself."""
    kind = choice("kind of the saved model", found, _CLASSES)
    return _CLASSES[kind].load(path, device=device)
