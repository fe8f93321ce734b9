"""An index of somebody's is asked by DuckDB, and its tables claim no more than their files hold."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import specanom as sa
from specanom.errors import DataError
from specanom.surveys.locate import SpectrumIndex
from specanom.surveys.parted import PartedSurvey
from tests.foreign.kept import little_memory


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    sa.surveys.mock(n=6, seed=3).write(folder / "raw", layout="spec")
    PartedSurvey.of(sa.read(folder / "raw"), folder / "index")
    return folder


def swollen(path: Path) -> None:
    """A table of 12 million zeros beside what is there, in some kilobytes."""
    names = pq.read_schema(path).names
    zeros = pa.array(np.zeros(12_000_000, np.int64))
    pq.write_table(pa.table(dict.fromkeys(names[:1], zeros)), path, compression="zstd")
    assert path.stat().st_size < 80_000


@pytest.mark.parametrize("name", ["spectra", "files", "known", "order"])
def test_a_table_of_millions_in_kilobytes_is_not_looked_into(name: str, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "index", tmp_path / "index")
    honest = PartedSurvey(made / "index")
    id = honest.ids(honest.partitions()[0])[0]
    swollen(tmp_path / "index" / f"{name}.parquet")
    parted = PartedSurvey(tmp_path / "index")
    start = time.process_time()
    with little_memory():
        asking = {"spectra": "idx read", "files": "parts idx read", "known": "parts idx read", "order": "parts"}[name]
        asked = {"parts": parted.partitions, "read": lambda: parted.read(honest.partitions()[0]),
                 "idx": lambda: SpectrumIndex.open(tmp_path / "index").read(id)}
        for ask in asking.split():
            with pytest.raises(DataError, match=r"values of up to .* in a file of"):
                asked[ask]()
    assert time.process_time() - start < 2


def test_what_was_left_out_is_believed_in_its_size(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "index", tmp_path / "index")
    texts = pa.array(["x" * 10_000] * 20_000).dictionary_encode()
    pq.write_table(pa.table({"id": texts, "path": texts, "reason": texts}), tmp_path / "index" / "skipped.parquet")
    with little_memory(), pytest.raises(DataError, match=r"what was left out.*in a file of"):
        PartedSurvey(tmp_path / "index").skipped  # noqa: B018
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "index" / "skipped.parquet")
    with pytest.raises(DataError, match="no column path, reason"):
        PartedSurvey(tmp_path / "index").skipped  # noqa: B018


def test_a_table_that_was_mended_is_looked_at_again(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "index", tmp_path / "index")
    swollen(tmp_path / "index" / "order.parquet")
    with pytest.raises(DataError, match="in a file of"):
        PartedSurvey(tmp_path / "index").partitions()
    shutil.copy(made / "index" / "order.parquet", tmp_path / "index")
    assert sum(map(len, PartedSurvey(tmp_path / "index").partitions())) == 6
