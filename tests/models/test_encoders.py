"""Encoders: one face for every model, and fingerprints that tell them apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import specanom as sa
from specanom import ArgumentError, DataError, GridError, NotFittedError, PCAModel, ShapeError, SpectrumSet, VAEModel
from specanom.models import BinnedModel, TransformerEncoder, crossfit, encoder, load
from specanom.models.inputs import read_rows
from specanom.protocols import Encoder


def test_a_model_encodes_by_its_reference_network(vae: VAEModel, sample: SpectrumSet) -> None:
    made = encoder(vae)
    assert isinstance(made, Encoder)
    assert np.array_equal(made.encode(sample), vae.encode(sample))
    assert np.array_equal(made.encode(sample.flux, sample.ivar), vae.encode(sample))
    assert made.name == "VAEModel, 4 dimensions"


def test_a_set_is_encoded_in_blocks(vae: VAEModel, sample: SpectrumSet, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, sizes = vae.encode(sample.flux), []
    monkeypatch.setattr(crossfit, "BLOCK", 64)
    monkeypatch.setattr(crossfit, "read_rows", lambda *given: (sizes.append(len(given[1])), read_rows(*given))[1])
    assert np.array_equal(vae.encode(sample), whole)
    assert sizes == [64, 64, 64, 64, 44]


def test_fingerprints_tell_models_apart_and_outlive_saving(vae: VAEModel, sample: SpectrumSet, tmp_path: Path) -> None:
    pca = PCAModel(4, folds=1).fit(sample)
    again, other = PCAModel(4, folds=1).fit(sample), PCAModel(4, folds=1).fit(sample[:200])
    prints = {encoder(model).fingerprint for model in (vae, pca, other)}
    assert len(prints) == 3
    assert encoder(again).fingerprint == encoder(pca).fingerprint
    for model in (vae, pca):
        loaded = load(model.save(tmp_path / model.kind))
        assert encoder(loaded).fingerprint == encoder(model).fingerprint


def test_a_function_is_known_by_its_name_and_version(sample: SpectrumSet) -> None:
    def first(flux: np.ndarray) -> np.ndarray:
        return flux[:, :3]

    one = encoder(first)
    assert np.array_equal(one.encode(sample), sample.flux[:, :3])
    assert one.name == "first"
    assert one.fingerprint == encoder(lambda x: x, name="first").fingerprint
    assert one.fingerprint != encoder(first, version="2").fingerprint
    assert sa.encoder(lambda x: torch.tensor(x[:, :2]), name="torch").encode(sample).shape == (300, 2)
    with pytest.raises(ArgumentError, match="name"):
        encoder(lambda x: x)
    with pytest.raises(ShapeError, match="first"):
        encoder(lambda x: x[0], name="first").encode(sample)
    with pytest.raises(DataError, match="finite"):
        one.encode(np.full((2, 5), np.nan))


def test_transformers_of_scikit_learn_are_encoders(sample: SpectrumSet) -> None:
    from sklearn.decomposition import PCA

    pca = PCA(3, random_state=0).fit(sample.flux)
    assert np.allclose(encoder(pca, name="sklearn").encode(sample), pca.transform(sample.flux), atol=1e-5)


def test_what_is_an_encoder_stays_itself(sample: SpectrumSet) -> None:
    made = TransformerEncoder(20, layers=1, width=8, heads=1, max_steps=3, device="cpu").fit(sample)
    assert encoder(made) is made
    assert isinstance(made, Encoder)
    wrapped = encoder(made)
    assert encoder(wrapped) is wrapped
    ready = encoder(lambda x: x, name="own")
    assert encoder(ready) is ready


def test_what_has_no_common_space_is_refused(vae: VAEModel, sample: SpectrumSet) -> None:
    table = pd.DataFrame({"id": sample.ids, "bin": np.arange(300) % 2})
    bins = SpectrumSet(sample.wave, sample.flux, sample.ivar, table)
    with pytest.raises(ArgumentError, match="2 bins"):
        encoder(BinnedModel.fit(lambda: PCAModel(2, folds=1), bins))
    with pytest.raises(ArgumentError, match="callable"):
        encoder(3, name="three")
    for unfitted in (PCAModel(2), TransformerEncoder(20)):
        with pytest.raises(NotFittedError):
            encoder(unfitted)
    with pytest.raises(GridError):
        encoder(vae).encode(SpectrumSet(np.linspace(5000, 6000, 200), sample.flux))
