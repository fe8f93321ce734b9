"""What the card of a saved model may say: settings and widths, within sizes that can be computed with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..foreign import Anything, Either, Flag, Form, ListOf, MapOf, Maybe, Number, Record, Text, Whole
from ..visible import visible

WIDE = 2**22
"""Pixels, or numbers of a layer."""
STEPS = Whole(1, 2**40)
SEED = Whole(-(2**63), 2**64)
_WIDTH = Whole(1, WIDE)
_FOLDS = Whole(1, 255)  # the fold of a spectrum is kept in a byte
_HIDDEN = ListOf(_WIDTH, most=64)
_TRAINING = MapOf(Maybe(Either(Either(Number(), Flag()), Text(100))), most=100)
_LENGTH: dict[str, Form] = {"max_steps": Maybe(STEPS), "max_epochs": Maybe(STEPS), "seed": SEED, "training": _TRAINING}
_EITHER_FOLDS = Either(Text(among=("auto",)), _FOLDS)
SETTINGS: dict[str, Form] = {
    "VAEModel": Record({"n_latent": _WIDTH, "hidden": _HIDDEN, "folds": _EITHER_FOLDS, "sample_latent": Flag(),
                        **_LENGTH}),
    "PCAModel": Record({"n_components": _WIDTH, "folds": _EITHER_FOLDS, "seed": SEED,
                        "centre": Either(Flag(), Text(50))}),
    "TransformerEncoder": Record({"patch": _WIDTH, "stride": Maybe(_WIDTH), "masked": Number(0, 1),
                                  "block": Maybe(_WIDTH), "layers": Whole(1, 1000), "width": Whole(1, 2**16),
                                  "heads": Whole(1, 1000), **_LENGTH}),
}
_NETWORK = Record({"n_pixels": _WIDTH, "n_latent": _WIDTH, "hidden": _HIDDEN, "variational": Flag(), "folds": _FOLDS})
SHAPE: dict[str, Form] = {"VAEModel": _NETWORK, "PCAModel": _NETWORK,
                          "TransformerEncoder": Record({"n_pixels": _WIDTH})}
ARRAYS = {"VAEModel": ("known.ids", "known.id_folds", "known.contents", "known.content_folds"),
          "TransformerEncoder": ("known.ids",)}
ARRAYS["PCAModel"] = ARRAYS["VAEModel"]
_GRID = Record({"id": Text(100), "pixels": _WIDTH, "first": Number(), "last": Number(), "unit": Text(100)})


def card_form(kind: str) -> Form:
    """Return the form of the card of a model of class `kind`."""
    return Record({"format": Text(), "version": Whole(), "kind": Text(among=(kind,)), "settings": SETTINGS[kind],
                   "shape": SHAPE[kind], "grid": Maybe(_GRID), "trained_on": Whole(0)},
                  {"software": MapOf(Text(200), most=100)}, more=True)


BINNED = Record({"format": Text(), "version": Whole(), "kind": Text(), "bins": ListOf(Whole(0, 10_000), 1, 10_000)},
                {"software": Anything()})
"""Of a folder with one model a bin."""


def check_arrays(kind: str, shape: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], path: str | Path) -> None:
    """Compare the arrays of a saved model with each other and with its card.

    Raises
    ------
    DataError
        When one is missing, or is not of the type, shape or range that it has to have.
    """

    def need(name: str, fits: bool, expected: str) -> None:
        if not fits:
            got = f"{arrays[name].dtype} of shape {arrays[name].shape}" if name in arrays else "none"
            raise DataError(message(f"{visible(str(path))}, {name}", expected=expected, got=got))

    for name in ARRAYS[kind]:
        small = name.endswith("folds")
        dtype = np.dtype(np.uint8 if small else np.uint64)
        found = arrays.get(name)
        need(name, found is not None and found.ndim == 1 and found.dtype == dtype, f"a row of {dtype}")
        if small:
            need(name, len(arrays[name]) == len(arrays[name.removesuffix("_folds") + "s"]), "a fold for each hash")
            need(name, bool((arrays[name] < shape["folds"]).all()), f"folds below {shape['folds']}")
    if "wave" in arrays:
        wave, pixels = arrays["wave"], shape["n_pixels"]
        need("wave", wave.dtype.kind == "f" and wave.shape == (pixels,) and bool((np.diff(wave) > 0).all()),
             f"{pixels} increasing wavelengths")
