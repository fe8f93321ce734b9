"""The passes over blocks: numba's and numpy's agree with plain float64, whatever the guess, the ties and the signs."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.explain.evaluate import kernels
from specanom.explain.evaluate.kernels import ROWS, passes

pytest.importorskip("numba")
FORMS = pytest.mark.parametrize("fast", [True, False], ids=["numba", "numpy"])
NOTHING = np.empty((0, ROWS), dtype=np.float32)


def block_of(seed: int, p: int, k: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "block": rng.normal(size=(p, ROWS)).astype(np.float32),
        "on": rng.integers(0, 2, (k, ROWS), dtype=np.uint8),
        "which": rng.integers(0, k, p).astype(np.intp),
        "part": rng.normal(size=(2, p)).astype(np.float32),
        "weight": rng.standard_t(2, (2, p)).astype(np.float32),
        "reference": rng.normal(size=p).astype(np.float32),
    }


def exact(made: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared residual, and weight by state and by reconstruction, in float64."""
    state, pixel = made["on"][made["which"]].astype(int), np.arange(len(made["which"]))[:, None]
    square = (made["part"].astype(float)[state, pixel] - made["block"]) ** 2
    weight = made["weight"].astype(float)[state, pixel]
    return square, weight, 1.0 / (np.abs(made["block"].astype(float) + made["reference"][:, None]) + 1e-2)


@FORMS
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 63, 64, 65, 300]), st.integers(1, 40), st.booleans())
def test_weighted_squares_and_their_sums_are_those_of_float64(
    fast: bool, seed: int, p: int, k: int, apart: bool
) -> None:
    made, how, total = block_of(seed, p, k), passes(fast), np.empty(ROWS)
    square, weight, made_weight = exact(made)
    kept = np.empty((p, ROWS), dtype=np.float32) if apart else NOTHING
    values = made["block"].copy()
    how.fixed(values, made["on"], made["which"], made["part"], made["weight"], kept, total)
    np.testing.assert_allclose(values, weight * square, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(total, (weight * square).sum(axis=0), atol=1e-6 * np.abs(weight * square).sum())
    values = made["block"].copy()
    how.made(values, made["on"], made["which"], made["part"], made["reference"], kept, total, np.float32(1e-2))
    scale = made_weight * square
    np.testing.assert_allclose(values, scale, rtol=5e-5, atol=1e-5)
    np.testing.assert_allclose(total, scale.sum(axis=0), rtol=5e-5, atol=1e-5)
    if apart:
        np.testing.assert_allclose(kept, square, rtol=2e-6, atol=1e-6)


@FORMS
@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from([1, 2, 70, 400]), st.floats(0.01, 1.0),
    st.sampled_from(["positive", "signed", "level", "zero"]), st.sampled_from([np.nan, 0.0, 1.0, -1.0, 1e9, np.inf]),
)
def test_the_cut_is_exact_whatever_was_guessed(fast: bool, seed: int, p: int, share: float, kind: str,
                                               guess: float) -> None:
    rng = np.random.default_rng(seed)
    size = rng.standard_t(2, (p, ROWS)).astype(np.float32)
    size = {"positive": size**2, "signed": size, "level": np.round(size), "zero": 0 * size}[kind]
    stay, cut = max(1, int(share * p)), np.empty(ROWS, dtype=np.float32)
    passes(fast).cuts(size, stay, guess, cut)
    assert np.array_equal(cut, np.sort(size, axis=0)[stay - 1])


