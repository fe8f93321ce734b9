"""The variational autoencoder of Ortiz & Boquien 2025, cross-fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..presets import by_preset, resolve
from ..seeds import content_hash, object_seed
from .checkpoint import Checkpoint
from .crossfit import CrossFittedModel, positive
from .distributed import Group
from .folds import REFERENCE
from .infer import Floats
from .initial import has_room
from .inputs import Rows
from .loop import Limits
from .network import Network
from .plan import Plan, noise_identity
from .running import history_of, run_kept
from .settings import Training
from .source import Batches
from .training import Trainer

MAX_STEPS = by_preset(20_000, paper=None)
MAX_EPOCHS = by_preset(None, paper=120)
SAMPLE_LATENT = by_preset(False, paper=True)


class VAEModel(CrossFittedModel):
    """A variational autoencoder p–256–128–64–12–64–128–256–p that says what a spectrum should have looked like.

    Parameters
    ----------
    n_latent : int
        Latent dimensions.
    hidden : sequence of int
        Widths of the encoder's layers; the decoder mirrors them.
    max_steps, max_epochs : int or None
        Training ends at whichever comes first; early stopping usually ends it before.
    folds : int or "auto"
        Networks for cross-fitting. ``"auto"``: 4 below 20 000 spectra, 2 below 200 000, 1 above, and 1 under
        ``preset="paper"``. One more, the reference network, is fitted on everything.
    seed : int
        Same seed and sample, same weights, on the same device.
    training : Training, optional
        Loss, optimiser, schedule and starting weights.
    device : {"auto", "cpu", "cuda", "mps"}
        ``"auto"`` takes a GPU when there is one.
    sample_latent : bool
        Reconstruct through a random latent point instead of its mean, as the published code does; scores are then
        random. The point is drawn by the model's seed and the id of the spectrum (its pixels, without an id): the
        same alone or among many, and for all perturbed copies of it.
    preset : {None, "paper"}
        ``"paper"``, in all that is not given: one network that judges what it was trained on, 120 epochs,
        :meth:`Training.paper`, ``sample_latent=True``.

    Notes
    -----
    `history` has the columns fold ("reference", "0", …), round (2 is the refit after clipping), step, epoch, loss,
    mse, kld, mmd (means since the last row), val (validation loss), rate (learning rate) and best (whether these
    weights were kept).

    Where it differs from the publication: inputs are centred; the ends of the network are trained inside the span of
    the leading principal components and start as a PCA; validation leaves out the worst tenth; training is counted
    in steps. All of it is :class:`Training`, and ``preset="paper"`` switches it off.

    Examples
    --------
    >>> import numpy as np
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (80, 40)).astype("f4")
    >>> model = VAEModel(3, hidden=(16, 8), max_steps=100, folds=2).fit(flux)
    >>> model.reconstruct(flux).shape, model.encode(flux).shape
    ((80, 40), (80, 3))
    """

    kind = "VAEModel"

    def __init__(
        self,
        n_latent: int = 12,
        hidden: Sequence[int] = (256, 128, 64),
        *,
        max_steps: int | None = MAX_STEPS,
        max_epochs: int | None = MAX_EPOCHS,
        folds: int | str = "auto",
        seed: int = 0,
        training: Training | None = None,
        device: str = "auto",
        sample_latent: bool = SAMPLE_LATENT,
        preset: str | None = None,
    ) -> None:
        max_steps, max_epochs = resolve(max_steps, preset), resolve(max_epochs, preset)
        if preset == "paper":
            folds = 1 if folds == "auto" else folds
            training = Training.paper() if training is None else training
        super().__init__(n_latent, folds=folds, seed=seed, device=device)
        self.hidden = tuple(positive("hidden", width) for width in hidden)
        if not self.hidden:
            raise ArgumentError(message("hidden", expected="at least one width", got="none", hint="PCAModel has none"))
        self.max_steps = None if max_steps is None else positive("max_steps", max_steps)
        self.max_epochs = None if max_epochs is None else positive("max_epochs", max_epochs)
        self.training = Training() if training is None else training
        if not isinstance(self.training, Training):
            raise ArgumentError(message("training", expected="a Training", got=type(training).__name__))
        if self.training.start == "pca" and not has_room(self.hidden, self.n_latent):
            raise ArgumentError(message("training.start", expected=f"hidden widths of at least {2 * self.n_latent}",
                                        got=self.hidden, hint='start="glorot"'))
        self.sample_latent = bool(resolve(sample_latent, preset))

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""
        return {"n_latent": self.n_latent, "hidden": list(self.hidden), "max_steps": self.max_steps,
                "max_epochs": self.max_epochs, "folds": self.folds, "seed": self.seed,
                "training": self.training.to_card(), "sample_latent": self.sample_latent}

    @classmethod
    def from_settings(cls, settings: dict[str, Any], device: str = "auto") -> Self:
        """Make an unfitted model of :meth:`settings`."""
        given = dict(settings)
        return cls(given.pop("n_latent"), given.pop("hidden"), max_steps=given["max_steps"],
                   max_epochs=given["max_epochs"], folds=given["folds"], seed=given["seed"],
                   training=Training(**given["training"]), device=device, sample_latent=given["sample_latent"])

    def fit(
        self, sample: Any, progress: bool = False, checkpoint: str | Path | None = None, *,
        scratch: str | Path | None = None,
    ) -> Self:
        """Train the networks.

        In a process group of torch (see :func:`specanom.models.launched`) each process trains on a part of every
        batch, and all of them end with the same model.

        Parameters
        ----------
        sample : SpectrumSet or (n, p) array
            Normalised spectra at rest, finite in each pixel. With ivar, residuals count by their noise.
        progress : bool
            Show a bar per network.
        checkpoint : path-like, optional
            Folder in which a running fit is kept. Called again after a kill, with the same data and settings, it
            goes on and ends in the same weights.
        scratch : path-like, optional
            Folder for a plain copy of a SpectrumSet that is larger than memory, to train from; a fast local disk is
            best. It stays there and is taken again for the same sample. Without it there is a copy only when the
            sample lies on disk and would take more than a quarter of the free memory: a temporary one. The weights
            are the same either way.

        Returns
        -------
        VAEModel
            Itself.

        Raises
        ------
        DataError
            For too few spectra, for pixels that are not finite, for the checkpoint of another fit, for a scratch
            folder without room or with something else in it.
        ProcessLost
            When another process of the group has ended.
        """
        return self._fit(sample, progress=progress, checkpoint=checkpoint, scratch=scratch)

    def sample(self, n: int, *, seed: int | None = None) -> Floats:
        """Return `n` made-up spectra ``(n, p)``: latent points drawn from the normal prior, decoded.

        Parameters
        ----------
        n : int
            How many.
        seed : int, optional
            The model's seed by default.
        """
        generator = np.random.default_rng(self.seed if seed is None else seed)
        points = generator.standard_normal((positive("n", n), self.n_latent))
        return self.decode(points)

    def _fit_networks(
        self, rows: Rows, plan: Plan, *, progress: bool, checkpoint: str | Path | None
    ) -> tuple[list[Network], pd.DataFrame]:
        kept = None if checkpoint is None else Group.current().on_first(
            lambda: Checkpoint(checkpoint, self._identity(rows, plan)))
        networks, history = [], []
        for fold, index in plan.tasks():
            name = "reference" if fold == REFERENCE else str(fold)

            def run(trainer: Trainer, round: int, fold: int = fold, name: str = name) -> None:
                run_kept(trainer, f"VAE {_title(fold, plan)}", kept, f"{name}-{round}", progress=progress)
                history.extend(history_of(trainer, name, round))

            networks.append(self._fit_one(rows, plan, fold=fold, index=index, run=run))
        return networks, pd.DataFrame(history)

    def _fit_one(
        self, rows: Rows, plan: Plan, *, fold: int, index: NDArray[np.intp], run: Callable[[Trainer, int], None]
    ) -> Network:
        """Train one network with `run`, and once more without the worst spectra when they are to be clipped."""
        source, trainer = self._trainer(rows, plan, fold, index)
        run(trainer, 1)
        if self.training.clip > 0:
            errors = Group.current().like_first(trainer.errors(_arange(len(index))).numpy())
            keep = errors <= np.quantile(errors, 1.0 - self.training.clip)
            source, trainer = self._trainer(rows, plan, fold, source.rows[keep])
            run(trainer, 2)
        return source.finish(trainer.network)

    def _trainer(self, rows: Rows, plan: Plan, fold: int, index: NDArray[np.intp]) -> tuple[Batches, Trainer]:
        settings = self.training
        if settings.weight == "ivar" and rows.ivar is None:
            raise ArgumentError(message("training.weight", expected="a sample with ivar", got="one without",
                                        hint='weight="auto"'))
        train, valid = plan.split(index, settings.validation, settings.validation_from)
        used = np.concatenate([train, valid])
        source = Batches(rows, used, training=settings, n_latent=self.n_latent, device=self._device)
        network = Network(source.width, self.n_latent, self.hidden).to(self._device)
        trainer = Trainer(source, np.arange(len(train)), np.arange(len(train), len(used)), network=network,
                          training=settings, limits=Limits(self.max_steps, self.max_epochs),
                          seed=object_seed(self.seed, f"network {fold} of {plan.map.count}"))
        return source, trainer

    def _identity(self, rows: Rows, plan: Plan) -> str:
        spectra = noise_identity(rows, plan, weighted=self.training.weight != "none")
        return content_hash(spectra, repr(sorted(self.settings().items())), str(self._device))


def _title(fold: int, plan: Plan) -> str:
    return "reference" if fold == REFERENCE else f"fold {fold + 1} of {plan.map.count}"


def _arange(n: int) -> Any:
    import torch

    return torch.arange(n)
