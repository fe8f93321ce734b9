"""The loop that trains any network: a schedule, looks at validation spectra, the best weights kept, ways to go on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ArgumentError, message
from .distributed import Group
from .settings import Training

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


class Loop(ABC):
    """Trains one network; a leaf class brings its first weights, its loss and what is validated.

    Parameters
    ----------
    network : nn.Module
        On its device; its weights are set here.
    train, valid : (m,) int arrays
        Positions of the spectra to train on and to validate with.
    training : Training
        The settings.
    limits : Limits
        Steps and epochs at most.
    seed : int
        Everything random comes from it.

    Raises
    ------
    ArgumentError
        When the schedule needs to know the end of training and there is none.
    """

    parts: ClassVar[tuple[str, ...]]
    """What :meth:`_losses` returns, as columns of the history; the first is differentiated."""

    network: Any

    def __init__(
        self, network: nn.Module, train: np.ndarray, valid: np.ndarray, *, training: Training, limits: Limits,
        seed: int,
    ) -> None:
        self.network = network
        self._training, self._limits, self._seed = training, limits, seed
        self._train, self._valid = torch.from_numpy(np.asarray(train)), torch.from_numpy(np.asarray(valid))
        self.generator = torch.Generator().manual_seed(seed)
        self._device = next(network.parameters()).device
        self._batch = min(training.batch_for(len(train)), len(train))
        if training.schedule == "cosine" and self.most_steps is None:
            raise ArgumentError(message("max_steps", expected="a number of steps or epochs for a cosine schedule",
                                        got="no limit"))
        self._group = Group.current()
        self._first_weights()
        self._objective = self._group.averaging(_Objective(self.network, self._losses))
        self._optimiser = _optimiser(network, training, fused=self._device.type in ("cpu", "cuda"))
        self.state = State(rate=training.learning_rate)
        self.best = {name: value.detach().clone() for name, value in network.state_dict().items()}
        self._queue = torch.empty(0, dtype=torch.int64)

    # -- what a leaf class brings ----------------------------------------------------------------------------------

    @abstractmethod
    def _first_weights(self) -> None:
        """Set the weights of the network, from the generator."""

    @abstractmethod
    def _losses(self, picks: Tensor) -> Tensor:
        """Return the loss of some training spectra and its parts, ``(k,)``: this process's share of each."""

    @abstractmethod
    def validate(self) -> float:
        """Return the validation loss."""

    # -- the loop --------------------------------------------------------------------------------------------------

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

    def run(self, on_check: Callable[[Self], None]) -> Any:
        """Train to the end and return the network with its best weights.

        Parameters
        ----------
        on_check : callable
            Called after each look at the validation data, for progress bars and checkpoints.
        """
        counting_epochs = self._training.count_in == "epochs"
        every = self.steps_per_epoch if counting_epochs else self._training.check_every
        last = self.most_steps
        sums: list[list[float]] = []
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

    def _step(self) -> list[float]:
        if self._training.schedule == "cosine":
            assert self.most_steps is not None
            self._set_rate(self._training.rate_at(self.state.step, self.most_steps))
        losses = self._objective(self._next_picks())
        self._optimiser.zero_grad(set_to_none=True)
        (self._group.world * losses[0]).backward()  # the shares add up, and gradients are averaged
        if self._training.max_gradient is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self._training.max_gradient)
        self._optimiser.step()
        self.state.step += 1
        found: list[float] = losses.detach().cpu().tolist()
        return found

    def _mixed(self) -> torch.autocast:
        """bfloat16 products of the layers, on CUDA only; losses and weights stay in float32."""
        wanted = self._device.type == "cuda" and self._training.precision == "auto"
        return torch.autocast("cuda", dtype=torch.bfloat16, enabled=wanted)

    def _set_rate(self, rate: float) -> None:
        self.state.rate = rate
        for group in self._optimiser.param_groups:
            group["lr"] = rate

    def _look(self, means: Any, unit: int) -> None:
        """Validate; keep the best weights; on a plateau lower the rate, and stop when patience ends."""
        state, training = self.state, self._training
        value = self._group.number_from_first(self.validate)
        losses = dict(zip(self.parts, (float(v) for v in self._group.summed(means)), strict=True))
        state.history.append({"step": state.step, "epoch": state.epoch, **losses, "val": value, "rate": state.rate})
        if value < state.best * (1.0 - _BETTER):
            state.best, state.best_step, state.dropped = value, state.step, state.step
            self.best = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
            return
        state.finished |= not math.isfinite(value)
        if training.schedule == "cosine":  # it has its own end
            return
        if state.step - state.dropped >= training.plateau * unit:
            state.dropped = state.step
            self._set_rate(state.rate * training.factor)
        state.finished |= state.step - state.best_step >= training.patience * unit

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


class _Objective(nn.Module):
    """A loss as the forward pass of a module, which is what gradients can be averaged of."""

    def __init__(self, network: nn.Module, losses: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self._losses = network, losses

    def forward(self, picks: Tensor) -> Tensor:
        """Return the losses of some training spectra."""
        return self._losses(picks)


def _optimiser(network: nn.Module, training: Training, *, fused: bool) -> torch.optim.Optimizer:
    """Return Adam, or AdamW when weights are to decay: matrices only, neither biases nor norms nor positions."""
    if training.weight_decay == 0:
        return torch.optim.Adam(network.parameters(), lr=training.learning_rate, fused=fused)
    decaying = {id(layer.weight) for layer in network.modules() if isinstance(layer, nn.Linear)}
    groups = [{"params": [p for p in network.parameters() if (id(p) in decaying) is decays],
               "weight_decay": training.weight_decay if decays else 0.0} for decays in (True, False)]
    return torch.optim.AdamW(groups, lr=training.learning_rate, fused=fused)
