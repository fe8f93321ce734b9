"""Quasars whose forest has only just come into view are simulated like others."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.lines import line
from specanom.surveys.simulate.desi_grid import WAVE
from specanom.surveys.simulate.forest import absorbers


@pytest.mark.parametrize("beyond", [1e-4, 0.01, 0.019, 0.021])
def test_a_damped_system_lies_in_view_and_not_behind_the_quasar(beyond: float) -> None:
    first = WAVE[0] / line("Lya").wave - 1

    class Crowded(np.random.Generator):
        def poisson(self, lam: float) -> int:  # type: ignore[override]
            return 2

    through, dense = absorbers(Crowded(np.random.PCG64(0)), first + beyond)
    assert len(dense) == 2
    assert all(first <= z <= first + beyond for z, _ in dense)
    assert np.isfinite(through).all()
