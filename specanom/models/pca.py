"""Principal components with the face of a model: the baseline that every network has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from ..errors import choice
from .components import Components, leading_components
from .crossfit import CrossFittedModel, positive
from .folds import REFERENCE
from .infer import Floats
from .inputs import Rows
from .network import Network
from .on_disk import blocks_of
from .plan import Plan


class PCAModel(CrossFittedModel):
    """Principal components, cross-fitted like :class:`VAEModel`: a spectrum is judged by components it did not shape.

    Parameters
    ----------
    n_components : int
        How many.
    folds : int or "auto"
        As in :class:`VAEModel`.
    seed : int
        Decides the folds; the fit itself is exact.
    centre : {"mean", "median"}
        What is taken off first. The median spectrum does not feel a few odd ones.
    device : {"auto", "cpu", "cuda", "mps"}
        Where reconstructions are computed.

    Notes
    -----
    `history` has the columns fold ("reference", "0", …), component, variance and share (of the total variance).

    Examples
    --------
    >>> import numpy as np
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (80, 40)).astype("f4")
    >>> PCAModel(3, folds=2).fit(flux)
    PCAModel: 3 latent dimensions, 40 pixels, 2 folds, fitted on 80 spectra
    """

    kind = "PCAModel"

    def __init__(
        self, n_components: int = 12, folds: int | str = "auto", *, seed: int = 0, centre: str = "mean",
        device: str = "auto",
    ) -> None:
        super().__init__(n_components, folds=folds, seed=seed, device=device)
        self.centre = choice("centre", centre, ("mean", "median"))

    @property
    def n_components(self) -> int:
        """Number of components."""
        return self.n_latent

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""
        return {"n_components": self.n_latent, "folds": self.folds, "seed": self.seed, "centre": self.centre}

    @classmethod
    def from_settings(cls, settings: dict[str, Any], device: str = "auto") -> Self:
        """Make an unfitted model of :meth:`settings`."""
        return cls(settings["n_components"], settings["folds"], seed=settings["seed"], centre=settings["centre"],
                   device=device)

    def fit(self, sample: Any, progress: bool = False, *, scratch: str | Path | None = None) -> Self:
        """Find the components.

        Parameters
        ----------
        sample : SpectrumSet or (n, p) array
            Normalised spectra at rest, finite in each pixel.
        progress : bool
            Accepted for likeness with :class:`VAEModel`; there is nothing to wait for.
        scratch : path-like, optional
            As of :meth:`VAEModel.fit`.
        """
        return self._fit(sample, progress=progress, checkpoint=None, scratch=scratch)

    def sample(self, n: int, *, seed: int | None = None) -> Floats:
        """Return `n` made-up spectra ``(n, p)``: normal scores with the variances of the components, projected back.

        Parameters
        ----------
        n : int
            How many.
        seed : int, optional
            The model's seed by default.
        """
        history = self.history
        size = np.zeros(self.n_latent)
        variances = history.loc[history["fold"] == "reference", "variance"].to_numpy()
        size[: len(variances)] = np.sqrt(variances)
        generator = np.random.default_rng(self.seed if seed is None else seed)
        return self.decode(size * generator.standard_normal((positive("n", n), self.n_latent)))

    def _fit_networks(
        self, rows: Rows, plan: Plan, *, progress: bool, checkpoint: str | Path | None
    ) -> tuple[list[Network], pd.DataFrame]:
        networks, history = [], []
        for fold, index in plan.tasks():
            found = leading_components(rows.flux, self.n_latent, rows=index, centre=self.centre)
            squares = (float(np.square(rows.flux[block] - found.mean).sum()) for block in blocks_of(index))
            total = sum(squares) / len(index)
            networks.append(_as_network(found, self.n_latent))
            history += [{"fold": "reference" if fold == REFERENCE else str(fold), "component": i, "variance": float(v),
                         "share": float(v) / max(total, 1e-300)} for i, v in enumerate(found.variances)]
        return networks, pd.DataFrame(history)


def _as_network(found: Components, n_latent: int) -> Network:
    """Return two affine layers that project on the components and back."""
    axes = np.zeros((n_latent, found.axes.shape[1]))
    axes[: len(found.axes)] = found.axes
    network = Network(axes.shape[1], n_latent, variational=False)
    network.load_state_dict({
        "mu.weight": torch.from_numpy(axes).float(),
        "mu.bias": torch.from_numpy(-(axes @ found.mean)).float(),
        "output.weight": torch.from_numpy(axes.T.copy()).float(),
        "output.bias": torch.from_numpy(found.mean).float(),
    })
    return network
