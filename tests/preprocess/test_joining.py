"""Tables of partitions are one table, whichever columns each has and however few are read at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.errors import DataError
from specanom.parallel import Partition, Partitioned
from specanom.preprocess import joining
from specanom.preprocess.joining import joined

PARTS = [
    pd.DataFrame({"id": pd.Series([], dtype="str")}),
    pd.DataFrame({"id": ["a", "b"], "z": [0.1, 0.2], "fiber": [1, 2], "note": ["", "odd"], "tile": [7, 8]}),
    pd.DataFrame({"id": ["c"], "z": [np.nan], "fiber": [3], "note": [None], "BAL": [0.5]}),
]


def _made(part: Partition) -> dict[str, pd.DataFrame]:
    table = PARTS[part.number].copy()
    table.attrs["of"] = "a survey"
    return {"objects": table}


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_columns_that_some_parts_lack_are_filled_and_keep_their_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                    at_once: int) -> None:
    monkeypatch.setattr(joining, "AT_ONCE", at_once)
    done = Partitioned(tmp_path, "v1", "serial")(_made, [Partition(i, i, i + 1, "") for i in range(3)])
    expected = pd.DataFrame({
        "id": pd.Series(["a", "b", "c"], dtype="str"), "z": [0.1, 0.2, np.nan], "fiber": [1, 2, 3],
        "note": pd.Series(["", "odd", ""], dtype="str"), "tile": pd.array([7, 8, None], dtype="Int64"),
        "BAL": [np.nan, np.nan, 0.5]})
    found = joined(done, "objects")
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs == {"of": "a survey"}


def test_a_table_that_no_part_made_is_refused(tmp_path: Path) -> None:
    done = Partitioned(tmp_path, "v1", "serial")(_made, [Partition(0, 0, 1, "")])
    assert list(joined(done, "objects")) == ["id"]
    with pytest.raises(DataError, match="scores"):
        joined(done, "scores")
