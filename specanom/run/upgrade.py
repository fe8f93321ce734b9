"""Run folders of earlier versions: what of them stands, what is made again, and where the earlier results are kept.

Format 1 had six stages at first and eight later; its manifest told a hash of what a stage was made of. Format 2 tells
what the hash is of, so that a run can say why a stage is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..errors import DataError, message
from ..folders import write_json
from ..foreign import Anything, Form, MapOf, Number, Place, Record, Text, check
from ..visible import visible
from .parameters import STAGES, known

FORMAT = "specanom run"
VERSION = 2
EARLIER = "earlier"
"""Folder of a run for the results that an earlier version made, before they are made again."""
MADE_OF = "made_of"
"""What the record of a stage says it was made of; those of format 1 do not say it."""
NOT_KEPT = (EARLIER, "raw", "sample.zarr", "top.zarr", "index", "explorer", "work", "new", ".lock")
"""What is not kept: what is large and the same for all versions, and what was not made by the stages."""
_DONE: dict[str, Form] = {"outputs": MapOf(Text(), keys=Place(), most=10_000),
                          "counts": MapOf(Anything(), most=10_000), "seconds": Number(0)}
_LONG = Text(10_000_000)  # an error may quote much
_STAGE: dict[str, Form] = {
    "status": Text(100), "key": Text(1000), "upstream": Text(1000), "started": Number(0, 1e11), "error": _LONG,
    "by": Text(1000), "parameters": MapOf(Anything(), most=10_000), MADE_OF: MapOf(Anything(), most=100)}
_FORM = Record({"parameters": MapOf(Anything(), most=10_000), "versions": MapOf(Text(1000), most=1000),
                "stages": MapOf(Record({}, _DONE | _STAGE, more=True), most=100)},
               {"given": MapOf(Anything(), most=10_000), "report": MapOf(Anything(), most=100), EARLIER: Place()},
               more=True)
_MADE = Record(_DONE, more=True)
"""A stage that is done has these; what stopped need not."""
STILL_GOOD: Mapping[str, frozenset[str]] = {
    "01_acquire": frozenset({"278c82eb5f105f79", "93357e117bc66435"}),
}
"""Stage → hashes of the code of earlier notebooks whose products serve this version as well as its own."""
_WRITTEN_ONCE = (".parquet", ".safetensors", ".npz", "")
"""Endings of files that are only ever replaced: they may be linked. Chunks of stores have none."""


def upgraded(content: Any, path: Path) -> dict[str, Any]:
    """Return the content of a manifest as this version has it.

    Parameters
    ----------
    content
        As read.
    path : Path
        Of the manifest.

    Raises
    ------
    DataError
        When it is no manifest of a run, one of a newer format, or has fields that are not what they should be.
    """
    found = content.get("version") if isinstance(content, dict) else None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(found, int) or found < 1:
        raise DataError(message("run folder", expected=f"{FORMAT!r} of version {VERSION} or earlier",
                                got=f"version {found!r} in {path}", hint="start in a new folder"))
    if found > VERSION:
        versions = content.get("versions")
        by = versions.get("specanom", "unknown") if isinstance(versions, dict) else "unknown"
        raise DataError(message("run folder", expected=f"{FORMAT!r} of version {VERSION} or earlier",
                                got=visible(f"version {found} in {path}, written by specanom {by}"),
                                hint="a newer specanom, or start in a new folder; nothing was changed in this one"))
    whole = {"parameters": {}, "versions": {}, "stages": {}, **content}
    check(whole, _FORM, path)
    for name, record in whole["stages"].items():
        if record.get("status") == "done":
            check(record, _MADE, f"{path}, stages.{name}")
    return whole if found == VERSION else _from_1(whole)


def _from_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """Add the parameters that were not there yet, each as it was; the stages are left to say nothing of themselves."""
    defaults = {name: one.default for name, one in known().items()}
    told = dict(content.get("parameters", {}))
    made = {"versions": {}, **content, "version": VERSION, "parameters": {**defaults, **told} if told else {}}
    by = made["versions"].get("specanom", "unknown")
    made["stages"] = {name: {"by": by, **record} for name, record in content.get("stages", {}).items()}
    if "given" not in made:
        made["given"] = {name: value for name, value in told.items()
                         if name in defaults and name != "run_dir" and value != defaults[name]}
    return made


def of_earlier(content: Mapping[str, Any]) -> list[str]:
    """Return the stages that an earlier format made."""
    return [name for name, record in content["stages"].items() if record.get("status") == "done"
            and MADE_OF not in record]


def still_good(stage: str, record: Mapping[str, Any], executed: Path, parameters: Mapping[str, Any]) -> bool:
    """Say whether what an earlier version made in a stage is what this one would make.

    Parameters
    ----------
    stage : str
    record : mapping
        Of the manifest; that its products are untouched, and its inputs those of now, is for the caller to see.
    executed : Path
        The notebook that made them.
    parameters : mapping
        What the stage would be told now.
    """
    if record.get("status") != "done" or MADE_OF in record or code_of(executed) not in STILL_GOOD.get(stage, ()):
        return False
    defaults, told = known(), record.get("parameters", {})
    same = all(value == told.get(name, defaults[name].default) for name, value in parameters.items()
               if name != "run_dir")
    return same and (bool(parameters.get("path")) or record.get("by") == version("specanom"))  # others simulate others


def code_of(executed: Path) -> str:
    """Return a hash of the code of a notebook, without its parameters; "" where none can be read."""
    import nbformat

    try:
        cells = nbformat.read(executed, as_version=4).cells  # type: ignore[no-untyped-call]
    except Exception:  # torn, edited, or no notebook: nothing can be told by it
        return ""
    told = {"parameters", "injected-parameters"}
    code = [cell.source for cell in cells if cell.cell_type == "code" and not told & set(cell.metadata.get("tags", []))]
    return hashlib.blake2b("\x1f".join(code).encode(), digest_size=8).hexdigest() if code else ""


def announcement(folder: Path, content: Mapping[str, Any]) -> str:
    """Say what becomes of a run folder of an earlier format; empty for any other."""
    old = of_earlier(content)
    if not old:
        return ""
    by = content["stages"][old[0]].get("by", "unknown")
    new = [name for name in STAGES if name not in content["stages"]]
    said = [f"{folder} was made by an earlier specanom ({by}; {len(content['stages'])} stages).",
            "Labels stay, and so does what this version would make just alike; other stages are made again"
            + (f", and {' and '.join(new)} for the first time." if new else "."),
            f"The results so far are kept in {folder / earlier_name(content)}: specanom compare says what differs."]
    return "\n".join(said)


def earlier_name(content: Mapping[str, Any]) -> str:
    """Return the folder, in the run folder, for the results of an earlier format."""
    when = max(float(record.get("started", 0.0)) for record in content["stages"].values())
    return f"{EARLIER}/{time.strftime('%Y%m%dT%H%M%S', time.gmtime(when))}"


def keep_earlier(folder: Path, content: dict[str, Any]) -> Path | None:
    """Keep the results that an earlier version made; the content of the manifest then names their folder.

    They are linked, not copied: what is made anew takes the place of a name, and leaves the earlier file as it is.
    Spectra, simulated files and the explorer are not kept.

    Returns
    -------
    Path or None
        The folder, in itself a run folder that can be compared; None where nothing is of an earlier format, or it
        has been kept before.
    """
    if not of_earlier(content) or content.get(EARLIER):
        return None
    name = earlier_name(content)
    place = folder / name
    if not place.exists():
        part = place.with_name(f".{place.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for one in sorted(folder.iterdir()):
            if one.name not in (*NOT_KEPT, "manifest.json") and not one.is_symlink():
                _link(one, part / one.name)
        write_json(part / "manifest.json", {**content, "report": {}})
        os.replace(part, place)
    content[EARLIER] = name
    return place


def _link(source: Path, target: Path) -> None:
    """Link a file or all files of a folder; copy what is written in place, and where the file system has no links."""
    if source.is_dir():
        target.mkdir()
        for one in sorted(source.iterdir()):
            _link(one, target / one.name)
        return
    if source.suffix in _WRITTEN_ONCE:
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
