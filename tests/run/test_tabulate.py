"""Numbers as a reader wants them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from specanom.run.tabulate import fixed, grid, number, percent


@pytest.mark.parametrize(("value", "text"), [
    (1234567, "1 234 567"), (0.00012345, "1.23e−04"), (3.14159, "3.14"), (-2.5, "−2.5"), (float("nan"), "–"),
    (None, "–"),
    (12345.6, "12346"), (0.0, "0"), (np.int64(3), "3"), (float("inf"), "∞")])
def test_numbers(value, text: str) -> None:
    assert number(value) == text


def test_shares_and_decimals() -> None:
    assert percent(0.123) == "12 %"
    assert percent(float("nan")) == "–"
    assert fixed(2)(-0.126) == "−0.13"


def test_a_grid_has_its_columns_in_order() -> None:
    made = grid(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), {"b": ("B", str), "a": ("A", number)}, best=[1])
    assert made.head == ["B", "A"]
    assert made.rows == [["x", "1"], ["y", "2"]]
    assert made.best == {1}
