"""Encoders: what turns spectra into vectors, each with a fingerprint that its vectors are known by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, message
from ..protocols import Encoder
from ..seeds import content_hash
from .binned import BinnedModel
from .crossfit import CrossFittedModel
from .inputs import check_grid, read_rows
from .transformer import TransformerEncoder

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ModelEncoder:
    """The latent means of a cross-fitted model as an encoder; see :func:`encoder`.

    Parameters
    ----------
    model : VAEModel or PCAModel
        Fitted. Its reference network encodes, which was fitted on every spectrum: the latent spaces of the folds are
        not aligned, so vectors of two folds could not be compared.
    """

    model: CrossFittedModel

    @property
    def wave(self) -> NDArray[np.float64] | None:
        """Wavelengths of the model, vacuum Å, ``(p,)``."""
        return self.model.wave

    @property
    def name(self) -> str:
        """Class and number of dimensions."""
        return f"{self.model.kind}, {self.model.n_latent} dimensions"

    @property
    def fingerprint(self) -> str:
        """Hash of the weights of the reference network."""
        return self.model.fingerprint

    def encode(self, flux: Any, ivar: Any = None) -> Floats:
        """Return latent means ``(n, d)``; `ivar` changes nothing, for these networks see every pixel alike."""
        return self.model.encode(flux)

    def __repr__(self) -> str:
        return f"ModelEncoder: {self.name}, {self.fingerprint}"


@dataclass(frozen=True, eq=False)
class FunctionEncoder:
    """A function ``(n, p) -> (n, d)`` as an encoder; see :func:`encoder`."""

    function: Callable[[Floats], Any]
    name: str
    fingerprint: str
    wave: NDArray[np.float64] | None = None

    def encode(self, flux: Any, ivar: Any = None) -> Floats:
        """Return vectors ``(n, d)``; the function sees the flux only.

        Raises
        ------
        ShapeError
            When it does not return one vector for each spectrum.
        """
        rows = read_rows("flux", flux)
        check_grid("flux", rows, self.wave, rows.flux.shape[1])
        made = self.function(rows.flux)
        values = np.asarray(made.detach().cpu() if hasattr(made, "detach") else made, dtype=np.float32)
        if values.ndim != 2 or len(values) != len(rows):
            raise ShapeError(message(self.name, expected=f"an ({len(rows)}, d) array", got=f"shape {values.shape}"))
        return values

    def __repr__(self) -> str:
        return f"FunctionEncoder: {self.name}, {self.fingerprint}"


def encoder(model: Any, *, name: str = "", version: str = "") -> Encoder:
    """Make an encoder of a fitted model, or of anything that turns spectra into vectors.

    Parameters
    ----------
    model : VAEModel, PCAModel, TransformerEncoder, Encoder, callable or object
        A callable takes ``(n, p)`` float32 flux and returns ``(n, d)``; of another object, ``encode`` or
        ``transform`` does. What is an encoder already is returned as it is.
    name : str
        Of a callable or object that does not bring one.
    version : str
        Told apart by it: a callable's fingerprint is a hash of name and version, since nobody can look into it.
        Give another one when its weights change.

    Returns
    -------
    Encoder
        With `encode(flux, ivar)`, `name` and `fingerprint`.

    Raises
    ------
    ArgumentError
        For a model with a latent space a bin, which are not aligned, and for a callable without a name.
    NotFittedError
        For a model that was not fitted.

    Examples
    --------
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (60, 40)).astype("f4")
    >>> encoder(lambda x: x[:, :3], name="first pixels").encode(flux).shape
    (60, 3)
    """
    if isinstance(model, BinnedModel):
        raise ArgumentError(message("model", expected="one latent space for all spectra",
                                    got=f"{len(model.models)} bins, each with its own",
                                    hint="encoder(model.models[0])"))
    if isinstance(model, (CrossFittedModel, TransformerEncoder)):
        made = model if isinstance(model, TransformerEncoder) else ModelEncoder(model)
        _ = made.fingerprint  # not fitted? better said now
        return made
    if isinstance(model, Encoder) and not name and not version:
        return model
    function = next((getattr(model, one) for one in ("encode", "transform") if hasattr(model, one)), model)
    if not callable(function):
        raise ArgumentError(message("model", expected="a model that encodes, or a callable (n, p) -> (n, d)",
                                    got=type(model).__name__))
    called = name or getattr(model, "__name__", "<lambda>")
    if called == "<lambda>":
        raise ArgumentError(message("name", expected="a name for what is encoded by", got=type(model).__name__,
                                    hint='encoder(model, name="my network", version="1")'))
    return FunctionEncoder(function, called, content_hash(f"function {called} {version}"),
                           getattr(model, "wave", None))
