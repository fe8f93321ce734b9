"""Fetches many files politely: resumed, retried, checked, a few at a time."""

from __future__ import annotations

import errno
import gzip
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..disk import replace, sync
from ..errors import DataError, message
from ..foreign.fits_header import BrokenFits, UnusualFits
from ..parallel import map_blocks
from ..parallel.progress import shown
from .fits_fast import FastFits

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 1 << 16
TIMEOUT = (10, 60)          # seconds to connect, and between two pieces
LONGEST_WAIT = 60.0
sleep = time.sleep
_local = threading.local()


@dataclass(frozen=True)
class Task:
    """A file to fetch: what it is called, where from, and where to below the folder."""

    id: str
    url: str
    name: str


@dataclass(frozen=True)
class FetchedFile:
    """What became of a task: ``status`` is "fetched", "kept" or "failed"."""

    id: str
    url: str
    path: str
    status: str
    reason: str = ""
    size: int = 0


@dataclass(frozen=True, eq=False)
class Report:
    """What a download did.

    Attributes
    ----------
    outcomes : tuple of FetchedFile
        One a file, in the order asked for.
    """

    outcomes: tuple[FetchedFile, ...]

    @property
    def failed(self) -> tuple[FetchedFile, ...]:
        """What could not be fetched, each with a reason."""
        return tuple(one for one in self.outcomes if one.status == "failed")

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that are there."""
        return tuple(one.path for one in self.outcomes if one.status != "failed")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a file: id, url, path, status, reason, size."""
        import pandas as pd

        columns = ("id", "url", "path", "status", "reason", "size")
        return pd.DataFrame([[getattr(one, name) for name in columns] for one in self.outcomes], columns=list(columns))

    def __repr__(self) -> str:
        count = {status: sum(one.status == status for one in self.outcomes) for status in ("fetched", "kept", "failed")}
        text = f"Report: {count['fetched']} fetched, {count['kept']} there already, {count['failed']} failed"
        return text + "".join(f"\n  {one.id}: {one.reason}" for one in self.failed[:5])


