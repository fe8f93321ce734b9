"""Blocks are worked off in order, wherever they run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from specanom.errors import ArgumentError
from specanom.parallel import map_blocks


def double(x: int) -> int:
    return 2 * x


@pytest.mark.parametrize("executor", [None, "serial", "threads", "threads:2", "processes:2"])
def test_results_come_in_order(executor: str | None) -> None:
    assert list(map_blocks(double, range(30), executor)) == [2 * i for i in range(30)]


def test_anything_with_submit_will_do() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(map_blocks(double, range(5), pool)) == [0, 2, 4, 6, 8]


def test_blocks_are_taken_no_faster_than_they_are_worked_off() -> None:
    taken = []
    blocks = (taken.append(i) or i for i in range(1000))
    results = map_blocks(double, blocks, "threads:1")
    next(results)
    assert len(taken) < 20


@pytest.mark.parametrize("executor", ["forks", "processes:many", 3])
def test_an_unknown_executor_is_refused(executor) -> None:
    with pytest.raises(ArgumentError, match="executor"):
        list(map_blocks(double, [1], executor))


def test_an_error_of_a_block_arrives() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_blocks(lambda x: 1 // x, [1, 0], "threads"))
