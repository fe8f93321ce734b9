"""Fits in a group of processes: run by ``test_distributed.py`` as ``python joint.py FOLDER CASE …``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from specanom import DataError, SpectrumSet
from specanom.models import Training, TransformerEncoder, VAEModel, launched
from specanom.models.training import Trainer

sys.path.insert(0, str(Path(__file__).parent))
from conftest import SIGMA, make_flux

STEPS = 120


def the_sample(n: int = 300) -> SpectrumSet:
    """Return spectra with noise, some of it unknown."""
    flux = make_flux(n)
    ivar = np.full(flux.shape, 1 / SIGMA**2, dtype=np.float32)
    ivar[::7, 20:30] = 0
    ivar[::3] *= 0.5
    table = pd.DataFrame({"id": [f"galaxy {i}" for i in range(n)]})
    return SpectrumSet(np.linspace(4000, 5000, flux.shape[1]), flux, ivar, table)


def vae(**settings: object) -> VAEModel:
    """Return a small model that is trained for :data:`STEPS` steps."""
    training = Training(check_every=10, patience=10**6, **settings)  # type: ignore[arg-type]
    return VAEModel(4, hidden=(32, 16, 16), max_steps=STEPS, folds=1, training=training, device="cpu", seed=3)


CASES = {
    "weighted": lambda: vae(batch_size=32),
    "odd batches": lambda: vae(batch_size=31),
    "a last batch of one": lambda: vae(batch_size=127, validation=0.15),
    "unweighted": lambda: vae(weight="none", batch_size=33),
    "pixels": lambda: vae(basis=None, start="glorot", alpha=0.3, batch_size=29, max_gradient=1.0),
    "watched by the loss": lambda: vae(monitor="loss", clip=0.05, batch_size=30),
    "transformer": lambda: TransformerEncoder(
        20, layers=1, width=8, heads=2, max_steps=30, device="cpu", seed=2,
        training=Training(batch_size=25, validation=0.1, start="glorot", basis=None, schedule="cosine", warmup=0.1,
                          weight_decay=0.05, max_gradient=1.0, check_every=5)),
}


def weights_of(model: VAEModel | TransformerEncoder) -> torch.Tensor:
    """Return all numbers that were learnt."""
    network = model._ready.reference if isinstance(model, VAEModel) else model._ready
    return torch.cat([value.reshape(-1) for value in network.state_dict().values()])


def main(folder: Path, cases: list[str]) -> None:
    """Fit, and let each process write what it has."""
    torch.set_num_threads(1)
    with launched(timeout=60, meeting=Path(folder) / "meeting") as group:
        for number, case in enumerate(cases):
            if case == "killed":
                killed(group.rank)
            elif case == "other settings":
                (folder / f"{case}.{group.rank}").write_text(refused(group.rank))
            else:
                more = {"scratch": folder / "scratch"} if case == "weighted" else {}
                model = CASES[case]().fit(the_sample(), checkpoint=folder / f"kept {number}", **more)
                np.save(folder / f"{case}.{group.rank}.npy", weights_of(model).numpy())
                model.history.to_parquet(folder / f"{case}.{group.rank}.parquet")


def refused(rank: int) -> str:
    """Return what a fit says of which each process has other settings."""
    try:
        vae(batch_size=32 - rank).fit(the_sample())
    except DataError as exc:
        return str(exc)
    return ""


def killed(rank: int) -> None:
    """Begin a fit in which the second process is killed."""
    losses = Trainer._losses

    def die(self: Trainer, picks: torch.Tensor) -> torch.Tensor:
        if self.state.step == 20 and rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return losses(self, picks)

    Trainer._losses = die  # type: ignore[method-assign]
    model = vae(batch_size=32)
    model.max_steps = 10**6
    model.fit(the_sample())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
