"""What a run made, from what, with which versions: one JSON file that decides what may be skipped."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import DataError, message
from ..folders import write_json
from ..foreign import read_json
from ..surveys.finding import meant
from .upgrade import FORMAT, VERSION, upgraded

MISSING = "missing"
"""The fingerprint of what is not there."""
PACKAGES = ("specanom", "numpy", "scipy", "pandas", "astropy", "torch", "scikit-learn", "zarr", "bokeh", "papermill")


class Manifest:
    """The ``manifest.json`` of a run folder.

    Parameters
    ----------
    folder : Path
        The run folder; it need not exist yet.

    Attributes
    ----------
    content : dict
        ``parameters``, ``versions`` and, by stage, ``stages``: key, status, seconds, outputs, counts, and what the key
        is a hash of. That of an earlier format is as this one has it.

    Raises
    ------
    DataError
        When the folder was made by a newer version of the format, or its manifest cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "manifest.json"
        self.content: dict[str, Any] = {"format": FORMAT, "version": VERSION, "parameters": {}, "versions": {},
                                        "stages": {}}
        if self.path.exists():
            content = read_json(self.path, "what a run remembers of itself", hint="start in a new folder")
            self.content = upgraded(content, self.path)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the last run."""
        return dict(self.content["parameters"])

    def stage(self, name: str) -> dict[str, Any]:
        """Return what is known of a stage; empty when it never ran."""
        return dict(self.content["stages"].get(name, {}))

    def require(self, stages: Iterable[str]) -> None:
        """Make sure that stages are done, each from what the one before it left.

        Raises
        ------
        DataError
            Naming the first stage that is not.
        """
        if not self.folder.is_dir():
            raise DataError(message("run_dir", expected="the folder of a run", got=f"no folder {self.folder}",
                                    hint=meant(str(self.folder)) or "specanom run --run-dir runs/mine makes one"))
        upstream: str | None = None
        for name in stages:
            record = self.stage(name)
            if record.get("status") != "done" or (upstream is not None and record.get("upstream") != upstream):
                got = {"": "never made", "done": "out of date"}.get(record.get("status", ""), record.get("status"))
                raise DataError(message("run_dir", expected=f"a run with stage {name} done",
                                        got=f"{got} in {self.folder}",
                                        hint=f"specanom run --run-dir {self.folder}, with its parameters, goes on"))
            upstream = after(str(record.get("upstream")), record)

    def write(self, *, parameters: Mapping[str, Any] | None = None, stage: str | None = None,
              record: Mapping[str, Any] | None = None) -> None:
        """Remember parameters or the record of one stage, and write the file (by rename)."""
        if parameters is not None:
            self.content["parameters"] = dict(parameters)
        if stage is not None:
            self.content["stages"][stage] = dict(record or {})
        self.content["versions"] = versions()
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.path, self.content)


def versions() -> dict[str, str]:
    """Return the versions that decide a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def fingerprint(path: Path) -> str:
    """Return a hash of a file or a folder.

    A folder with a manifest is known by that, and by the names and sizes of the other files: a set of spectra may hold
    many gigabytes, but its manifest has the hash of every shard.
    """
    digest = hashlib.blake2b(digest_size=16)
    if not path.exists():
        return MISSING
    own = path / "manifest.json"
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if own.exists():
        digest.update("".join(f"{file.relative_to(path)}\x1f{file.stat().st_size}\n" for file in files).encode())
        files = [own]
    for file in files:
        digest.update(str(file.relative_to(path.parent)).encode())
        with open(file, "rb") as handle:
            for block in iter(lambda: handle.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def listing(paths: Iterable[Path]) -> str:
    """Return a hash of names, sizes and times of input files: cheap enough for a million of them."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        stat = path.stat()
        digest.update(f"{path}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def after(upstream: str, record: Mapping[str, Any]) -> str:
    """Return the hash of everything up to a stage: what came before it, and what it made."""
    return key({"before": upstream, "outputs": record["outputs"]})


def key(parts: Mapping[str, Any]) -> str:
    """Return the hash of everything a stage depends on."""
    return hashlib.blake2b(json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
