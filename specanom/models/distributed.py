"""One fit in several processes, each with a part of every batch: torch's DistributedDataParallel.

Every process holds the same sample, draws the same random numbers for the joint batch and takes its own rows of it.
The gradients are those of the joint batch, so that the weights are those of one process but for rounding, however
many there are.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import DataError, SpecanomError, message

PATIENCE = 1800.0
"""Seconds that a process waits for the others: the first one may be copying or projecting the sample."""
_TELLING = ("gloo", "nccl", "connection closed", "connection reset", "timed out", "timeout", "broken pipe")


class ProcessLost(SpecanomError, RuntimeError):
    """Another process of a joint fit has ended, or does not answer."""


@dataclass(frozen=True)
class Group:
    """The processes of a fit; one alone by default.

    Attributes
    ----------
    rank : int
        Of this process.
    world : int
        How many there are.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def current(cls) -> Group:
        """Return torch's process group, or this process alone when there is none."""
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def first(self) -> bool:
        """Whether this process is the one that validates, saves and shows."""
        return self.rank == 0

    # -- parts of a batch ------------------------------------------------------------------------------------------

    def share(self, rows: Tensor) -> Tensor:
        """Return this process's part of the rows of a joint batch; parts differ by one row at most."""
        return rows if self.world == 1 else torch.tensor_split(rows, self.world)[self.rank]

    def mean(self, values: Tensor, count: int) -> Tensor:
        """Return this process's part of a mean over `count` joint values: the parts add up to it."""
        return values.mean() if self.world == 1 else values.sum() / count

    def gathered(self, own: Tensor, count: int) -> Tensor:
        """Return all `count` rows of a joint batch of which this process has `own`, differentiable by these."""
        joint: Tensor = own if self.world == 1 else _Gathered.apply(own, count, self)  # type: ignore[no-untyped-call]
        return joint

    def averaging(self, module: nn.Module) -> nn.Module:
        """Return `module` with the first process's weights, whose gradients are averaged over the processes."""
        if self.world == 1:
            return module
        wrapper: Any = nn.parallel.DistributedDataParallel
        name = "forward_sync_buffers"  # called broadcast_buffers before torch 2.13; buffers never change here
        name = name if name in signature(wrapper).parameters else "broadcast_buffers"
        averaged: nn.Module = wrapper(module, **{name: False})
        return averaged

    # -- what all of them know -------------------------------------------------------------------------------------

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum over processes."""
        if self.world == 1:
            return values
        tensor = torch.from_numpy(np.array(values, dtype=np.float64)).to(_wire())
        dist.all_reduce(tensor)
        return np.asarray(tensor.cpu().numpy())

    def from_first(self, make: Callable[[], bytes]) -> bytes:
        """Return what the first process makes; when it fails, all do.

        Raises
        ------
        DataError
            In the others, with the words of the error in the first.
        """
        if self.world == 1:
            return make()
        try:
            content = b"+" + make() if self.first else b""
        except Exception as exc:
            _broadcast(b"-" + str(exc).encode())
            raise
        content = _broadcast(content)
        if content[:1] == b"-":
            raise DataError(content[1:].decode())
        return content[1:]

    def on_first(self, act: Callable[[], Any]) -> Any:
        """Do something in the first process, for which the others wait; returns its result there, None elsewhere."""
        found: list[Any] = []

        def acted() -> bytes:
            found.append(act())
            return b""

        self.from_first(acted)
        return found[0] if found else None

    def like_first(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the first process's array, of which all have one of the same shape."""
        if self.world == 1:
            return array
        content = self.from_first(lambda: np.ascontiguousarray(array).tobytes())
        return np.frombuffer(content, dtype=array.dtype).reshape(array.shape).copy()

    def number_from_first(self, make: Callable[[], float]) -> float:
        """Return a number that the first process finds."""
        return make() if self.world == 1 else float.fromhex(self.from_first(lambda: make().hex().encode()).decode())

    def agree(self, argument: str, text: str) -> None:
        """Make sure that all processes have the same.

        Raises
        ------
        DataError
            In all of them when one has another.
        """
        differs = self.from_first(text.encode) != text.encode()
        if self.summed(np.array([float(differs)]))[0]:
            raise DataError(message(argument, expected="the same in each process of the group", got="different ones",
                                    hint="give all of them the same sample and settings"))

    def barrier(self) -> None:
        """Wait for the others."""
        self.summed(np.zeros(1))

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Say plainly when another process is lost.

        Raises
        ------
        ProcessLost
            Instead of what torch raises.
        """
        try:
            yield
        except RuntimeError as exc:
            told = str(exc).lower()
            if self.world == 1 or not (isinstance(exc, dist.DistError) or any(word in told for word in _TELLING)):
                raise
            raise ProcessLost(message("process group", expected=f"{self.world} processes that answer",
                                      got=f"process {self.rank} waiting for one that does not",
                                      hint="look at its own error; with checkpoint= the fit goes on where it was"
                                      )) from exc


class _Gathered(torch.autograd.Function):
    """The rows of all processes. Each computes the same of them, so a gradient is that of its rows, times how many."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, count: int, group: Group) -> Tensor:
        sizes = [len(part) for part in torch.tensor_split(torch.empty(count), group.world)]
        padded = own.new_zeros(max(sizes), *own.shape[1:])
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in sizes]
        dist.all_gather(parts, padded)
        ctx.begin, ctx.size, ctx.world = sum(sizes[: group.rank]), len(own), group.world
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient[ctx.begin : ctx.begin + ctx.size] * ctx.world, None, None


def _wire() -> torch.device:
    """Return the device that plain messages have to be on."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


def _broadcast(content: bytes) -> bytes:
    size = torch.tensor([len(content)], dtype=torch.int64, device=_wire())
    dist.broadcast(size, 0)
    tensor = torch.empty(int(size), dtype=torch.uint8, device=_wire())
    if dist.get_rank() == 0:
        tensor.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else tensor)
    dist.broadcast(tensor, 0)
    return tensor.cpu().numpy().tobytes()


@contextlib.contextmanager
def launched(*, timeout: float = PATIENCE, meeting: Path | None = None) -> Iterator[Group]:
    """Join the processes that ``torchrun`` started, for as long as the block lasts.

    Parameters
    ----------
    timeout : float
        Seconds to wait for another process before it is given up.
    meeting : Path, optional
        A file, not yet there, by which they find each other; by the address that ``torchrun`` tells when not given.

    Yields
    ------
    Group
        This process alone when it was not started by ``torchrun``.

    Examples
    --------
    >>> with launched() as group:
    ...     group
    Group(rank=0, world=1)
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1 or dist.is_initialized():
        yield Group.current()
        return
    rank = int(os.environ["RANK"])
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)) % torch.cuda.device_count())
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    # Not a file:// URL, in which "#" would cut the path short.
    store = None if meeting is None else dist.FileStore(str(meeting), world)  # type: ignore[attr-defined]
    dist.init_process_group(backend, store=store, timeout=timedelta(seconds=timeout), rank=rank, world_size=world)
    try:
        yield Group.current()
    finally:
        dist.destroy_process_group()
