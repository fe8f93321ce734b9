"""What is true of joined arms whatever is in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.errors import DataError
from specanom.surveys.desi_arms import GRID, Arm, join, place
from specanom.surveys.desi_gate import FIBERSTATUS, is_bad, named, refusal
from specanom.surveys.desi_releases import from_uniqpix, healpix_64

SIZES = {0: 30, 25: 20, 40: 15}


def arms(seed: int, rows: int = 3) -> list[tuple[int, Arm]]:
    rng = np.random.default_rng(seed)
    return [(start, Arm(rng.normal(3, 2, (rows, size)),
                        rng.exponential(1, (rows, size)) * (rng.random((rows, size)) < 0.9),
                        (rng.random((rows, size)) < 0.1) * rng.integers(1, 512, (rows, size))))
            for start, size in SIZES.items()]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.permutations([0, 1, 2]))
def test_the_order_of_arms_does_not_matter(seed: int, order: list[int]) -> None:
    given_, groups = arms(seed), np.arange(3)
    one, other = join(given_, 55, groups), join([given_[i] for i in order], 55, groups)
    np.testing.assert_allclose(one.flux, other.flux, rtol=1e-12)
    np.testing.assert_allclose(one.ivar, other.ivar, rtol=1e-12)
    np.testing.assert_array_equal(one.mask, other.mask)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([np.nan, np.inf, -np.inf, 1e30, 0.0]))
def test_what_is_flagged_has_no_effect_whatever_it_is(seed: int, value: float) -> None:
    given_ = arms(seed)
    changed = [(start, arm._replace(flux=np.where(arm.mask != 0, value, arm.flux),
                                    ivar=np.where(arm.mask != 0, abs(value), arm.ivar))) for start, arm in given_]
    one, other = join(given_, 55, np.arange(3)), join(changed, 55, np.arange(3))
    np.testing.assert_array_equal(one.flux, other.flux)
    np.testing.assert_array_equal(one.ivar, other.ivar)
    assert np.isfinite(one.flux[one.ivar > 0]).all()
    assert np.isnan(one.flux[one.ivar == 0]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_the_unit_of_the_flux_goes_through(seed: int, factor: float) -> None:
    given_ = arms(seed)
    scaled = [(start, Arm(arm.flux * factor, arm.ivar / factor**2, arm.mask)) for start, arm in given_]
    one, other = join(given_, 55, np.arange(3)), join(scaled, 55, np.arange(3))
    np.testing.assert_allclose(one.flux * factor, other.flux, rtol=1e-10)
    np.testing.assert_allclose(one.ivar / factor**2, other.ivar, rtol=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_exposures_add_up_in_any_order_and_an_exposure_twice_has_twice_the_weight(seed: int) -> None:
    given_ = arms(seed, rows=4)
    one = join(given_, 55, np.array([0, 1, 0, 1]))
    shuffled = [(start, Arm(*(values[[2, 3, 0, 1]] for values in arm))) for start, arm in given_]
    np.testing.assert_allclose(one.flux, join(shuffled, 55, np.array([0, 1, 0, 1])).flux, rtol=1e-12)
    twice = [(start, Arm(*(values[[0, 0]] for values in arm))) for start, arm in given_]
    alone = join([(start, Arm(*(values[:1] for values in arm))) for start, arm in given_], 55, np.array([0]))
    both = join(twice, 55, np.array([0, 0]))
    np.testing.assert_allclose(both.flux, alone.flux, rtol=1e-12)
    np.testing.assert_allclose(both.ivar, 2 * alone.ivar, rtol=1e-12)
    np.testing.assert_array_equal(both.mask, alone.mask)


def test_the_union_grid_is_that_of_desi() -> None:
    assert GRID.size == 7781
    np.testing.assert_allclose(GRID, np.linspace(3600, 9824, 7781), rtol=1e-15)


def test_arms_on_another_common_grid_are_joined_on_that() -> None:
    wave, starts = place({"R": np.arange(5750.0, 7000), "B": np.arange(3600.0, 5800)})
    assert (wave[0], wave[-1], wave.size) == (3600, 6999, 3400)
    assert starts == {"B": 0, "R": 2150}


def test_one_arm_may_be_on_any_grid() -> None:
    log = 10 ** np.arange(3.6, 3.9, 1e-4)
    wave, starts = place({"BRZ": log})
    np.testing.assert_array_equal(wave, log)
    assert starts == {"BRZ": 0}


@pytest.mark.parametrize("red", [np.arange(5750.0, 7000) + 0.4, np.arange(5750.0, 7000, 0.5),
                                 10 ** np.arange(3.76, 3.9, 1e-4)])
def test_arms_whose_pixels_lie_between_are_refused(red: np.ndarray) -> None:
    with pytest.raises(DataError, match="pixels of R lie between those of B"):
        place({"B": np.arange(3600.0, 5800), "R": red})


@pytest.mark.parametrize("bit", FIBERSTATUS)
def test_every_bit_of_fiberstatus_but_those_that_inform_rejects(bit: int) -> None:
    assert is_bad(1 << bit) == (bit not in (3, 12, 13, 14))
    assert (refusal(5, "TGT", 1 << bit) == "") == (bit in (3, 12, 13, 14))
    assert named(1 << bit) == f"{bit} {FIBERSTATUS[bit]}"


@given(st.integers(0, 10), st.integers(0, 2**30))
def test_uniqpix_and_back(order: int, number: int) -> None:
    nside = 1 << order
    pixel = number % (12 * nside**2)
    assert from_uniqpix(pixel + 4 * nside**2) == (pixel, nside)
    coarse = healpix_64(pixel, nside)
    assert coarse == (-1 if nside < 64 else pixel // (nside // 64) ** 2)