class Retry(Exception):
    """Trouble that may pass; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(Exception):
    """Trouble that will not pass."""


def fetch_all(tasks: Sequence[Task], folder: Any, *, workers: int, retries: int, progress: bool,
              probe: Callable[[Callable[..., Any], str], None]) -> Report:
    """Fetch every task that is not there yet; see :func:`specanom.surveys.archive.download`.

    Parameters
    ----------
    tasks : sequence of Task
        What to fetch.
    folder : path-like
        Where to.
    workers, retries, progress
        Requests at a time, further tries a file, and whether to show a bar.
    probe : callable
        Called once with a function that gets a URL, before anything is fetched; raises when it is no use to go on.
    """
    root = Path(folder).expanduser()
    root.mkdir(parents=True, exist_ok=True)
    pending = next((task for task in tasks if not is_whole(root / task.name)), None)
    if pending is not None:
        probe(_session().get, pending.url)

    def work(task: Task) -> FetchedFile:
        return _fetch(task, root / task.name, retries)

    executor = "serial" if workers == 1 else f"threads:{workers}"
    outcomes = map_blocks(work, tasks, executor)
    if progress:
        outcomes = shown(outcomes, "download", len(tasks), unit="files")
    return Report(tuple(outcomes))


def is_whole(path: Path) -> bool:
    """Tell whether a FITS file is there and as long as its headers say; a packed one, whether it unpacks."""
    try:
        if _is_packed(path):
            return _unpacks(path)
        file = FastFits(str(path))
        index = 0
        while (hdu := file.hdu(index)) is not None:
            if hdu.start + (hdu.layout.size if hdu.shape else 0) > file.size:
                return False
            index += 1
    except UnusualFits:
        return True
    except (BrokenFits, OSError):
        return False
    return index > 1 and file.size % 2880 == 0


def _is_packed(path: Path) -> bool:
    with open(path, "rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def _not_fits(path: Path) -> str:
    """Say what a file is when it is no FITS file, packed or not, as the page of a proxy or of a login."""
    with open(path, "rb") as handle:
        begins = handle.read(200)
    if begins.startswith((b"SIMPLE", b"\x1f\x8b")):
        return ""
    return f"no FITS file came but {begins.decode('utf-8', 'replace').split(chr(10))[0][:60]!r}"


def _unpacks(path: Path) -> bool:
    """Tell whether a gzipped file is whole and a FITS file: unpacked piece by piece, its checksum compared."""
    begins, size = b"", 0
    try:
        with gzip.open(path) as handle:
            while piece := handle.read(1 << 20):
                begins = begins or piece[:9]
                size += len(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return begins == b"SIMPLE  =" and size % 2880 == 0


def _session() -> Any:
    if not hasattr(_local, "session"):
        from requests import Session

        _local.session = Session()
        _local.session.headers["Accept-Encoding"] = "identity"      # sizes are those of the file
    return _local.session


def _fetch(task: Task, path: Path, retries: int) -> FetchedFile:
    from requests import RequestException

    if is_whole(path):
        return FetchedFile(task.id, task.url, str(path), "kept", "", path.stat().st_size)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    reason = ""
    for attempt in range(retries + 1):
        try:
            _receive(task.url, part)
            if not is_whole(part):
                words = _not_fits(part)
                part.unlink()
                raise Retry(words or "the file is shorter than its headers say")
            sync(part)
            replace(part, path)
            sync(path.parent)
            return FetchedFile(task.id, task.url, str(path), "fetched", "", path.stat().st_size)
        except Refused as exc:
            reason = str(exc)
            break
        except (Retry, RequestException) as exc:
            reason = f"{type(exc).__name__}: {exc}" if isinstance(exc, RequestException) else str(exc)
            if attempt < retries:
                sleep(min(LONGEST_WAIT, max(2.0**attempt, getattr(exc, "wait", 0.0))))
        except OSError as exc:
            if exc.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DataError(message("folder", expected="room on the disk", got=f"{path.parent}: {exc.strerror}",
                                        hint="make room and call again: what is there is kept")) from exc
            raise
    return FetchedFile(task.id, task.url, str(path), "failed", reason)


def _receive(url: str, part: Path) -> None:
    """Append what is missing to the unfinished file, or begin it anew when the server sends all of it."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with _session().get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:                           # nothing to continue: the piece is not of this file
            part.unlink()
            raise Retry("the unfinished file does not belong to this one")
        _check_status(answer)
        resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        start = have if resumed else 0
        promised = answer.headers.get("Content-Length", "")
        with open(part, "ab" if resumed else "wb") as handle:
            for piece in answer.iter_content(CHUNK):
                handle.write(piece)
            size = handle.tell()
    if promised.isdigit() and size != start + int(promised):
        raise Retry(f"{size - start:,} of {promised} bytes came")


def _check_status(answer: Any) -> None:
    status = answer.status_code
    if status == 429 or status >= 500:
        wait = answer.headers.get("Retry-After", "")
        raise Retry(f"HTTP {status}", float(wait) if wait.isdigit() else 0.0)
    if status not in (200, 206):
        raise Refused("HTTP 404: the archive has no such file in this release" if status == 404 else f"HTTP {status}")


def is_offline(exc: BaseException) -> bool:
    """Tell whether a request failed because there is no way to the server."""
    from requests import ConnectionError as NoConnection
    from requests import ConnectTimeout

    return isinstance(exc, (NoConnection, ConnectTimeout))


def probe(archive: str, hint: str) -> Callable[[Callable[..., Any], str], None]:
    """Return a look at the first address that fails at once without a network, rather than once for each file.

    Parameters
    ----------
    archive : str
        What is asked, for the message: ``"the SDSS archive"``.
    hint : str
        What to do without a network.
    """

    def look(get: Callable[..., Any], url: str) -> None:
        from requests import RequestException

        try:
            get(url, stream=True, timeout=TIMEOUT).close()
        except RequestException as exc:
            if is_offline(exc):
                raise DataError(message("download", expected=archive, got="no connection", hint=hint)) from exc

    return look
