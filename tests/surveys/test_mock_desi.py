"""A simulated DESI survey: repeatable, in the layout of the real files, and read back as written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from specanom.errors import ArgumentError
from specanom.surveys import mock_desi, read
from specanom.surveys.desi_mock import FILE_FIBRES, KINDS
from specanom.surveys.desi_write import NSIDE, TRUTH_COLUMNS, Place, positions, write_coadd
from specanom.surveys.simulate.desi_fibres import DesiFibres, DesiPlan, shares, simulate

IDS = list(range(10**6, 10**6 + 24))
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "desi"
PLAN = DesiPlan(anomaly_share=0.0, kinds=KINDS, quasar_share=0.45, bal_share=0.0)


@pytest.fixture(scope="module")
def dark() -> DesiFibres:
    return simulate(IDS, "dark", seed=1, plan=PLAN)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desi")
    return mock_desi(n=80, seed=3, anomaly_share=0.3).write(folder)


# ---- repeatable ----------------------------------------------------------------------------------------------------


def test_a_fibre_is_the_same_alone_and_in_any_company(dark: DesiFibres) -> None:
    for part in ([0, 1, 2], [5], [23, 7]):
        some = simulate([IDS[i] for i in part], "dark", seed=1, plan=PLAN)
        for name in ("flux", "ivar", "mask"):
            np.testing.assert_array_equal(getattr(some, name), getattr(dark, name)[part])
        assert [row["id"] for row in some.rows] == [dark.rows[i]["id"] for i in part]


def test_the_first_fibres_do_not_depend_on_how_many_there_are() -> None:
    few, many = mock_desi(n=10, seed=5), mock_desi(n=FILE_FIBRES + 10, seed=5)
    np.testing.assert_array_equal(few.fibres(0).flux, many.fibres(0).flux[:10])
    pd.testing.assert_frame_equal(few.truth, many.truth.iloc[:10])


def test_another_seed_gives_other_fibres_and_other_ids() -> None:
    one, two = mock_desi(n=5, seed=1), mock_desi(n=5, seed=2)
    assert not set(one.truth["id"]) & set(two.truth["id"])
    assert not np.array_equal(one.fibres(0).flux, two.fibres(0).flux)


# ---- what is in it -------------------------------------------------------------------------------------------------


def test_shares_of_the_programmes_add_up_to_the_share_of_quasars() -> None:
    for share in (0.0, 0.2, 0.45):
        dark_time, bright = shares("dark", share), shares("bright", share)
        assert sum(dark_time) == pytest.approx(1)
        assert sum(bright) == pytest.approx(1)
        assert min(dark_time + bright) >= 0
        assert (dark_time[2] + bright[2]) / 2 == pytest.approx(share)


def test_ids_are_those_of_desi_and_sky_is_negative() -> None:
    truth = mock_desi(n=128, seed=1).truth
    assert truth["id"].is_unique
    assert truth["id"].str.len().between(17, 18).all()
    sky = truth[truth["objtype"] == "SKY"]
    assert len(sky)
    assert sky["id"].str.startswith("-").all()
    assert (sky["target"] == "sky").all()
    assert not truth.loc[truth["objtype"] == "TGT", "id"].str.startswith("-").any()
    assert truth["id"].str.lstrip("-").str.startswith("3963").all()


def test_redshifts_and_broken_fibres_are_as_described() -> None:
    truth = mock_desi(n=512, seed=2).truth
    quasars = truth[truth["target"] == "QSO"]
    assert quasars["z_true"].between(0.8, 3.2).all()
    assert abs(len(quasars) / len(truth) - 0.35) < 0.07
    assert 0 < (truth["fiberstatus"] != 0).mean() < 0.05
    assert set(truth["target"]) == {"sky", "STAR", "QSO", "BGS", "LRG", "ELG"}
    assert truth.loc[truth["target"] == "LRG", "z_true"].between(0.3, 1.1).all()


# ---- files ---------------------------------------------------------------------------------------------------------


def test_the_tree_is_that_of_a_production(written: Path) -> None:
    coadds = sorted(path.relative_to(written).as_posix() for path in written.rglob("coadd-*.fits"))
    assert coadds == ["healpix/main/bright/272/27200/coadd-main-bright-27200.fits",
                      "healpix/main/dark/272/27200/coadd-main-dark-27200.fits"]
    assert all((written / path.replace("coadd-", "redrock-")).exists() for path in coadds)
    assert not list(written.rglob("*.part"))


def test_hdus_have_the_names_types_and_units_of_real_files(written: Path) -> None:
    path = next(written.rglob("coadd-main-dark-*.fits"))
    with fits.open(path) as made:
        made.verify("exception")
        assert [hdu.name for hdu in made] == [
            "PRIMARY", "FIBERMAP", "EXP_FIBERMAP",
            *(f"{arm}_{what}" for arm in "BRZ" for what in ("WAVELENGTH", "FLUX", "IVAR", "MASK", "RESOLUTION")),
            "SCORES"]
        assert made[0].header["HPXNSIDE"] == NSIDE
        assert made[0].header["HPXNEST"] is True
        for arm, size in (("B", 2751), ("R", 2326), ("Z", 2881)):
            wave = made[f"{arm}_WAVELENGTH"]
            assert wave.data.dtype == ">f8"
            assert wave.header["BUNIT"] == "Angstrom"
            np.testing.assert_allclose(np.diff(wave.data), 0.8, atol=1e-9)
            assert made[f"{arm}_FLUX"].data.shape == (64, size)
            assert made[f"{arm}_FLUX"].data.dtype == ">f4"
            assert made[f"{arm}_FLUX"].header["BUNIT"] == "10**-17 erg/(s cm2 Angstrom)"
            assert made[f"{arm}_IVAR"].header["BUNIT"] == "10**+34 (s2 cm4 Angstrom2) / erg2"
            assert made[f"{arm}_MASK"].data.dtype == ">i4"
            assert made[f"{arm}_RESOLUTION"].data.shape == (64, 3, size)
        ids = made["FIBERMAP"].data["TARGETID"]
        assert ids.dtype == ">i8"
        assert str(ids.max()).startswith("39631")


@pytest.mark.skipif(not REAL.exists(), reason="the real coadds are not here")
def test_columns_and_headers_are_a_part_of_those_of_a_real_coadd(written: Path) -> None:
    with fits.open(REAL / "coadd-special-dark-27247.fits") as real, \
            fits.open(next(written.rglob("coadd-main-dark-*.fits"))) as made:
        assert [hdu.name for hdu in made] == [hdu.name for hdu in real]
        tile = {"PETAL_LOC", "FIBER", "TILEID"}  # in FIBERMAP only in coadds of tiles
        theirs = {column.name: (column.format, column.unit) for column in real["FIBERMAP"].columns}
        for column in made["FIBERMAP"].columns:
            assert column.name in tile or theirs[column.name] == (column.format, column.unit), column.name
        for name in ("B_WAVELENGTH", "R_FLUX", "Z_IVAR", "B_MASK"):
            assert made[name].header.get("BUNIT") == real[name].header.get("BUNIT")
            assert made[name].header["BITPIX"] == real[name].header["BITPIX"]
        for arm in "BRZ":
            np.testing.assert_allclose(made[f"{arm}_WAVELENGTH"].data, real[f"{arm}_WAVELENGTH"].data, atol=1e-8)
    with fits.open(REAL / "redrock-4-80613-thru20210324.fits") as real, \
            fits.open(next(written.rglob("redrock-main-dark-*.fits"))) as made:
        assert made["REDSHIFTS"].columns.formats == real["REDSHIFTS"].columns.formats
        assert made["REDSHIFTS"].columns.names == real["REDSHIFTS"].columns.names
        assert [hdu.name for hdu in made] == [hdu.name for hdu in real]


def test_fibres_lie_inside_their_pixel() -> None:
    from astropy import units
    from astropy_healpix import HEALPix

    ids = np.array(mock_desi(n=64, seed=1).files.ids(0))
    for pixel in (0, 27200, 49151):
        ra, dec = positions(ids, pixel)
        found = HEALPix(NSIDE, order="nested").lonlat_to_healpix(ra * units.deg, dec * units.deg)
        assert (found == pixel).all()
        assert len(np.unique(np.round(ra, 6))) > 60


def test_truth_on_disk_keeps_every_digit_of_an_id(written: Path) -> None:
    truth = pd.read_csv(written / "truth.csv", dtype={"id": str}, keep_default_na=False)
    assert list(truth.columns) == list(TRUTH_COLUMNS)
    assert len(truth) == 80
    with fits.open(next(written.rglob("coadd-main-dark-*.fits"))) as made:
        assert truth["id"][:64].tolist() == [str(one) for one in made["FIBERMAP"].data["TARGETID"]]


def test_a_file_has_the_same_bytes_when_it_is_written_again(tmp_path: Path) -> None:
    fibres = simulate(IDS[:6], "dark", seed=1, plan=PLAN)
    place = Place("main", "dark", 27200, 20001, 59300)
    first, second = (write_coadd(fibres, tmp_path / name, place) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_what_is_written_comes_back_through_the_reader(written: Path) -> None:
    truth = pd.read_csv(written / "truth.csv", dtype={"id": str}, keep_default_na=False).set_index("id")
    survey = read(written, survey="desi")
    seen = {spectrum.id: spectrum for spectrum in survey}
    expected = truth[(truth["objtype"] == "TGT") & (truth["fiberstatus"] == 0)]
    assert set(seen) == set(expected.index)
    assert {skipped.id for skipped in survey.skipped} == set(truth.index) - set(expected.index)
    for id, spectrum in seen.items():
        row = expected.loc[id]
        assert spectrum.wave.size == 7781
        assert spectrum.wave[0] == pytest.approx(3600)
        assert spectrum.z == pytest.approx(row["z_catalogue"], abs=1e-5)
        assert spectrum.meta["healpix"] == row["healpix"]
        assert spectrum.meta["fiber"] == row["fiber"]
        assert spectrum.meta["survey_program"] == row["survey_program"]
        assert spectrum.meta["ebv"] * 0.86 == pytest.approx(row["ebv"], rel=1e-4)


# ---- the face ------------------------------------------------------------------------------------------------------


def test_it_iterates_and_gives_blocks_like_any_survey() -> None:
    survey = mock_desi(n=20, seed=1)
    ids = [spectrum.id for spectrum in survey]
    assert ids == [id for block in survey.blocks(7) for id in block.ids]
    good = survey.truth[(survey.truth["objtype"] == "TGT") & (survey.truth["fiberstatus"] == 0)]
    assert ids == good["id"].tolist()
    assert len(ids) + len(survey.skipped) == 20


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": True}, {"n": 1.5}, {"seed": -1}, {"anomaly_share": 1.2},
                                   {"quasar_share": 0.6}, {"bal_share": -0.1}, {"kinds": ["nothing"]}])
def test_a_wrong_call_stops_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(ArgumentError):
        mock_desi(**{"n": 5, **wrong})  # type: ignore[arg-type]
