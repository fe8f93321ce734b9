"""Every real file, against plain astropy: nothing here uses the package's own reader for the expected values."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from specanom.spectrum import Spectrum
from specanom.surveys import read


def plain(path: Path) -> dict[str, Any]:
    """What a careful user would type: flux, wave, ivar and z of any SDSS file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path) as hdus:
            head = hdus[0].header
            if head["NAXIS"] == 2:
                image = hdus[0].data
                error = image[2].astype(float)
                ivar = np.where(error > 0, 1 / np.where(error > 0, error, 1) ** 2, 0)
                wave = 10 ** (head["COEFF0"] + head["COEFF1"] * np.arange(image.shape[1]))
                return {"flux": image[0], "wave": wave, "ivar": ivar, "z": head["Z"], "mask": image[3]}
            if head["NAXIS"] == 1:
                wave = head["CRVAL1"] + head["CD1_1"] * np.arange(head["NAXIS1"])
                return {"flux": hdus[0].data, "wave": wave, "ivar": None, "z": head["Z"], "mask": None}
            table = {name.lower(): np.array(hdus[1].data[name]) for name in hdus[1].columns.names}
            if "wavelength" in table:
                return {"flux": table["flux"], "wave": table["wavelength"], "ivar": table["inverse_variance"],
                        "z": float(hdus[1].header["Z"]), "mask": table["and_mask"]}
            return {"flux": table["flux"], "wave": 10.0 ** table["loglam"].astype(float), "ivar": table["ivar"],
                    "z": hdus[2].data["Z"][0], "mask": table["and_mask"]}


def test_every_file_has_the_pixels_and_the_redshift_that_astropy_finds(sdss_files: list[Path]) -> None:
    assert len(sdss_files) == 47
    for path in sdss_files:
        expected, got = plain(path), Spectrum.read(path)
        np.testing.assert_array_equal(got.wave, expected["wave"], err_msg=path.name)
        np.testing.assert_array_equal(got.flux, expected["flux"].astype("f4"), err_msg=path.name)
        assert got.z == pytest.approx(float(expected["z"]), abs=1e-12), path.name
        for name in ("ivar", "mask"):
            value = getattr(got, name)
            assert (value is None) == (expected[name] is None), path.name
            if value is not None:
                np.testing.assert_allclose(value, expected[name], rtol=1e-6, err_msg=f"{path.name} {name}")


