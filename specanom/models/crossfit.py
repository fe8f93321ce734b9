"""What every fitted model of this room shares: several networks, and the right one for each spectrum."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from ..devices import pick_device
from ..errors import ArgumentError, DataError, ShapeError, message, not_fitted
from ..foreign import damaged
from ..seeds import content_hash, object_seed
from ..spectrumset import SpectrumSet
from .bound import Bound
from .distributed import Group
from .folds import REFERENCE, FoldMap, hash_ids, hash_rows
from .infer import Floats, draw_rows, fill_padded, run_padded
from .inputs import Rows, check_finite, check_grid, read_rows
from .network import Network
from .on_disk import BLOCK
from .plan import Plan, make_plan
from .scratch import training_rows
from .store import ModelFile, read_model, write_model


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """What fitting made: the networks, the folds they may judge, the grid, and how training went."""

    reference: Network
    networks: tuple[Network, ...]
    folds: FoldMap
    wave: NDArray[np.float64] | None
    history: pd.DataFrame

    def network(self, fold: int) -> Network:
        """Return the network that judges `fold`."""
        return self.reference if fold == REFERENCE or not self.networks else self.networks[fold]


class CrossFittedModel(ABC):
    """Several networks with one face; :class:`VAEModel` and :class:`PCAModel` say how a network is fitted.

    A spectrum is reconstructed by the network that has not seen it, found by its id or, in a plain array, by its
    pixels; a spectrum that was not trained on is judged by the reference network, which was fitted on everything.
    `encode`, `decode` and `sample` use the reference network always: the folds' latent spaces are not aligned.
    """

    kind: str
    """Name of the class in saved files."""

    def __init__(self, n_latent: int, *, folds: int | str, seed: int, device: str) -> None:
        self.n_latent = positive("n_latent", n_latent)
        if folds != "auto":
            folds = positive("folds", folds)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ArgumentError(message("seed", expected="an integer", got=repr(seed)))
        self.folds, self.seed, self.device = folds, int(seed), device
        self.sample_latent = False
        self._device = pick_device(device)
        self._fitted: CrossFitted | None = None

    # -- what a leaf class brings ----------------------------------------------------------------------------------

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: dict[str, Any], device: str) -> Self:
        """Make an unfitted model of :meth:`settings`."""

    @abstractmethod
    def _fit_networks(
        self, rows: Rows, plan: Plan, *, progress: bool, checkpoint: str | Path | None
    ) -> tuple[list[Network], pd.DataFrame]:
        """Return one network per task of `plan`, and the history."""

    def _fit(
        self, sample: Any, *, progress: bool, checkpoint: str | Path | None, scratch: str | Path | None
    ) -> Self:
        group = Group.current()
        with group.watched(), training_rows("sample", sample, scratch=scratch) as rows:
            plan = make_plan(rows, folds=self.folds, seed=self.seed, least=max(8, self.n_latent + 2))
            group.agree("sample", plan.identity + repr(sorted(self.settings().items())))
            networks, history = self._fit_networks(rows, plan, progress=progress, checkpoint=checkpoint)
        ready = [network.to(self._device).eval().requires_grad_(False) for network in networks]
        self._fitted = CrossFitted(ready[0], tuple(ready[1:]), plan.map, rows.wave, history)
        return self

    # -- what it knows ---------------------------------------------------------------------------------------------

    @property
    def _ready(self) -> CrossFitted:
        if self._fitted is None:
            raise not_fitted(self, "fit")
        return self._fitted

    @property
    def wave(self) -> NDArray[np.float64] | None:
        """Wavelengths it was fitted on, vacuum Å, ``(p,)``; None after plain arrays, or before fitting."""
        return None if self._fitted is None else self._fitted.wave

    @property
    def n_pixels(self) -> int:
        """Pixels of a spectrum."""
        return self._ready.reference.n_pixels

    @property
    def n_folds(self) -> int:
        """Number of folds; with 1, spectra are judged by the network that was trained on them."""
        return self._ready.folds.count

    @property
    def history(self) -> pd.DataFrame:
        """How each network was fitted: one row per look at the validation data; columns in the class's notes."""
        return self._ready.history

    @property
    def fingerprint(self) -> str:
        """Hash of the weights of the reference network, which encodes: the same after saving and loading."""
        weights = {key: value.cpu().numpy() for key, value in self._ready.reference.state_dict().items()}
        return content_hash(self.kind, *(item for key in sorted(weights) for item in (key, weights[key])))

    def fold_of(self, ids: Sequence[str]) -> NDArray[np.intp]:
        """Return the fold that judges each id, ``(n,)``; −1 is the reference network."""
        return self._ready.folds.find(hash_ids(ids), contents=False)

    # -- what it does ----------------------------------------------------------------------------------------------

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None, *, seed: int | None = None) -> Floats:
        """Return what spectra should have looked like.

        Parameters
        ----------
        flux : SpectrumSet, Spectrum or (n, p) array
            A set's ids say which network judges each row.
        ids : sequence of str, optional
            Ids of the rows. Without any, a row is recognised by its pixels.
        seed : int, optional
            Of the draws, when the model samples its latent space; the model's seed by default.

        Returns
        -------
        (n, p) float32 array
            The same bits for any split of the rows into calls.

        Raises
        ------
        GridError, ShapeError, DataError
            On another grid, for a wrong number of pixels, for pixels that are not finite.
        """
        rows = self._rows("flux", flux, ids)
        fitted = self._ready
        made = np.empty(rows.flux.shape, dtype=np.float32)
        folds = fitted.folds.folds_of(rows.ids, rows.flux)
        for fold in np.unique(folds):
            which = np.flatnonzero(folds == fold)
            network = fitted.network(int(fold))
            if self.sample_latent:
                part = rows.flux[which]
                names = _contents(part) if rows.ids is None else [f"id {rows.ids[i]}" for i in which]
                made[which] = draw_rows(network, part, self._draws(names, seed), self._device)
            else:
                fill_padded(network, rows.flux, made, which, device=self._device)
        return made

    def encode(self, flux: Any, ids: Sequence[str] | None = None) -> Floats:
        """Return latent means ``(n, d)`` of spectra, by the reference network; `ids` change nothing."""
        if isinstance(flux, SpectrumSet) and len(flux) > BLOCK:  # one on disk need not fit into memory
            return np.concatenate([self.encode(part) for part in flux.blocks(BLOCK)])
        rows = self._rows("flux", flux, ids)
        return run_padded(self._ready.reference.encode, rows.flux, self.n_latent, self._device)

    def encode_distribution(self, flux: Any, ids: Sequence[str] | None = None) -> tuple[Floats, Floats]:
        """Return mean and log variance of the encodings, each ``(n, d)``, by the reference network.

        Parameters
        ----------
        flux, ids
            As in :meth:`encode`.

        Returns
        -------
        mean, log_variance : (n, d) float32 arrays
            Of principal components, which know no width, that of the prior: log variance 0.
        """
        rows = self._rows("flux", flux, ids)
        network, d = self._ready.reference, self.n_latent
        if network.log_var is None:
            mean = run_padded(network.encode, rows.flux, d, self._device)
            return mean, np.zeros_like(mean)
        heads = run_padded(lambda x: torch.cat(network.heads(x), dim=1), rows.flux, 2 * d, self._device)
        return np.ascontiguousarray(heads[:, :d]), np.ascontiguousarray(heads[:, d:])

    def decode(self, latent: ArrayLike) -> Floats:
        """Return spectra ``(n, p)`` of latent points ``(n, d)``, by the reference network."""
        network = self._ready.reference
        points = np.asarray(latent, dtype=np.float32)
        if points.ndim != 2 or points.shape[1] != self.n_latent:
            raise ShapeError(message("latent", expected=f"an (n, {self.n_latent}) array", got=f"shape {points.shape}"))
        check_finite("latent", points)
        return run_padded(network.decode, points, network.n_pixels, self._device)

    def bind(self, id: str | None, *, flux: ArrayLike | None = None) -> Bound:
        """Return the one network that has not seen `id`, as a function ``(n, p) -> (n, p)``.

        Parameters
        ----------
        id : str or None
            None, or an id that was not trained on, gives the reference network.
        flux : (p,) array, optional
            The spectrum itself, to recognise it by its pixels when its id is not known.
        """
        fitted = self._ready
        fold = REFERENCE if id is None else fitted.folds.fold_of_id(str(id))
        if fold == REFERENCE and flux is not None:
            fold = int(fitted.folds.folds_of(None, np.asarray(flux, dtype=np.float32)[None, :])[0])
        noise = partial(self._noise, None if id is None else str(id)) if self.sample_latent else None
        return Bound(fitted.network(fold), fold, device=self._device, noise=noise)

    def _rows(self, argument: str, flux: Any, ids: Sequence[str] | None) -> Rows:
        fitted = self._ready
        rows = read_rows(argument, flux, ids)
        check_grid(argument, rows, fitted.wave, fitted.reference.n_pixels)
        return rows

    def _draws(self, names: Sequence[str], seed: int | None = None) -> Floats:
        """Return normal draws ``(n, d)`` by a seed and the name of each row, whatever its company."""
        start = self.seed if seed is None else seed
        made = [np.random.default_rng(object_seed(start, f"latent {name}")).standard_normal(self.n_latent, np.float32)
                for name in names]
        return np.array(made, dtype=np.float32).reshape(len(names), self.n_latent)

    def _noise(self, id: str | None, flux: Floats) -> Floats:
        """Return the draws of perturbed copies of one spectrum: one for all, so that scores move with the copies."""
        if id is None:
            return self._draws(_contents(flux))
        return np.repeat(self._draws([f"id {id}"]), len(flux), axis=0)

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write a folder of weights (safetensors), a card (JSON) and the history (Parquet); returns the path."""
        fitted = self._ready
        named = {"reference": fitted.reference} | {f"fold{i}": net for i, net in enumerate(fitted.networks)}
        tensors = {f"{name}.{key}": value.detach().cpu() for name, net in named.items()
                   for key, value in net.state_dict().items()}
        known = fitted.folds
        arrays: dict[str, NDArray[Any]] = {"known.ids": known.ids, "known.id_folds": known.id_folds,
                                           "known.contents": known.contents,
                                           "known.content_folds": known.content_folds}
        if fitted.wave is not None:
            arrays["wave"] = fitted.wave
        shape = {"n_pixels": self.n_pixels, "n_latent": self.n_latent, "hidden": list(fitted.reference.hidden),
                 "variational": fitted.reference.log_var is not None, "folds": fitted.folds.count}
        return write_model(path, ModelFile(self.kind, self.settings(), shape, tensors, arrays, fitted.history))

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> Self:
        """Open a saved model.

        Raises
        ------
        DataError
            When there is no finished model of this class and a known version at `path`.
        """
        file = read_model(path, cls.kind)
        with damaged(path, f"a saved {cls.kind}"):
            return cls._made(file, device)

    @classmethod
    def _made(cls, file: ModelFile, device: str) -> Self:
        model = cls.from_settings(file.settings, device)
        shape, arrays = file.shape, file.arrays
        if model.n_latent != shape["n_latent"]:
            raise DataError(message("shape.n_latent", expected=f"{model.n_latent}, as in its settings",
                                    got=shape["n_latent"]))
        names = ["reference", *(f"fold{i}" for i in range(shape["folds"]) if shape["folds"] > 1)]
        networks = [_network(file, name).to(model._device) for name in names]
        folds = FoldMap(shape["folds"], arrays["known.ids"], arrays["known.id_folds"], arrays["known.contents"],
                        arrays["known.content_folds"])
        model._fitted = CrossFitted(networks[0], tuple(networks[1:]), folds, arrays.get("wave"), file.history)
        return model

    def __repr__(self) -> str:
        if self._fitted is None:
            return f"{self.kind}: {self.n_latent} latent dimensions, not fitted"
        return (f"{self.kind}: {self.n_latent} latent dimensions, {self.n_pixels} pixels, {self.n_folds} folds, "
                f"fitted on {self._fitted.folds.ids.size} spectra")


def _network(file: ModelFile, name: str) -> Network:
    shape = file.shape
    network = Network(shape["n_pixels"], shape["n_latent"], shape["hidden"], variational=shape["variational"])
    prefix = f"{name}."
    weights = {key[len(prefix) :]: value for key, value in file.tensors.items() if key.startswith(prefix)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as exc:
        raise DataError(message("path", expected=f"the weights of network {name!r}", got=str(exc))) from exc
    network.eval().requires_grad_(False)
    return network


def _contents(flux: Floats) -> list[str]:
    return [f"pixels {key}" for key in hash_rows(flux)]


def positive(argument: str, value: Any) -> int:
    """Return `value` when it is a positive integer.

    Raises
    ------
    ArgumentError
        Otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(message(argument, expected="a positive integer", got=repr(value)))
    return int(value)
