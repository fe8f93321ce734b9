"""The reader of DESI against plain astropy in double precision; the gate; and what is beside the spectra."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from specanom.errors import DataError
from specanom.spectrum import Spectrum
from specanom.surveys import read
from specanom.surveys.desi_arms import GRID

IDS = (39633345008634465, 39633345008634466, 39633345008634467, 39633345008634468)
Write = Callable[..., Path]


def plain(path: Path, row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a careful user would type, pixel by pixel: wave, flux, ivar and mask of one row, arms joined."""
    seen: dict[int, list[tuple[float, float, int]]] = {}
    with fits.open(path) as hdus:
        for arm in "BRZ":
            if f"{arm}_FLUX" not in hdus:
                continue
            wave = hdus[f"{arm}_WAVELENGTH"].data
            flux, ivar = (np.asarray(hdus[f"{arm}_{part}"].data[row], np.float64) for part in ("FLUX", "IVAR"))
            bits = np.asarray(hdus[f"{arm}_MASK"].data[row] if f"{arm}_MASK" in hdus else np.zeros(wave.size), int)
            for w, f, i, m in zip(wave, flux, ivar, bits, strict=True):
                seen.setdefault(round(w * 10), []).append((f, i, m))
    joined, weights, masks = (np.full(7781, fill) for fill in (np.nan, 0.0, 0))
    for tenths, values in seen.items():
        k = (tenths - 36000) // 8
        good = [(f, i) for f, i, m in values if m == 0 and np.isfinite(f) and np.isfinite(i) and i > 0]
        masks[k] = np.bitwise_or.reduce([m for _, _, m in values])
        if good:
            weights[k] = sum(i for _, i in good)
            joined[k] = sum(f * i for f, i in good) / weights[k]
    return np.arange(7781) * 0.8 + 3600, joined, weights, masks


def same(got: Spectrum, expected: tuple[np.ndarray, ...]) -> None:
    np.testing.assert_allclose(got.wave, expected[0], rtol=1e-12)
    np.testing.assert_allclose(got.flux, expected[1].astype("f4"), rtol=2e-7)
    np.testing.assert_allclose(got.ivar, expected[2].astype("f4"), rtol=2e-7)
    if got.mask is not None:
        np.testing.assert_array_equal(got.mask, expected[3])


# -- pixels ------------------------------------------------------------------------------------------------------


def test_arms_are_joined_as_astropy_and_loops_join_them(write_coadd: Write) -> None:
    path = write_coadd(resolution=True)
    for row, spectrum in enumerate(read(path)):
        assert len(spectrum) == 7781
        same(spectrum, plain(path, row))


def test_every_real_file_has_the_pixels_that_astropy_finds(shared: Path) -> None:
    for path in sorted((shared / "data/desi").glob("*coadd*.fits")):
        found = list(read(path))
        assert found
        for spectrum in found[::3]:
            same(spectrum, plain(path, spectrum.meta["row"]))


def test_a_flagged_pixel_does_not_leak_in_an_overlap(write_coadd: Write) -> None:
    path = write_coadd(mask=True)
    with fits.open(path, mode="update") as hdus:
        r, b = round((5780 - 5760) / 0.8), round((5780 - 3600) / 0.8)
        for arm, k, flux in (("R", r, 1000.0), ("B", b, 1.0)):
            hdus[f"{arm}_FLUX"].data[0, k], hdus[f"{arm}_IVAR"].data[0, k] = flux, 1.0
            hdus[f"{arm}_MASK"].data[0, k] = 4 if arm == "R" else 0
    got = Spectrum.read(path, row=0)
    k = np.argmin(abs(got.wave - 5780))
    assert (got.flux[k], got.ivar[k], got.mask[k]) == (1.0, 1.0, 4)     # not 500.5, 2 and 0


def test_a_flagged_pixel_of_one_arm_alone_is_nothing(write_coadd: Write) -> None:
    path = write_coadd()
    with fits.open(path, mode="update") as hdus:
        hdus["B_FLUX"].data[0, 100], hdus["B_IVAR"].data[0, 100], hdus["B_MASK"].data[0, 100] = 1e6, 5.0, 1
    got = Spectrum.read(path, row=0)
    assert np.isnan(got.flux[100])
    assert (got.ivar[100], got.mask[100]) == (0, 1)
    assert np.isfinite(got.flux[got.ivar > 0]).all()