def test_no_real_file_needs_the_slow_reader(sdss_files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("astropy was asked")

    monkeypatch.setattr("specanom.surveys.files.FullFits", refuse)
    for path in sdss_files:
        assert len(Spectrum.read(path)) > 700


def test_both_readers_give_the_same(sdss_files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    fast = [Spectrum.read(path) for path in sdss_files]

    def unusual(*args: object) -> None:
        from specanom.surveys.fits_fast import UnusualFits

        raise UnusualFits("for the test")

    monkeypatch.setattr("specanom.surveys.files.FastFits", unusual)
    for path, one in zip(sdss_files, fast, strict=True):
        other = Spectrum.read(path)
        np.testing.assert_array_equal(one.flux, other.flux)
        np.testing.assert_array_equal(one.wave, other.wave)
        for name in ("ivar", "mask"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert str(dict(one.meta)) == str(dict(other.meta)), path.name


def test_blocks_and_iteration_give_the_same_numbers(shared: Path) -> None:
    survey = read(shared / "data" / "sdss")
    single = list(survey)
    rows = [(block, i) for block in survey.blocks(7) for i in range(len(block))]
    assert [block.ids[i] for block, i in rows] == [s.id for s in single]
    for one, (block, i) in zip(single, rows, strict=True):
        first = int(np.searchsorted(block.wave, one.wave[0] - 0.1))
        inside = slice(first, first + len(one))
        assert np.abs(block.wave[inside] / one.wave - 1).max() < 0.005 * 2.3e-4
        np.testing.assert_array_equal(block.flux[i, inside], one.flux)
        assert np.isnan(block.flux[i, :first]).all()
        assert np.isnan(block.flux[i, first + len(one):]).all()
        if one.ivar is not None:
            np.testing.assert_array_equal(block.ivar[i, inside], one.ivar)
            assert block.ivar[i].sum(dtype=float) == pytest.approx(one.ivar.sum(dtype=float), rel=1e-6)
        if one.mask is not None:
            np.testing.assert_array_equal(block.mask[i, inside], one.mask)
        row = block.table.iloc[i].to_dict()
        assert {k: v for k, v in one.meta.items() if k in row and v == v} == {k: v for k, v in row.items() if v == v}


def test_every_blocks_grid_is_the_logarithmic_one(shared: Path) -> None:
    for block in read(shared / "data" / "sdss" / "lite").blocks():
        k = np.log10(block.wave) * 1e4
        np.testing.assert_allclose(k, np.rint(k), atol=1e-8)
        assert (np.diff(np.rint(k)) == 1).all()


def test_the_folder_is_read_as_its_manifest_says(shared: Path) -> None:
    survey = read(shared / "data" / "sdss")
    assert len(survey) == 37
    reasons = [one.reason for one in survey.skipped]
    assert sum("sky fibre" in reason for reason in reasons) == 9
    assert sum("second copy of a spectrum" in reason for reason in reasons) == 1
    assert len(reasons) == 10


def test_galaxies_only_leaves_stars_quasars_and_broad_line_agn_out(shared: Path) -> None:
    survey = read(shared / "data" / "sdss", target="galaxy")
    assert {s.meta["class"] for s in survey} <= {"GALAXY", ""}
    skipped = {one.id: one.reason for one in survey.skipped}
    assert skipped["0266-51602-0031"] == "class STAR, not GALAXY"
    assert skipped["1163-52669-0292"] == "class QSO, not GALAXY"          # Mrk 477
    assert any(s.id == "2488-54149-0001" for s in survey), "NGC 3522 has no class but was targeted as a galaxy"


def test_the_papers_selection_drops_the_strong_line_objects_and_boss(shared: Path) -> None:
    ids = {s.id for s in read(shared / "data" / "sdss", preset="paper")}
    normal = {s.id for s in read(shared / "data" / "sdss", target="galaxy")}
    assert {"0358-51818-0504", "1678-53433-0425"} <= normal - ids
    assert "3655-55240-0660" in normal - ids
    assert "1045-52725-0628" in ids


def test_catalogues_are_neither_spectra_nor_skipped(shared: Path) -> None:
    survey = read([shared / "data" / "tables", shared / "data" / "sdss" / "lite"])
    assert not [one for one in survey.skipped if "/tables/" in one.path]
    assert all("/lite/" in s.meta["path"] for s in survey)


def test_everything_the_workshop_has_is_told_apart(shared: Path) -> None:
    survey = read(shared / "data", "sdss")
    assert len(survey) == 37
    others = {Path(one.path).name: one.reason for one in survey.skipped if "/sdss/" not in one.path}
    desi = {name for name, reason in others.items() if "DESI coadd" in reason}
    assert desi == {"coadd-2-80693-thru20210204.fits", "coadd-4-80613-thru20210324.fits",
                    "coadd-special-dark-27247.fits", "test_coadd.fits"}
    assert not {name for name in others if name.startswith("redrock")}
    assert len(read(shared / "data")) == 37 + 31


LINES = {"Ha": 6564.61, "Hb": 4862.69, "O3": 5008.24}
EMISSION = ("full/spec-0395-51783-0525", "full/spec-2095-53474-0355", "full/spec-2880-54509-0230",
            "lite/spec-1045-52725-0628", "odd/SHOC579_SDSS_dr18", "odd/sample_sdss", "odd/cg922")
"""Galaxies; Mrk 477, which the pipeline takes for a quasar, has a redshift that is 240 km/s off."""


@pytest.mark.parametrize("name", EMISSION)
@pytest.mark.parametrize("line", LINES)
def test_lines_lie_where_they_should_in_vacuum(shared: Path, name: str, line: str) -> None:
    (s,) = read(shared / "data" / "sdss" / f"{name}.fits")
    rest = s.wave / (1 + s.z)
    near = np.abs(rest - LINES[line]) < 8
    flux = s.flux[near].astype(float) - np.percentile(s.flux[near], 20)
    top = flux > 0.5 * flux.max()
    centre = np.average(rest[near][top], weights=flux[top])
    if flux.max() > 0.5 * np.median(s.flux):                       # the line is there at all
        assert abs(centre - LINES[line]) < 1.0
