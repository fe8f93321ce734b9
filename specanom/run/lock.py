"""One process a run folder: whoever writes the next file of locks has it.

Each lock is a file of its own, ``.lock-000007``, made whole and only where no such file is, which every file system
can do. It names the process that made it. A run takes a folder by writing the file that follows the last one, once the
process of that is known to have ended; of those that try, one succeeds. The last file is never deleted, so that no
number is given twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

from ..disk import beside, telling
from ..errors import SpecanomError, message
from ..foreign import parse_json
from .process import Process, this_process

NAME = ".lock"
PATIENCE = 2.0  # seconds that somebody may take between making a file and writing to it
_FREE = b"{}"
_held: set[tuple[str, int]] = set()


class RunBusy(SpecanomError):
    """Another process is working in the run folder."""


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run folder; it is made when missing.

    A lock whose process has ended on this machine, however it ended, is taken over. One of another machine is not,
    since nothing can be known of its processes, unless it is of the very job of a cluster that this process belongs to:
    that was started again, so it has ended before.

    Raises
    ------
    RunBusy
        When another process holds it.
    DiskError
        When the folder cannot be written.
    """
    with telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path, handle = _take(folder)
    mine = os.getpid()
    _held.add((str(path), mine))
    try:
        yield
    finally:
        handle.close()
        if os.getpid() == mine:  # not a fork of it
            _held.discard((str(path), mine))
            _release(path)


def leave(folder: Path) -> None:
    """Take away a folder that holds nothing but a lock that is free: nothing came of it."""
    with contextlib.suppress(OSError):
        inside = list(folder.iterdir())
        if not inside or (inside == [_last(folder)] and inside[0].read_bytes() == _FREE):
            for one in inside:
                one.unlink()
            folder.rmdir()


def holder(folder: Path) -> Process | None:
    """Return the process that works in a run folder, or None."""
    last = _last(folder)
    owner = _owner(last) if last is not None else None
    return owner if owner is not None and last is not None and _alive(owner, last) else None


def _take(folder: Path) -> tuple[Path, IO[bytes]]:
    """Write the file that follows the last one; returns it, open."""
    while True:
        last = _last(folder)
        if last is not None and (owner := _owner(last)) is not None and _alive(owner, last):
            raise _busy(folder, owner, last)
        path = folder / f"{NAME}-{_number(last) + 1 if last is not None else 1:06d}"
        handle = _create(path, json.dumps(asdict(this_process())).encode())
        if handle is None:
            continue  # somebody was faster
        if _last(folder) == path:
            _tidy(folder, path)
            return path, handle
        handle.close()
        path.unlink(missing_ok=True)  # several have come and gone since the folder was looked at


def _tidy(folder: Path, kept: Path) -> None:
    for one in (*folder.glob(f"{NAME}-*"), folder / NAME):  # the latter of earlier versions
        if one != kept and not one.name.endswith(".part"):
            with contextlib.suppress(OSError):
                one.unlink(missing_ok=True)


def _last(folder: Path) -> Path | None:
    found = [one for one in folder.glob(f"{NAME}-*") if re.fullmatch(rf"{re.escape(NAME)}-\d+", one.name)]
    return max(found, key=_number, default=None)


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])


def _create(path: Path, content: bytes) -> IO[bytes] | None:
    """Make a file with its content and leave it open; None when it is there."""
    part = beside(path)
    try:
        handle = _written(part, content)
        try:
            if os.name == "nt":
                handle.close()
                os.rename(part, path)  # which fails there when something is in the way
                return open(path, "rb")
            os.link(part, path)
            return handle
        except OSError as exc:
            handle.close()
            if isinstance(exc, FileExistsError):
                return None
        try:  # no links: FAT, some FUSE and SMB
            return _written(path, content)
        except FileExistsError:
            return None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _written(path: Path, content: bytes) -> IO[bytes]:
    """Write a new file, and hold the system's own lock on it too, where there is one; open for reading only."""
    with open(path, "xb") as made:
        made.write(content)
    handle = open(path, "rb")  # noqa: SIM115 (open for as long as the lock is held)
    _flock(handle)
    return handle


def _owner(path: Path) -> Process | None:
    """Return who made a lock; None when it was released, or when its maker ended before writing to it."""
    begin = time.monotonic()
    while True:
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # overtaken
            return None
        if content == _FREE:
            return None
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            return Process(**parse_json(content))
        if time.monotonic() - begin > PATIENCE:
            return None
        time.sleep(0.05)


def _alive(owner: Process, path: Path) -> bool:
    if owner.here:
        me = this_process()
        return (str(path), me.pid) in _held if owner.same(me) else owner.alive
    if owner.on_this_machine:
        return not _unlocked(path)
    return not (owner.job and owner.job == this_process().job)


def _unlocked(path: Path) -> bool:
    """Say whether the system's own lock has ended with its process; that of another container can be seen."""
    try:
        with open(path, "rb") as handle:
            return _flock(handle)
    except OSError:
        return False


def _flock(handle: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _release(path: Path) -> None:
    """Say that the lock is free. Written over what is there, which needs no room on a full disk."""
    with contextlib.suppress(OSError), open(path, "r+b") as handle:
        handle.write(_FREE)
        handle.truncate()


def _busy(folder: Path, owner: Process, path: Path) -> RunBusy:
    hint = f"wait for it, or give another --run-dir; kill {owner.pid} ends it"
    if owner.same(this_process()):
        hint = "wait for it, or give another --run-dir"
    elif not owner.here:
        hint = (f"wait for it, or give another --run-dir; when it has ended for certain (whether it has cannot be seen "
                f"from here), delete {path} and give the command again")
    return RunBusy(message("run_dir", expected="a folder that no other run is working in",
                           got=f"{folder}, in use by {owner}", hint=hint))
