"""What an executor is called, and what is offered for a name that is none."""

from __future__ import annotations

import pytest

from specanom.errors import ArgumentError, nearest
from specanom.parallel.executors import check_executor


@pytest.mark.parametrize(("given", "meant"), [
    ("process:2", "processes:2"), ("thread", "threads"), ("processes2", "processes:2"), ("threads=4", "threads:4"),
    ("Processes:3", "processes:3"), ("processes:0", "processes"), ("processes:two", "processes"), ("seral", "serial"),
    ("dsk:tcp://head:8786", "dask:tcp://head:8786"), ("dask", "dask:ADDRESS"), ("tcp://head:8786", "dask:tcp://head:8786"),
])
def test_a_name_that_is_nearly_one_is_refused_with_the_one_that_was_meant(given: str, meant: str) -> None:
    with pytest.raises(ArgumentError, match=r"executor: expected .*") as told:
        check_executor(given)
    assert str(told.value).endswith(f"Try: did you mean {meant!r}?")


@pytest.mark.parametrize("given", ["ray", "multiprocessing:2", ":2", "²", "\n", "2", "x" * 10_000])
def test_a_name_that_is_like_none_is_refused_without_a_guess(given: str) -> None:
    with pytest.raises(ArgumentError, match="executor: expected") as told:
        check_executor(given)
    assert "did you mean" not in str(told.value)


@pytest.mark.parametrize("given", ["", "serial", "threads", "threads:3", "processes:2", "dask:tcp://head:8786",
                                   "dask:scheduler.json"])
def test_names_of_executors_pass(given: str) -> None:
    check_executor(given)


def test_the_nearest_name_may_only_be_begun() -> None:
    assert nearest("chi", ["mse", "chi2_ivar_filtered"]) == "chi2_ivar_filtered"
    assert nearest("", ["mse"]) is None
    assert nearest("zzz", ["mse"]) is None
