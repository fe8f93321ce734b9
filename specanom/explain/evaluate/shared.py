"""What all problems of one network share: its layers as the products need them, and Gram matrices of its output.

They are kept as long as the network's layers are, and made once whatever the number of threads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PATTERNS = 16  # Gram matrices kept for patterns of pixels left out: line filters are few


class Shared:
    """The layers of a network in the order they are passed, and what is derived from them.

    Parameters
    ----------
    network : AffineLayers
        As offered by a model's bound reconstruction.

    Attributes
    ----------
    first : (p, H1) float32 array
        Weights of the first layer, a row for each pixel.
    steps : tuple of (in, out) float32 arrays
        Weights of the layers from the first to the last hidden one; the first is `first`.
    biases : tuple of (out,) float64 arrays
        Of the same layers.
    relu : tuple of bool
        Whether a ReLU follows.
    last, offset : (p, H) float32 array, (p,) float64 array
        D and d of the output layer.
    """

    def __init__(self, network: Any) -> None:
        layers = [*network.encoder, network.latent, *network.decoder]
        # Copies, since torch takes no read-only arrays.
        self.steps: tuple[Floats, ...] = tuple(np.array(layer.weight.T, order="C") for layer in layers)
        self.biases: tuple[Doubles, ...] = tuple(layer.bias.astype(np.float64) for layer in layers)
        latent = len(network.encoder)
        self.relu = tuple(i != latent for i in range(len(layers)))
        self.latent = latent
        self.first = self.steps[0]
        self.last: Floats = np.array(network.output.weight, order="C")
        self.offset: Doubles = network.output.bias.astype(np.float64)
        self.width = self.last.shape[1]
        self._exact = tuple(step.astype(np.float64) for step in self.steps[1:])
        self._grams: OrderedDict[bytes, Doubles] = OrderedDict()
        self._lock = Lock()

    def forward(self, first: Doubles) -> tuple[Doubles, ...]:
        """Return what leaves each layer before its ReLU, given that of the first layer, in float64."""
        made = [first]
        for i, step in enumerate(self._exact, start=1):
            made.append(self._after(i - 1, made[-1]) @ step + self.biases[i])
        return tuple(made)

    def hidden(self, value: Doubles) -> Doubles:
        """Return the last hidden layer, given what enters its ReLU."""
        return self._after(len(self.relu) - 1, value)

    def _after(self, i: int, value: Doubles) -> Doubles:
        return np.maximum(value, 0.0) if self.relu[i] else value

    def outputs(self, hidden: Doubles) -> Doubles:
        """Return D h + d of some hidden layers ``(n, H)``, shape ``(n, p)``."""
        return (self.last @ hidden.astype(np.float32).T).T + self.offset

    @cached_property
    def gram_of_all(self) -> Doubles:
        """DᵀD over all pixels, float64."""
        return _gram(self.last)

    def gram(self, keep: NDArray[np.bool_]) -> Doubles:
        """Return ``Dᵀ diag(keep) D``, float64; kept for the patterns of pixels met last."""
        if keep.all():
            return self.gram_of_all
        key = np.packbits(keep).tobytes()
        return kept(self._grams, key, lambda: self._without(~keep), lock=self._lock)

    def _without(self, missing: NDArray[np.bool_]) -> Doubles:
        if 2 * int(missing.sum()) > missing.size:
            return _gram(self.last[~missing])
        return self.gram_of_all - _gram(self.last[missing])


def _gram(rows: Floats) -> Doubles:
    exact = rows.astype(np.float64)
    return np.asarray(exact.T @ exact)


def kept(
    cache: OrderedDict[bytes, Doubles], key: bytes, make: Callable[[], Doubles], *, lock: Lock
) -> Doubles:
    """Return what the cache holds for a key, or make it; the last :data:`PATTERNS` asked for stay."""
    with lock:
        if key in cache:
            cache.move_to_end(key)
            return cache[key]
    made = make()
    with lock:
        cache[key] = made
        while len(cache) > PATTERNS:
            cache.popitem(last=False)
    return made


_SHARED: WeakKeyDictionary[Any, Shared] = WeakKeyDictionary()
_LOCK = Lock()


def shared_of(network: Any) -> Shared:
    """Return what is shared among all problems of this network, making it the first time."""
    with _LOCK:
        if network not in _SHARED:
            _SHARED[network] = Shared(network)
        return _SHARED[network]
