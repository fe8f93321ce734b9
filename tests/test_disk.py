"""Files appear whole or not at all, whatever the disk does, and its troubles are told in one sentence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from specanom import disk
from specanom.disk import DiskError, disk_error, is_full, number_of, replace, sweep
from specanom.errors import SpecanomError
from specanom.folders import swap, write_text, write_whole

ROOM = r"takes no more \(.* of .* free.*\)\. Try: free some space there"


@pytest.mark.parametrize(("exc", "number"), [
    (OSError(errno.EDQUOT, "Disk quota exceeded"), errno.EDQUOT),
    (OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"), errno.ENOSPC),
    (RuntimeError("I/O error: No space left on device (os error 28)"), errno.ENOSPC),
    (OSError("1600 requested and 512 written"), errno.ENOSPC),
    (ValueError("no number here"), None)])
def test_the_words_of_libraries_are_understood(exc: Exception, number: int | None) -> None:
    assert number_of(exc) == number
    assert is_full(exc) == (number is not None)
    told = disk_error(exc, Path("/nowhere/x.parquet"))
    assert (told is None) == (number is None)
    assert told is None or (told.errno, "/nowhere/x.parquet" in str(told)) == (number, True)


def test_an_array_that_a_full_disk_cuts_short_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("1600 requested and 512 written")  # as numpy says it

    with pytest.raises(DiskError, match=ROOM):
        write_whole(tmp_path / "x.npy", full)
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_is_not_the_disks_passes(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "no such folder" / "x", "y")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "x", "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_its_name_are_on_the_disk_before_it_is_believed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.replace

    def synced(handle: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{handle}')).name[:6]}")
        fsync(handle)

    def renamed(source: Path, target: Path) -> None:
        done.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    folder = tmp_path / "folder"
    folder.mkdir()
    write_text(folder / "x.json", "{}")
    assert done == ["sync .x.jso", "rename", "sync folder"]
    done.clear()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "inner").mkdir()
    (tmp_path / "new" / "inner" / "a").write_text("a")
    swap(tmp_path / "new", tmp_path / "place")
    assert set(done[:3]) == {"sync inner", "sync a", "sync new"}
    assert done[3] == "rename"


def test_a_rename_whose_answer_was_lost_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, calls = os.replace, []

    def lost(source: Path, target: Path) -> None:
        calls.append(source)
        rename(source, target)
        if len(calls) == 1:
            raise OSError(errno.ETIMEDOUT, "Connection timed out")

    monkeypatch.setattr(os, "replace", lost)
    monkeypatch.setattr(disk, "sleep", lambda seconds: None)
    (tmp_path / "a").write_text("a")
    replace(tmp_path / "a", tmp_path / "b")
    assert len(calls) == 2
    assert (tmp_path / "b").read_text() == "a"
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "nothing", tmp_path / "c")


def test_a_folder_of_a_lower_layer_is_replaced_though_it_cannot_be_renamed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.replace

    def layered(source: Path, target: Path) -> None:
        if Path(source).name == "place":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", layered)
    for name in ("place", "place.12345678.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(name)
    swap(tmp_path / "place.12345678.part", tmp_path / "place")
    assert (tmp_path / "place" / "x").read_text() == "place.12345678.part"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_halves_of_killed_processes_are_swept_away_and_nothing_else(tmp_path: Path) -> None:
    strays = ["sample.zarr.0a1b2c3d.part", "x/.scores.parquet.0a1b2c3d.part", "model.0a1b2c3d.old",
              "x/.nfs000000000a1b2c3d00000001"]
    kept = ["raw/spec-1.fits.part", "model", "model.part/fit.json", "notes.part", "nfs.txt", "x/data.old"]
    for name in [*strays, *kept]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / strays[0]).unlink()
    (tmp_path / strays[0] / "c").mkdir(parents=True)
    assert {path.relative_to(tmp_path).as_posix() for path in sweep(tmp_path)} == set(strays)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_what_was_put_aside_for_something_that_never_came_is_put_back(tmp_path: Path) -> None:
    for name in ("sample.zarr.0a1b2c3d.old", "sample.zarr.0a1b2c3d.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(name)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sample.zarr"]
    assert (tmp_path / "sample.zarr" / "x").read_text() == "sample.zarr.0a1b2c3d.old"


def test_words_of_a_file_in_an_error_of_ours_are_no_full_disk() -> None:
    said = "flux: expected a column, got 'No space left on device (os error 28)'"
    assert number_of(RuntimeError(said)) == errno.ENOSPC
    assert number_of(SpecanomError(said)) is None
