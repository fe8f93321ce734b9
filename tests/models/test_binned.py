"""One model a bin of S/N, behind the face of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom import Scorer, SpectrumSet
from specanom.errors import ArgumentError, DataError, GridError, ShapeError
from specanom.models import BinnedModel, PCAModel, VAEModel, for_sample, load
from specanom.testing import check_model

from .conftest import make_flux

BINS = 3


@pytest.fixture(scope="module")
def binned_sample(sample: SpectrumSet) -> SpectrumSet:
    return sample.replace(table=sample.table.assign(bin=np.arange(len(sample)) % BINS))


@pytest.fixture(scope="module")
def binned(binned_sample: SpectrumSet) -> BinnedModel:
    return BinnedModel.fit(lambda: PCAModel(4, folds=3), binned_sample)


def night(sample: SpectrumSet, bins: list[int]) -> SpectrumSet:
    """Spectra that nobody was trained on, with bins of their own."""
    flux = make_flux(len(bins), seed=9)
    table = pd.DataFrame({"id": [f"night {i}" for i in range(len(bins))], "bin": bins})
    return SpectrumSet(sample.wave, flux, np.full(flux.shape, 100, np.float32), table)


def test_each_bin_has_the_model_it_would_have_alone(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    assert list(binned.models) == [0, 1, 2]
    for bin in range(BINS):
        rows = binned_sample.table["bin"].to_numpy() == bin
        alone = PCAModel(4, folds=3).fit(binned_sample[rows])
        expected = alone.reconstruct(binned_sample[rows])
        np.testing.assert_array_equal(binned.reconstruct(binned_sample)[rows], expected)
        np.testing.assert_array_equal(binned.encode(binned_sample)[rows], alone.encode(binned_sample[rows]))
        for got, one in zip(binned.encode_distribution(binned_sample),
                            alone.encode_distribution(binned_sample[rows]), strict=True):
            np.testing.assert_array_equal(got[rows], one)


def test_a_row_is_the_same_alone_and_among_others(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    whole = binned.reconstruct(binned_sample)
    for i in (0, 1, 2, 100):
        np.testing.assert_array_equal(binned.reconstruct(binned_sample[i])[0], whole[i])
        np.testing.assert_array_equal(binned.reconstruct(binned_sample[i : i + 1]), whole[i : i + 1])


def test_an_id_alone_finds_the_bin_it_had_in_training(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    flux = np.asarray(binned_sample.flux)
    np.testing.assert_array_equal(binned.reconstruct(flux, ids=binned_sample.ids), binned.reconstruct(binned_sample))


def test_a_bound_network_is_the_one_that_judges_the_sample(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    whole = binned.reconstruct(binned_sample)
    for i in (0, 4, 8):
        bound = binned.bind(binned_sample.ids[i])
        np.testing.assert_allclose(bound(np.asarray(binned_sample.flux[i : i + 1])), whole[i : i + 1], rtol=1e-5)


def test_an_unknown_id_goes_to_the_highest_bin(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    flux = make_flux(5, seed=3)
    expected = binned.models[2].reconstruct(flux)
    np.testing.assert_array_equal(binned.reconstruct(flux), expected)
    np.testing.assert_array_equal(binned.reconstruct(flux, ids=["new"] * 5), expected)
    np.testing.assert_allclose(binned.bind("new")(flux), expected, rtol=1e-5)
    np.testing.assert_allclose(binned.bind(None)(flux), expected, rtol=1e-5)


def test_new_spectra_go_to_the_bin_of_their_table(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    new = night(binned_sample, [0, 2, 1, 0])
    made = binned.reconstruct(new)
    for i, bin in enumerate([0, 2, 1, 0]):
        expected = binned.models[bin].reconstruct(np.asarray(new.flux[i : i + 1]))
        np.testing.assert_array_equal(made[i : i + 1], expected)


def test_a_model_that_knows_the_night_judges_by_id_as_by_table(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    new = night(binned_sample, [0, 1, 2])
    knowing = for_sample(binned, new)
    flux = np.asarray(new.flux)
    np.testing.assert_array_equal(knowing.reconstruct(flux, ids=new.ids), binned.reconstruct(new))
    np.testing.assert_array_equal(knowing.reconstruct(binned_sample), binned.reconstruct(binned_sample))
    assert binned.knowing(new.table.drop(columns="bin")) is binned
    with pytest.raises(ArgumentError, match="bin: expected one of"):
        binned.knowing(new.table.assign(bin=7)).bind("night 0")
    plain = PCAModel(3, folds=2).fit(binned_sample)
    assert for_sample(plain, new) is plain


def test_a_scorer_binds_to_the_bin_of_the_spectrum(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    scorer = Scorer(binned, "mse")
    whole = scorer(binned_sample)
    for i in (0, 1, 2):
        bound = scorer.bind(binned_sample[i])
        assert bound(np.asarray(binned_sample.flux[i : i + 1]))[0] == pytest.approx(whole[i], rel=1e-5)


def test_it_comes_back_from_disk(binned: BinnedModel, binned_sample: SpectrumSet, tmp_path: Path) -> None:
    again = load(binned.save(tmp_path / "model"))
    assert isinstance(again, BinnedModel)
    np.testing.assert_array_equal(again.reconstruct(binned_sample), binned.reconstruct(binned_sample))
    np.testing.assert_array_equal(again.encode(binned_sample), binned.encode(binned_sample))
    flux = np.asarray(binned_sample.flux[:3])
    np.testing.assert_array_equal(again.reconstruct(flux, ids=binned_sample.ids[:3]),
                                  binned.reconstruct(flux, ids=binned_sample.ids[:3]))


def test_networks_can_be_binned_too(binned_sample: SpectrumSet, tmp_path: Path) -> None:
    two = binned_sample.replace(table=binned_sample.table.assign(bin=np.arange(len(binned_sample)) % 2))
    made = BinnedModel.fit(lambda: VAEModel(3, hidden=(16, 8, 8), max_steps=30, folds=2, device="cpu"), two)
    assert set(made.history["bin"]) == {0, 1}
    again = load(made.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.reconstruct(two), made.reconstruct(two))


def test_it_is_a_model(binned: BinnedModel, binned_sample: SpectrumSet) -> None:
    check_model(binned, np.asarray(binned_sample.flux[:20]), binned_sample.ids[:20])


def test_what_it_refuses(binned: BinnedModel, binned_sample: SpectrumSet, sample: SpectrumSet, tmp_path) -> None:
    with pytest.raises(DataError, match="a column 'bin'"):
        BinnedModel.fit(lambda: PCAModel(3), sample)
    with pytest.raises(GridError):
        binned.reconstruct(binned_sample.replace(wave=binned_sample.wave + 1))
    with pytest.raises(ShapeError):
        binned.reconstruct(np.ones((2, 7), np.float32))
    with pytest.raises(ArgumentError, match=r"bin: expected one of \[0, 1, 2\], got 7"):
        binned.reconstruct(night(binned_sample, [7]))
    with pytest.raises(DataError, match="a BinnedModel"):
        BinnedModel.load(PCAModel(3, folds=2).fit(sample).save(tmp_path / "model"), read=load)