@pytest.mark.parametrize("arms", ["BR", "RZ", "Z", "BZ"])
def test_a_missing_arm_is_nan_with_ivar_0_and_a_note(write_coadd: Write, arms: str) -> None:
    path = write_coadd(arms=arms)
    survey = read(path)
    first = next(iter(survey))
    same(first, plain(path, 0))
    missing = set("BRZ") - set(arms)
    for arm in missing:
        assert any(note.note == f"arm {arm.lower()} is missing" for note in survey.notes)
    assert len(first) == 7781
    if "Z" in missing:
        assert np.isnan(first.flux[first.wave > 7620.5]).all()
        assert (first.ivar[first.wave > 7620.5] == 0).all()


def test_arms_whose_pixels_do_not_coincide_are_refused_in_words(write_coadd: Write, tmp_path: Path) -> None:
    write_coadd("coadd-main-dark-1.fits", shift=0.3)
    write_coadd("coadd-main-dark-2.fits", ids=(5, 6))
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["5", "6"]
    assert "needs resampling" in survey.skipped[0].reason


def test_a_file_that_was_joined_before_is_read_as_it_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    flux, ivar = rng.normal(5, 1, (2, 7781)).astype("f4"), np.ones((2, 7781), "f4")
    mask = np.zeros((2, 7781), "i4")
    mask[0, 7] = 2
    images = {"WAVELENGTH": GRID.copy(), "FLUX": flux, "IVAR": ivar, "MASK": mask}
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(v, name=f"BRZ_{k}") for k, v in images.items())]).writeto(
        tmp_path / "joined.fits")
    first, second = read(tmp_path)
    np.testing.assert_array_equal(second.flux, flux[1])
    assert np.isnan(first.flux[7])
    assert first.ivar[7] == 0
    assert (first.id, second.id) == ("joined-0", "joined-1")


def test_spectra_share_blocks_whatever_arms_they_have(write_coadd: Write, tmp_path: Path) -> None:
    write_coadd("a/coadd-main-dark-1.fits", ids=(1, 2))
    write_coadd("b/coadd-main-dark-2.fits", ids=(3, 4), arms="BR")
    (block,) = read(tmp_path).blocks()
    assert block.shape == (4, 7781)
    np.testing.assert_array_equal(block.wave, GRID)


def test_the_resolution_is_never_read(write_coadd: Write) -> None:
    path = write_coadd(resolution=True)
    before = [s.flux for s in read(path)]
    with fits.open(path) as hdus:
        places = [(hdu.fileinfo()["datLoc"], hdu.size) for hdu in hdus if hdu.name.endswith("RESOLUTION")]
    with open(path, "r+b") as handle:
        for start, size in places:
            handle.seek(start)
            handle.write(b"\xff" * size)                # NaN
    np.testing.assert_array_equal([s.flux for s in read(path)], before)


def test_only_the_rows_asked_for_are_read(write_coadd: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from specanom.surveys import fits_fast

    path = write_coadd(ids=tuple(range(1, 41)))
    asked: list[int] = []
    true = fits_fast.FileBytes.pieces
    monkeypatch.setattr(fits_fast.FileBytes, "pieces",
                        lambda self, wanted: asked.extend(size for _, size in wanted) or true(self, wanted))
    assert Spectrum.read(path, id="17").meta["row"] == 16
    assert sum(asked) == 12 * (2751 + 2326 + 2881)


def test_unsigned_masks_and_scaled_images_are_read(write_coadd: Write, tmp_path: Path) -> None:
    path = write_coadd("coadd-main-dark-3.fits")
    with fits.open(path) as hdus:
        expected = plain(path, 0)
        hdus["B_MASK"].data = hdus["B_MASK"].data.astype("i2")
        hdus["B_MASK"].scale("int16", bzero=5)
        hdus.writeto(tmp_path / "scaled.fits")
    same(Spectrum.read(tmp_path / "scaled.fits", row=0), expected)


# -- gate --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "reason"), [
    ({"OBJTYPE": ["SKY", "TGT"]}, "sky fibre (OBJTYPE SKY)"),
    ({"OBJTYPE": ["BAD", "TGT"]}, "no target (OBJTYPE BAD)"),
    ({"COADD_FIBERSTATUS": [1 << 9, 0]}, "bad fibre (COADD_FIBERSTATUS 9 BADPOSITION)"),
    ({"COADD_FIBERSTATUS": [(1 << 16) + 2, 0]}, "bad fibre (COADD_FIBERSTATUS 1 STUCKPOSITIONER, 16 BADFIBER)"),
    ({"ids": (-39633345008634465, 5)}, "sky or unassigned fibre (TARGETID -39633345008634465 is not positive)"),
    ({"ids": (0, 5)}, "sky or unassigned fibre (TARGETID 0 is not positive)"),
])
def test_what_is_no_target_is_left_out_and_listed(write_coadd: Write, columns: dict[str, Any], reason: str) -> None:
    survey = read(write_coadd(**{"ids": (4, 5), **columns}))
    assert [s.id for s in survey] == ["5"]
    assert [one.reason for one in survey.skipped] == [reason]


