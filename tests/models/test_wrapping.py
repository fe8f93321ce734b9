"""Anything that reconstructs becomes a model, and what it returns is checked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specanom import ArgumentError, DataError, GridError, ShapeError, wrap


def test_a_callable_becomes_a_model(sample) -> None:
    model = wrap(lambda x: x * 0.5, wave=sample.wave)
    assert np.array_equal(model.reconstruct(sample), sample.flux * np.float32(0.5))
    assert np.array_equal(model.bind("anything")(sample.flux), model.reconstruct(sample.flux))
    assert np.array_equal(model.wave, sample.wave)


def test_an_object_with_reconstruct_becomes_a_model(flux: np.ndarray) -> None:
    class Mine:
        def reconstruct(self, x: np.ndarray) -> torch.Tensor:
            return torch.ones(x.shape, requires_grad=True)

    assert (wrap(Mine()).reconstruct(flux) == 1).all()


@pytest.mark.parametrize("bad", [lambda x: x[:, :-1], lambda x: x.mean(0), lambda x: None, lambda x: "text"])
def test_a_wrong_shape_from_the_callable_is_named(flux: np.ndarray, bad: object) -> None:
    with pytest.raises(ShapeError, match=r"callable to return .*shape"):
        wrap(bad).reconstruct(flux)


def test_nan_from_the_callable_is_refused(flux: np.ndarray) -> None:
    with pytest.raises(DataError, match="finite"):
        wrap(lambda x: x * np.nan).reconstruct(flux)


def test_nothing_to_call_is_refused() -> None:
    with pytest.raises(ArgumentError, match="callable"):
        wrap(3)


def test_another_grid_is_refused(sample) -> None:
    with pytest.raises(GridError, match="model's grid"):
        wrap(lambda x: x, wave=sample.wave + 1).reconstruct(sample)
    with pytest.raises(ShapeError, match="199 pixels"):
        wrap(lambda x: x, wave=sample.wave[:-1]).reconstruct(sample.flux)


@pytest.mark.parametrize(("method", "hint"), [("inverse_transform", "m.inverse"), ("score_samples", "a score")])
def test_estimators_without_reconstruct_are_refused_with_the_way_to_use_them(method: str, hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        wrap(type("Estimator", (), {method: lambda self, flux: flux})())
