"""Tables beside the files of a survey, and in a run folder, may be anybody's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from specanom.widgets import runs

from specanom.errors import DataError
from specanom.run.acquire import truth_beside
from specanom.run.cite import _columns
from tests.foreign.kept import little_memory


def test_a_table_of_known_anomalies_is_no_larger_than_its_file(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id,kind," + ",".join(map(str, range(19_000))) + "\n" + "1\n" * 3000)
    start = time.process_time()
    with little_memory(), pytest.raises(DataError, match=r"truth\.csv.*most rows are short"):
        truth_beside(str(tmp_path))
    assert time.process_time() - start < 1
    (tmp_path / "truth.csv").write_text("id,kind\n1,arc\n")
    assert truth_beside(str(tmp_path)).to_dict("list") == {"id": ["1"], "kind": ["arc"]}


class Folder:
    """A run whose table lies where it is told."""

    def __init__(self, path: Path) -> None:
        self._need = lambda name, stage: path


@pytest.mark.parametrize("read", [
    lambda path: _columns(path, ("service",)), lambda path: runs.FinishedRun._table(Folder(path), "matches", "07")])
def test_a_table_of_a_run_is_no_larger_than_its_file(read: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"service": np.zeros(12_000_000)}), tmp_path / "matches.parquet", compression="zstd")
    with little_memory(), pytest.raises(DataError, match="in a file of"):
        read(tmp_path / "matches.parquet")
    (tmp_path / "matches.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"matches\.parquet"):
        read(tmp_path / "matches.parquet")
    assert len(_columns(tmp_path / "none.parquet", ("service",))) == 0
