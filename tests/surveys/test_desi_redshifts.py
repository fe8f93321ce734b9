"""What is known of targets: beside the spectra, in catalogues of any release; and trees, exposures, mixed folders."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from specanom.errors import ArgumentError, DataError
from specanom.spectrum import Spectrum
from specanom.surveys import read

IDS = (39633345008634465, 39633345008634466, 39633345008634467, 39633345008634468)
Write = Callable[..., Path]


def notes_of(survey: Any, id: object = "") -> set[str]:
    return {note.note for note in survey.notes if note.id == str(id)}


# -- redrock -------------------------------------------------------------------------------------------------------


def test_without_redrock_z_is_not_known_and_a_class_cannot_be_asked_for(write_coadd: Write) -> None:
    path = write_coadd()
    survey = read(path)
    assert [s.z for s in survey] == [None] * 4
    assert "redshift and class are not known: no redrock file beside the spectra" in notes_of(survey, IDS[0])
    galaxies = read(path, target="galaxy")
    assert len(galaxies) == 0
    assert galaxies.waterfall() == {"no redshift and class, and only class GALAXY was asked for": 4}


def test_targets_that_redrock_does_not_know_are_noted_and_foreign_ones_counted(
    write_coadd: Write, write_redrock: Write
) -> None:
    path = write_coadd()
    write_redrock(ids=(777, IDS[2], 888, IDS[0]))
    survey = read(path)
    assert [s.z for s in survey] == [pytest.approx(0.1), None, pytest.approx(0.3), None]
    missing = "redshift and class are not known: TARGETID not in redrock-main-dark-27247.fits"
    assert missing in notes_of(survey, IDS[1])
    assert missing not in notes_of(survey, IDS[2])
    assert notes_of(survey) == {"redrock-main-dark-27247.fits: 2 redshifts of targets that have no spectrum here"}


def test_redrock_of_other_targets_alone_leaves_every_spectrum_there(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock(ids=(777, 888))
    assert [s.z for s in read(path)] == [None] * 4


def test_a_redrock_file_of_another_name_is_found_by_its_targets(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd("my coadd.fits")
    write_redrock("another.fits", ids=(1, 2))
    write_redrock("redshifts of mine.fits")
    assert [s.z for s in read(path)] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_zbest_of_early_productions_is_read(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd("coadd-0-80613-20210324.fits")
    write_redrock("zbest-0-80613-20210324.fits", hdu="ZBEST")
    assert Spectrum.read(path, row=3).z == pytest.approx(0.4)


def test_redshifts_may_be_in_the_same_file(write_coadd: Write, write_redrock: Write) -> None:
    path, redrock = write_coadd(), write_redrock("other/x.fits")
    with fits.open(path, mode="append") as hdus, fits.open(redrock) as known:
        hdus.append(known["REDSHIFTS"].copy())
    assert Spectrum.read(path, row=1).meta["class"] == "QSO"


@pytest.mark.parametrize("size", [2880, 5760, 5800])
def test_a_cut_redrock_file_loses_no_spectrum(
    write_coadd: Write, write_redrock: Write, tmp_path: Path, size: int
) -> None:
    write_coadd()
    redrock = write_redrock()
    redrock.write_bytes(redrock.read_bytes()[:size])
    survey = read(tmp_path)
    assert len(survey) == 4
    assert [s.z for s in survey] == [None] * 4
    assert any("redshift and class are not known" in note for note in notes_of(survey, IDS[0]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_cut_coadd_is_skipped_and_the_others_read(write_coadd: Write, tmp_path: Path, share: float) -> None:
    cut = write_coadd("a/coadd-main-dark-1.fits", ids=(1, 2))
    write_coadd("b/coadd-main-dark-2.fits", ids=(3, 4))
    whole = cut.read_bytes()
    cut.write_bytes(whole[: int(share * len(whole))])
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["3", "4"]
    assert [one.path for one in survey.skipped] == [str(cut)]
    assert "cut short" in survey.skipped[0].reason


def test_tables_that_do_not_belong_to_the_spectra_are_refused(write_coadd: Write, tmp_path: Path) -> None:
    path = write_coadd("coadd-main-dark-1.fits")
    with fits.open(path) as hdus:
        hdus["FIBERMAP"].data = hdus["FIBERMAP"].data[:2]
        hdus.writeto(tmp_path / "coadd-main-dark-2.fits")
        del hdus["FIBERMAP"]
        hdus["Z_IVAR"].data = hdus["Z_IVAR"].data[:3]
        hdus.writeto(tmp_path / "coadd-main-dark-3.fits")
    survey = read(tmp_path)
    assert len(survey) == 4
    assert {Path(one.path).name[16:17]: one.reason for one in survey.skipped} == {
        "2": "the FIBERMAP has 2 rows for 4 spectra", "3": "flux, inverse variance and mask of arm Z differ in shape"}


# -- catalogues ------------------------------------------------------------------------------------------------------


def frame(**columns: Any) -> pd.DataFrame:
    table = {"TARGETID": IDS, "Z": [1.1, 1.2, 1.3, 1.4], "ZWARN": [0] * 4, "SPECTYPE": ["QSO"] * 4}
    return pd.DataFrame({**table, **columns})


@pytest.mark.parametrize("kind", ["frame", "csv", "parquet", "fits"])
def test_a_catalogue_is_taken_instead_of_redrock(
    write_coadd: Write, write_redrock: Write, tmp_path: Path, kind: str
) -> None:
    path = write_coadd()
    write_redrock()
    table: Any = frame()
    if kind == "csv":
        table = tmp_path / "c.csv"
        frame().to_csv(table, index=False)
    elif kind == "parquet":
        table = tmp_path / "c.parquet"
        frame().to_parquet(table)
    elif kind == "fits":
        table = write_redrock("cat/mine.fits", ids=IDS, hdu="WHATEVER", Z=[1.1, 1.2, 1.3, 1.4], SPECTYPE=["QSO"] * 4)
    survey = read(path, catalogue=table)
    assert [s.z for s in survey] == pytest.approx([1.1, 1.2, 1.3, 1.4])
    assert {s.meta["class"] for s in survey} == {"QSO"}


def test_columns_of_other_names_are_mapped(write_coadd: Write) -> None:
    table = frame(Z_HELIO=[2.1, 2.2, 2.3, 2.4], KIND=["qso"] * 4).drop(columns=["SPECTYPE"])
    survey = read(write_coadd(), catalogue=table, columns={"z": "Z_HELIO", "class": "KIND"}, target="qso")
    assert [s.z for s in survey] == pytest.approx([2.1, 2.2, 2.3, 2.4])
    with pytest.raises(ArgumentError, match=r"columns: expected one of 13 names, got 'zz'.*did you mean 'z'"):
        read(write_coadd("x.fits"), catalogue=table, columns={"zz": "Z_HELIO"})


def test_a_column_that_is_not_there_is_never_replaced_in_silence(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock()
    with pytest.raises(DataError, match="columns: expected columns of the catalogue, got Z_HELIO"):
        read(path, catalogue=frame(), columns={"z": "Z_HELIO"})
    survey = read(path, columns={"z": "Z_HELIO"})
    assert notes_of(survey) == {"redrock-main-dark-27247.fits: no column Z_HELIO, so the usual one is taken"}


def test_a_catalogue_that_cannot_be_joined_is_refused(write_coadd: Write) -> None:
    path = write_coadd()
    with pytest.raises(DataError, match="expected a column TARGETID"):
        read(path, catalogue=frame().drop(columns=["TARGETID"]))
    with pytest.raises(DataError, match="Z_BEST or Z"):
        read(path, catalogue=frame().drop(columns=["Z"]))
    with pytest.raises(DataError, match="something else than whole numbers"):
        read(path, catalogue=frame(TARGETID=["a", "b", "c", "d"]))
    with pytest.raises(DataError, match="lost digits"):
        read(path, catalogue=frame(TARGETID=np.array(IDS, float)))
    with pytest.raises(DataError, match="an existing file"):
        read(path, catalogue="nothing.fits")
    with pytest.raises(DataError, match="a file or a DataFrame"):
        read(path, catalogue=5)


def test_the_best_redshifts_of_dr2_catalogues_are_taken(write_coadd: Write) -> None:
    table = frame(Z_BEST=[2.0] * 4, ZWARN_BEST=[4] * 4, SPECTYPE_BEST=["GALAXY"] * 4, DELTACHI2_BEST=[30.0] * 4)
    first = next(iter(read(write_coadd(), catalogue=table)))
    assert (first.z, first.meta["class"], first.meta["zwarning"], first.meta["deltachi2"]) == (2.0, "GALAXY", 4, 30.0)


def test_of_many_rows_of_a_target_the_one_of_the_same_place_is_taken(write_coadd: Write) -> None:
    many = pd.DataFrame({"TARGETID": [5, 5, 5, 6, 6], "Z": [0.1, 0.2, 0.3, 0.4, 0.5],
                         "SURVEY": ["sv1", "main", "main", "sv1", "sv3"],
                         "PROGRAM": ["dark", "bright", "dark", "dark", "dark"],
                         "HEALPIX": [27247] * 5, "ZCAT_PRIMARY": [True, False, False, False, True]})
    survey = read(write_coadd(ids=(5, 6)), catalogue=many)
    assert [s.z for s in survey] == pytest.approx([0.3, 0.5])
    assert notes_of(survey, 5) == set()
    assert any("redshift of another spectrum of this target" in note for note in notes_of(survey, 6))


def test_a_catalogue_in_the_tree_knows_what_redrock_does_not(
    write_coadd: Write, write_redrock: Write, tmp_path: Path
) -> None:
    write_coadd("iron/healpix/main/dark/272/27247/coadd-main-dark-27247.fits")
    write_redrock("iron/healpix/main/dark/272/27247/redrock-main-dark-27247.fits", ids=IDS[:2])
    write_redrock("iron/zcatalog/v1/zall-pix-iron.fits", ids=IDS, hdu="ZCATALOG", Z=[7.0, 7.0, 1.3, 1.4])
    survey = read(tmp_path / "iron")
    assert [s.z for s in survey] == pytest.approx([0.1, 0.2, 1.3, 1.4])
    assert not survey.skipped
    write_coadd("iron/healpix/main/dark/1/100/coadd-main-dark-100.fits", ids=(5,))
    assert notes_of(read(tmp_path / "iron"), 5) == {
        "redshift and class are not known: no redrock file beside the spectra, nor in zall-pix-iron.fits"}


# -- trees, exposures, mixtures ----------------------------------------------------------------------------------------


def test_a_tree_is_one_lazy_survey(
    write_coadd: Write, write_redrock: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pixel in (100, 27247):
        for i, program in enumerate(("dark", "bright")):
            folder = f"redux/iron/healpix/main/{program}/{pixel // 100}/{pixel}"
            ids = (pixel * 10 + i + 1, pixel * 10 + i + 3)
            write_coadd(f"{folder}/coadd-main-{program}-{pixel}.fits", ids=ids,
                        header={"SURVEY": "main", "PROGRAM": program, "HPXPIXEL": pixel, "HPXNSIDE": 64})
            write_redrock(f"{folder}/redrock-main-{program}-{pixel}.fits", ids=ids)
    opened: list[str] = []
    from specanom.surveys import files

    true = files.Opener.open
    monkeypatch.setattr(files.Opener, "open", lambda self, path: opened.append(path) or true(self, path))
    survey = read(tmp_path / "redux", "desi")
    assert len(opened) == 1
    assert survey.name == read(tmp_path / "redux").name == "desi"
    del opened[1:]
    spectrum = next(iter(survey))
    assert len(opened) == 2
    assert (spectrum.meta["survey_program"], spectrum.meta["healpix"], spectrum.z) == ("main-bright", 100, 9.0)
    assert len(survey) == 8
    assert {s.meta["survey_program"] for s in survey} == {"main-dark", "main-bright"}
    assert not survey.skipped


def test_pixels_of_any_release_become_nested_pixels_of_nside_64(write_coadd: Write) -> None:
    header = {"SURVEY": "main", "PROGRAM": "dark", "UNIQPIX": 4 * 27247 + 1 + 4 * 128**2}
    assert Spectrum.read(write_coadd("coadd-main-dark-9.fits", header=header), row=0).meta["healpix"] == 27247


def test_survey_and_programme_come_from_the_name_where_no_header_has_them(write_coadd: Write) -> None:
    path = write_coadd("coadd-sv3-bright-27247.fits", header={})
    assert Spectrum.read(path, row=0).meta["survey_program"] == "sv3-bright"
    assert Spectrum.read(write_coadd("coadd-4-80613-thru20210324.fits", header={}), row=0).meta["survey_program"] == ""


def test_exposures_of_a_target_are_added_up_without_the_bad_ones(write_coadd: Write) -> None:
    path = write_coadd("spectra-main-dark-27247.fits", ids=(7, 8, 7, 7, 8), COADD_FIBERSTATUS=None,
                       FIBERSTATUS=[0, 0, 1 << 9, 0, 1 << 9], COADD_EXPTIME=None, EXPTIME=[100.0] * 5)
    survey = read(path)
    seven, eight = survey
    total, weight = np.zeros(7781), np.zeros(7781)
    with fits.open(path) as hdus:
        for arm, start in (("B", 0), ("R", 2700), ("Z", 4900)):
            for row in (0, 3):
                flux, ivar = (hdus[f"{arm}_{part}"].data[row].astype(float) for part in ("FLUX", "IVAR"))
                good = np.isfinite(flux) & (ivar > 0) & (hdus[f"{arm}_MASK"].data[row] == 0)
                at = start + np.flatnonzero(good)
                total[at] += flux[good] * ivar[good]
                weight[at] += ivar[good]
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(seven.flux, (total / weight).astype("f4"), rtol=2e-7)
    np.testing.assert_allclose(seven.ivar, weight.astype("f4"), rtol=2e-7)
    assert ((seven.mask == 0) | (seven.ivar == 0) | overlap(seven.wave)).all()
    assert (seven.id, eight.id) == ("7", "8")
    assert (seven.meta["exptime"], eight.meta["exptime"]) == (200, 100)
    assert "mean of 2 exposures" in notes_of(survey, 7)
    for same in (Spectrum.read(path, id="8"), Spectrum.read(path, row=eight.meta["row"])):
        np.testing.assert_array_equal(same.flux, eight.flux)
    with pytest.raises(DataError, match=r"row: expected 0 to 1 in"):
        Spectrum.read(path, row=2)


def test_an_exposure_with_a_bad_amplifier_gives_its_other_arms(write_coadd: Write) -> None:
    path = write_coadd("spectra-main-dark-27247.fits", ids=(7, 7, 8, 8, 9, 9), mask=False, COADD_FIBERSTATUS=None,
                       FIBERSTATUS=[1 << 22, 0, 1 << 22, 1 << 22, 1 << 22, 1 << 24])
    survey = read(path)
    assert [s.id for s in survey] == ["7", "9"]
    assert survey.skipped[0].reason == "bad fibre (COADD_FIBERSTATUS 22 BADAMPB)"
    assert {note.note for note in survey.notes if "COADD" in note.note and "passes" in note.note} == set()
    with fits.open(path) as hdus:
        ivar = {arm: hdus[f"{arm}_IVAR"].data.astype(float) for arm in "BRZ"}
        good = {arm: np.isfinite(hdus[f"{arm}_FLUX"].data) & (ivar[arm] > 0) for arm in "BRZ"}
    weight = {arm: np.where(good[arm], ivar[arm], 0) for arm in "BRZ"}
    for got, arms in zip(survey, ({"B": [1], "R": [0, 1], "Z": [0, 1]}, {"B": [5], "R": [4, 5], "Z": [4]}),
                         strict=True):
        expected = np.zeros(7781)
        for (arm, rows), start in zip(arms.items(), (0, 2700, 4900), strict=True):
            expected[start : start + weight[arm].shape[1]] += weight[arm][rows].sum(axis=0)
        np.testing.assert_allclose(got.ivar, expected.astype("f4"), rtol=2e-7)


def overlap(wave: np.ndarray) -> np.ndarray:
    return ((wave > 5759) & (wave < 5801)) | ((wave > 7519) & (wave < 7621))


def test_a_target_that_was_never_observed_well_is_left_out(write_coadd: Write) -> None:
    path = write_coadd("spectra-main-dark-27247.fits", ids=(7, 8, 7), COADD_FIBERSTATUS=None, FIBERSTATUS=[2, 0, 4])
    survey = read(path)
    assert [s.id for s in survey] == ["8"]
    assert survey.skipped[0].id == "7"


def test_packed_files_are_read_with_the_redshifts_beside_them(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock()
    expected = [s.flux for s in read(path)]
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    path.unlink()
    survey = read(packed)
    np.testing.assert_array_equal([s.flux for s in survey], expected)
    assert [s.z for s in survey] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_spectra_beside_their_coadd_are_not_read_twice(write_coadd: Write, tmp_path: Path) -> None:
    write_coadd("p/coadd-main-dark-1.fits")
    exposures = write_coadd("p/spectra-main-dark-1.fits", ids=IDS * 2)
    assert [s.meta["path"] for s in read(tmp_path)] == [str(tmp_path / "p/coadd-main-dark-1.fits")] * 4
    assert not read(tmp_path).skipped
    assert len(read(exposures)) == 4


def test_a_folder_of_two_surveys_is_read_whole(
    write_coadd: Write, write_redrock: Write, write_spec: Write, write_plate: Write, tmp_path: Path
) -> None:
    write_coadd("d/coadd-main-dark-1.fits")
    write_redrock("d/redrock-main-dark-1.fits")
    write_spec("s/spec.fits")
    write_plate("p")
    survey = read(tmp_path, target="galaxy")
    assert {s.meta["survey"] for s in survey} == {"sdss", "desi"}
    assert len(next(iter(survey.blocks())).wave) == 7781
    assert sum(len(block) for block in survey.blocks()) == len(survey)
    assert {s.meta["survey"] for s in read(tmp_path, "desi")} == {"desi"}
    assert {s.meta["survey"] for s in read(tmp_path, "sdss")} == {"sdss"}
    assert {one.reason for one in read(tmp_path, "desi").skipped} == {"an SDSS file, not one of DESI"}


def test_one_target_of_two_programmes_is_one_spectrum_and_the_other_listed(write_coadd: Write, tmp_path: Path) -> None:
    write_coadd("coadd-main-dark-1.fits", ids=(7,))
    write_coadd("coadd-main-bright-1.fits", ids=(7,))
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["7"]
    assert survey.skipped[0].reason.startswith("second copy of a spectrum")
