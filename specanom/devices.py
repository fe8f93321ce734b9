"""Which device of this machine torch computes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ArgumentError, choice, message

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> torch.device:
    """Return the device called `name`; ``"auto"``: CUDA, then MPS, then the CPU.

    Raises
    ------
    ArgumentError
        When that device is not on this machine.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind = choice("device", name.partition(":")[0], ("auto", "cpu", "cuda", "mps"))
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[kind]:
        raise ArgumentError(message("device", expected="a device of this machine", got=repr(name), hint='"auto"'))
    return torch.device(name)
