"""Columns of a table that are kept of SDSS spectra, and what is told where they cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.surveys import SpectrumIndex, read


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sa.surveys.mock(n=24, seed=3).write(tmp_path_factory.mktemp("sdss"), layout="plate")


@pytest.fixture(scope="module")
def masses(plates: Path) -> pd.DataFrame:
    """A table that knows every object but the last."""
    rows = [(one.id, one.meta["plate"], one.meta["mjd"], one.meta["fiber"]) for one in read(plates)][:-1]
    table = pd.DataFrame(rows, columns=["id", "plate", "MJD", "FIBERID"])
    n = len(table)
    return table.assign(logmass=np.linspace(9, 11, n), BITS=(1 << 60) + np.arange(n), GROUP=[f"g{i}" for i in range(n)])


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet", "fits", "numbers"])
def test_columns_are_joined_by_what_names_a_spectrum(plates: Path, masses: pd.DataFrame, tmp_path: Path, kind) -> None:
    table: Any = masses
    if kind == "csv":
        table = tmp_path / "masses.csv"
        masses.sample(frac=1, random_state=0).to_csv(table, index=False)
    elif kind == "parquet":
        table = tmp_path / "masses.parquet"
        masses.to_parquet(table)
    elif kind == "fits":
        from astropy.table import Table

        table = tmp_path / "masses.fits"
        Table.from_pandas(masses.drop(columns="id")).write(table)
    elif kind == "numbers":
        table = masses.drop(columns="id")
    for survey in ("auto", "sdss"):
        found = list(read(plates, survey, catalogue=table, columns=["logmass", "BITS", "GROUP"]))
        assert [one.id for one in found[:-1]] == masses["id"].tolist()
        assert [one.meta["logmass"] for one in found[:-1]] == masses["logmass"].tolist()
        assert [one.meta["BITS"] for one in found[:-1]] == masses["BITS"].tolist()
        last = found[-1].meta
        assert np.isnan(last["logmass"])
        assert (last["BITS"], last["GROUP"]) == (None, "")
        plain = {one.id: one.z for one in read(plates)}
        assert {one.id: one.z for one in found} == plain, "redshifts are those of the files"
    (block,) = read(plates, catalogue=table, columns="logmass, BITS").blocks()
    assert block.table["BITS"].isna().sum() == 1


def test_an_index_keeps_them(plates: Path, masses: pd.DataFrame, tmp_path: Path) -> None:
    survey = read(plates, catalogue=masses, columns=["logmass"])
    index = SpectrumIndex.build(survey, tmp_path / "index")
    assert index.read(masses["id"][0]).meta["logmass"] == 9.0


def test_what_cannot_be_joined_is_told(plates: Path, masses: pd.DataFrame) -> None:
    bal = pd.DataFrame({"TARGETID": [39633345008634465], "Z": [1.0], "BAL_PROB": [0.5]})
    for survey in ("auto", "sdss"):
        with pytest.raises(ArgumentError, match=r"catalogue: expected a table of SDSS spectra .*columns=BAL_PROB"):
            read(plates, survey, catalogue=bal, columns=["BAL_PROB"])
        with pytest.raises(ArgumentError, match=r"a table of SDSS spectra .*got one of DESI targets"):
            read(plates, survey, catalogue=bal)
        with pytest.raises(ArgumentError, match=r"a table of SDSS spectra .*columns=logmass"):
            read(plates, survey, columns=["logmass"])
        with pytest.raises(ArgumentError, match=r"columns: expected columns to keep .*got z=Z_MINE"):
            read(plates, survey, catalogue=masses.assign(Z_MINE=1.0), columns={"z": "Z_MINE", "logmass": "logmass"})
        with pytest.raises(ArgumentError, match=r"columns: expected columns to keep .*got none"):
            read(plates, survey, catalogue=masses)
        with pytest.raises(DataError, match="columns: expected columns of the catalogue, got lgm"):
            read(plates, survey, catalogue=masses, columns=["lgm"])


def test_desi_and_sdss_in_one_folder_may_have_a_catalogue_of_desi(plates: Path, tmp_path: Path) -> None:
    both = tmp_path / "a"
    shutil.copytree(plates, both / "0")
    sa.surveys.mock_desi(n=6, seed=1).write(both / "desi")
    ids = [one.id for one in read(both / "desi")]
    bal = pd.DataFrame({"TARGETID": ids, "BAL_PROB": 0.5})
    found = list(read(both, catalogue=bal, columns=["BAL_PROB"]))
    assert {one.meta.get("BAL_PROB") for one in found if one.meta["survey"] == "desi"} == {0.5}
    assert sum(one.meta["survey"] != "desi" for one in found) == sum(1 for _ in read(plates))


def test_a_table_that_names_no_targets_is_refused_for_desi(tmp_path: Path) -> None:
    sa.surveys.mock_desi(n=6, seed=1).write(tmp_path / "desi")
    table = pd.DataFrame({"id": [one.id for one in read(tmp_path / "desi")], "logmass": 10.0})
    with pytest.raises(ArgumentError, match=r"expected a column TARGETID for spectra of DESI"):
        read(tmp_path / "desi", catalogue=table, columns=["logmass"])
    found = read(tmp_path / "desi", catalogue=table, columns={"targetid": "id", "logmass": "logmass"})
    assert {one.meta["logmass"] for one in found} == {10.0}
