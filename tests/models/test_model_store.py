"""Saved models: the same after loading, free of pickle, and refused when they are not whole, known and ours."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from specanom import ArgumentError, DataError, PCAModel, SpectrumSet, VAEModel
from specanom.models import load


@pytest.fixture
def saved(vae: VAEModel, tmp_path: Path) -> Path:
    return vae.save(tmp_path / "m")


def test_a_loaded_model_is_the_same(vae: VAEModel, sample: SpectrumSet, saved: Path) -> None:
    again = VAEModel.load(saved)
    assert np.array_equal(again.reconstruct(sample), vae.reconstruct(sample))
    assert np.array_equal(again.reconstruct(sample.flux), vae.reconstruct(sample))
    assert np.array_equal(again.encode(sample), vae.encode(sample))
    assert np.array_equal(again.fold_of(sample.ids), vae.fold_of(sample.ids))
    assert np.array_equal(again.wave, sample.wave)
    assert again.settings() == vae.settings()
    assert again.history.equals(vae.history)


def test_any_class_is_loaded_by_one_function(vae: VAEModel, sample: SpectrumSet, tmp_path: Path) -> None:
    pca = PCAModel(5, centre="median").fit(sample)
    for model in (vae, pca):
        again = load(model.save(tmp_path / model.kind))
        assert type(again) is type(model)
        assert np.array_equal(again.reconstruct(sample), model.reconstruct(sample))
    with pytest.raises(DataError, match="saved PCAModel"):
        PCAModel.load(tmp_path / "VAEModel")


def test_the_files_are_safetensors_json_and_parquet(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == ["arrays.safetensors", "card.json", "history.parquet",
                                                             "weights.safetensors"]
    for path in saved.iterdir():
        assert not zipfile.is_zipfile(path)
        assert not path.read_bytes().startswith(b"\x80"), "the first byte of a pickle"


def test_the_card_says_what_it_is(saved: Path, sample: SpectrumSet) -> None:
    card = json.loads((saved / "card.json").read_text())
    assert (card["format"], card["version"], card["kind"]) == ("specanom model", 1, "VAEModel")
    assert card["grid"]["id"] == sample.grid_id
    assert card["trained_on"] == len(sample)
    assert card["settings"]["training"]["lam"] == 8.6


def test_saving_again_replaces_but_never_deletes_something_else(vae: VAEModel, saved: Path, tmp_path: Path) -> None:
    vae.save(saved)
    assert VAEModel.load(saved).n_folds == 3
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "chapter.tex").write_text("years of work")
    with pytest.raises(DataError, match="new folder"):
        vae.save(mine)
    assert (mine / "chapter.tex").exists()
    assert not list(tmp_path.glob("*.part"))


def edit(saved: Path, **changes: object) -> None:
    card = json.loads((saved / "card.json").read_text())
    (saved / "card.json").write_text(json.dumps({**card, **changes}))


def test_another_version_is_refused(saved: Path) -> None:
    edit(saved, version=99)
    with pytest.raises(DataError, match="version 99"):
        VAEModel.load(saved)


def test_a_foreign_file_is_refused(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="saved model"):
        VAEModel.load(tmp_path / "nothing")
    edit(saved, format="a diary")
    with pytest.raises(DataError, match="another file"):
        VAEModel.load(saved)
    (saved / "card.json").write_text("{not json")
    with pytest.raises(DataError, match="readable"):
        load(saved)


def test_an_unknown_class_is_refused(saved: Path) -> None:
    edit(saved, kind="GANModel")
    with pytest.raises(ArgumentError, match="GANModel"):
        load(saved)


@pytest.mark.parametrize("name", ["weights.safetensors", "arrays.safetensors"])
def test_a_cut_file_is_refused(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    (saved / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="whole saved model"):
        VAEModel.load(saved)
    (saved / name).unlink()
    with pytest.raises(DataError, match="whole saved model"):
        VAEModel.load(saved)


def test_weights_of_another_shape_are_refused(saved: Path) -> None:
    card = json.loads((saved / "card.json").read_text())
    edit(saved, shape={**card["shape"], "n_pixels": 100})
    with pytest.raises(DataError, match=r"wave: expected|weights of network"):
        VAEModel.load(saved)
