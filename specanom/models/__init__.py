"""Models that say what a spectrum should have looked like.

===========================  ===================================================================================
:class:`VAEModel`            the variational autoencoder of Ortiz & Boquien 2025, cross-fitted
:class:`PCAModel`            principal components with the same face: the honest baseline
:class:`BinnedModel`         one model a bin of S/N behind the face of one
:class:`TransformerEncoder`  a masked-patch transformer: vectors for retrieval, reconstructions of hidden pixels
:func:`encoder`              any of these, or your own function, as what turns spectra into vectors
:func:`wrap`                 anything with a ``reconstruct`` callable
:class:`Training`            how a VAE is trained; ``Training.paper()`` is what was published
:func:`grid_search`          a table of settings and what they reach on spectra that were not trained on
:func:`load`                 open any saved model
:func:`launched`            the processes that ``torchrun`` started as one: a fit inside uses all of them
:class:`Bound`               what ``model.bind(id)`` returns: one network, its affine layers, its gradients
===========================  ===================================================================================

A model reconstructs every spectrum with a network that has not seen it (`folds.py`), so an anomaly cannot be
learnt by heart. torch is imported in this room only, when one of these names is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .affine import AffineLayer, AffineLayers
    from .binned import BinnedModel, for_sample
    from .bound import Bound
    from .distributed import ProcessLost, launched
    from .encoders import FunctionEncoder, ModelEncoder, encoder
    from .inpainting import Inpainting
    from .pca import PCAModel
    from .reading import load
    from .scratch import outgrows_memory
    from .search import grid_search
    from .settings import Training
    from .transformer import TransformerEncoder
    from .vae import VAEModel
    from .wrapping import WrappedModel, wrap

_HOMES = {
    "AffineLayer": "affine",
    "AffineLayers": "affine",
    "BinnedModel": "binned",
    "ProcessLost": "distributed",
    "encoder": "encoders",
    "for_sample": "binned",
    "Bound": "bound",
    "FunctionEncoder": "encoders",
    "Inpainting": "inpainting",
    "ModelEncoder": "encoders",
    "PCAModel": "pca",
    "Training": "settings",
    "TransformerEncoder": "transformer",
    "VAEModel": "vae",
    "WrappedModel": "wrapping",
    "grid_search": "search",
    "launched": "distributed",
    "load": "reading",
    "outgrows_memory": "scratch",
    "wrap": "wrapping",
}

__all__ = ["AffineLayer", "AffineLayers", "BinnedModel", "Bound", "FunctionEncoder", "Inpainting", "ModelEncoder",
           "PCAModel", "ProcessLost", "Training", "TransformerEncoder", "VAEModel", "WrappedModel", "encoder",
           "for_sample", "grid_search", "launched", "load", "outgrows_memory", "wrap"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