@FORMS
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 70, 400]), st.floats(0.01, 1.0), st.booleans())
def test_what_stays_is_summed_and_of_equals_the_first(fast: bool, seed: int, p: int, share: float,
                                                      level: bool) -> None:
    rng = np.random.default_rng(seed)
    size = rng.standard_t(2, (p, ROWS)).astype(np.float32) ** 2
    size = np.round(size) if level else size
    value = rng.normal(size=size.shape).astype(np.float32)
    stay, cut, total = max(1, int(share * p)), np.empty(ROWS, dtype=np.float32), np.empty(ROWS)
    how = passes(fast)
    how.cuts(size, stay, float("nan"), cut)
    how.kept(value, size, cut, stay, total)
    order = np.argsort(size, axis=0, kind="stable")[:stay]
    want = np.take_along_axis(value.astype(float), order, axis=0).sum(axis=0)
    np.testing.assert_allclose(total, want, atol=1e-6 * np.abs(value).sum(axis=0).max())


def test_a_guess_changes_no_bit() -> None:
    rng = np.random.default_rng(3)
    size = (rng.normal(size=(500, ROWS)) ** 2).astype(np.float32)
    how, answers = passes(), []
    for guess in (float("nan"), 0.1, 3.0, 100.0):
        cut, total = np.empty(ROWS, dtype=np.float32), np.empty(ROWS)
        how.cuts(size, 485, guess, cut)
        how.kept(size, size, cut, 485, total)
        answers.append(np.concatenate([cut, total]))
    assert all(np.array_equal(answers[0], each) for each in answers[1:])


def test_threads_give_the_same_bits() -> None:
    how = passes()

    def run(seed: int) -> np.ndarray:
        made, total = block_of(seed, 700, 20), np.empty(ROWS)
        how.fixed(made["block"], made["on"], made["which"], made["part"], made["weight"], NOTHING, total)
        return total

    alone = [run(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, range(8)))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@FORMS
def test_a_sum_does_not_depend_on_the_other_copies(fast: bool) -> None:
    made, more = block_of(1, 333, 9), block_of(2, 333, 9)
    for name in ("block", "on"):
        more[name][:, 5] = made[name][:, 5]
    total, other = np.empty(ROWS), np.empty(ROWS)
    for one, out in ((made, total), (more, other)):
        passes(fast).fixed(one["block"], one["on"], made["which"], made["part"], made["weight"], NOTHING, out)
    assert total[5] == other[5]


@FORMS
def test_what_is_not_finite_shows_in_the_sum(fast: bool) -> None:
    made, total = block_of(4, 130, 5), np.empty(ROWS)
    made["block"][7, 3], made["block"][8, 4] = np.nan, 1e30
    with np.errstate(over="ignore"):
        passes(fast).fixed(made["block"], made["on"], made["which"], made["part"], np.abs(made["weight"]), NOTHING,
                           total)
    assert np.array_equal(np.flatnonzero(~np.isfinite(total)), [3, 4])


@pytest.fixture
def fresh():
    kernels._compiled.cache_clear()
    yield
    kernels._compiled.cache_clear()


def test_without_numba_the_passes_are_numpy(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(kernels, "importlib", SimpleNamespace(import_module=missing))
    assert passes().name == "numpy"


def test_where_numba_may_not_compile_the_passes_are_numpy(monkeypatch: pytest.MonkeyPatch, fresh: None) -> None:
    monkeypatch.setattr(importlib.import_module("numba").config, "DISABLE_JIT", 1)
    assert passes().name == "numpy"


def test_where_no_cache_can_be_written_the_loops_are_compiled_without(
    monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    numba, asked = importlib.import_module("numba"), []

    def njit(cache: bool = False, **options: object):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(**options)

    fake = SimpleNamespace(config=numba.config, njit=njit)
    monkeypatch.setattr(kernels, "importlib", SimpleNamespace(import_module=lambda name: fake))
    how, made, total = passes(), block_of(0, 50, 3), np.empty(ROWS)
    assert asked == [True, False] * 4
    square, weight, _ = exact(made)
    how.fixed(made["block"], made["on"], made["which"], made["part"], made["weight"], NOTHING, total)
    np.testing.assert_allclose(total, (weight * square).sum(axis=0), rtol=1e-4, atol=1e-4)
