"""One network of a model as a function of spectra: what explainers perturb their copies through."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError, message
from .affine import AffineLayers
from .infer import BATCH, Floats, draw_rows, run_padded
from .network import Network, affine_layers

Noise = Callable[[Floats], Floats]
# The layers of a network are the same for every spectrum bound to it; a network that was changed since has others.
_LAYERS: WeakKeyDictionary[Network, tuple[int, AffineLayers]] = WeakKeyDictionary()


class Bound:
    """The one network that has not seen a certain spectrum: ``(n, p)`` in, ``(n, p)`` out.

    Attributes
    ----------
    fold : int
        Which network it is; −1 is the reference network.

    Examples
    --------
    >>> import numpy as np
    >>> from specanom.models import PCAModel
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (60, 40)).astype("f4")
    >>> bound = PCAModel(3).fit(flux).bind(None)
    >>> bound(flux).shape, bound.network.output.weight.shape
    ((60, 40), (40, 3))
    """

    def __init__(self, network: Network, fold: int, *, device: torch.device, noise: Noise | None = None) -> None:
        self._network, self.fold, self._device, self._noise = network, fold, device, noise

    def __call__(self, flux: ArrayLike) -> Floats:
        """Return the reconstructions of ``(n, p)`` spectra as float32."""
        rows = self._rows("flux", flux)
        if self._noise is not None:
            return draw_rows(self._network, rows, self._noise(rows), self._device)
        return run_padded(self._network, rows, self._network.n_pixels, self._device)

    @cached_property
    def network(self) -> AffineLayers | None:
        """The layers as numpy arrays; None when reconstructions are random draws."""
        return None if self._noise else _layers_of(self._network)

    def vjp(self, flux: ArrayLike, cotangent: ArrayLike) -> Floats:
        """Return the gradient of ``sum(cotangent · reconstruction)`` by the flux, shape ``(n, p)``.

        Parameters
        ----------
        flux : (n, p) array
            Where.
        cotangent : (n, p) array
            Weight of each pixel of the (deterministic) reconstruction.
        """
        rows, weights = self._rows("flux", flux), self._rows("cotangent", cotangent)
        if rows.shape != weights.shape:
            raise ShapeError(message("cotangent", expected=f"shape {rows.shape} as flux", got=weights.shape))
        made = np.empty_like(rows)
        for start in range(0, len(rows), BATCH):
            part = slice(start, start + BATCH)
            x = torch.tensor(rows[part], device=self._device, requires_grad=True)
            (gradient,) = torch.autograd.grad(self._network(x), x, torch.tensor(weights[part], device=self._device))
            made[part] = gradient.cpu().numpy()
        return made

    def _rows(self, argument: str, values: Any) -> NDArray[np.float32]:
        rows = np.asarray(values, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self._network.n_pixels:
            raise ShapeError(message(argument, expected=f"an (n, {self._network.n_pixels}) array",
                                     got=f"shape {rows.shape}"))
        return rows

    def __repr__(self) -> str:
        which = "reference network" if self.fold < 0 else f"network of fold {self.fold}"
        return f"Bound: {which}, {self._network.n_pixels} pixels, {self._network.n_latent} latent dimensions"


def _layers_of(network: Network) -> AffineLayers:
    changes = sum(parameter._version for parameter in network.parameters())
    known = _LAYERS.get(network)
    if known is None or known[0] != changes:
        known = _LAYERS[network] = changes, affine_layers(network)
    return known[1]
