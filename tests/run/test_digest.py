"""Hashes of results: of values, whatever the files look like."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from specanom.errors import DataError
from specanom.run.digest import content_digest, digests

TABLE = pd.DataFrame({"id": ["a", "b", "c"], "x": [1.0, np.nan, -0.5], "n": [1, 2, 3], "far": [True, False, True],
                      "ids": [["a"], [], ["b", "c"]]})


def test_row_groups_compression_and_time_say_nothing(tmp_path) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    TABLE.to_parquet(tmp_path / "b.parquet", row_group_size=1, compression="zstd")
    assert (tmp_path / "a.parquet").read_bytes() != (tmp_path / "b.parquet").read_bytes()
    assert content_digest(tmp_path / "a.parquet") == content_digest(tmp_path / "b.parquet")


@pytest.mark.parametrize("other", [
    TABLE.iloc[::-1], TABLE.rename(columns={"x": "y"}), TABLE[["x", "id", "n", "far", "ids"]], TABLE.head(2),
    TABLE.assign(x=[1.0, np.nan, np.nextafter(-0.5, 0)]), TABLE.assign(x=[np.nan, 1.0, -0.5]),
    TABLE.assign(n=TABLE["n"].astype("int32")), TABLE.assign(far=[True, True, True]),
    TABLE.assign(ids=[["a"], ["b"], ["c"]]), TABLE.assign(id=["a", "bc", ""])])
def test_any_other_value_order_or_type_is_told(other, tmp_path) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet", index=False)
    other.to_parquet(tmp_path / "b.parquet", index=False)
    assert content_digest(tmp_path / "a.parquet") != content_digest(tmp_path / "b.parquet")


def test_a_store_is_its_arrays_however_they_are_chunked(tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(5000, 7)).astype(np.float32)
    values[3, 2] = np.nan
    for name, chunks in (("a", (64, 7)), ("b", (1000, 3))):
        group = zarr.open_group(str(tmp_path / name), mode="w")
        group.create_array("flux", data=values, chunks=chunks)
    group = zarr.open_group(str(tmp_path / "c"), mode="w")
    values[4999, 6] += 1e-3
    group.create_array("flux", data=values)
    a, b, c = (content_digest(tmp_path / name) for name in "abc")
    assert a == b != c


def test_what_may_differ_between_two_runs_is_left_out(tmp_path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "tables").mkdir(parents=True)
        TABLE.to_parquet(tmp_path / name / "scores.parquet")
        TABLE.to_parquet(tmp_path / name / "tables" / "quality.parquet")
        (tmp_path / name / "manifest.json").write_text(name)
    TABLE.to_parquet(tmp_path / "two" / "tables" / "failures_04_score.parquet")
    (tmp_path / "two" / ".scores.parquet.123.part").write_text("torn")
    os.utime(tmp_path / "two" / "scores.parquet", (0, time.time() - 1000))
    first, second = (digests(tmp_path / name) for name in ("one", "two"))
    assert first == second
    assert list(first) == ["scores.parquet", "tables/quality.parquet"]


def test_a_torn_result_is_named(tmp_path) -> None:
    (tmp_path / "scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"scores\.parquet"):
        digests(tmp_path)
    with pytest.raises(DataError, match="no folder"):
        digests(tmp_path / "nowhere")


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_every_result_of_a_run_has_one(finished: Path) -> None:
    found = digests(finished)
    for name in ("sample.zarr", "explanations.zarr", "model", "pca", "scores.parquet", "lines.parquet", "clusters",
                 "clusters.parquet", "kin.parquet", "votes.parquet", "knowledge", "catalogue.parquet",
                 "worklist.parquet", "tables/quality.parquet"):
        assert len(found[name]) == 64
    tables = digests(finished, stores=False)
    assert tables.items() < found.items()
    assert all(name.endswith(".parquet") for name in tables)


def test_where_files_are_and_when_a_run_was_made_say_nothing(tmp_path) -> None:
    for name in ("one", "two"):
        TABLE.assign(path=f"/{name}/a.fits", provenance=f"run {name}").to_parquet(tmp_path / f"{name}.parquet")
    assert content_digest(tmp_path / "one.parquet") == content_digest(tmp_path / "two.parquet")
