"""Mollweide's projection against an independent solution, and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from specanom.explorer.sky import graticule, mollweide


@pytest.mark.parametrize("dec", [-89.9, -75.0, -30.0, 0.1, 45.0, 88.0])
def test_theta_solves_the_equation_of_the_projection(dec: float) -> None:
    theta = brentq(lambda t: 2 * t + np.sin(2 * t) - np.pi * np.sin(np.radians(dec)), -np.pi / 2, np.pi / 2, xtol=1e-14)
    x, y = mollweide(90.0, dec)
    assert float(y) == pytest.approx(np.sin(theta), abs=1e-7)
    assert float(x) == pytest.approx(np.cos(theta), abs=1e-4)


def test_right_ascension_grows_to_the_left_and_wraps() -> None:
    x, _ = mollweide([170.0, 190.0, 530.0], [0.0, 0.0, 0.0])
    assert x[0] > 0 > x[1]
    assert x[2] == pytest.approx(x[0])


def test_areas_are_equal() -> None:
    rng = np.random.default_rng(3)
    x, y = mollweide(rng.uniform(0, 360, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000))))
    inside = (np.abs(x) < 0.5) & (np.abs(y) < 0.5)
    assert inside.mean() == pytest.approx(1.0 / (2 * np.pi), rel=0.03)


def test_what_is_no_place_has_none() -> None:
    x, y = mollweide([np.nan, 0.0, np.inf, 0.0, 10.0], [0.0, np.nan, 0.0, 90.5, -90.0])
    assert np.isnan(x[:4]).all()
    assert np.isnan(y[:4]).all()
    assert (float(x[4]), float(y[4])) == pytest.approx((0.0, -1.0), abs=1e-6)


def test_the_graticule_lies_within_the_ellipse() -> None:
    lines = graticule()
    for xs, ys in zip(lines["xs"], lines["ys"], strict=True):
        assert (np.square(xs) / 4 + np.square(ys)).max() <= 1 + 1e-6
