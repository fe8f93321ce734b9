"""What a disk does when it is full, read-only, over a quota or far away, and how that is told."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from .errors import SpecanomError, message

PART = ".part"
"""How the name of what is still being written ends."""
TRANSIENT = (errno.EBUSY, errno.EIO, errno.ESTALE, errno.EINTR, errno.EAGAIN, errno.ETIMEDOUT)
"""What a file system far away says when it may do the same thing a moment later."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What a file system says that takes no more: trying again at once is no use."""
WAITS: tuple[float, ...] = (0.1, 0.4, 1.6)  # seconds before another try
sleep = time.sleep
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EROFS)  # pipes, some network and FUSE file systems
_ROOM = "free some space there, then do the same again: what is done is kept"
_ELSEWHERE = "a folder that may be written to"
_SAID = {
    errno.ENOSPC: ("a disk that takes no more ({free})", _ROOM),
    errno.EDQUOT: ("a quota that is used up ({free} on the disk itself)",
                   "delete what is yours there and not needed, or ask for a larger quota; " + _ROOM),
    errno.EFBIG: ("a limit on the size of files", "ulimit -f unlimited, or a file system that takes larger files"),
    errno.EROFS: ("a file system that is mounted read-only", _ELSEWHERE),
    errno.EACCES: ("no permission to write there", _ELSEWHERE + ", or ask its owner"),
    errno.EPERM: ("no permission to write there", _ELSEWHERE + ", or ask its owner"),
    errno.EXDEV: ("a file system that cannot rename within a folder", "a folder on another file system"),
    errno.EIO: ("an input or output error of the disk", "look at the disk, then do the same again"),
    errno.ESTALE: ("a server that no longer knows the file", "mount the file system again, then do the same again"),
    errno.EBUSY: ("a file that stays busy", "end what holds it, then do the same again"),
    errno.ETIMEDOUT: ("a file server that does not answer", "do the same again when it does"),
}
"""What came, and what to try, by the number that the system gives."""
_NUMBER = re.compile(r"(?:\[errno |os error )(\d+)", re.IGNORECASE)  # of pyarrow, safetensors
_WORDS = {"no space left on device": errno.ENOSPC, "disk quota exceeded": errno.EDQUOT,
          "read-only file system": errno.EROFS, " requested and ": errno.ENOSPC}  # the last of numpy.save
_HALF = re.compile(r"\.[0-9a-f]{8}\.part")
_LEFT = re.compile(r"\.[0-9a-f]{8}\.(part|old)$|^\.nfs[0-9a-f]{12,}$")


class DiskError(SpecanomError, OSError):
    """A file cannot be put on the disk; says which, how much is free, and what to try."""

    def __str__(self) -> str:
        return str(self.strerror)


def number_of(exc: BaseException) -> int | None:
    """Return the number by which the system says what is wrong; libraries hide it in words of their own.

    Examples
    --------
    >>> number_of(RuntimeError("I/O error: No space left on device (os error 28)"))
    28
    """
    if isinstance(exc, OSError) and exc.errno is not None:
        return exc.errno
    if isinstance(exc, SpecanomError):  # its words may be those of a file
        return None
    said = str(getattr(exc, "evalue", exc))  # of an error in a notebook, what that said
    if found := _NUMBER.search(said):
        return int(found[1])
    return next((number for words, number in _WORDS.items() if words in said.lower()), None)


def is_full(exc: BaseException) -> bool:
    """Say whether an error means that no more goes on the disk: trying again at once is no use."""
    return number_of(exc) in FULL


def disk_error(exc: BaseException, path: Path) -> DiskError | None:
    """Return the error to raise when writing `path` failed; None when that is not for the disk."""
    if isinstance(exc, DiskError):
        return exc
    number = number_of(exc)
    if number not in _SAID:
        return None
    got, hint = _SAID[number]
    name = _HALF.sub("", str(path))
    told = message("disk", expected=f"{name} to be written", got=got.format(free=free(path)), hint=hint)
    return DiskError(number, told)


@contextlib.contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what a disk does to the writing of `path` into a :class:`DiskError`; other errors pass."""
    try:
        yield
    except Exception as exc:
        told = disk_error(exc, path)
        if told is None or told is exc:
            raise
        raise told from exc


def free(path: Path) -> str:
    """Return how much is free where `path` is, or would be, in words."""
    there = next((one for one in (path, *path.absolute().parents) if one.exists()), Path("/"))
    try:
        usage = shutil.disk_usage(there)
    except OSError:
        return "nobody knows how much is free"
    names = ", but no more files can be made" if hasattr(os, "statvfs") and _names_used_up(there) else ""
    return f"{_size(usage.free)} of {_size(usage.total)} free{names}"


def _names_used_up(path: Path) -> bool:
    state = os.statvfs(path)
    return state.f_files > 0 and state.f_favail == 0


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def check_writable(folder: Path) -> None:
    """Make a folder when it is missing, and see that a file can be written and renamed in it.

    Raises
    ------
    DiskError
        When it cannot.
    """
    with telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = beside(folder / "probe")
        try:
            probe.write_bytes(bytes(1 << 16))
            sync(probe)
            replace(probe, probe.with_suffix(".old"))
        finally:
            for one in (probe, probe.with_suffix(".old")):
                with contextlib.suppress(OSError):
                    one.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """Return a hidden name in the folder of `path` for what is being written, which :func:`sweep` knows."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PART}")


def replace(source: Path, target: Path) -> None:
    """Rename, and try again when a file system far away asks for it.

    A server may have done what was asked though its answer was lost. Asked again, it knows no such file.
    """
    known = _identity(source)
    for number, wait in enumerate((*WAITS, None)):
        try:
            os.replace(source, target)
        except FileNotFoundError:
            if not number or known is None or _identity(target) != known:
                raise
        except OSError as exc:
            if wait is None or not _may_pass(exc):
                raise
            sleep(wait)
            continue
        return


def _may_pass(exc: OSError) -> bool:
    held = os.name == "nt" and isinstance(exc, PermissionError)  # somebody has it open, a virus scanner mostly
    return held or exc.errno in TRANSIENT


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def sync(path: Path) -> None:
    """Have the system put a file, or the names in a folder, on the disk; a file system that cannot is let be."""
    if os.name == "nt" and path.is_dir():  # folders cannot be synchronised there
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(handle)


def sync_all(path: Path) -> None:
    """Put a file, or a folder with all that is in it, on the disk."""
    for one in [*path.rglob("*"), path] if path.is_dir() else [path]:
        if not one.is_symlink():
            sync(one)


def sweep(folder: Path) -> list[Path]:
    """Delete what processes that were killed had half written below a folder; returns it.

    What was renamed aside for something new that never came to its place is put back instead.

    Only names that are given to such: ``NAME.1a2b3c4d.part``, ``NAME.1a2b3c4d.old``, and the ``.nfs…`` that a file
    server leaves of files deleted while they were open. Nobody else may be writing there.
    """
    left = [path for path in folder.rglob("*") if _LEFT.search(path.name)]
    for path in left:
        if _put_back(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # still open somewhere
                path.unlink(missing_ok=True)
    return left


def _put_back(path: Path) -> bool:
    """Rename what a killed process had put aside to the place where nothing is now; returns whether it did."""
    place = path.with_name(re.sub(r"\.[0-9a-f]{8}\.old$", "", path.name))
    if place.name == path.name or os.path.lexists(place):
        return False
    with contextlib.suppress(OSError):
        os.rename(path, place)
        return True
    return False
