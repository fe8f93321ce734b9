"""The loss, against slow loops in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specanom.models.losses import kl_divergence, mmd, squared_error


def slow_kernel_mean(a: np.ndarray, b: np.ndarray) -> float:
    d = a.shape[1]
    return float(np.mean([[np.exp(-np.sum((x - y) ** 2) / d**2) for y in b] for x in a]))


def test_kld_is_the_mean_over_batch_and_dimensions() -> None:
    rng = np.random.default_rng(0)
    mu, log_var = rng.normal(size=(7, 12)), rng.normal(size=(7, 12))
    slow = np.mean([[-0.5 * (1 + log_var[i, j] - mu[i, j] ** 2 - np.exp(log_var[i, j])) for j in range(12)]
                    for i in range(7)])
    assert float(kl_divergence(torch.tensor(mu), torch.tensor(log_var))) == pytest.approx(slow, rel=1e-12)


def test_kld_of_the_prior_is_zero() -> None:
    assert float(kl_divergence(torch.zeros(3, 4), torch.zeros(3, 4))) == 0


def test_mmd_is_the_biased_v_statistic() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 2, size=(9, 12)), rng.normal(size=(15, 12))
    slow = slow_kernel_mean(a, a) + slow_kernel_mean(b, b) - 2 * slow_kernel_mean(a, b)
    assert float(mmd(torch.tensor(a), torch.tensor(b))) == pytest.approx(slow, rel=1e-10)


def test_mmd_of_a_set_with_itself_is_zero() -> None:
    a = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    assert float(mmd(a, a)) == pytest.approx(0, abs=1e-6)


def test_squared_error_weighs_pixels() -> None:
    made, target = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [3.0, 1.0]])
    assert squared_error(made, target).tolist() == [2.5, 5.0]
    assert squared_error(made, target, torch.tensor([[0.0, 1.0], [2.0, 0.0]])).tolist() == [2.0, 9.0]
