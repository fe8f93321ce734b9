"""Whether an executor answers, asked before hours of work depend on it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ArgumentError, DataError, message, require
from .answers import within
from .executors import check_executor

PATIENCE = 5.0
"""Seconds that a scheduler may take to answer a knock."""
_LOCAL = '"processes:N" works on this machine'


def check_reachable(executor: str, folder: Path | None = None, *, patience: float = PATIENCE) -> None:
    """Make sure that work can go where an executor's name says.

    Pools of this machine always can. Of Dask, the scheduler must answer, and the workers that it has by now must see
    the folder of the results and have this version of specanom; workers that join later are not asked.

    Parameters
    ----------
    executor : str
        A name, see :func:`specanom.parallel.workers`; ``""`` for none.
    folder : Path, optional
        For the results.
    patience : float
        Seconds to wait for an answer.

    Raises
    ------
    ArgumentError
        For a name that is none.
    MissingDependency
        When Dask is not installed.
    DataError
        When nobody answers, or the workers are of no use.
    """
    check_executor(executor)
    kind, _, rest = executor.partition(":")
    if kind != "dask":
        return
    distributed = require("distributed", extra="dask")
    address = _knocked(rest, patience)
    try:
        told = _asked(distributed, address, str(folder) if folder else "", patience=patience)
    except (OSError, TimeoutError, ValueError) as exc:
        raise _silent(rest, f"{type(exc).__name__}: {exc}") from exc
    _look_at(told, folder, version("specanom"))


def _asked(distributed: Any, address: str, folder: str, *, patience: float) -> Mapping[str, Mapping[str, Any]]:
    """Return what each worker of a scheduler sees; of something else that listens there, Dask waits for ever."""
    def ask() -> Mapping[str, Mapping[str, Any]]:
        with distributed.Client(address, timeout=patience, set_as_default=False) as client:
            told: Mapping[str, Mapping[str, Any]] = client.run(_seen_by_worker, folder)
            return told

    try:
        return within(3 * patience, ask)
    except TimeoutError as exc:
        raise TimeoutError(str(exc) or "what listens there does not talk as a scheduler does") from exc


def _knocked(where: str, patience: float) -> str:
    """Return the address of a scheduler where something listens: Dask itself would knock at a closed door for long."""
    address = _address_in(where) if where.endswith(".json") else where
    parts = urlsplit(address if "://" in address else f"tcp://{address}")
    if parts.scheme not in ("tcp", "tls"):
        return address
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or port is None:
        raise ArgumentError(message("executor", expected='"dask:tcp://HOST:PORT" or "dask:scheduler.json"',
                                    got=f'"dask:{where}"', hint="the address that the log of dask scheduler tells"))
    try:
        socket.create_connection((parts.hostname, port), timeout=patience).close()
    except OSError as exc:
        raise _silent(where, str(exc)) from exc
    return address


def _address_in(file: str) -> str:
    try:
        return str(json.loads(Path(file).expanduser().read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(message("executor", expected="a file that dask scheduler --scheduler-file has written",
                                got=f"{file}: {type(exc).__name__}: {exc}", hint=f"the path of that file, or {_LOCAL}")
                        ) from exc


def _silent(where: str, why: str) -> DataError:
    return DataError(message("executor", expected=f"a Dask scheduler that answers at {where}", got=why,
                             hint=f'"dask:tcp://HOST:PORT" as its log says, or without a cluster: {_LOCAL}'))


def _seen_by_worker(folder: str) -> dict[str, Any]:
    """Tell of a worker what a run needs of it; runs there."""
    found: dict[str, Any] = {"folder": not folder or os.path.isdir(folder), "specanom": ""}
    with contextlib.suppress(Exception):
        found["specanom"] = version("specanom")
    return found


def _look_at(told: Mapping[str, Mapping[str, Any]], folder: Path | None, own: str) -> None:
    """Raise when workers cannot see the folder, or have another specanom."""
    blind = [name for name, one in told.items() if not one["folder"]]
    if blind:
        raise DataError(message("run_dir", expected="a folder that all workers see",
                                got=f"no {folder} on {len(blind)} of {len(told)}, such as {blind[0]}",
                                hint="a folder of a shared file system, under the same path everywhere"))
    other = {name: one["specanom"] for name, one in told.items() if one["specanom"] != own}
    if other:
        name, found = next(iter(other.items()))
        raise DataError(message("executor", expected=f"workers with specanom {own}",
                                got=f"{found or 'none'} on {len(other)} of {len(told)}, such as {name}",
                                hint="the same environment for all workers"))
