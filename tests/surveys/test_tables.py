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


def test_units_of_an_ecsv_file_are_heeded(tmp_path: Path) -> None:
    from astropy import units
    from astropy.table import Table

    path = tmp_path / "one.ecsv"
    Table({"wavelength": WAVE / 10 * units.nm, "flux": np.ones(60)}).write(path, format="ascii.ecsv")
    np.testing.assert_allclose(Spectrum.read(path).wave, WAVE)


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
