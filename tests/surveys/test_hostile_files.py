"""Files that lie: each is skipped with a reason beside a good one, or read as far as it is true; nothing else happens.

The files are made of the small surveys that the fuzzer begins with, by changes of one kind each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks._fuzz_files import plate_files, spec_file
from benchmarks._fuzz_judge import check_spectrum
from specanom.errors import ArgumentError, DataError
from specanom.spectrum import Spectrum
from specanom.surveys import desi_archive, fits_fast, read
from specanom.surveys.fits_write import Column
from tests.surveys.lying_files import BEST, COADD, HUGE, PLATE, REDROCK, REFUSED, known_row, spec, with_cards


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_lies_is_skipped_and_the_good_one_beside_it_read(tmp_path: Path, data: Path, name: str) -> None:
    file, make, reason = REFUSED[name]
    (tmp_path / file).write_bytes(make())
    (tmp_path / "good.fits").write_bytes((data / "spec-1045-52725-0628.fits").read_bytes())
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["1045-52725-0628"]
    assert {one.path for one in survey.skipped} == {str(tmp_path / file)}
    assert reason in survey.skipped[0].reason
    assert [len(block) for block in survey.blocks()] == [1]
    if by_name := _read_by_name(tmp_path / file):
        check_spectrum(by_name, valid=False)


def _read_by_name(path: Path) -> Spectrum | None:
    """Read a file that was asked for; what cannot be read is an error that names it."""
    try:
        assert len(list(read(path))) == 0
    except DataError as exc:
        assert path.name in str(exc)  # noqa: PT017 - either is right
    try:
        return Spectrum.read(path, row=0)
    except DataError as exc:
        assert path.name in str(exc)  # noqa: PT017
        return None


def test_no_file_that_lies_takes_more_than_200_mb(tmp_path: Path) -> None:
    for i, (file, make, _) in enumerate(REFUSED.values()):
        (tmp_path / f"{i:03d}-{file}").write_bytes(make())
    (tmp_path / "spec.fits").write_bytes(spec_file())
    code = """
import os, resource, sys
import specanom as sa
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
whole = sa.Spectrum.read(os.path.join(sys.argv[1], "spec.fits"))
from astropy.io import fits
sa.surveys.fits_full
first, worst = peak(), {}
for name in sorted(os.listdir(sys.argv[1])):
    before = peak()
    try:
        list(sa.read(os.path.join(sys.argv[1], name)))
    except sa.errors.DataError:
        pass
    worst[name] = peak() - before
print(peak() - first, max(worst, key=worst.get))
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    grown, worst = run.stdout.split()
    assert float(grown) < 200, worst
    assert run.stderr == ""


# -- what is read as far as it is true -----------------------------------------------------------------------------

def test_pixels_without_noise_or_of_no_size_are_masked_and_the_others_stand(tmp_path: Path) -> None:
    ivar, flux = np.ones(40), np.ones(40)
    ivar[:4], flux[4:8] = [np.nan, -1.0, np.inf, 1e300], [np.nan, np.inf, -1e300, 1e19]
    (tmp_path / "a.fits").write_bytes(spec(ivar=ivar, flux=flux))
    (s,) = read(tmp_path)
    assert s.valid.tolist() == [False] * 8 + [True] * 32
    assert s.ivar is not None
    assert s.ivar[:4].tolist() == [0] * 4
    assert np.isnan(s.flux[4:8]).all()


@pytest.mark.parametrize("lines", ["3E", "A"])
def test_line_fluxes_that_cannot_be_read_do_not_cost_the_spectrum(tmp_path: Path, lines: str) -> None:
    whole = spec_file()
    (tmp_path / "a.fits").write_bytes(with_cards(whole, 3, TFORM2=lines, NAXIS1=10**9))
    (tmp_path / "b.fits").write_bytes(with_cards(whole, 3, TFORM2=lines))
    assert len(list(read(tmp_path))) == 1, "both are one spectrum"
    assert "spzline" not in Spectrum.read(tmp_path / "b.fits").meta


def test_scaled_redshifts_beside_a_coadd_and_a_plate_are_read(tmp_path: Path) -> None:
    """The full reader is asked for the file that needs it, not for the file of spectra."""
    (tmp_path / "coadd-main-dark-27247.fits").write_bytes(COADD)
    (tmp_path / "redrock-main-dark-27247.fits").write_bytes(with_cards(REDROCK, 1, TSCAL2=2.0))
    (tmp_path / "spPlate-0777-53500.fits").write_bytes(PLATE)
    (tmp_path / "spZbest-0777-53500.fits").write_bytes(with_cards(BEST, 1, TSCAL2=2.0))
    assert {s.id: s.z for s in read(tmp_path)} == {
        "39633345008634465": pytest.approx(0.2), "39633345008634466": pytest.approx(0.2),
        **{f"0777-53500-000{i}": pytest.approx(2 / 9) for i in (1, 2, 3)}}


