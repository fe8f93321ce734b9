"""Training: the loss it follows, when it stops, what it keeps, and going on after a kill."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from specanom import ArgumentError, DataError, SpectrumSet
from specanom.models import Training, VAEModel
from specanom.models.checkpoint import Checkpoint
from specanom.models.inputs import Rows, read_rows
from specanom.models.loop import Limits
from specanom.models.losses import kl_divergence, mmd
from specanom.models.network import Network
from specanom.models.source import Batches
from specanom.models.training import Trainer

CPU = torch.device("cpu")


def trainer_of(rows: Rows, training: Training, limits: Limits | None = None, seed: int = 0) -> Trainer:
    source = Batches(rows, np.arange(len(rows)), training=training, n_latent=4, device=CPU)
    network = Network(source.width, 4, (32, 16, 16))
    cut = int(0.8 * len(rows))
    return Trainer(source, np.arange(cut), np.arange(cut, len(rows)), network=network, training=training,
                   limits=limits or Limits(100), seed=seed)


@pytest.fixture
def rows(sample: SpectrumSet) -> Rows:
    return read_rows("sample", sample)


@pytest.mark.parametrize("basis", [None, 20])
@pytest.mark.parametrize("weight", ["none", "ivar"])
def test_the_loss_is_the_published_sum_in_full_pixels(rows: Rows, basis: int | None, weight: str) -> None:
    training = Training(alpha=0.3, lam=5.0, mse_scale=777.0, basis=basis, weight=weight)
    trainer = trainer_of(rows, training)
    source, picks = trainer._source, torch.arange(10, 30)
    parts = trainer.loss(source.take(picks), torch.Generator().manual_seed(5))

    generator = torch.Generator().manual_seed(5)
    mean = rows.flux.mean(0, dtype=np.float64).astype(np.float32)
    axes = source.components.axes[:20].astype(np.float32)
    centred = rows.flux[10:30] - mean
    mu, log_var = trainer.network.heads(torch.from_numpy(centred if basis is None else centred @ axes.T))
    latent = mu + torch.exp(0.5 * log_var) * torch.randn(mu.shape, generator=generator)
    made = trainer.network.decode(latent).detach().numpy()
    made = made if basis is None else made @ axes
    weights = np.ones_like(centred)
    if weight == "ivar":
        assert rows.ivar is not None
        variance = np.median(1 / rows.ivar[rows.ivar > 0])
        def weigh(ivar: np.ndarray) -> np.ndarray:
            return np.where(ivar > 0, 1 / (1 / np.maximum(ivar, 1e-9) / variance + 0.1), 0)
        weights = weigh(rows.ivar[10:30]) / weigh(rows.ivar).mean()
    mse = np.mean(weights * (made - centred) ** 2)
    kld = float(kl_divergence(mu, log_var).detach())
    gap = float(mmd(latent.detach(), torch.randn(200, 4, generator=generator)))
    assert float(parts.mse.detach()) == pytest.approx(mse, rel=2e-4)
    assert float(parts.total.detach()) == pytest.approx(777 * mse + 0.7 * kld + 4.3 * gap, rel=2e-4)


def test_finishing_keeps_the_reconstruction(rows: Rows) -> None:
    for training in (Training(basis=20), Training(basis=None), Training(basis=None, centre=False)):
        trainer = trainer_of(rows, training)
        inside = trainer.errors(torch.arange(50)).numpy()
        network = trainer._source.finish(trainer.network)
        made = network(torch.tensor(rows.flux[:50])).detach().numpy()
        weight = trainer._source._weights(np.arange(50))
        assert np.allclose(inside, (weight * (rows.flux[:50] - made) ** 2).mean(1), rtol=1e-3)


class Scripted(Trainer):
    """A trainer whose validation losses are given."""

    script: list[float]

    def validate(self) -> float:
        return self.script[min(len(self.state.history), len(self.script) - 1)]


def scripted(rows: Rows, script: list[float], **settings: int) -> Scripted:
    base = trainer_of(rows, replace(Training(check_every=1, plateau=2, patience=4), **settings), Limits(50))
    made = Scripted(base._source, base._train.numpy(), base._valid.numpy(), network=base.network,
                    training=base._training, limits=base._limits, seed=0)
    made.script = script
    return made


def test_early_stopping_keeps_the_best_weights(rows: Rows) -> None:
    trainer = scripted(rows, [9, 8, 3, 5, 6, 7, 8, 9])
    seen: dict[int, torch.Tensor] = {}

    def watch(running: Trainer) -> None:
        seen[running.state.step] = running.network.output.weight.detach().clone()

    network = trainer.run(watch)
    assert trainer.state.step == 3 + 4, "patience after the best step"
    assert trainer.state.best_step == 3
    assert torch.equal(network.output.weight, seen[3])
    assert not torch.equal(network.output.weight, seen[7])


def test_the_rate_falls_on_a_plateau(rows: Rows) -> None:
    trainer = scripted(rows, [9, 8, 8, 8, 7, 7, 7, 7, 7])
    trainer.run(lambda _: None)
    rates = [row["rate"] for row in trainer.state.history]
    assert rates == pytest.approx([1e-3] * 3 + [1e-3] + [1e-4] * 3 + [1e-5] * 2)


def test_a_loss_that_is_not_finite_ends_training_with_the_best_weights(rows: Rows) -> None:
    trainer = scripted(rows, [9, 8, math.nan, 1])
    network = trainer.run(lambda _: None)
    assert trainer.state.step == 3
    assert trainer.state.best == 8
    assert torch.isfinite(network.output.weight).all()


def test_epochs_can_be_counted(rows: Rows) -> None:
    trainer = scripted(rows, [9, 9, 9, 9, 9, 9], batch_size=100)
    assert trainer.steps_per_epoch == 3
    epochs = scripted(rows, [9] * 9, batch_size=100)
    epochs._training = replace(epochs._training, count_in="epochs", patience=2)
    epochs.run(lambda _: None)
    assert epochs.state.step == 3 * (1 + 2), "one look an epoch; patience of two epochs"


def test_the_worst_validation_spectra_do_not_count(rows: Rows) -> None:
    odd = rows.flux.copy()
    odd[-6:] += np.random.default_rng(0).normal(size=(6, 200))
    plain, trimmed = (trainer_of(Rows(odd), Training(trim=t)) for t in (0.0, 0.1))
    errors = np.sort(plain.errors(plain._valid).numpy())
    assert plain.validate() == pytest.approx(200 * errors.mean(), rel=1e-5)
    assert trimmed.validate() == pytest.approx(200 * errors[:54].mean(), rel=1e-5)
    assert trimmed.validate() < 0.5 * plain.validate()


@pytest.mark.parametrize(("n", "batch"), [(100, 16), (1500, 64), (7000, 128), (180_000, 512), (10**7, 1024)])
def test_the_batch_grows_with_the_sample(n: int, batch: int) -> None:
    assert Training().batch_for(n) == batch
    assert Training.paper().batch_for(n) == 256


@pytest.mark.parametrize("wrong", [
    {"weight": "snr"}, {"start": "warm"}, {"learning_rate": 0}, {"patience": 0}, {"batch_size": 1.5}, {"trim": 1.0},
    {"validation": 0.0}, {"clip": 0.9}, {"floor": -1.0}, {"learning_rate": float("nan")}, {"count_in": "days"},
])
def test_wrong_settings_raise_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        Training(**wrong)  # type: ignore[arg-type]


# -- going on after a kill -----------------------------------------------------------------------------------------


class Killed(Exception):
    pass


def test_a_killed_fit_goes_on_to_the_same_weights(
    sample: SpectrumSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specanom.models.running._CHECKPOINT_EVERY", 20)
    settings = {"hidden": (32, 16, 16), "max_steps": 60, "folds": 2, "training": Training(check_every=10, clip=0.05)}
    whole = VAEModel(4, **settings).fit(sample)

    saves, save = [], Checkpoint.save

    def save_and_die(self: Checkpoint, name: str, tensors: object, state: object) -> None:
        save(self, name, tensors, state)  # type: ignore[arg-type]
        saves.append(name)
        if len(saves) in (2, 9):
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", save_and_die)
    resumed = VAEModel(4, **settings)
    for _ in range(2):
        with pytest.raises(Killed):
            resumed.fit(sample, checkpoint=tmp_path / "c")
    resumed.fit(sample, checkpoint=tmp_path / "c")
    assert len(saves) == 3 * 2 * 3, "nothing was trained twice"
    assert np.array_equal(whole.reconstruct(sample), resumed.reconstruct(sample))
    assert whole.history.equals(resumed.history)


def test_a_checkpoint_of_another_fit_is_refused(sample: SpectrumSet, tmp_path: Path) -> None:
    settings = {"hidden": (16,), "max_steps": 5, "folds": 1}
    VAEModel(4, **settings).fit(sample, checkpoint=tmp_path)
    for model, data in ((VAEModel(4, seed=1, **settings), sample), (VAEModel(4, **settings), sample[:200])):
        with pytest.raises(DataError, match="another folder"):
            model.fit(data, checkpoint=tmp_path)


def test_a_checkpoint_holds_no_pickle(sample: SpectrumSet, tmp_path: Path) -> None:
    VAEModel(4, hidden=(16,), max_steps=5, folds=1).fit(sample, checkpoint=tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["fit.json", "reference-1.safetensors"]


def test_a_log_has_whole_lines_of_a_fit(flux: np.ndarray, capfd: pytest.CaptureFixture[str]) -> None:
    VAEModel(3, hidden=(16,), max_steps=60, folds=1, device="cpu").fit(flux, progress=True)
    told = capfd.readouterr().err
    assert "\r" not in told
    assert told.count("\n") == 1, told
    assert "60 of 60 steps" in told
    assert "val=" in told
    assert "to go" not in told
