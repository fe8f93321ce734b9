"""The folder of raw files: whose files may be cleared away, and which files a path stands for."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import specanom as sa
from specanom.errors import DataError
from specanom.run import acquire as room
from specanom.run.acquire import RAW, acquire, files_of, inputs_of
from specanom.run.folder import RunFolder
from specanom.surveys import archive


def simulate(run: RunFolder, n: int = 5):
    return acquire(run, survey="mock", path="", n=n, seed=1)


@pytest.fixture
def offline(monkeypatch) -> None:
    """An archive of one galaxy, whose download takes no network."""

    def download(table: pd.DataFrame, folder: Path) -> None:
        for plate in table["plate"]:
            (folder / str(plate)).mkdir(parents=True, exist_ok=True)
            (folder / str(plate) / "spec-fetched.fits").write_bytes(b"SIMPLE  =")

    monkeypatch.setattr(archive, "query", lambda limit: pd.DataFrame({"plate": [266] * limit}))
    monkeypatch.setattr(archive, "download", download)


@pytest.mark.parametrize("note", [None, "{}", "not JSON", '{"survey": "theirs"}'])
@pytest.mark.parametrize("how", [{"survey": "mock"}, {"survey": "sdss", "download": 1}])
def test_files_of_somebody_else_in_raw_are_left_alone(tmp_path, offline, note, how) -> None:
    (tmp_path / RAW).mkdir()
    theirs = tmp_path / RAW / "spec-0266-51602-0001.fits"
    theirs.write_bytes(b"years of work")
    if note is not None:
        (tmp_path / RAW / "manifest.json").write_text(note)
    with pytest.raises(DataError, match=r"files that no run made.*Try: move them.*another --run-dir"):
        acquire(RunFolder(tmp_path), **{"path": "", "n": 5, "seed": 1, **how})
    assert theirs.read_bytes() == b"years of work"
    assert (tmp_path / RAW / "manifest.json").exists() is (note is not None)


def test_a_finished_download_is_not_simulated_over(tmp_path, offline) -> None:
    run = RunFolder(tmp_path)
    acquire(run, survey="sdss", path="", n=5, seed=1, download=1)
    with pytest.raises(DataError, match="a download"):
        simulate(run)
    assert (tmp_path / RAW / "266" / "spec-fetched.fits").exists()
    again = acquire(run, survey="sdss", path="", n=5, seed=1, download=1)
    assert again.files == 1


def test_what_was_simulated_gives_way(tmp_path, offline) -> None:
    run = RunFolder(tmp_path)
    simulate(run)
    assert list((tmp_path / RAW).glob("spPlate*"))
    simulate(run, n=6)
    assert json.loads((tmp_path / RAW / "manifest.json").read_text())["n"] == 6
    acquire(run, survey="sdss", path="", n=5, seed=1, download=1)
    assert not list((tmp_path / RAW).glob("spPlate*"))


def test_an_empty_raw_folder_is_taken(tmp_path) -> None:
    (tmp_path / RAW).mkdir()
    assert simulate(RunFolder(tmp_path)).files > 0


# -- which files -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plates(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plates")
    for name in ("a", "b"):
        sa.surveys.mock(n=4, seed=ord(name)).write(folder / name, layout="spec")
    (folder / "a" / "notes.txt").write_text("no spectrum")
    (folder / "a" / "spec-half.fits.part").write_bytes(b"SIMPLE  =")
    return folder


@pytest.mark.parametrize("pattern", ["", "*/spec-*.fits", "**/*.fits", "[a]", "a/../*/*.fits"])
def test_a_run_finds_the_files_that_reading_finds(plates: Path, tmp_path: Path, pattern: str) -> None:
    path = str(plates / pattern)
    found = files_of(path)
    read = sa.read(path)
    assert {str(file) for file in found} >= {spectrum.meta["path"] for spectrum in read}
    assert not [file for file in found if file.suffix != ".fits"]
    source = acquire(RunFolder(tmp_path), survey="sdss", path=path, n=0, seed=1)
    assert source.files == len(found) > 0


def test_a_new_file_behind_a_pattern_is_another_input(plates: Path, tmp_path: Path) -> None:
    given = {"survey": "sdss", "path": str(tmp_path / "*" / "spec-*.fits")}
    (tmp_path / "one").mkdir()
    seen = {inputs_of(given)}
    for name in ("spec-1.fits", "spec-2.fits"):
        (tmp_path / "one" / name).write_bytes(b"SIMPLE  =")
        seen.add(inputs_of(given))
    assert len(seen) == 3


def test_a_pattern_may_begin_at_home(plates: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(plates))
    source = acquire(RunFolder(tmp_path), survey="sdss", path="~/*/spec-*.fits", n=0, seed=1)
    assert room.Files.load(RunFolder(tmp_path)).path == str(plates / "*" / "spec-*.fits")
    assert source.files == len(files_of(str(plates)))


@pytest.mark.parametrize(("name", "words"), [("none", "no file at"), ("empty", "no file at"),
                                             ("no/*.fits", "FITS files"), ("words", "FITS files")])
def test_nothing_to_read_is_said(tmp_path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("no spectrum")
    with pytest.raises(DataError, match=words):
        acquire(RunFolder(tmp_path / "run"), survey="sdss", path=str(tmp_path / name), n=0, seed=1)
