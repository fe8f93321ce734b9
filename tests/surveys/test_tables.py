"""Spectra in CSV, ECSV and Parquet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.errors import DataError
from specanom.spectrum import Spectrum
from specanom.surveys import read

WAVE = np.linspace(4000.0, 7000.0, 60)


def long_table(names: list[str], shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    parts = [pd.DataFrame({"id": name, "wave": WAVE + shift * i, "flux": rng.normal(5, 1, 60), "err": 0.5, "z": 0.1 * i,
                           "class": "GALAXY"}) for i, name in enumerate(names)]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_long_table_gives_a_spectrum_an_id(tmp_path: Path, ending: str) -> None:
    table = long_table(["0017", "39633345008634465", "c"])
    path = tmp_path / f"spectra.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    survey = read(path)
    assert [s.id for s in survey] == ["0017", "39633345008634465", "c"], "ids are text, zeros and all digits stay"
    for s, (_, part) in zip(survey, table.groupby("id", sort=False), strict=True):
        np.testing.assert_allclose(s.flux, part["flux"], rtol=1e-6)
        np.testing.assert_allclose(s.ivar, 4.0)
        assert s.z == pytest.approx(part["z"].iloc[0])
    (block,) = survey.blocks()
    assert len(block) == 3
    assert len(read(path, target="qso").skipped) == 3


def test_spectra_on_grids_of_their_own_stay_on_them(tmp_path: Path) -> None:
    path = tmp_path / "spectra.parquet"
    long_table(["a", "b", "c"], shift=2.5).to_parquet(path)
    assert [s.wave[0] for s in read(path)] == [4000.0, 4002.5, 4005.0]
    assert [len(block) for block in read(path).blocks()] == [1, 1, 1]


def test_a_wide_table_has_its_wavelengths_as_names(tmp_path: Path) -> None:
    flux = np.random.default_rng(2).normal(1, 0.1, (4, 60))
    table = pd.DataFrame(flux, columns=[f"{w:.2f}" for w in WAVE])[[f"{w:.2f}" for w in WAVE[::-1]]]
    table.insert(0, "id", list("abcd"))
    table.insert(1, "z", [0.1, 0.2, 0.3, np.nan])
    path = tmp_path / "wide.csv"
    table.to_csv(path, index=False)
    (block,) = read(path).blocks()
    assert block.ids == list("abcd")
    np.testing.assert_allclose(block.flux, flux, rtol=1e-6)
    np.testing.assert_allclose(block.wave, WAVE, atol=0.006)
    assert block.ivar is None
    assert [s.z for s in read(path)][3] is None


def test_one_spectrum_is_called_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my galaxy.csv"
    pd.DataFrame({"loglam": np.log10(WAVE[::-1]), "flux": np.arange(60.0), "ivar": 1.0}).to_csv(path, index=False)
    s = Spectrum.read(path)
    assert s.id == "my galaxy"
    np.testing.assert_allclose(s.wave, WAVE, rtol=1e-9)
    np.testing.assert_array_equal(s.flux, np.arange(60.0)[::-1])


BIG = ["39633345008634465", "39633345008634466", "0017"]


@pytest.mark.parametrize("name", ["id", "ID", "Id", "TARGETID", " TargetID"])
@pytest.mark.parametrize("shape", ["long", "wide"])
def test_ids_keep_every_digit_whatever_the_column_is_called(tmp_path: Path, name: str, shape: str) -> None:
    path = tmp_path / "spectra.csv"
    if shape == "long":
        table = long_table(BIG).rename(columns={"id": name}).assign(SPECOBJID="1048576001234567891")
    else:
        table = pd.DataFrame(np.ones((3, 60)), columns=[f"{w:.2f}" for w in WAVE])
        table = table.assign(**{name: BIG, "SpecObjID": "1048576001234567891"})
    table.to_csv(path, index=False)
    assert [s.id for s in read(path)] == BIG
    assert {s.meta["specobjid"] for s in read(path)} == {"1048576001234567891"}


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("ending", ["parquet", "ecsv"])
def test_ids_that_are_integers_keep_every_digit_beside_blanks_too(tmp_path: Path, ending: str, gap: bool) -> None:
    from astropy.table import Table

    path = tmp_path / f"spectra.{ending}"
    numbers = pd.array([39633345008634465] * 60 + [None if gap else 7] * 60, dtype="Int64")
    table = pd.DataFrame({"TARGETID": numbers, "wave": np.tile(WAVE, 2), "flux": 1.0, "ivar": 1.0})
    table.to_parquet(path) if ending == "parquet" else Table.from_pandas(table).write(path, format="ascii.ecsv")
    survey = read(path)
    assert [s.id for s in survey] == ["39633345008634465"] + ["7"] * (not gap)
    assert len(survey.skipped) == gap


def test_ids_that_have_lost_digits_already_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "spectra.parquet"
    table = long_table(["a"])
    table.assign(id=39633345008634465.0).to_parquet(path)
    with pytest.raises(DataError, match="lost digits"):
        read(path)
    table.assign(id=17.0).to_parquet(path)
    assert [s.id for s in read(path)] == ["17"]


def test_an_id_that_is_the_index_of_a_parquet_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "spectra.parquet"
    long_table(BIG).set_index("id").to_parquet(path)
    assert [s.id for s in read(path)] == BIG


def test_rows_without_an_id_are_listed_and_never_lost(tmp_path: Path) -> None:
    table = long_table(["a", "b", "c", "d"], shift=1.0)
    table.loc[table["id"] == "a", "id"] = None
    table.loc[table["id"] == "c", "id"] = "  "
    for path in (tmp_path / "long.csv", tmp_path / "long.parquet"):
        table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
        survey = read(path)
        assert [s.id for s in survey] == ["b", "d"]
        assert [tuple(one) for one in survey.skipped] == [("", str(path), "no id: 120 rows of the table")]
    wide = pd.DataFrame(np.ones((3, 60)), columns=[f"{w:.2f}" for w in WAVE]).assign(ID=["x", "", "z"])
    wide.to_csv(tmp_path / "wide.csv", index=False)
    survey = read(tmp_path / "wide.csv")
    assert [s.id for s in survey] == ["x", "wide-1", "z"]
    assert [(one.id, one.note) for one in survey.notes if "id" in one.note] == [
        ("wide-1", "no id: called by its row")]


def test_units_of_an_ecsv_file_are_heeded(tmp_path: Path) -> None:
    from astropy import units
    from astropy.table import Table

    path = tmp_path / "one.ecsv"
    Table({"wavelength": WAVE / 10 * units.nm, "flux": np.ones(60)}).write(path, format="ascii.ecsv")
    np.testing.assert_allclose(Spectrum.read(path).wave, WAVE)
    density = units.Unit("erg / (s cm2 nm)")
    Table({"wavelength": WAVE * units.AA, "flux": np.full(60, 2e-16) * density,
           "ivar": np.full(60, 1e32) / density**2}).write(path, format="ascii.ecsv", overwrite=True)
    np.testing.assert_allclose(Spectrum.read(path).flux, 2, rtol=1e-6)
    np.testing.assert_allclose(Spectrum.read(path).ivar, 1, rtol=1e-6)
    Table({"wavelength": WAVE * units.AA, "flux": np.ones(60) * density,
           "err": np.full(60, 0.5) * density}).write(path, format="ascii.ecsv", overwrite=True)
    s = Spectrum.read(path)
    np.testing.assert_allclose(s.flux * np.sqrt(s.ivar), 2, rtol=1e-6)
    blank = Table({"wavelength": WAVE * units.AA, "flux": np.ones(60) * density}, masked=True)
    blank["flux"].mask[3] = True
    blank.write(path, format="ascii.ecsv", overwrite=True)
    assert np.flatnonzero(np.isnan(Spectrum.read(path).flux)).tolist() == [3]
    Table({"wavelength": WAVE * units.AA, "flux": np.ones(60) * units.kg}).write(path, format="ascii.ecsv",
                                                                                 overwrite=True)
    with pytest.raises(DataError, match="flux density"):
        read(path)


def test_a_catalogue_is_no_table_of_spectra(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    pd.DataFrame({"id": ["a"], "z": [0.1]}).to_csv(path, index=False)
    with pytest.raises(DataError, match="needs columns wave and flux"):
        read(path)
    path.write_text("wave,flux\n4000,five\n4001,6\n")
    with pytest.raises(DataError, match="a value is no number"):
        read(path)
    path.write_text("wave,flux\n")
    with pytest.raises(DataError, match="no rows"):
        read(path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not readable as a table"):
        read(tmp_path / "broken.parquet")


def test_tables_beside_spectra_are_left_alone(tmp_path: Path, data: Path) -> None:
    long_table(["a"]).to_csv(tmp_path / "spectra.csv", index=False)
    (tmp_path / "a.fits").write_bytes((data / "spec-1045-52725-0628.fits").read_bytes())
    survey = read(tmp_path)
    assert (len(survey), survey.skipped) == (1, [])
    assert len(read([tmp_path / "spectra.csv", tmp_path / "a.fits"])) == 2


@pytest.mark.parametrize(("flux", "err", "said"), [
    (1e-19, 1e-21, r"inverse variance of 1e\+42: .* Give the unit of flux"),
    (1e19, 1e18, r"flux of 1e\+19: .* scale it"),
])
def test_numbers_in_another_unit_are_told_as_that(tmp_path: Path, flux: float, err: float, said: str) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"a,{4000 + i},{flux},{err}\n" for i in range(30))
    path.write_text(f"id,wave,flux,err\n{rows}")
    with pytest.raises(DataError, match=said):
        list(read(path))
