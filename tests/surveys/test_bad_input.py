"""What bad input gets: one bad file is skipped with a reason; when nothing can be read, an error says what to try."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from specanom.errors import ArgumentError, DataError
from specanom.spectrum import Spectrum
from specanom.surveys import read

LITE = "spec-1045-52725-0628.fits"


def beside_a_good_one(folder: Path, data: Path, content: bytes, name: str = "bad.fits") -> tuple[list[str], str]:
    """Put a file beside a good one; return the ids that are read and the reason the file was skipped for."""
    (folder / "good.fits").write_bytes((data / LITE).read_bytes())
    (folder / name).write_bytes(content)
    survey = read(folder)
    ids = [s.id for s in survey]
    assert [len(block) for block in survey.blocks()] == [len(ids)]
    reasons = [one.reason for one in survey.skipped if one.path.endswith(name)]
    assert len(reasons) == 1, survey.skipped
    return ids, reasons[0]


@pytest.mark.parametrize("size", [3000, 20_000, 60_000, 100_000, 152_000])
def test_a_file_cut_short_is_skipped_and_the_others_read(tmp_path: Path, data: Path, size: int) -> None:
    ids, reason = beside_a_good_one(tmp_path, data, (data / "spec-3586-55181-0003.fits").read_bytes()[:size])
    assert ids == ["1045-52725-0628"]
    assert "cut short" in reason or "corrupt FITS header" in reason or "no data" in reason


def test_a_file_cut_short_alone_is_an_error_that_says_what_to_try(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "cut.fits"
    for size in (100_000, 10_000):
        path.write_bytes((data / LITE).read_bytes()[:size])
        with pytest.raises(DataError, match="cut files have to be fetched again"):
            read(path)
        with pytest.raises(DataError, match=r"cut\.fits"):
            Spectrum.read(path)


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "empty"), (b"<html>404</html>" * 400, "not a FITS file"), (b"SIMPLE  =" + b" " * 5000, "no END"),
    (b"SIMPLE  =" + np.random.default_rng(0).bytes(9000), "corrupt FITS header"),
], ids=["empty", "a web page", "no end", "noise"])
def test_what_is_no_fits_file_is_said_to_be_none(tmp_path: Path, data: Path, content: bytes, reason: str) -> None:
    ids, got = beside_a_good_one(tmp_path, data, content)
    assert ids == ["1045-52725-0628"]
    assert reason in got


@pytest.mark.parametrize(("old", "new"), [
    (b"NAXIS2  =                 3816", b"NAXIS2  =       99999999999999"),
    (b"NAXIS2  =                 3816", b"NAXIS2  =                   -5"),
    (b"NAXIS2  =                 3816", b"NAXIS2  = 'many'              "),
    (b"NAXIS1  =                   32", b"NAXIS1  =            123456789"),
    (b"TFIELDS =                    8", b"TFIELDS =           2000000000"),
    (b"TFORM1  = 'E       '          ", b"TFORM1  = '999999999999E'     "),
    (b"TFORM3  = 'E       '          ", b"TFORM3  = 'Z       '          "),
    (b"BITPIX  =                    8", b"BITPIX  =                   17"),
])
def test_a_damaged_header_or_a_huge_size_is_skipped(tmp_path: Path, data: Path, old: bytes, new: bytes) -> None:
    content = (data / LITE).read_bytes()
    at = content.index(b"XTENSION")
    assert old in content[at:]
    ids, reason = beside_a_good_one(tmp_path, data, content[:at] + content[at:].replace(old, new, 1))
    assert ids == ["1045-52725-0628"]
    assert reason


def test_a_spectrum_without_noise_anywhere_is_skipped(write_spec: Callable[..., Path], tmp_path: Path) -> None:
    write_spec("dead.fits", ivar=0.0, FIBERID=1)
    write_spec("live.fits", FIBERID=2)
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["1234-53000-0002"]
    assert survey.skipped[0] == ("1234-53000-0001", str(tmp_path / "dead.fits"),
                                 "no valid pixel: ivar is 0 or flux is not finite everywhere")
    assert Spectrum.read(tmp_path / "dead.fits").ivar.max() == 0, "asked for by name it is read"


def test_a_dead_copy_does_not_hide_a_living_one(write_spec: Callable[..., Path], tmp_path: Path) -> None:
    write_spec("a.fits", ivar=0.0, ZWARNING=4, pixels=1200)
    write_spec("b.fits", pixels=1200)
    survey = read(tmp_path)
    assert [Path(s.meta["path"]).name for s in survey] == ["b.fits"]
    assert survey.notes == []


def test_wavelengths_that_run_backwards_are_skipped(write_spec: Callable[..., Path], tmp_path: Path) -> None:
    path = write_spec("backwards.fits", FIBERID=1)
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["loglam"] = hdus[1].data["loglam"][::-1].copy()
    write_spec("good.fits", FIBERID=2)
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["1234-53000-0002"]
    assert "increasing" in survey.skipped[0].reason


def test_an_empty_folder_says_what_to_try(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"path: expected FITS files, got an empty folder, .* Try: .*mock"):
        read(tmp_path)


def test_a_folder_without_fits_says_what_to_try(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("id\n1\n")
    (tmp_path / "half.fits.part").write_text("SIMPLE  =")
    with pytest.raises(DataError, match="Try"):
        read(tmp_path)


def test_a_folder_of_catalogues_is_said_to_be_one(tmp_path: Path) -> None:
    fits.BinTableHDU.from_columns([fits.Column("Z", "E", array=[0.1, 0.2])]).writeto(tmp_path / "catalogue.fits")
    with pytest.raises(DataError, match="1 table that is no spectrum"):
        read(tmp_path)
    with pytest.raises(DataError, match="a table"):
        Spectrum.read(tmp_path / "catalogue.fits")


@pytest.mark.parametrize("path", ["/no/such/folder", "/no/such/*.fits", [], 7, None])
def test_a_path_that_leads_nowhere_is_a_wrong_call(path: object) -> None:
    with pytest.raises(DataError, match="path: expected"):
        read(path)


def test_unknown_names_are_answered_with_the_known_ones(data: Path) -> None:
    with pytest.raises(ArgumentError, match=r"'galaxy'.*did you mean 'galaxy'"):
        read(data, target="galaxies")
    with pytest.raises(ArgumentError, match="preset"):
        read(data, preset="nature")
    with pytest.raises(ArgumentError, match="survey"):
        read(data, survey="2df")
    with pytest.raises(ArgumentError, match="at least 1"):
        list(read(data).blocks(0))


def test_read_one_of_a_folder_or_a_list_points_to_read(data: Path) -> None:
    with pytest.raises(DataError, match=r"specanom\.read"):
        Spectrum.read(data)
    with pytest.raises(ArgumentError, match=r"specanom\.read takes lists"):
        Spectrum.read([data / LITE])


def test_gzipped_files_are_read_and_broken_ones_skipped(tmp_path: Path, data: Path) -> None:
    packed = gzip.compress((data / LITE).read_bytes())
    (tmp_path / "a.fits.gz").write_bytes(packed)
    (tmp_path / "b.fits.gz").write_bytes(packed[:5000])
    survey = read(tmp_path)
    (s,) = survey
    np.testing.assert_array_equal(s.flux, Spectrum.read(data / LITE).flux)
    assert "cannot unpack" in survey.skipped[0].reason


def test_a_file_that_may_not_be_read_is_skipped(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good.fits").write_bytes((data / LITE).read_bytes())
    (tmp_path / "locked.fits").write_bytes((data / LITE).read_bytes())
    real = os.open

    def refuse(path: object, *args: int) -> int:
        if str(path).endswith("locked.fits"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args)  # type: ignore[arg-type]

    monkeypatch.setattr("os.open", refuse)
    survey = read(tmp_path)
    assert len(survey) == 1
    assert survey.skipped[0].reason == "Permission denied"


def test_links_in_a_circle_end(tmp_path: Path, data: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "sub" / "a.fits").write_bytes((data / LITE).read_bytes())
    assert len(read(tmp_path)) == 1


def test_scaled_columns_are_left_to_astropy(write_spec: Callable[..., Path]) -> None:
    path = write_spec()
    before = Spectrum.read(path)
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["TZERO1"] = 3.0
        hdus[1].header["TSCAL1"] = 0.5
    scaled = Spectrum.read(path)
    np.testing.assert_allclose(scaled.flux, 3 + 0.5 * before.flux, rtol=1e-6)
    assert [s.id for s in read(path)] == [before.id]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_plate_cut_short_is_skipped_and_the_others_read(
    write_plate: Callable[..., Path], data: Path, tmp_path: Path, share: float
) -> None:
    path = write_plate("plates")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    (tmp_path / "good.fits").write_bytes((data / LITE).read_bytes())
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["1045-52725-0628"]
    assert any("cut short" in one.reason for one in survey.skipped)


def test_a_plug_map_of_another_length_is_refused(write_plate: Callable[..., Path]) -> None:
    path = write_plate()
    with fits.open(path) as hdus:
        hdus[5] = fits.BinTableHDU(hdus[5].data[:3])
        hdus.writeto(path.with_name("short.fits"))
    with pytest.raises(DataError, match="plug map has 3 rows for 5 spectra"):
        Spectrum.read(path.with_name("short.fits"), row=0)
