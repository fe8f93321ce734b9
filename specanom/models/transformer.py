"""A masked-patch transformer: an encoder that learns spectra by predicting what is hidden of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..devices import pick_device
from ..errors import ArgumentError, ShapeError, message, not_fitted
from ..foreign import damaged
from ..presets import by_preset, resolve
from ..seeds import content_hash
from .checkpoint import Checkpoint
from .crossfit import positive
from .distributed import Group
from .folds import Hashes
from .gaps import CHUNK, chunked, in_parts, with_gaps
from .infer import Floats, run_padded
from .inpainting import Inpainting
from .inputs import Rows, check_grid, read_rows, with_ivar
from .loop import Limits
from .masked import trainer_of
from .patches import Blocks, Patches
from .plan import make_plan, noise_identity
from .running import history_of, run_kept
from .scratch import training_rows
from .settings import Training
from .store import ModelFile, read_model, write_model
from .transformer_network import MaskedTransformer

PATCH, STRIDE, LAYERS = by_preset(32, paper=15), by_preset(None, paper=5), by_preset(4, paper=6)
WIDTH, HEADS = by_preset(128, paper=768), by_preset(4, paper=6)
MAX_STEPS, BATCH = by_preset(2000, paper=500_000), by_preset(64, paper=32)


class TransformerEncoder:
    """A masked-patch transformer: spectra to vectors, learnt by predicting hidden stretches from the rest.

    A spectrum is cut into patches, each becomes a token with a learnt position; a quarter of the pixels, in contiguous
    blocks, is hidden, and every patch that touches a hidden pixel is out of sight, so that overlapping patches do not
    leak. The loss is the residual in hidden pixels, weighted by inverse variance. The vector of a spectrum is the mean
    of the tokens of its known patches.

    Parameters
    ----------
    patch : int
        Pixels of a patch.
    stride : int, optional
        Pixels from one patch to the next; the patch's own size, without overlap, when None.
    masked : float
        Share of the pixels that are hidden.
    block : int, optional
        Pixels that are hidden together; a patch when None.
    layers, width, heads : int
        Blocks of attention, numbers of a token, attention heads; heads divide the width.
    max_steps, max_epochs : int or None
        Training ends at whichever comes first; the schedule is laid out up to there.
    seed : int
        Same seed and sample, same weights, on the same device.
    training : Training, optional
        ``Training.masked()`` by default: AdamW, warm-up and cosine schedule.
    device : {"auto", "cpu", "cuda", "mps"}
        ``"auto"`` takes a GPU when there is one.
    preset : {None, "paper"}
        ``"paper"``, in all that is not given: patches of 15 pixels with an overlap of 10, 25 % masked, 6 layers of
        width 768 with 6 heads, 500 000 steps of 32 spectra: 43.1 million numbers on 3688 pixels, for a GPU.

    Notes
    -----
    Pixels that are NaN or have no inverse variance are unknown: they are neither seen nor predicted, and a patch with
    more than half of them counts as hidden. There is one network, trained on all spectra but those it is validated
    with: unlike a :class:`VAEModel` it is not cross-fitted. A reconstruction still never sees the pixels it predicts.

    `history` has the columns fold, round, step, epoch, loss, val, rate and best. A loss of 1 is that of the mean
    spectrum over all spectra; ``val`` leaves out the worst share ``training.trim`` and begins lower.

    Examples
    --------
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (80, 64)).astype("f4")
    >>> encoder = TransformerEncoder(16, layers=1, width=8, heads=2, max_steps=5).fit(flux)
    >>> encoder.encode(flux).shape, encoder.reconstruct(flux).shape
    ((80, 8), (80, 64))
    """

    kind = "TransformerEncoder"

    def __init__(
        self,
        patch: int = PATCH,
        stride: int | None = STRIDE,
        *,
        masked: float = 0.25,
        block: int | None = None,
        layers: int = LAYERS,
        width: int = WIDTH,
        heads: int = HEADS,
        max_steps: int | None = MAX_STEPS,
        max_epochs: int | None = None,
        seed: int = 0,
        training: Training | None = None,
        device: str = "auto",
        preset: str | None = None,
    ) -> None:
        given = {"patch": patch, "layers": layers, "width": width, "heads": heads}
        sizes = {name: positive(name, resolve(value, preset)) for name, value in given.items()}
        self.patch, self.layers, self.width, self.heads = (sizes[name] for name in given)
        stride = resolve(stride, preset)
        self.stride = self.patch if stride is None else positive("stride", stride)
        self.block = self.patch if block is None else positive("block", block)
        self.masked, self.seed, self.device = float(masked), int(seed), device
        if self.stride > self.patch:
            raise ArgumentError(message("stride", expected=f"at most the patch, {self.patch}", got=self.stride))
        if self.block < self.patch:
            raise ArgumentError(message("block", expected=f"at least the patch, {self.patch}", got=self.block))
        if not 0 < self.masked < 1:
            raise ArgumentError(message("masked", expected="a share between 0 and 1", got=masked))
        if self.width % self.heads:
            raise ArgumentError(message("heads", expected=f"a divisor of the width, {self.width}", got=self.heads))
        steps = resolve(max_steps, preset)
        self.max_steps = None if steps is None else positive("max_steps", steps)
        self.max_epochs = None if max_epochs is None else positive("max_epochs", max_epochs)
        self.training = Training.masked(resolve(BATCH, preset)) if training is None else training
        if not isinstance(self.training, Training):
            raise ArgumentError(message("training", expected="a Training", got=type(training).__name__))
        self._device = pick_device(device)
        self._network: MaskedTransformer | None = None
        self._wave: NDArray[np.float64] | None = None
        self._known: Hashes = np.empty(0, dtype=np.uint64)
        self._history = pd.DataFrame()

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""
        return {"patch": self.patch, "stride": self.stride, "masked": self.masked, "block": self.block,
                "layers": self.layers, "width": self.width, "heads": self.heads, "max_steps": self.max_steps,
                "max_epochs": self.max_epochs, "seed": self.seed, "training": self.training.to_card()}

    @classmethod
    def from_settings(cls, settings: dict[str, Any], device: str = "auto") -> Self:
        """Make an unfitted encoder of :meth:`settings`."""
        given = dict(settings)
        return cls(given.pop("patch"), given.pop("stride"), training=Training(**given.pop("training")), device=device,
                   **given)

    # -- what it knows ---------------------------------------------------------------------------------------------

    @property
    def wave(self) -> NDArray[np.float64] | None:
        """Wavelengths it was fitted on, vacuum Å, ``(p,)``; None after plain arrays, or before fitting."""
        return self._wave

    @property
    def n_pixels(self) -> int:
        """Pixels of a spectrum."""
        return self._ready.patches.n_pixels

    @property
    def history(self) -> pd.DataFrame:
        """How training went: one row per look at the validation data."""
        return self._history

    @property
    def name(self) -> str:
        """What it is called beside its vectors."""
        return f"transformer, patch {self.patch}/{self.stride}, {self.layers} × {self.width}"

    @property
    def fingerprint(self) -> str:
        """Hash of the weights and of how spectra are cut: vectors of another encoder do not mix with its own."""
        arrays = {key: value.cpu().numpy() for key, value in self._ready.state_dict().items()}
        cut = f"{self.kind} {self.patch} {self.stride} {self.heads}"
        return content_hash(cut, *(item for key in sorted(arrays) for item in (key, arrays[key])))

    def n_parameters(self, n_pixels: int) -> int:
        """Return how many numbers it learns for spectra of `n_pixels` pixels, without making them."""
        return self._make(n_pixels).n_parameters

    @property
    def _ready(self) -> MaskedTransformer:
        if self._network is None:
            raise not_fitted(self, "fit")
        return self._network

    def _make(self, n_pixels: int) -> MaskedTransformer:
        if n_pixels < 2 * self.block:
            raise ShapeError(message("sample", expected=f"at least two blocks, {2 * self.block} pixels", got=n_pixels,
                                     hint="a smaller patch"))
        return MaskedTransformer(Patches(n_pixels, self.patch, self.stride), width=self.width, layers=self.layers,
                                 heads=self.heads)

    def fit(self, sample: Any, progress: bool = False, checkpoint: str | Path | None = None, *,
            scratch: str | Path | None = None) -> Self:
        """Train the network.

        Parameters
        ----------
        sample : SpectrumSet or (n, p) array
            Normalised spectra at rest. With ivar, residuals count by their noise.
        progress : bool
            Show a bar.
        checkpoint, scratch : path-like, optional
            As of :meth:`VAEModel.fit`.

        Raises
        ------
        DataError, ShapeError
            For too few spectra or pixels, or when no pixel is known; for the checkpoint of another fit.
        """
        group = Group.current()
        with group.watched(), training_rows("sample", sample, scratch=scratch, finite=False) as rows:
            self._train(rows, group, progress=progress, checkpoint=checkpoint)
        return self

    def _train(self, rows: Rows, group: Group, *, progress: bool, checkpoint: str | Path | None) -> None:
        plan, network = make_plan(rows, folds=1, seed=self.seed, least=8), self._make(rows.flux.shape[1])
        told = repr(sorted(self.settings().items()))
        group.agree("sample", plan.identity + told)
        trainer = trainer_of(rows, plan, network.to_empty(device=self._device), training=self.training,
                             blocks=Blocks(network.patches, self.masked, self.block),
                             limits=Limits(self.max_steps, self.max_epochs))
        kept = None if checkpoint is None else group.on_first(
            lambda: Checkpoint(checkpoint, content_hash(noise_identity(rows, plan), told, str(self._device))))
        run_kept(trainer, "transformer", kept, "reference-1", progress=progress)
        self._network = network.eval().requires_grad_(False)
        self._wave, self._known = rows.wave, plan.map.ids
        self._history = pd.DataFrame(history_of(trainer, "reference", 1))

    # -- what it does ----------------------------------------------------------------------------------------------

    def encode(self, flux: Any, ivar: Any = None, *, ids: Sequence[str] | None = None) -> Floats:
        """Return vectors ``(n, width)``: the mean of the tokens of known patches; NaN for a spectrum without any.

        Parameters
        ----------
        flux : SpectrumSet, Spectrum or (n, p) array
            NaN where nothing is known.
        ivar : (n, p) array, optional
            Zero where nothing is known; a set brings its own.
        ids : sequence of str, optional
            Change nothing: there is one network.

        GridError and ShapeError are raised on another grid and for a wrong number of pixels.
        """
        rows = self._rows(flux, ivar)
        made = np.empty((len(rows), self.width), dtype=np.float32)
        for part, gaps in in_parts(rows):
            made[part] = run_padded(chunked(self._ready.encode), gaps, self.width, self._device)
        return made

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None) -> Floats:
        """Return ``(n, p)`` spectra in which each pixel was predicted while it was hidden.

        Parameters
        ----------
        flux : SpectrumSet, Spectrum or (n, p) array
            NaN where nothing is known.
        ids : sequence of str, optional
            Change nothing: there is one network.

        Predictions are finite also where a spectrum is unknown, but for one of which nothing is known: NaN.
        """
        rows, network = self._rows(flux, None), self._ready
        made = np.empty(rows.flux.shape, dtype=np.float32)
        for hidden in Blocks(network.patches, self.masked, self.block).each_once():
            at = hidden.numpy()
            for part, gaps in in_parts(rows):
                found = run_padded(chunked(self._predicting(hidden)), gaps, self.n_pixels, self._device)
                made[part, at] = np.where(np.isfinite(gaps).any(axis=1, keepdims=True), found[:, at], np.nan)
        return made

    def inpaint(self, flux: Any, ivar: Any = None, *, seed: int = 0) -> Inpainting:
        """Hide stretches as in training and predict them, for looking.

        Parameters
        ----------
        flux, ivar
            As in :meth:`encode`.
        seed : int
            Of the blocks, drawn for each spectrum.
        """
        rows, network = self._rows(flux, ivar), self._ready
        generator = torch.Generator().manual_seed(seed)
        hidden = Blocks(network.patches, self.masked, self.block).draw(len(rows), generator)
        made = np.full(rows.flux.shape, np.nan, dtype=np.float32)
        gaps = with_gaps(rows, np.arange(len(rows)))
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            found = self._predicting(hidden[part])(torch.from_numpy(gaps[part]).to(self._device)).cpu().numpy()
            made[part] = np.where(hidden[part].numpy(), found, np.nan)
        return Inpainting(self._wave, gaps, made, hidden.numpy())

    def bind(self, id: str | None) -> Callable[[ArrayLike], Floats]:
        """Return :meth:`reconstruct`: there is one network for each spectrum."""
        return self.reconstruct

    @torch.no_grad()
    def _predict(self, flux: Tensor, hidden: Tensor) -> Tensor:
        network = self._ready
        made: Tensor = network(network.standardise(flux), hidden) * network.scale + network.mean
        return made

    def _predicting(self, hidden: Tensor) -> Callable[[Tensor], Tensor]:
        where = hidden.to(self._device)
        return lambda flux: self._predict(flux, where.expand(len(flux), -1) if where.ndim == 1 else where)

    def _rows(self, flux: Any, ivar: Any) -> Rows:
        network = self._ready
        rows = with_ivar(read_rows("flux", flux, finite=False), ivar)
        check_grid("flux", rows, self._wave, network.patches.n_pixels)
        return rows

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write a folder of weights (safetensors), a card (JSON) and the history (Parquet); return the path."""
        tensors = {key: value.detach().cpu() for key, value in self._ready.state_dict().items()}
        arrays: dict[str, NDArray[Any]] = {"known.ids": self._known}
        if self._wave is not None:
            arrays["wave"] = self._wave
        return write_model(path, ModelFile(self.kind, self.settings(), {"n_pixels": self.n_pixels}, tensors, arrays,
                                           self._history))

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> Self:
        """Open a saved encoder.

        Raises
        ------
        DataError
            When there is no finished encoder of this class and a known version at `path`.
        """
        file = read_model(path, cls.kind)
        with damaged(path, "the weights of a transformer"):
            made = cls.from_settings(file.settings, device)
            network = made._make(file.shape["n_pixels"]).to_empty(device="cpu")
            network.load_state_dict(file.tensors)
        made._network = network.to(made._device).eval().requires_grad_(False)
        made._wave, made._known, made._history = file.arrays.get("wave"), file.arrays["known.ids"], file.history
        return made

    def __repr__(self) -> str:
        state = "not fitted" if self._network is None else (f"{self.n_pixels} pixels, "
                                                            f"fitted on {self._known.size} spectra")
        return f"TransformerEncoder: {self.name}, {state}"
