"""Labels on the map of explanations: each can be read, and all of it is in the picture."""

from __future__ import annotations

import numpy as np
import pytest
from specanom.widgets.inspector.atlas import LABEL, LETTER, apart, within

UNIT = np.array([0.01, 0.02])
ENDS = np.array([-0.5, -0.6]), np.array([0.5, 0.6])


def halves(texts: list[str]) -> np.ndarray:
    return np.array([[0.5 * (LETTER * len(text) + 8), 0.5 * LABEL] for text in texts]) * UNIT


def test_names_of_clusters_at_the_rim_are_not_cut() -> None:
    texts = ["red sky", "3", "broad Hα"]
    at = within(np.array([[-0.49, 0.59], [0.0, 0.0], [0.5, -0.6]]), texts, UNIT, ENDS)
    assert (at - halves(texts) >= ENDS[0] - 1e-9).all()
    assert (at + halves(texts) <= ENDS[1] + 1e-9).all()
    assert at[1].tolist() == [0.0, 0.0]


def test_a_name_longer_than_the_map_is_in_its_middle() -> None:
    at = within(np.array([[0.4, 0.0]]), ["x" * 99], UNIT, ENDS)
    assert at[0].tolist() == pytest.approx([0.0, 0.0])


def test_labels_that_lie_on_each_other_part() -> None:
    texts = ["red sky", "10"]
    at = apart(np.array([[0.1, 0.1], [0.1, 0.1]]), texts, UNIT)
    gap, need = np.abs(at[1] - at[0]), halves(texts).sum(axis=0)
    assert (gap >= need - 1e-3).any()
