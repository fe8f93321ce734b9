"""A HATS folder has each object with a position once, in files by pixel, sorted and of no more than so many rows."""

from __future__ import annotations

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from specanom.errors import ArgumentError, DataError
from specanom.triage.catalogue import Catalogue, Parts
from specanom.triage.catalogue.hats import FINEST, partitions

TID = "39633345008634465"
N, ROWS = 400, 30


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    rng = np.random.default_rng(2)
    ra, dec = np.where(np.arange(N) < 300, rng.normal(150, 0.5, N), rng.uniform(0, 360, N)), rng.normal(2, 0.5, N)
    objects = pd.DataFrame({"id": [TID, *(f"o-{i}" for i in range(1, N))], "ra": ra % 360, "dec": dec, "text": "α"})
    objects.loc[7, "dec"] = np.nan
    return Catalogue.of(Parts(objects), provenance={"run": "x"})


def test_each_object_is_in_the_file_of_its_pixel_once(catalogue, tmp_path) -> None:
    folder = catalogue.write_hats(tmp_path / "odd", rows=ROWS, name="my run")
    listed = pd.read_csv(folder / "partition_info.csv")
    assert listed.columns.tolist() == ["Norder", "Npix"]
    found = []
    for order, pixel in listed.itertuples(index=False):
        path = folder / "dataset" / f"Norder={order}" / f"Dir={pixel // 10000 * 10000}" / f"Npix={pixel}.parquet"
        table = parquet.ParquetFile(path).read().to_pandas()
        assert len(table) <= ROWS
        assert table["_healpix_29"].is_monotonic_increasing
        assert set(table["_healpix_29"].to_numpy() >> 2 * (29 - order)) == {pixel}
        found.append(table)
    whole = pd.concat(found, ignore_index=True)
    placed = catalogue.table[catalogue.table["_healpix_29"] >= 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(whole.sort_values(["_healpix_29", "id"], ignore_index=True), placed)
    assert len(placed) == N - 1
    assert TID in set(whole["id"])


def test_its_properties_tell_readers_what_they_ask_for(catalogue, tmp_path) -> None:
    folder = catalogue.write_hats(tmp_path / "odd", rows=ROWS, name="my run")
    lines = (folder / "hats.properties").read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert told["obs_collection"] == "my_run"
    assert (told["hats_nrows"], told["hats_col_ra"], told["hats_col_dec"]) == (str(N - 1), "ra", "dec")
    orders = pd.read_csv(folder / "partition_info.csv")["Norder"]
    assert int(told["hats_order"]) == orders.max()
    assert float(told["moc_sky_fraction"]) == pytest.approx((1 / (12 * 4.0**orders)).sum(), abs=1e-6)
    schema = parquet.read_schema(folder / "dataset" / "_common_metadata")
    assert schema.names == catalogue.table.columns.tolist()
    assert schema.field("ra").metadata[b"unit"] == b"deg"
    assert json.loads((folder / "specanom.json").read_text())["provenance"]["run"] == "x"


def test_it_replaces_a_hats_folder_and_nothing_else(catalogue, tmp_path) -> None:
    catalogue.write_hats(tmp_path / "odd", rows=ROWS)
    catalogue.write_hats(tmp_path / "odd")
    assert len(list((tmp_path / "odd").rglob("Npix=*.parquet"))) < 13
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(DataError, match="holds something else"):
        catalogue.write_hats(tmp_path / "mine")
    with pytest.raises(ArgumentError, match="at least 1"):
        catalogue.write_hats(tmp_path / "new", rows=0)
    nowhere = Catalogue.of(Parts(pd.DataFrame({"id": ["1"]})))
    with pytest.raises(DataError, match="an object with a position"):
        nowhere.write_hats(tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "odd"]


@given(st.lists(st.integers(0, 12 * 4**29 - 1), min_size=1, max_size=60), st.integers(1, 10))
def test_partitions_cover_each_row_once(pixels, rows) -> None:
    ordered = np.sort(np.array(pixels, dtype=np.int64))
    found = list(partitions(ordered, rows))
    assert [row for _, _, start, stop in found for row in range(start, stop)] == list(range(len(ordered)))
    for order, pixel, start, stop in found:
        assert stop - start <= rows or order == FINEST
        assert set(ordered[start:stop] >> 2 * (29 - order)) == {pixel}


def test_a_kill_while_it_is_replaced_leaves_the_old_one_or_the_new(catalogue, tmp_path, monkeypatch) -> None:
    catalogue.write_hats(tmp_path / "odd", rows=ROWS)
    files = len(list((tmp_path / "odd").rglob("Npix=*.parquet")))
    calls = []

    def killed(*names: object) -> None:
        calls.append(names)
        if len(calls) == 2:  # the old one is aside, the new one not yet in its place
            raise KeyboardInterrupt
        rename(*names)

    rename = os.replace
    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        catalogue.write_hats(tmp_path / "odd")
    assert [path.name for path in tmp_path.iterdir()] == ["odd"]
    assert len(list((tmp_path / "odd").rglob("Npix=*.parquet"))) == files