def test_redshifts_that_lie_leave_the_spectra_without(tmp_path: Path) -> None:
    (tmp_path / "coadd-main-dark-27247.fits").write_bytes(COADD)
    (tmp_path / "redrock-main-dark-27247.fits").write_bytes(with_cards(REDROCK, 1, NAXIS2=HUGE))
    survey = read(tmp_path)
    assert len(list(survey)) == 2
    assert "redrock-main-dark-27247.fits is not readable" in survey.notes[0].note


def test_text_of_any_bytes_becomes_text_that_can_be_written(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    content = known_row(CLASS=Column("CLASS", "30A", [evil]), SUBCLASS=Column("SUBCLASS", "30A", ["x" * 30]))
    content = content.replace(b"x" * 30, b"\x00\xff\n\x1b[31m<b>\t".ljust(30, b"y"))
    (tmp_path / "a.fits").write_bytes(content)
    (s,) = read(tmp_path)
    assert s.meta["class"] == evil.upper() or s.meta["class"] == evil
    assert s.meta["subclass"].isprintable()
    assert evil not in read(tmp_path)._repr_html_()


def test_spectra_off_the_optical_have_a_grid_of_their_own(tmp_path: Path) -> None:
    """A shared grid from X-rays to radio would make a block of nothing."""
    for i, first in enumerate((0.0, 3.6, 6.0)):
        content = spec(loglam=np.round(first + 1e-4 * np.arange(40), 4)).replace(b"\0\0\0\x07", bytes([0, 0, 0, i + 1]))
        (tmp_path / f"{i}.fits").write_bytes(content)
    assert sorted(block.wave.size for block in read(tmp_path).blocks()) == [40, 40, 50]


# -- places --------------------------------------------------------------------------------------------------------

def test_pipes_devices_and_folders_called_like_files_are_listed_and_not_waited_for(tmp_path: Path, data: Path) -> None:
    (tmp_path / "good.fits").write_bytes((data / "spec-1045-52725-0628.fits").read_bytes())
    os.mkfifo(tmp_path / "pipe.fits")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero.fits").symlink_to("/dev/zero")
    (tmp_path / "nowhere.fits").symlink_to(tmp_path / "gone.fits")
    (tmp_path / "self.fits").symlink_to(tmp_path / "self.fits")
    (tmp_path / "folder.fits").mkdir()
    survey = read(tmp_path)
    assert [s.id for s in survey] == ["1045-52725-0628"]
    told = {Path(one.path).name: one.reason for one in survey.skipped}
    assert told == {"pipe.fits": "no regular file but a named pipe", "zero.fits": "no regular file but a device",
                    "nowhere.fits": "No such file or directory", "self.fits": "Too many levels of symbolic links"}
    for name in ("pipe", "pipe.fits", "zero.fits"):
        with pytest.raises(DataError, match="no regular file"):
            read(tmp_path / name)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="a named pipe"):
        read(tmp_path / "pipe.csv")


def test_a_link_out_of_the_folder_is_followed_and_each_file_taken_once(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.fits").write_bytes(spec(flux=np.arange(40.0)))
    (inside / "b.fits").write_bytes(spec_file())
    for i, target in enumerate((outside / "a.fits", outside / "a.fits", inside / "b.fits")):
        (inside / f"a{i}.fits").symlink_to(target)
    (inside / "round").symlink_to(inside)
    survey = read(inside)
    assert sorted({*(s.meta["path"] for s in survey), *(one.path for one in survey.skipped)}) == [
        str(inside / "a0.fits"), str(inside / "b.fits")]


def test_a_name_that_is_no_text_is_listed_in_text_that_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "good.fits").write_bytes(spec_file())
    with open(os.fsencode(tmp_path) + b"/\xff<b>.fits", "wb") as file:
        file.write(spec_file())
    survey = read(tmp_path)
    assert len(list(survey)) == 1
    assert [one.reason for one in survey.skipped] == ["its name is no text in UTF-8: rename it"]
    assert survey.skipped[0].path.encode().endswith(rb"\udcff<b>.fits")