def test_a_restricted_positioner_passes_with_a_note(write_coadd: Write) -> None:
    survey = read(write_coadd(ids=(4, 5), COADD_FIBERSTATUS=[8, 0]))
    assert len(survey) == 2
    assert ("4", "COADD_FIBERSTATUS 3 RESTRICTED passes") in {(note.id, note.note) for note in survey.notes}


@pytest.mark.parametrize(("bit", "name"), [(12, "LOWTRANSMISSION"), (13, "NEARCHARGETRAP"), (14, "VARIABLETHRU")])
def test_bits_that_only_inform_reject_nothing(write_coadd: Write, bit: int, name: str) -> None:
    survey = read(write_coadd(ids=(4, 5), COADD_FIBERSTATUS=[1 << bit, 1 << bit | 1 << 9]))
    assert [s.id for s in survey] == ["4"]
    assert ("4", f"COADD_FIBERSTATUS {bit} {name} passes") in {(note.id, note.note) for note in survey.notes}
    assert survey.skipped[0].reason == f"bad fibre (COADD_FIBERSTATUS 9 BADPOSITION, {bit} {name})"


def test_zwarn_rejects_by_its_fatal_bits_and_unsure_redshifts_pass(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock(ids=IDS, ZWARN=[1 << 5, 1 << 4, 1 << 10, 4], DELTACHI2=[900.0, 900.0, 900.0, 3.0])
    survey = read(path)
    assert [s.id for s in survey] == [str(id) for id in IDS[1:]]
    assert survey.skipped[0].reason == "ZWARNING 5 Z_FITLIMIT"
    notes = {note.note for note in survey.notes}
    assert {"ZWARNING 4 MANY_OUTLIERS passes", "ZWARNING 10 BAD_MINFIT passes", "ZWARNING 2 SMALL_DELTA_CHI2 passes",
            "DELTACHI2 below 15: the redshift is unsure"} <= notes
    assert [s.meta["deltachi2"] for s in survey] == [900.0, 900.0, 3.0]


def test_a_target_class_is_the_spectype(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock()
    assert [s.id for s in read(path, target="qso")] == [str(IDS[1])]
    assert [s.meta["class"] for s in read(path)] == ["GALAXY", "QSO", "STAR", "GALAXY"]
    assert [s.z for s in read(path)] == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_the_paper_is_about_sdss(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock()
    assert set(read(path, preset="paper").waterfall()) == {"class QSO, not GALAXY", "class STAR, not GALAXY",
                                                           "instrument DESI"}


# -- ids and columns -----------------------------------------------------------------------------------------------


def test_what_is_known_of_a_target_is_in_its_columns(write_coadd: Write, write_redrock: Write) -> None:
    path = write_coadd()
    write_redrock()
    (block,) = read(path).blocks()
    row = block.table.iloc[2]
    expected = {"id": "39633345008634467", "survey": "desi", "survey_program": "main-dark", "instrument": "DESI",
                "petal": 2, "tile": -1, "healpix": 27247, "fiber": 502, "plate": -1, "mjd": 59300, "class": "STAR",
                "zwarning": 0, "objtype": "TGT", "specobjid": "", "row": 2}
    assert {key: row[key] for key in expected} == expected
    assert row["exptime"] == 1000
    assert row["ebv"] == pytest.approx(0.02)
    assert np.isnan(row["z_noqso"])
    assert row["lsf"] == 30


def test_an_extinction_of_0_is_not_known(write_coadd: Write) -> None:
    assert np.isnan([s.meta["ebv"] for s in read(write_coadd(ids=(1, 2), EBV=[0.0, -1.0]))]).all()


def test_extinction_comes_from_the_redshifts_where_the_fibre_map_has_none(
    write_coadd: Write, write_redrock: Write
) -> None:
    bare, told = write_coadd("bare.fits", EBV=None), write_coadd("told.fits")
    mine = pd.DataFrame({"TARGETID": IDS, "Z": 0.1, "EBV": [0.123, 0.2, 0.0, np.nan], "SFD": 0.5})
    assert [s.meta["ebv"] for s in read(bare, catalogue=mine)] == pytest.approx([0.123, 0.2, np.nan, np.nan],
                                                                               nan_ok=True)
    assert [s.meta["ebv"] for s in read(told, catalogue=mine)] == pytest.approx([0.02] * 4)
    assert [s.meta["ebv"] for s in read(told, catalogue=mine, columns={"ebv": "SFD"})] == [0.5] * 4
    write_redrock("redrock.fits", EBV=[0.4] * 4)
    assert [s.meta["ebv"] for s in read(bare)] == [0.4] * 4


def test_the_columns_of_an_sdss_spectrum_are_the_same(data: Path) -> None:
    meta = Spectrum.read(data / "spec-1045-52725-0628.fits").meta
    assert (meta["petal"], meta["tile"], meta["healpix"]) == (-1, -1, -1)
    assert np.isnan([meta["deltachi2"], meta["exptime"]]).all()


def test_ids_keep_every_digit_through_every_table(write_coadd: Write, tmp_path: Path) -> None:
    from specanom.spectrumset import SpectrumSet

    assert int(float(IDS[0])) != IDS[0]                   # a float would lose the last digits
    (block,) = read(write_coadd()).blocks()
    expected = [str(id) for id in IDS]
    assert block.table["id"].tolist() == expected
    block.save(tmp_path / "set.zarr")
    kept = SpectrumSet.open(tmp_path / "set.zarr")
    assert kept.table["id"].tolist() == expected
    assert [s.id for s in kept] == expected
    block.table.to_parquet(tmp_path / "t.parquet")
    assert pd.read_parquet(tmp_path / "t.parquet")["id"].tolist() == expected
    block.table.to_csv(tmp_path / "t.csv", index=False)
    assert pd.read_csv(tmp_path / "t.csv", dtype={"id": str})["id"].tolist() == expected


def test_one_spectrum_is_read_by_row_or_id(write_coadd: Write) -> None:
    path = write_coadd(COADD_FIBERSTATUS=[1, 1, 1, 1])
    assert Spectrum.read(path, row=3).id == "39633345008634468"
    assert Spectrum.read(path, id="39633345008634466").meta["row"] == 1
    with pytest.raises(DataError, match="id: expected an object of coadd"):
        Spectrum.read(path, id="7")
    with pytest.raises(DataError, match="one of the 4 objects"):
        Spectrum.read(path)


def test_a_file_without_ids_calls_its_spectra_by_file_and_row(shared: Path) -> None:
    path = shared / "data/desi/test_coadd.fits"
    survey = read(path)
    assert [s.id for s in survey] == [f"test_coadd-{row}" for row in range(25) if row != 11]
    (skipped,) = survey.skipped
    assert (skipped.id, skipped.reason.partition(":")[0]) == ("test_coadd-11", "no valid pixel")
    assert ("test_coadd-0", "no TARGETID: called by its file and row") in {(n.id, n.note) for n in survey.notes}


# -- the real files ------------------------------------------------------------------------------------------------


def test_the_real_targets_have_their_redshifts(shared: Path) -> None:
    known = {s.id: s for s in read(shared / "data/desi", "desi")}
    galaxy, faint = known["39633345008634465"], known["39089837499744649"]
    assert galaxy.z == pytest.approx(0.36874355)
    assert (galaxy.meta["tile"], galaxy.meta["petal"], galaxy.meta["fiber"]) == (80613, 4, 2233)
    assert (faint.meta["survey_program"], faint.meta["healpix"]) == ("special-dark", 27247)
    assert faint.meta["deltachi2"] == pytest.approx(724.47599)
    assert known["39633561178870058"].z is None


@pytest.mark.parametrize("line", [4862.69, 5008.24, 3728.6])
def test_lines_of_the_real_galaxy_lie_where_they_should(shared: Path, line: float) -> None:
    got = Spectrum.read(shared / "data/desi/coadd-4-80613-thru20210324.fits")
    rest = got.wave / (1 + got.z)
    near = np.abs(rest - line) < 8
    flux = got.flux[near].astype(float) - np.percentile(got.flux[near], 20)
    top = flux > 0.5 * flux.max()
    assert abs(np.average(rest[near][top], weights=flux[top]) - line) / line * 3e5 < 60       # km/s


def test_no_real_file_needs_the_slow_reader(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("astropy was asked")

    monkeypatch.setattr("specanom.surveys.files.FullFits", refuse)
    assert len(read(shared / "data/desi")) == 31
