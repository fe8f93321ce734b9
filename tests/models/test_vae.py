"""The VAE: cross-fitted, reproducible, bit-equal in any split, and refusing what it cannot use."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from specanom import ArgumentError, DataError, GridError, NotFittedError, ShapeError, SpectrumSet, VAEModel
from specanom.models import PCAModel, Training
from specanom.scores import LatentScorer

SMALL = {"hidden": (32, 16, 16), "max_steps": 60, "device": "cpu"}


def weights(model: VAEModel) -> np.ndarray:
    return np.concatenate([model.bind(None).network.output.weight.ravel(), model.history["val"].to_numpy()])


def test_it_learns_more_than_the_mean_spectrum(vae: VAEModel, sample: SpectrumSet) -> None:
    residual = np.square(sample.flux - vae.reconstruct(sample)).mean()
    assert residual < 0.15 * np.square(sample.flux - sample.flux.mean(0)).mean()


def test_the_same_seed_gives_the_same_weights(sample: SpectrumSet) -> None:
    first, same, other = (VAEModel(4, folds=1, seed=s, **SMALL).fit(sample) for s in (3, 3, 4))
    assert np.array_equal(weights(first), weights(same))
    assert not np.array_equal(weights(first), weights(other))


def test_the_order_of_the_sample_does_not_matter(sample: SpectrumSet) -> None:
    mixed = sample[np.random.default_rng(0).permutation(len(sample))]
    assert np.array_equal(*(weights(VAEModel(4, folds=1, **SMALL).fit(s)) for s in (sample, mixed)))


def test_a_spectrum_is_judged_by_a_network_that_never_saw_it(sample: SpectrumSet) -> None:
    # Other pixels in one spectrum may change every network but the one that judges it.
    changed = sample.flux.copy()
    changed[5] = np.linspace(5, -5, changed.shape[1])
    first, second = (VAEModel(4, folds=3, **SMALL).fit(sample.replace(flux=f)) for f in (sample.flux, changed))
    probe = sample.flux[:3]
    own = first.fold_of(["galaxy 5"])[0]
    for fold in range(3):
        id = next(i for i in sample.ids if first.fold_of([i])[0] == fold)
        assert np.array_equal(first.bind(id)(probe), second.bind(id)(probe)) == (fold == own)
    assert not np.array_equal(first.bind(None)(probe), second.bind(None)(probe)), "the reference network saw it"


def test_reconstruct_uses_the_network_that_bind_returns(vae: VAEModel, sample: SpectrumSet) -> None:
    made = vae.reconstruct(sample)
    for i in (0, 17, 203):
        assert np.array_equal(vae.bind(sample.ids[i])(sample.flux[[i]])[0], made[i])
    unknown = vae.reconstruct(sample.flux + 1)
    assert np.array_equal(unknown, vae.bind(None)(sample.flux + 1)), "new spectra go to the reference network"


def test_a_plain_array_is_recognised_by_its_pixels(vae: VAEModel, sample: SpectrumSet) -> None:
    assert np.array_equal(vae.reconstruct(sample.flux), vae.reconstruct(sample))
    assert np.array_equal(vae.reconstruct(sample.flux, ids=sample.ids), vae.reconstruct(sample))


def test_an_array_fit_still_knows_its_spectra(flux: np.ndarray) -> None:
    model = VAEModel(4, folds=3, **SMALL).fit(flux)
    assert model.bind("a name given later").fold == -1
    bound = model.bind("a name given later", flux=flux[8])
    assert bound.fold >= 0
    assert np.array_equal(bound(flux[[8]])[0], model.reconstruct(flux)[8])


def test_bits_do_not_depend_on_the_split(vae: VAEModel, sample: SpectrumSet) -> None:
    whole, code = vae.reconstruct(sample), vae.encode(sample)
    for size in (1, 7, 64, 255):
        parts = range(0, 30 if size == 1 else len(sample), size)
        made = np.concatenate([vae.reconstruct(sample[i : i + size]) for i in parts])
        assert np.array_equal(made, whole[: len(made)])
    mixed = np.random.default_rng(0).permutation(len(sample))
    assert np.array_equal(vae.reconstruct(sample[mixed]), whole[mixed])
    assert np.array_equal(vae.encode(sample[mixed]), code[mixed])
    assert np.array_equal(vae.reconstruct(sample), whole), "and it is deterministic"


def test_bits_do_not_depend_on_the_split_at_full_size() -> None:
    rng = np.random.default_rng(0)
    flux = (1 + 0.1 * rng.normal(size=(300, 3773))).astype(np.float32)
    model = VAEModel(folds=1, max_steps=2, device="cpu").fit(flux[:60])
    whole, mixed = model.reconstruct(flux), rng.permutation(300)
    assert np.array_equal(model.reconstruct(flux[mixed]), whole[mixed])
    assert np.array_equal(model.reconstruct(flux[299:]), whole[299:])


def test_decode_and_sample_come_from_the_reference(vae: VAEModel, sample: SpectrumSet) -> None:
    assert np.allclose(vae.decode(vae.encode(sample)), vae.bind(None)(sample.flux), atol=1e-6)
    drawn = vae.sample(500)
    assert np.array_equal(drawn, vae.sample(500))
    assert not np.array_equal(drawn, vae.sample(500, seed=9))
    assert np.allclose(drawn.mean(0), sample.flux.mean(0), atol=0.35)


def test_sampling_the_latent_space_is_random_by_seed_but_not_by_split(sample: SpectrumSet) -> None:
    model = VAEModel(4, folds=2, sample_latent=True, **SMALL).fit(sample)
    first = model.reconstruct(sample)
    assert np.array_equal(first, model.reconstruct(sample))
    assert np.array_equal(first[40:60], model.reconstruct(sample[40:60]))
    again = model.reconstruct(sample, seed=1)
    assert 1e-6 < np.square(first - again).mean() < 0.1
    assert model.bind(None).network is None, "no plain layers say what is drawn"


def test_the_draw_of_a_spectrum_belongs_to_its_id(sample: SpectrumSet) -> None:
    model = VAEModel(4, folds=2, sample_latent=True, **SMALL).fit(sample)
    flux, ids = np.asarray(sample.flux[:6]), sample.ids[:6]
    made = model.reconstruct(flux, ids=ids)
    assert np.array_equal(model.reconstruct(flux[::-1], ids=ids[::-1])[::-1], made)
    assert np.array_equal(model.bind(ids[2])(flux[2:3])[0], made[2])
    copies = np.repeat(flux[2:3], 40, axis=0)
    copies[:, 50] += np.linspace(0, 1e-4, 40, dtype=np.float32)
    spread = model.bind(ids[2])(copies).std(axis=0).max()
    assert spread < 1e-4, "perturbed copies share one draw, so that a score moves with the perturbation alone"
    others = model.reconstruct(np.repeat(flux[:1], 5, axis=0), ids=[f"new {i}" for i in range(5)])
    assert others.std(axis=0).max() > 1e-3


def test_the_encoding_has_a_width(vae: VAEModel, sample: SpectrumSet) -> None:
    mean, log_variance = vae.encode_distribution(sample)
    assert np.array_equal(mean, vae.encode(sample))
    assert mean.shape == log_variance.shape == (len(sample), 4)
    assert log_variance.max() < 0.5, "narrower than the prior, or nearly so, once trained"
    kl = 0.5 * (mean.astype(float)**2 + np.exp(log_variance.astype(float)) - 1 - log_variance).sum(axis=1)
    np.testing.assert_allclose(LatentScorer(vae, "kl")(sample), kl, rtol=1e-6)
    unit = 0.5 * np.square(mean, dtype=float).sum(axis=1)
    assert not np.allclose(kl, unit, rtol=0.05)
    network = vae.bind(None)._network
    _, width = network.heads(torch.from_numpy(np.array(sample.flux[:5])))
    np.testing.assert_allclose(log_variance[:5], width.numpy(), atol=1e-4)


def test_components_have_the_width_of_the_prior(sample: SpectrumSet) -> None:
    pca = PCAModel(3, folds=1).fit(sample)
    mean, log_variance = pca.encode_distribution(sample)
    assert np.array_equal(mean, pca.encode(sample))
    assert not log_variance.any()


def test_history_tells_how_each_network_was_trained(vae: VAEModel) -> None:
    history = vae.history
    assert set(history["fold"]) == {"reference", "0", "1", "2"}
    assert {"step", "loss", "mse", "kld", "mmd", "val", "rate", "best"} <= set(history)
    best = history[history["best"]].set_index("fold")["val"]
    assert np.allclose(best.sort_index(), history.groupby("fold")["val"].min().sort_index(), rtol=2e-4)


def test_the_earlier_limit_ends_training(sample: SpectrumSet) -> None:
    by_epoch = VAEModel(4, hidden=(32, 16, 16), folds=1, max_epochs=2, training=Training(batch_size=100)).fit(sample)
    assert by_epoch.history["step"].max() == 2 * 3  # 255 training spectra in batches of 100
    by_step = VAEModel(4, hidden=(32, 16, 16), folds=1, max_epochs=50, max_steps=7).fit(sample)
    assert by_step.history["step"].max() == 7


def test_clipping_leaves_the_worst_out_and_fits_again(sample: SpectrumSet) -> None:
    odd = sample.flux.copy()
    odd[:12] = np.linspace(-30, 30, odd.shape[1]) * np.sign(np.arange(12) - 5.5)[:, None]
    with_odd = sample.replace(flux=odd, ivar=None)
    settings = {"hidden": (32, 16, 16), "max_steps": 60, "folds": 1}
    plain = VAEModel(4, training=Training(), **settings).fit(with_odd)
    clipped = VAEModel(4, training=Training(clip=0.06), **settings).fit(with_odd)
    assert set(clipped.history["round"]) == {1, 2}
    def error(model: VAEModel, rows: slice) -> float:
        return float(np.square(odd[rows] - model.reconstruct(odd[rows])).mean())

    assert error(clipped, slice(12, None)) < error(plain, slice(12, None)), "better for the ordinary"
    assert error(clipped, slice(12)) > 10 * error(plain, slice(12)), "and blind to the odd"


def test_the_paper_preset_is_what_was_published(sample: SpectrumSet) -> None:
    model = VAEModel(preset="paper")
    training = model.training
    assert (model.folds, model.max_epochs, model.max_steps, model.sample_latent) == (1, 120, None, True)
    assert not VAEModel().sample_latent
    assert (training.mse_scale, training.batch_size, training.patience, training.plateau) == (3776, 256, 10, 5)
    assert (training.centre, training.basis, training.start, training.weight) == (False, None, "glorot", "none")
    assert VAEModel(preset="paper", folds=2, max_epochs=3).folds == 2, "what is given beside a preset stays"
    given = VAEModel(preset="paper", max_steps=20_000, max_epochs=None, training=Training(), sample_latent=False)
    assert (given.max_steps, given.max_epochs, given.training) == (20_000, None, Training())
    assert not given.sample_latent
    fitted = VAEModel(4, hidden=(32, 16), max_epochs=30, preset="paper").fit(sample)
    assert fitted.n_folds == 1
    assert fitted.history["epoch"].max() <= 30
    assert fitted.history["val"].iloc[-1] < 0.5 * fitted.history["val"].iloc[0]


def test_a_narrow_network_starts_from_glorot(sample: SpectrumSet) -> None:
    assert VAEModel(4, hidden=(6, 5), max_steps=5, folds=1).fit(sample).n_folds == 1
    with pytest.raises(ArgumentError, match="at least 8"):
        VAEModel(4, hidden=(6, 5), training=Training(start="pca"))


def test_imputed_pixels_have_no_weight(sample: SpectrumSet) -> None:
    assert sample.ivar is not None
    hole = np.zeros(sample.shape[1], dtype=bool)
    hole[50:70] = True
    ivar = np.where(hole, 0, sample.ivar).astype(np.float32)
    absurd = sample.flux.copy()
    absurd[::2, hole] += 3.0  # half of the spectra; a fit that counted it would have to learn it
    model = VAEModel(4, folds=1, training=Training(basis=None), **SMALL)
    errors = [np.square(f - model.fit(sample.replace(flux=f, ivar=ivar)).reconstruct(f))[:, ~hole].mean()
              for f in (sample.flux, absurd)]
    counted = VAEModel(4, folds=1, training=Training(basis=None, weight="none"), **SMALL).fit(absurd)
    hole_error = [np.square(absurd - m.reconstruct(absurd))[:, hole].mean() for m in (model, counted)]
    assert errors[1] < 2 * errors[0]
    assert hole_error[0] > 2 * hole_error[1]


def test_ivar_is_needed_when_it_is_asked_for(flux: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="without"):
        VAEModel(4, training=Training(weight="ivar"), **SMALL).fit(flux)


# -- what bad input gets -------------------------------------------------------------------------------------------


def test_an_unfitted_model_says_so(flux: np.ndarray) -> None:
    for call in (lambda m: m.reconstruct(flux), lambda m: m.encode(flux), lambda m: m.save("x"), lambda m: m.bind("a")):
        with pytest.raises(NotFittedError, match="unfitted"):
            call(VAEModel())
    assert VAEModel().wave is None


def test_another_grid_is_refused(vae: VAEModel, sample: SpectrumSet) -> None:
    with pytest.raises(GridError, match="model's grid"):
        vae.reconstruct(SpectrumSet(sample.wave + 0.5, sample.flux))
    with pytest.raises(GridError, match="Preprocessor"):
        vae.reconstruct(sample.replace(frame="observed"))
    with pytest.raises(GridError, match="normalised"):
        VAEModel().fit(sample.replace(scale="flux"))


@pytest.mark.parametrize("bad", [np.ones((3, 199)), np.ones(200), np.ones((2, 2, 200)), "text", [[1, 2], [3]]])
def test_wrong_shapes_are_refused(vae: VAEModel, bad: object) -> None:
    with pytest.raises(ShapeError, match="flux"):
        vae.reconstruct(bad)


def test_wrong_ids_are_refused(vae: VAEModel, flux: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="ids"):
        vae.reconstruct(flux[:3], ids=["a"])
    with pytest.raises(ShapeError, match="ids"):
        vae.reconstruct(flux[:3], ids="abc")


def test_pixels_that_are_not_finite_are_refused(vae: VAEModel, flux: np.ndarray) -> None:
    for value in (np.nan, np.inf):
        broken = flux.copy()
        broken[7, 3] = value
        with pytest.raises(DataError, match="row 7"):
            vae.reconstruct(broken)
        with pytest.raises(DataError, match="row 7"):
            VAEModel(4, **SMALL).fit(broken)


def test_latent_points_are_checked(vae: VAEModel) -> None:
    with pytest.raises(ShapeError, match="latent"):
        vae.decode(np.zeros((2, 5)))
    with pytest.raises(DataError, match="latent"):
        vae.decode(np.full((2, 4), np.nan))


def test_too_few_spectra_are_refused(flux: np.ndarray) -> None:
    with pytest.raises(DataError, match="at least"):
        VAEModel(12).fit(flux[:9])


@pytest.mark.parametrize(("name", "value"), [
    ("n_latent", 0), ("n_latent", 2.5), ("hidden", ()), ("hidden", (8, 0)), ("max_steps", 0), ("max_epochs", -1),
    ("folds", "many"), ("folds", 0), ("seed", "one"), ("device", "abacus"), ("preset", "papre"), ("training", 3),
])
def test_wrong_arguments_raise_at_once(name: str, value: object) -> None:
    with pytest.raises(ArgumentError):
        VAEModel(**{name: value})  # type: ignore[arg-type]


def test_an_empty_call_returns_an_empty_answer(vae: VAEModel) -> None:
    assert vae.reconstruct(np.empty((0, 200), dtype=np.float32)).shape == (0, 200)
    assert vae.encode(np.empty((0, 200), dtype=np.float32)).shape == (0, 4)


def test_one_spectrum_is_enough(vae: VAEModel, sample: SpectrumSet) -> None:
    assert np.array_equal(vae.reconstruct(sample[3])[0], vae.reconstruct(sample)[3])


def test_repeated_ids_share_a_fold(sample: SpectrumSet) -> None:
    table = pd.DataFrame({"id": [f"twin {i // 2}" for i in range(len(sample))]})
    model = VAEModel(4, folds=3, hidden=(16,), max_steps=2).fit(sample.replace(table=table))
    folds = model._ready.folds.folds_of(list(table["id"]), sample.flux)
    assert np.array_equal(folds[::2], folds[1::2])
