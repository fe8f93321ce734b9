"""What a run says and leaves when the disk will not have it, and that nothing is lost: on real, small file systems."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from specanom.disk import DiskError, check_writable
from specanom.run.pipeline import run_pipeline
from tests.run.faulty import FAULTS, read_only_later

ROOT = Path(__file__).resolve().parent.parent.parent
ROOM = r"takes no more \(.* of .* free.*\)\. Try: free some space there"


@lru_cache(maxsize=1)
def unshared() -> tuple[str, ...] | None:
    """Return how to start a program whose mounts are its own, or None where nobody may."""
    for how in (("unshare", "-m"), ("unshare", "-rm")):
        try:
            done = subprocess.run([*how, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
        except OSError:
            return None
        if not done.returncode:
            return how
    return None


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What runs did that met a fault, and went on when it was mended."""
    how = unshared()
    if how is None:
        pytest.skip("needs the right to mount a file system")
    place = tmp_path_factory.mktemp("disks")
    done = subprocess.run([*how, sys.executable, "-m", "tests.run.faulty", str(place)], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert not done.returncode, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


SAID = {
    "full": rf"03_train: disk: expected .*/run/.* to be written, got a disk that {ROOM}",
    "full of names": r"got a disk that .*no more files can be made\)\. Try: free some space",
    "full at once": rf"^disk: expected .*/run to be written, got a disk that {ROOM}",
    "quota": r"03_train: disk: .* got a quota that is used up .*ask for a larger quota",
    "limit": r"01_acquire: disk: .*/01_acquire\.zarr to be written, got a limit on the size of files\. Try: ulimit",
    "read-only": r"^disk: .*/run to be written, got a file system that is mounted read-only\. Try: a folder",
    "read-only later": r"03_train: disk: .*/03_train\.zarr to be written, got a file system that is mounted read-only",
    "rename ESTALE 1": "^$", "rename EBUSY 1": "^$", "rename EIO 1": "^$",
    "rename EXDEV 1": r"03_train: disk: .* got a file system that cannot rename within a folder",
    f"rename ESTALE {1_000_000}": r"03_train: disk: .* got a server that no longer knows the file",
    f"rename EBUSY {1_000_000}": r"03_train: disk: .* got a file that stays busy",
    f"rename EIO {1_000_000}": r"03_train: disk: .* got an input or output error of the disk",
    f"rename EXDEV {1_000_000}": r"03_train: disk: .* got a file system that cannot rename within a folder",
    "rename in a set": r"03_train: disk: .*/03_train\.zarr to be written, got a server that no longer knows",
}


def test_every_fault_is_expected_to_say_something() -> None:
    assert set(SAID) == set(FAULTS) - {"none"}


@pytest.mark.parametrize("fault", list(SAID))
def test_a_run_says_what_is_wrong_leaves_no_half_and_goes_on(
        fault: str, seen: dict[str, dict[str, Any]]) -> None:
    whole, found = seen["none"], seen[fault]
    said = found["said"].splitlines()[0] if found["said"] else ""
    assert re.search(SAID[fault], said), said
    if FAULTS[fault][1] is not read_only_later:  # from such a disk nothing can be deleted
        assert found["halves"] == []
    assert (found["again"], found["in the end"]) == ("", [])
    assert found["digests"] == whole["digests"]
    assert len(whole["digests"]) == 32


def test_a_run_sweeps_what_a_killed_one_left(stages: Any, tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / ".04_score.ipynb.0a1b2c3d.part").mkdir()
    (tmp_path / "scores.parquet.0a1b2c3d.part").write_text("half")
    stages.again(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]


def test_a_folder_that_may_not_be_written_is_told_before_the_first_stage(
        stages: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(DiskError, match=r"no permission to write there\. Try: a folder that may be written to"):
        run_pipeline(tmp_path, {"survey": "mock"})
    assert stages.ran == []
    with pytest.raises(DiskError, match="no permission"):
        check_writable(tmp_path)
