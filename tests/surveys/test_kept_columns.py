"""Columns of a catalogue that a user keeps: from the reader to the work list and the files of a catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.surveys import read
from specanom.surveys.desi_releases import check_columns
from specanom.triage import Listing
from specanom.triage.catalogue import Catalogue, Parts

IDS = (39633345008634465, 39633345008634466, 39633345008634467, 39633345008634468)
Write = Callable[..., Path]


def balnicity(**columns: Any) -> pd.DataFrame:
    """A table of broad absorption lines, which has no redshifts and does not know the last target."""
    table = {"TARGETID": IDS[:3], "BAL_PROB": [0.9, 0.2, np.nan], "BAL_FLAG": [True, False, False],
             "TARGET_BITS": [1 << 60, 4, 0], "GROUP": ["a", "b", "c"]}
    return pd.DataFrame({**table, **columns})


KEPT = ("BAL_PROB", "BAL_FLAG", "TARGET_BITS", "GROUP")


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet", "fits"])
def test_columns_of_any_kind_of_catalogue_are_kept(
    write_coadd: Write, write_redrock: Write, tmp_path: Path, kind: str
) -> None:
    path = write_coadd()
    write_redrock()
    table: Any = balnicity()
    if kind == "csv":
        table = tmp_path / "bal.csv"
        balnicity().to_csv(table, index=False)
    elif kind == "parquet":
        table = tmp_path / "bal.parquet"
        balnicity().to_parquet(table)
    elif kind == "fits":
        from astropy.table import Table

        table = tmp_path / "bal.fits"
        Table.from_pandas(balnicity()).write(table)
    survey = read(path, catalogue=table, columns=KEPT)
    assert [s.meta["BAL_PROB"] for s in survey] == pytest.approx([0.9, 0.2, np.nan, np.nan], nan_ok=True)
    assert [s.meta["BAL_FLAG"] for s in survey] == [1, 0, 0, None]
    assert [s.meta["TARGET_BITS"] for s in survey] == [1 << 60, 4, 0, None]
    assert [s.meta["GROUP"] for s in survey] == ["a", "b", "c", ""]
    assert [s.z for s in survey] == pytest.approx([0.1, 0.2, 0.3, 0.4]), "those of redrock"
    (block,) = survey.blocks()
    assert block.table["TARGET_BITS"].tolist()[:3] == [1 << 60, 4, 0], "no digit is lost beside one that is not known"
    assert block.table["TARGET_BITS"].isna().tolist() == [False, False, False, True]


def test_redshifts_and_kept_columns_may_come_from_one_catalogue(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock()
    mine = balnicity(Z_HELIO=[1.1, 1.2, 1.3])
    for columns in ({"z": "Z_HELIO", "BAL_PROB": "BAL_PROB"}, "z=Z_HELIO, BAL_PROB", ["z=Z_HELIO", "BAL_PROB"]):
        survey = read(path, catalogue=mine, columns=columns)
        assert [s.z for s in survey] == [1.1, 1.2, 1.3, None]
        assert [s.meta["BAL_PROB"] for s in survey] == pytest.approx([0.9, 0.2, np.nan, np.nan], nan_ok=True)
    notes = {note.note for note in survey.notes if note.id == str(IDS[3])}
    assert notes == {"redshift and class are not known: not in the catalogue"}


def test_without_a_catalogue_columns_are_kept_of_what_lies_in_the_tree(
    write_coadd: Write, write_redrock: Write, tmp_path: Path
) -> None:
    write_coadd("iron/healpix/coadd-main-dark-27247.fits")
    write_redrock("iron/healpix/redrock-main-dark-27247.fits", CHI2=[1.0, 2.0, 3.0, 4.0])
    write_redrock("iron/zcatalog/zall-pix-iron.fits", hdu="ZCATALOG", ids=IDS[:2], DESI_TARGET=[5, 6])
    survey = read(tmp_path / "iron", columns=["CHI2", "DESI_TARGET", "NOWHERE"])
    assert [s.meta["CHI2"] for s in survey] == [4.0, 3.0, 2.0, 1.0]
    assert [s.meta["DESI_TARGET"] for s in survey] == [5, 6, None, None]
    assert all(np.isnan(s.meta["NOWHERE"]) for s in survey)
    assert {note.note for note in survey.notes} == {"no table of redshifts has a column NOWHERE"}


def test_names_that_cannot_be_kept_are_refused(write_coadd: Write) -> None:
    path = write_coadd()
    with pytest.raises(ArgumentError, match=r"columns: expected one of .*'z_err'"):
        read(path, catalogue=balnicity(), columns={"bal": "BAL_PROB"})
    with pytest.raises(ArgumentError, match=r"names that no column of a spectrum has, got 'RA'"):
        read(path, catalogue=balnicity(RA=1.0), columns=["RA"])
    with pytest.raises(DataError, match="expected columns of the catalogue, got BALPROB"):
        read(path, catalogue=balnicity(), columns=["BALPROB"])
    with pytest.raises(DataError, match="Z_BEST or Z"):
        read(path, catalogue=balnicity())
    assert check_columns(None) == check_columns("") == {}
    with pytest.raises(ArgumentError, match="catalogues are of DESI targets"):
        read(path, "sdss", catalogue=balnicity(), columns=["BAL_PROB"])


def test_a_column_of_several_values_a_row_is_refused(write_coadd: Write, tmp_path: Path) -> None:
    from astropy.table import Table

    Table({"TARGETID": IDS, "COEFF": np.zeros((4, 10))}).write(tmp_path / "coeff.fits")
    with pytest.raises(DataError, match=r"one value a row, got COEFF of coeff.fits of shape \(4, 10\)"):
        read(write_coadd(), catalogue=tmp_path / "coeff.fits", columns=["COEFF"])


def test_a_kept_column_goes_from_the_reader_to_the_work_list(tmp_path: Path) -> None:
    fibres = sa.surveys.mock_desi(n=30, seed=2)
    fibres.write(tmp_path / "iron")
    ids = [spectrum.id for spectrum in read(tmp_path / "iron", "desi")]
    prob = np.linspace(0, 1, len(ids) - 1)
    table = pd.DataFrame({"TARGETID": ids[:-1], "BAL_PROB": prob, "BITS": [1 << 60] * (len(ids) - 1),
                          "GROUP": [f"group {i % 3}" for i in range(len(ids) - 1)]})
    survey = read(tmp_path / "iron", "desi", catalogue=table, columns="BAL_PROB, BITS, GROUP")
    sample = sa.Preprocessor(grid=(2500, 4500, 200), z_range=None, min_snr=None, max_missing=1.0,
                             max_missing_wave=1.0).fit_transform(survey)
    sample.save(tmp_path / "sample.zarr")
    known = sa.SpectrumSet.open(tmp_path / "sample.zarr").table.set_index("id")
    assert len(known) > 5
    wanted = dict(zip(ids, prob, strict=False))
    assert known["BAL_PROB"].tolist() == pytest.approx([wanted.get(id, np.nan) for id in known.index], nan_ok=True)
    made = Catalogue.of(Parts(known.reset_index(), pd.DataFrame({"id": known.index, "score": np.arange(len(known))})))
    for end in ("parquet", "fits", "vot", "ecsv"):
        made.write(tmp_path / f"rows.{end}")
        rows = Catalogue.read(tmp_path / f"rows.{end}").table.set_index("id").loc[known.index]
        assert rows["BAL_PROB"].tolist() == pytest.approx(known["BAL_PROB"].tolist(), nan_ok=True)
        assert rows["GROUP"].fillna("").tolist() == known["GROUP"].tolist()
        whole = known["BITS"].notna().to_numpy()
        assert {int(value) for value in rows["BITS"][whole]} == {1 << 60}
    listed = Listing("score", exclude={"BAL_PROB": "> 0.5"})(known.reset_index().assign(score=1.0))
    left = {id for id in known.index if wanted.get(id, 0) <= 0.5}
    assert set(listed.ids if hasattr(listed, "ids") else listed.table["id"]) == left
