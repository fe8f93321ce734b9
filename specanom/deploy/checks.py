"""Values that go into scripts, each looked at before it is written: a shell or scheduler takes what it is given."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from ..errors import ArgumentError, message

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]*")
_MODULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+/-]*")
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # RFC 1035, as names of services are
_IMAGE = re.compile(r"[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?")
_RESOURCE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_TIME = re.compile(r"(?:(\d{1,3})-)?(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")


def text(name: str, value: str, *, empty: bool = False) -> str:
    """Return text of one line without control characters; other characters are the quoting's business.

    Raises
    ------
    ArgumentError
        For any other.
    """
    fits = isinstance(value, str) and (empty or value) and not any(_unprinted(one) for one in value)
    if not fits:
        raise ArgumentError(message(name, expected="text of one line", got=repr(value)))
    return value


def _unprinted(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def path(name: str, value: str, *, empty: bool = False) -> str:
    """Return an absolute path of a cluster, which need not exist here.

    Raises
    ------
    ArgumentError
        When it is not absolute, has ``..`` in it, or is not text of one line.
    """
    if empty and value == "":
        return value
    if not text(name, value).startswith("/") or ".." in value.split("/"):
        raise ArgumentError(message(name, expected="an absolute path without ..", got=repr(value),
                                    hint="jobs start in other folders"))
    return value


def word(name: str, value: str, *, empty: bool = False) -> str:
    """Return a name of Slurm: of a job, partition, account, quality of service or kind of GPU."""
    return _matching(name, value, _WORD, "a name of letters, digits and _ . : @ -", empty=empty)


def modules(values: Iterable[str]) -> tuple[str, ...]:
    """Return names of environment modules."""
    return tuple(_matching("modules", one, _MODULE, "names of modules, such as python/3.12") for one in values)


def label(name: str, value: str, *, longest: int = 40) -> str:
    """Return a name of Kubernetes; short enough for the suffixes that operators add to it."""
    _matching(name, value, _LABEL, f"at most {longest} of a-z, 0-9 and -, beginning with a letter")
    if len(value) > longest:
        raise ArgumentError(message(name, expected=f"at most {longest} characters", got=repr(value)))
    return value


def image(value: str) -> str:
    """Return the name of a container image."""
    return _matching("image", value, _IMAGE, "a container image, such as registry.org/group/specanom:0.1", empty=False)


def resource(value: str) -> str:
    """Return the name of an extended resource of Kubernetes."""
    return _matching("gpu_resource", value, _RESOURCE, "a resource such as nvidia.com/gpu", empty=False)


def _matching(name: str, value: str, pattern: re.Pattern[str], expected: str, *, empty: bool = False) -> str:
    if not (empty and value == "") and not (isinstance(value, str) and pattern.fullmatch(value)):
        raise ArgumentError(message(name, expected=expected, got=repr(value)))
    return value


def count(name: str, value: Any, *, least: int = 1) -> int:
    """Return a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(message(name, expected=f"a whole number, at least {least}", got=repr(value)))
    return value


def seconds(name: str, value: str) -> int:
    """Return how long a time of Slurm is: ``"4:00"`` (hours and minutes), ``"4:00:00"`` or ``"2-12:00:00"``.

    Slurm alone reads ``"4:00"`` as four minutes; scripts therefore get :func:`walltime`.
    """
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    total = 0
    if found:
        days, hours, minutes, rest = (int(one or 0) for one in found.groups())
        total = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    if total < 600:
        raise ArgumentError(message(name, expected="at least 10 minutes, such as 4:00:00 or 2-12:00:00",
                                    got=repr(value)))
    return total


def walltime(total: int) -> str:
    """Write seconds as Slurm reads them without doubt."""
    days, rest = divmod(total, 86_400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{clock}" if days else clock
