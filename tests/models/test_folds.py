"""Folds depend on ids only, keep duplicates together, and lead back from a spectrum to its network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom import ArgumentError, DataError
from specanom.models.folds import REFERENCE, fold_count, make_folds
from specanom.models.inputs import Rows
from specanom.models.plan import make_plan

IDS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=40, unique=True)


def distinct(n: int, p: int = 5) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, p)).astype(np.float32)


@pytest.mark.parametrize(("n", "count"), [(10, 4), (19_999, 4), (20_000, 2), (199_999, 2), (200_000, 1)])
def test_auto_folds_shrink_with_the_sample(n: int, count: int) -> None:
    assert fold_count("auto", n) == count


@pytest.mark.parametrize("folds", [0, -1, 2.5, "four", True])
def test_other_fold_counts_are_refused(folds: object) -> None:
    with pytest.raises(ArgumentError, match="folds"):
        fold_count(folds, 100)  # type: ignore[arg-type]


@given(ids=IDS, count=st.integers(2, 5), seed=st.integers(0, 3))
def test_the_fold_of_an_id_does_not_depend_on_the_others(ids: list[str], count: int, seed: int) -> None:
    flux = distinct(len(ids))
    whole, _ = make_folds(ids, flux, count, seed=seed)
    reverse, _ = make_folds(ids[::-1], flux[::-1], count, seed=seed)
    alone, _ = make_folds(ids[:1], flux[:1], count, seed=seed)
    assert [whole.fold_of_id(i) for i in ids] == [reverse.fold_of_id(i) for i in ids]
    assert alone.fold_of_id(ids[0]) == whole.fold_of_id(ids[0])
    assert np.array_equal(whole.folds_of(ids, flux), whole.folds_of(None, flux))


@given(pairs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=30))
def test_rows_that_share_an_id_or_their_pixels_share_a_fold(pairs: list[tuple[int, int]]) -> None:
    ids, pixels = [f"id {a}" for a, _ in pairs], distinct(13)[[b for _, b in pairs]]
    made, groups = make_folds(ids, pixels, 4, seed=0)
    folds = made.folds_of(ids, pixels)
    for i, (a, b) in enumerate(pairs):
        for j, (c, d) in enumerate(pairs):
            if a == c or b == d:
                assert folds[i] == folds[j]
                assert groups[i] == groups[j]


def test_another_seed_makes_other_folds() -> None:
    ids, flux = [str(i) for i in range(200)], distinct(200)
    first, other = (make_folds(ids, flux, 4, seed=s)[0].folds_of(ids, flux) for s in (0, 1))
    assert 0.1 < (first == other).mean() < 0.4
    assert np.bincount(first, minlength=4).min() > 30


def test_an_unknown_spectrum_goes_to_the_reference() -> None:
    ids, flux = [str(i) for i in range(20)], distinct(20)
    made, _ = make_folds(ids, flux, 4, seed=0)
    assert made.fold_of_id("new") == REFERENCE
    assert (made.folds_of(["new"] * 20, flux + 1) == REFERENCE).all()
    assert np.array_equal(made.folds_of(["new"] * 20, flux), made.folds_of(ids, flux)), "known pixels under a new id"


def plan_of(n: int = 60, folds: int = 3):
    return make_plan(Rows(distinct(n), ids=tuple(f"s{i}" for i in range(n))), folds=folds, seed=0, least=5)


def test_no_network_trains_on_its_own_fold() -> None:
    plan = plan_of()
    (_, everything), *parts = list(plan.tasks())
    assert sorted(everything) == list(range(60))
    for fold, rows in parts:
        assert set(rows) == set(np.flatnonzero(plan.folds != fold))


def test_validation_comes_from_inside_and_is_disjoint() -> None:
    plan = plan_of()
    for _, rows in plan.tasks():
        train, valid = plan.split(rows, 0.15, "hash")
        assert len(valid) == max(1, round(0.15 * len(rows)))
        assert sorted([*train, *valid]) == sorted(rows)


def test_duplicates_are_not_split_between_training_and_validation() -> None:
    flux = np.repeat(distinct(30), 2, axis=0)
    plan = make_plan(Rows(flux), folds=2, seed=0, least=5)
    for _, rows in plan.tasks():
        train, valid = plan.split(rows, 0.2, "hash")
        assert not set(plan.groups[train]) & set(plan.groups[valid])


def test_the_published_split_takes_the_last_rows() -> None:
    plan = plan_of(folds=1)
    train, valid = plan.split(plan.order, 0.2, "last")
    assert list(valid) == list(range(48, 60))
    assert list(train) == list(range(48))


def test_too_few_spectra_are_refused() -> None:
    with pytest.raises(DataError, match="at least 50 spectra"):
        make_plan(Rows(distinct(60)), folds=4, seed=0, least=50)
