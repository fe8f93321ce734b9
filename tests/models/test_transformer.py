"""The masked transformer: its loss falls, what is unknown counts for nothing, and it comes back from disk."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import specanom as sa
from specanom import ArgumentError, DataError, GridError, NotFittedError, ShapeError, SpectrumSet
from specanom.models import Training, TransformerEncoder, load
from specanom.models.inputs import Rows, read_rows
from specanom.models.loop import Limits
from specanom.models.masked import MaskedSource, MaskedTrainer
from specanom.models.patches import Blocks, Patches
from specanom.models.transformer_network import MaskedTransformer

CPU = torch.device("cpu")


FAST = replace(Training.masked(32), learning_rate=3e-3)


def tiny(steps: int = 600, **options: object) -> TransformerEncoder:
    given = {"patch": 20, "layers": 2, "width": 32, "heads": 2, "device": "cpu", "training": FAST}
    return TransformerEncoder(max_steps=steps, **{**given, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted(sample: SpectrumSet) -> TransformerEncoder:
    """No test may change it."""
    return tiny().fit(sample)


def test_the_loss_falls_well_below_that_of_the_mean_spectrum(fitted: TransformerEncoder) -> None:
    history = fitted.history
    assert list(history.columns) == ["fold", "round", "step", "epoch", "loss", "val", "rate", "best"]
    assert history.loss.iloc[-1] < 0.85 * history.loss.iloc[0]
    assert history.val.iloc[-1] < 0.6, "1 is the mean spectrum"


def test_the_rate_rises_and_falls_along_half_a_cosine() -> None:
    training = Training(schedule="cosine", warmup=0.1, learning_rate=2.0)
    rates = [training.rate_at(step, 1000) for step in range(1000)]
    assert rates[:99] == pytest.approx([2.0 * (i + 1) / 100 for i in range(99)])
    assert max(rates) == rates[99] == pytest.approx(2.0)
    assert rates[549] == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.0)
    assert np.all(np.diff(rates[100:]) < 0)


def test_a_cosine_without_an_end_is_refused(sample: SpectrumSet) -> None:
    with pytest.raises(ArgumentError, match="max_steps"):
        TransformerEncoder(20, layers=1, width=8, heads=1, max_steps=None).fit(sample)


def test_the_published_sizes_have_43_million_numbers() -> None:
    paper = TransformerEncoder(preset="paper")
    assert (paper.patch, paper.stride, paper.layers, paper.width, paper.heads) == (15, 5, 6, 768, 6)
    assert (paper.masked, paper.max_steps, paper.training.batch_size) == (0.25, 500_000, 32)
    d, tokens = 768, math.ceil((3688 - 15) / 5) + 1
    block = 12 * d * d + 13 * d
    assert paper.n_parameters(3688) == 6 * block + tokens * d + (15 * d + d) + (15 * d + 15) + d + 2 * d
    assert round(paper.n_parameters(3688) / 1e6, 1) == 43.1
    assert TransformerEncoder(15, preset="paper", layers=2).layers == 2, "what is given stays"


def test_vectors_and_reconstructions_have_their_shapes(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    assert fitted.encode(sample).shape == (300, 32)
    assert fitted.encode(sample[4]).shape == (1, 32)
    made = fitted.reconstruct(sample)
    assert made.shape == sample.flux.shape
    assert np.isfinite(made).all()
    scatter = np.mean((sample.flux - sample.flux.mean(axis=0)) ** 2)
    assert np.mean((sample.flux - made) ** 2) < 0.9 * scatter


def test_bits_do_not_depend_on_the_company_of_a_row(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    whole = fitted.encode(sample)
    assert np.array_equal(whole[:3], fitted.encode(sample[:3]))
    assert np.array_equal(whole[::-1], fitted.encode(sample[np.arange(300)[::-1]]))


def test_the_same_seed_gives_the_same_weights_in_any_order(sample: SpectrumSet) -> None:
    before = torch.random.get_rng_state()
    one, again = (tiny(10).fit(part) for part in (sample, sample[np.arange(300)[::-1]]))
    assert one.fingerprint == again.fingerprint
    assert one.history.equals(again.history)
    assert tiny(10, seed=1).fit(sample).fingerprint != one.fingerprint
    assert torch.equal(torch.random.get_rng_state(), before), "torch's own generator is not touched"


def test_it_is_the_same_after_saving(fitted: TransformerEncoder, sample: SpectrumSet, tmp_path: Path) -> None:
    folder = fitted.save(tmp_path / "t")
    for again in (TransformerEncoder.load(folder, device="cpu"), load(folder, device="cpu")):
        assert isinstance(again, TransformerEncoder)
        assert again.fingerprint == fitted.fingerprint
        assert np.array_equal(again.encode(sample), fitted.encode(sample))
        assert np.array_equal(again.reconstruct(sample[:5]), fitted.reconstruct(sample[:5]))
        assert again.settings() == fitted.settings()
        assert again.history.equals(fitted.history)
    assert sorted(p.name for p in folder.iterdir()) == ["arrays.safetensors", "card.json", "history.parquet",
                                                        "weights.safetensors"]
    with pytest.raises(DataError, match="saved TransformerEncoder"):
        TransformerEncoder.load(sa.PCAModel(3, folds=1).fit(sample).save(tmp_path / "p"))


def test_a_killed_fit_goes_on_to_the_same_weights(sample: SpectrumSet, tmp_path: Path,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specanom.models.running._CHECKPOINT_EVERY", 5)
    settings = {"training": replace(FAST, check_every=5)}
    whole = tiny(20, **settings).fit(sample)
    look = MaskedTrainer.validate

    def die(self: MaskedTrainer) -> float:
        if self.state.step == 15:
            raise KeyboardInterrupt
        return look(self)

    with monkeypatch.context() as killed:
        killed.setattr(MaskedTrainer, "validate", die)
        with pytest.raises(KeyboardInterrupt):
            tiny(20, **settings).fit(sample, checkpoint=tmp_path)
    resumed = tiny(20, **settings).fit(sample, checkpoint=tmp_path)
    assert resumed.fingerprint == whole.fingerprint
    assert resumed.history.equals(whole.history)


# -- pixels nobody knows -------------------------------------------------------------------------------------------


def test_unknown_pixels_change_nothing_whatever_they_hold(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    ivar = np.ones((6, 200), dtype=np.float32)
    ivar[:, 40:75] = 0
    flux = sample.flux[:6].copy()
    one = fitted.encode(flux, ivar)
    flux[:, 40:75] = 1e6
    assert np.array_equal(fitted.encode(flux, ivar), one)
    flux[:, 40:75] = np.nan
    assert np.array_equal(fitted.encode(flux), one), "NaN says the same as no inverse variance"
    assert not np.array_equal(fitted.encode(sample.flux[:6]), one)


def test_a_spectrum_that_nobody_knows_has_no_vector_and_spoils_no_other(
    fitted: TransformerEncoder, sample: SpectrumSet
) -> None:
    flux = sample.flux[:4].copy()
    flux[2] = np.nan
    made = fitted.encode(flux)
    assert np.isnan(made[2]).all()
    assert np.array_equal(made[[0, 1, 3]], fitted.encode(sample.flux[[0, 1, 3]]))
    flux[1, 30:90] = np.nan
    predicted = fitted.reconstruct(flux)
    assert np.isnan(predicted[2]).all()
    assert np.isfinite(predicted[[0, 1, 3]]).all(), "gaps are filled"


def test_gaps_and_dead_rows_do_not_stop_training(sample: SpectrumSet) -> None:
    flux = sample.flux.copy()
    flux[3], flux[:, 100:104], flux[8, 5] = np.nan, np.nan, np.inf
    model = tiny(10).fit(flux)
    assert np.isfinite(model.history.val).all()
    assert np.isfinite(model.encode(sample.flux)).all()


def test_a_prediction_has_not_seen_what_it_predicts(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    network = fitted._ready
    flux = torch.from_numpy(sample.flux[:3].copy())
    hidden = Blocks(network.patches, 0.25, 20).draw(3, torch.Generator().manual_seed(2))
    changed = torch.where(hidden, flux + 100.0, flux)
    assert torch.equal(fitted._predict(flux, hidden), fitted._predict(changed, hidden))
    assert not torch.equal(fitted._predict(flux + 0.1 * ~hidden, hidden), fitted._predict(flux, hidden))


def test_inpainting_fills_hidden_pixels_only(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    made = fitted.inpaint(sample[:5], seed=3)
    assert np.array_equal(np.isfinite(made.made), made.hidden)
    assert made.error.shape == (5,)
    residual = (made.flux - made.made)[0]
    assert made.error[0] == pytest.approx(math.sqrt(np.nanmean(residual**2)))
    assert "5 spectra" in repr(made)
    assert not np.array_equal(made.hidden, fitted.inpaint(sample[:5], seed=4).hidden)


# -- the loss ------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_weighted_residual_in_hidden_pixels(sample: SpectrumSet) -> None:
    rows = read_rows("sample", sample)
    assert rows.ivar is not None
    noisy = Rows(rows.flux, rows.ivar * np.linspace(0.5, 2, 200, dtype=np.float32), rows.ids, rows.wave)
    trainer = trainer_of(noisy)
    errors = trainer.errors(torch.arange(7, 12), torch.Generator().manual_seed(4)).detach().numpy()

    hidden = trainer._blocks.draw(5, torch.Generator().manual_seed(4))
    network, source = trainer.network, trainer._source
    flux = np.where(noisy.ivar[7:12] > 0, rows.flux[7:12], np.nan)
    standard = (flux - source.mean.numpy()) / source.scale
    made = network(torch.from_numpy(standard), hidden).detach().numpy()
    variance = np.median(1 / noisy.ivar[noisy.ivar > 0])
    def weigh(ivar: np.ndarray) -> np.ndarray:
        return np.where(ivar > 0, 1 / (1 / np.maximum(ivar, 1e-9) / variance + 0.1), 0)
    weight = weigh(noisy.ivar[7:12]) / weigh(noisy.ivar).mean() * hidden.numpy()
    expected = (weight * np.nan_to_num(made - standard) ** 2).sum(axis=1) / hidden.numpy().sum(axis=1)
    assert errors == pytest.approx(expected, rel=1e-4)


def test_predicting_the_mean_spectrum_has_a_loss_of_one(sample: SpectrumSet) -> None:
    trainer = trainer_of(read_rows("sample", sample))
    trainer.network.head.weight.data.zero_()
    generator = torch.Generator().manual_seed(0)
    losses = [float(trainer.errors(torch.arange(300), generator).detach().mean()) for _ in range(4)]
    assert np.mean(losses) == pytest.approx(1.0, rel=0.05)


def trainer_of(rows: Rows) -> MaskedTrainer:
    training = Training.masked(32)
    network = MaskedTransformer(Patches(200, 20, 10), width=16, layers=1, heads=2).to_empty(device="cpu")
    source = MaskedSource(rows, np.arange(len(rows)), training=training, device=CPU)
    return MaskedTrainer(source, np.arange(240), np.arange(240, 300), network=network,
                         blocks=Blocks(network.patches, 0.25, 20), training=training, limits=Limits(10), seed=0)


# -- wrong calls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "name"), [
    ({"patch": 0}, "patch"), ({"stride": 33}, "stride"), ({"masked": 1.0}, "masked"), ({"heads": 3}, "heads"),
    ({"block": 5}, "block"), ({"layers": 1.5}, "layers"), ({"max_steps": 0}, "max_steps"),
    ({"training": "fast"}, "training"), ({"preset": "papers"}, "preset"),
])
def test_wrong_settings_raise_at_once(wrong: dict[str, object], name: str) -> None:
    with pytest.raises(ArgumentError, match=name):
        TransformerEncoder(**wrong)  # type: ignore[arg-type]


def test_wrong_data_raise(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    with pytest.raises(NotFittedError):
        tiny().encode(sample)
    with pytest.raises(ShapeError, match="two blocks"):
        tiny().fit(sample.flux[:, :30])
    with pytest.raises(DataError, match="at least 8 spectra"):
        tiny().fit(sample[:5])
    with pytest.raises(ShapeError, match="200 pixels"):
        fitted.encode(sample.flux[:, :150])
    with pytest.raises(ShapeError, match="ivar"):
        fitted.encode(sample.flux, sample.flux[:, :3])
    with pytest.raises(GridError):
        fitted.encode(SpectrumSet(np.linspace(5000, 6000, 200), sample.flux))


def test_scores_take_it_as_a_model(fitted: TransformerEncoder, sample: SpectrumSet) -> None:
    residual = sa.Scorer(fitted, "chi2_ivar")(sample)
    latent = sa.scores.LatentScorer(fitted, "knn").fit(sample)(sample)
    assert np.isfinite(residual).all()
    assert np.isfinite(latent).all()
