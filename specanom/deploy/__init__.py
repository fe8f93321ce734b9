"""Scripts for clusters: what Slurm and Kubernetes are told so that a run works there."""

from __future__ import annotations

from .call import Call
from .kubernetes import Kubernetes
from .scripts import Scripts
from .sizes import Sizes
from .slurm import Slurm

__all__ = ["Call", "Kubernetes", "Scripts", "Sizes", "Slurm"]


def __dir__() -> list[str]:
    return sorted(__all__)
