"""Trains one network: Adam, a plateau schedule, early stopping on validation spectra, the best weights kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .initial import has_room, start_as_pca
from .losses import LossParts, kl_divergence, mmd
from .network import Network, glorot
from .settings import Training
from .source import Batch, Source

_LOOK = 1024  # validation spectra looked at together
_BETTER = 1e-4  # a smaller relative improvement is none


@dataclass(frozen=True)
class Limits:
    """Where training ends at the latest; None is no limit."""

    max_steps: int | None = 20_000
    max_epochs: int | None = None


@dataclass
class State:
    """How far training has come."""

    rate: float
    step: int = 0
    epoch: int = 0
    position: int = 0
    best: float = math.inf
    best_step: int = 0
    dropped: int = 0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


class Trainer:
    """Trains one network on one source.

    Parameters
    ----------
    source : Source
        The spectra.
    train, valid : (m,) int arrays
        Positions in the source's rows.
    network : Network
        Of the source's width, on its device; its weights are set here.
    training : Training
        The settings.
    limits : Limits
        Steps and epochs at most.
    seed : int
        Everything random comes from it.
    """

    def __init__(
        self, source: Source, train: np.ndarray, valid: np.ndarray, *, network: Network, training: Training,
        limits: Limits, seed: int,
    ) -> None:
        self._source, self._training, self._limits = source, training, limits
        self._train, self._valid = torch.from_numpy(np.asarray(train)), torch.from_numpy(np.asarray(valid))
        self.generator = torch.Generator().manual_seed(seed)
        self._seed = seed
        self.network = network
        self._device = next(network.parameters()).device
        self._scale = training.mse_scale or float(source.n_pixels)
        self._batch = min(training.batch_for(len(train)), len(train))
        self._first_weights()
        fused = self._device.type in ("cpu", "cuda")
        self._optimiser = torch.optim.Adam(network.parameters(), lr=training.learning_rate, fused=fused)
        self.state = State(rate=training.learning_rate)
        self.best = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self._queue = torch.empty(0, dtype=torch.int64)

    @property
    def steps_per_epoch(self) -> int:
        """Steps after which each training spectrum was seen once."""
        return math.ceil(len(self._train) / self._batch)

    @property
    def most_steps(self) -> int | None:
        """Where training ends at the latest: the smaller of the two limits."""
        caps = [self._limits.max_steps,
                None if self._limits.max_epochs is None else self._limits.max_epochs * self.steps_per_epoch]
        return min((cap for cap in caps if cap is not None), default=None)

    def _first_weights(self) -> None:
        room = has_room(self.network.hidden, self.network.n_latent)
        cpu = Network(self.network.n_pixels, self.network.n_latent, self.network.hidden)
        if self._training.start == "pca" or (self._training.start == "auto" and room):
            start_as_pca(cpu, *self._source.first_components(self.network.n_latent), self.generator)
        else:
            glorot(cpu, self.generator)
        self.network.load_state_dict(cpu.state_dict())

    def run(self, on_check: Callable[[Trainer], None]) -> Network:
        """Train to the end and return the network with its best weights.

        Parameters
        ----------
        on_check : callable
            Called after each look at the validation data, for progress bars and checkpoints.
        """
        counting_epochs = self._training.count_in == "epochs"
        every = self.steps_per_epoch if counting_epochs else self._training.check_every
        last = self.most_steps
        sums: list[tuple[float, float, float, float]] = []
        while not self.state.finished:
            sums.append(self._step())
            done = last is not None and self.state.step >= last
            if self.state.step % every == 0 or done:
                self._look(np.mean(sums, axis=0), every if counting_epochs else 1)
                self.state.finished |= done
                sums = []
                on_check(self)
        self.network.load_state_dict(self.best)
        return self.network

    def _next_picks(self) -> Tensor:
        state = self.state
        if state.position >= len(self._queue):
            self._queue = self._train[torch.randperm(len(self._train), generator=self.generator)]
            state.position, state.epoch = 0, state.epoch + 1
        picks = self._queue[state.position : state.position + self._batch]
        state.position += self._batch
        return picks

    def _step(self) -> tuple[float, float, float, float]:
        parts = self.loss(self._source.take(self._next_picks()), self.generator)
        self._optimiser.zero_grad(set_to_none=True)
        parts.total.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self.state.step += 1
        total, mse, kld, gap = torch.stack([parts.total, parts.mse, parts.kld, parts.mmd]).detach().cpu().tolist()
        return total, mse, kld, gap

    def _mixed(self) -> torch.autocast:
        """bfloat16 products of the layers, on CUDA only; losses and weights stay in float32."""
        wanted = self._device.type == "cuda" and self._training.precision == "auto"
        return torch.autocast("cuda", dtype=torch.bfloat16, enabled=wanted)

    def loss(self, batch: Batch, generator: torch.Generator) -> LossParts:
        """Return the loss of a batch and its parts, with latent points drawn from `generator`."""
        training, d = self._training, self.network.n_latent
        with self._mixed():
            heads = self.network.heads(batch.inputs)
        mu, log_var = heads[0].float(), heads[1].float()
        # Drawn on the CPU on every device, so that the numbers do not depend on it.
        noise = torch.randn(mu.shape, generator=generator).to(self._device)
        latent = mu + torch.exp(0.5 * log_var) * noise
        with self._mixed():
            made = self.network.decode(latent)
        mse = batch.errors(made).mean()
        kld = kl_divergence(mu, log_var)
        draws = torch.randn(training.mmd_samples, d, generator=generator).to(self._device)
        gap = mmd(latent, draws)
        total = self._scale * mse + (1.0 - training.alpha) * kld + (training.alpha + training.lam - 1.0) * gap
        return LossParts(total, mse, kld, gap)

    @torch.no_grad()
    def validate(self) -> float:
        """Return the validation loss: of the kept share of spectra, by the deterministic reconstruction."""
        if self._training.monitor == "loss":
            generator = torch.Generator().manual_seed(self._seed)  # the same draws at each look
            losses = [(len(p), float(self.loss(self._source.take(p), generator).total)) for p in
                      torch.split(self._valid, _LOOK)]
            return sum(n * value for n, value in losses) / len(self._valid)
        errors = self.errors(self._valid).sort().values
        kept = max(1, round(len(errors) * (1.0 - self._training.trim)))
        return self._scale * float(errors[:kept].mean())

    @torch.no_grad()
    def errors(self, picks: Tensor) -> Tensor:
        """Return the mean (weighted) squared residual of spectra, reconstructed deterministically; on the CPU."""
        made = []
        for part in torch.split(picks, _LOOK):
            batch = self._source.take(part)
            made.append(batch.errors(self.network(batch.inputs)).cpu())
        return torch.cat(made)

    def _look(self, means: Any, unit: int) -> None:
        """Validate; keep the best weights, lower the rate on a plateau, stop when patience ends."""
        state, training = self.state, self._training
        value = self.validate()
        total, mse, kld, gap = (float(v) for v in means)
        state.history.append({"step": state.step, "epoch": state.epoch, "loss": total, "mse": mse, "kld": kld,
                              "mmd": gap, "val": value, "rate": state.rate})
        if value < state.best * (1.0 - _BETTER):
            state.best, state.best_step, state.dropped = value, state.step, state.step
            self.best = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            return
        if state.step - state.dropped >= training.plateau * unit:
            state.rate, state.dropped = state.rate * training.factor, state.step
            for group in self._optimiser.param_groups:
                group["lr"] = state.rate
        if state.step - state.best_step >= training.patience * unit or not math.isfinite(value):
            state.finished = True

    # -- stopping and going on -------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything needed to go on later: tensors, and plain values."""
        tensors = {f"now.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for index, slots in self._optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in slots.items()}
        tensors |= {"generator": self.generator.get_state(), "queue": self._queue}
        return {name: value.clone() for name, value in tensors.items()}, dict(vars(self.state))

    def restore(self, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
        """Go on from a :meth:`snapshot`."""
        def under(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        self.network.load_state_dict(under("now."))
        self.best = {name: value.to(self._device) for name, value in under("best.").items()}
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in under("adam.").items():
            index, _, slot = name.partition(".")
            slots.setdefault(int(index), {})[slot] = value
        self.state = State(**values)
        groups = self._optimiser.state_dict()["param_groups"]
        for group in groups:
            group["lr"] = self.state.rate
        self._optimiser.load_state_dict({"state": slots, "param_groups": groups})
        self.generator.set_state(tensors["generator"])
        self._queue = tensors["queue"]
