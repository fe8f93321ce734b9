"""Why a stage failed, in words for a log: the error, the cell and the line."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from ..disk import DiskError, free, number_of
from ..errors import SpecanomError, message

DEAD = "DeadKernelError"
"""What the error is called of a process that ended in the middle of its notebook."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ARROW = re.compile(r"^-+> *(\d+) (.*)$", re.MULTILINE)


class StageFailed(SpecanomError):
    """A notebook of the run ended with an error; its executed copy is kept.

    Attributes
    ----------
    stage : str
        Which.
    executed : Path
        The notebook up to the error.
    reason : str
        The error in one line.
    kind : str
        The name of the error's class.
    """

    def __init__(self, stage: str, executed: Path, reason: str, *, kind: str = "", where: str = "") -> None:
        text = [f"{stage}: {reason}", *([where] if where else []), f"The failed notebook is kept: {executed}",
                "Try: mend the cause and give the same command again; finished stages are skipped"]
        super().__init__("\n".join(text))
        self.stage, self.executed, self.reason, self.kind = stage, executed, reason, kind


def failed(stage: str, executed: Path, exc: BaseException) -> StageFailed:
    """Return the error to raise for what a notebook raised."""
    return StageFailed(stage, executed, reason_of(exc, executed), kind=kind_of(exc), where=where_of(exc))


def kind_of(exc: BaseException) -> str:
    """Return the name of the class of an error, also of one inside a notebook."""
    return str(getattr(exc, "ename", type(exc).__name__))


def reason_of(exc: BaseException, where: Path | None = None) -> str:
    """Say in one line why a notebook failed; `where` is on the disk that it wrote to."""
    kind, value = kind_of(exc), str(getattr(exc, "evalue", exc))
    if kind == DiskError.__name__:  # says it all
        return value
    if disk_is_full(exc):
        left = "" if where is None else f"; {free(where)} now"
        return message("disk", expected="free space for the run folder", got=f"a full disk ({value.strip()}{left})",
                       hint="free some space, or give another --run-dir")
    if kind == DEAD or value.startswith("Kernel died"):  # the latter while it starts
        return message("process", expected="the notebook's process to live", got="its end, mostly for want of memory",
                       hint="fewer spectra, or a machine with more memory")
    return f"{kind}: {value}".strip()


def disk_is_full(exc: BaseException) -> bool:
    """Whether an error says that there is no space; libraries say it in types and words of their own."""
    return number_of(exc) in (errno.ENOSPC, errno.EDQUOT)


def where_of(exc: BaseException) -> str:
    """Return the cell and the line of a notebook that raised an error; empty for errors from elsewhere."""
    text = _COLOURS.sub("", "\n".join(getattr(exc, "traceback", None) or []))
    found = _ARROW.search(text)
    if found is None:
        return ""
    return f"In cell {getattr(exc, 'exec_count', '?')}, line {found[1]}: {found[2].strip()}"
