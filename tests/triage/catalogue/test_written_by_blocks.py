"""Catalogues are written a block of rows at a time, and read by column."""

import warnings

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from specanom.triage.catalogue import Catalogue, Parts, file_fits, file_parquet
from specanom.triage.catalogue.fits_rows import added, encoded

N = 13


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Text of several widths, beyond ASCII only in the last block; whole numbers that are blank in some."""
    rng = np.random.default_rng(4)
    objects = pd.DataFrame({"id": [f"s{i}" for i in range(N)], "ra": rng.uniform(0, 360, N),
                            "dec": rng.uniform(-60, 60, N), "z": rng.uniform(0, 1, N).astype(np.float32)})
    more = pd.DataFrame({"id": objects["id"][3:], "WORD": ["a" * i + "é" * (i == 9) for i in range(N - 3)],
                         "COUNT": pd.array([None if i % 4 == 2 else i for i in range(N - 3)], dtype="Int64")})
    return Catalogue.of(Parts(objects, more=more))


@pytest.mark.parametrize("rows", [4, 8, 4096])
def test_fits_of_any_block_is_what_astropy_makes_of_the_whole(catalogue, tmp_path, monkeypatch, rows):
    monkeypatch.setattr(file_fits, "ROWS", rows)
    path = catalogue.write(tmp_path / "odd.fits")
    with warnings.catch_warnings(), fits.open(path, checksum=True) as hdus:
        warnings.simplefilter("error")
        hdus.verify("exception")
        hdu = hdus[1]
        whole = fits.BinTableHDU(hdu.data.copy(), header=hdu.header.copy())
        whole.add_checksum()
        assert whole.header["DATASUM"] == hdu.header["DATASUM"]
        assert [(one.verify_checksum(), one.verify_datasum()) for one in hdus] == [(1, 1)] * 3
    assert path.stat().st_size % 2880 == 0
    pd.testing.assert_frame_equal(Catalogue.read(path).table, catalogue.table, check_exact=True)


def test_parquet_has_the_same_rows_in_any_row_group(catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(file_parquet, "ROWS", 5)
    path = catalogue.write(tmp_path / "odd.parquet")
    pd.testing.assert_frame_equal(Catalogue.read(path).table, catalogue.table, check_exact=True)


@pytest.mark.parametrize("ending", ["parquet", "fits", "ecsv", "vot"])
def test_columns_that_are_asked_for_are_read_alone(catalogue, tmp_path, ending):
    path = catalogue.write(tmp_path / f"odd.{ending}")
    some = Catalogue.read(path, columns=["z", "WORD", "not there"])
    assert list(some.table) == [one.name for one in some.columns] == ["z", "WORD"]
    pd.testing.assert_frame_equal(some.table, catalogue.table[["z", "WORD"]], check_exact=True)
    assert some.meta == catalogue.meta


def test_checksum_is_that_of_the_standard():
    """The example of the FITS standard, and the sum of ones' complement whose carry comes back in."""
    assert encoded(868229149 ^ 0xFFFFFFFF) == "hcHjjc9ghcEghc9g"
    assert added(0xFFFFFFFF, bytes([0, 0, 0, 1])) == 1
    raw = np.random.default_rng(1).bytes(4096)
    assert added(added(0, raw[:1024]), raw[1024:]) == added(0, raw)
