"""The contracts between rooms: each is one or two methods, and nothing is imported to meet them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Reconstruct = Callable[[Floats], Floats]


class Model(Protocol):
    """Anything that can say what a spectrum should have looked like."""

    @property
    def wave(self) -> NDArray[np.float64] | None:
        """Wavelengths in vacuum Å, shape ``(p,)``; None when the model does not know them."""
        ...

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None) -> Floats:
        """Return ``(n, p)`` reconstructions; an id that was trained on is judged by a network that has not seen it."""
        ...

    def bind(self, id: str | None) -> Reconstruct:
        """Return the one function ``(n, p) -> (n, p)`` that judges this id."""
        ...


@runtime_checkable
class Informed(Protocol):
    """A model that chooses its network by more of a spectrum than its id: by a column of the table."""

    def knowing(self, table: Any) -> Model:
        """Return the same model, which knows the spectra of a DataFrame with a column ``id``: scorers call it first."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Anything that turns spectra into vectors which can be compared with each other."""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of weights and settings: vectors of two encoders are comparable when theirs are equal."""
        ...

    def encode(self, flux: Any, ivar: Any = None) -> Floats:
        """Return vectors ``(n, d)`` of a SpectrumSet, a Spectrum or ``(n, p)`` flux; ivar 0 marks unknown pixels."""
        ...


class Score(Protocol):
    """How odd each of ``(n, p)`` fluxes is: ``(n,)`` float64, higher is odder."""

    def __call__(self, flux: Floats, /) -> NDArray[np.float64]: ...


class Bindable(Protocol):
    """Makes a :class:`Score` for perturbed copies of one spectrum (its fold, ivar and mask)."""

    def bind(self, spectrum: Any) -> Score: ...


class Segmenter(Protocol):
    """Cuts a spectrum into K segments."""

    @property
    def uses_flux(self) -> bool:
        """Whether the cut depends on the flux; when not, many spectra share one cut."""
        ...

    def __call__(self, flux: Floats, wave: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return ids 0…K−1, shape ``(p,)``, each pixel covered once."""
        ...


class Perturbation(Protocol):
    """Makes the fill that replaces a segment which is switched off."""

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> Floats:
        """Return the fill spectrum, shape ``(p,)``."""
        ...


class Blocks(Protocol):
    """Anything that can be streamed as SpectrumSets: a Survey, or a SpectrumSet itself."""

    def blocks(self, n: int = 1024) -> Iterator[Any]: ...