def test_a_file_that_is_cut_or_written_to_while_it_is_read_is_skipped(tmp_path: Path, monkeypatch: Any) -> None:
    """A file that is mapped into memory would end the process here."""
    monkeypatch.setattr("specanom.foreign.fits_bytes.HEAD_BYTES", 12_000)
    big = spec_file(6000)
    for i, change in enumerate((lambda path: os.truncate(path, len(big) // 2),
                                lambda path: path.write_bytes(big[:-1] + b"x"))):
        path = tmp_path / f"{i}" / "a.fits"
        path.parent.mkdir()
        path.write_bytes(big)
        survey = read(path.parent)
        os.utime(path, ns=(1, 1))
        file = fits_fast.FastFits(str(path))
        hdu = file.hdu(1)
        assert hdu is not None
        change(path)
        with pytest.raises(DataError, match=r"changed while it was read|cut short"):
            hdu.column("flux")
        assert len(survey.skipped) + len(survey) == 1


def test_a_plate_larger_than_a_piece_is_read_like_a_small_one(tmp_path: Path, monkeypatch: Any) -> None:
    for name, content in plate_files(300, 20).items():
        (tmp_path / name).write_bytes(content)
    whole = list(read(tmp_path))
    monkeypatch.setattr("specanom.foreign.fits_bytes.HEAD_BYTES", 3000)
    monkeypatch.setattr("specanom.surveys.fits_fast.HELD", 500)
    again = list(read(tmp_path))
    assert [s.z for s in again] == [s.z for s in whole]
    np.testing.assert_array_equal([s.flux for s in again], [s.flux for s in whole])


def test_a_survey_is_read_by_threads_without_a_word(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    (tmp_path / "a.fits").write_bytes(with_cards(spec_file(), 1, TSCAL1=2.0))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(list(read(tmp_path))))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 4
    assert not recwarn.list


# -- tables --------------------------------------------------------------------------------------------------------

LONG = "id,wave,flux,ivar,z\n" + "".join(f"a,{4000 + i},1,1,0.1\n" for i in range(9))


@pytest.mark.parametrize(("content", "reason"), [
    ("1," * 10**6 + "\n", "columns: at most"), ("1" * (5 << 20), "a line of more than 4 MiB"),
    ("a,b\n" + "1," * 5000, "cells under 2 names"), ("wave,flux\n" + "\0\xff\x01," * 99, ""),
    ("id,wave,flux\n" + "".join(f"{i},4000,1\n" for i in range(99)), "a spectrum has a row for each pixel"),
    (LONG.replace("0.1", "=1+1"), "z"), (LONG.replace(",1,1,", ",1e999,1,"), "no valid pixel"),
    (LONG.replace("4004", "4003"), "increasing"), (LONG.replace("a,", "a\x1b[2J,"), "no usable id"),
    (LONG.replace("a,", "\u202etxt.exe,"), "no usable id"), (LONG.replace("a,", "a" * 10_240 + ","), "no usable id"),
], ids=["10^6 columns", "a line without end", "a long row", "rubbish", "an id a row", "a formula", "infinite", "twice",
        "a terminal's code", "from right to left", "10 kB"])
def test_a_table_that_lies_is_refused(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8", errors="replace")
    good = tmp_path / "good.csv"
    good.write_text(LONG.replace("a,", "good,"))
    survey = read([path, good])
    assert [s.id for s in survey] == ["good"]
    assert reason in survey.skipped[0].reason
    assert all("".join(one).isprintable() and len(one.reason) <= 500 for one in survey.skipped)


@pytest.mark.parametrize("id", ["../../etc/passwd", "<script>alert(1)</script>", "NGC 1/2", "שלום", "=cmd|' /C'!A0"])
def test_an_id_is_a_name_and_stays_as_it_is(tmp_path: Path, id: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(LONG.replace("a,", f"{id},"), encoding="utf-8")
    assert [s.id for s in read(path)] == [id]


@pytest.mark.parametrize("kind", ["parquet", "ecsv", "json"])
def test_rubbish_called_a_table_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    path.write_bytes(b"PAR1" + np.random.default_rng(0).bytes(5000) + b"PAR1")
    with pytest.raises(DataError, match=r"t\.(parquet|ecsv|json)"):
        read(path)


@pytest.mark.parametrize("word", ["../../../../elsewhere", "/etc", "main/../..", "a\\b", "", "x" * 99,
                                  "ma in", "\u202emain"])
def test_a_catalogue_cannot_lead_a_download_out_of_its_folder(word: str) -> None:
    targets = pd.DataFrame({"TARGETID": ["1", "2"], "SURVEY": [word, "main"], "PROGRAM": "dark", "HEALPIX": 27247})
    groups, lost = desi_archive._groups(targets, "dr1")
    assert [one("coadd").rpartition("/")[2] for one in groups] == ["coadd-main-dark-27247.fits"]
    assert [one.id for one in lost] == ["1"]
    with pytest.raises(ArgumentError, match="survey: expected a word"):
        desi_archive.file_url(word, "dark", 27247)
