"""Runs whose notebooks were executed one by one: a manifest made of what each stage said of itself."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from .folder import RunFolder
from .manifest import MISSING, Manifest, after, fingerprint, versions
from .parameters import STAGES, Parameter, known, typed

BY_HAND = "by_hand"
"""Marks such a manifest: it is made anew each time it is asked for."""


def manifest_of(folder: str | Path) -> Manifest:
    """Return the manifest of a run, however that was made.

    Parameters
    ----------
    folder : path-like
        A run folder.

    Returns
    -------
    Manifest
        As ``specanom run`` left it; without one, made of ``stages/*.json``, and not written. Where stages were told
        different values of one parameter, it shows what the last was told. A stage that is older than one before it
        counts as out of date.
    """
    run = RunFolder(Path(folder).absolute())
    manifest = Manifest(run.path)
    if manifest.path.exists() and not manifest.content.get(BY_HAND):
        return manifest
    said = {stage: run.recorded(stage) for stage in STAGES if (run / f"stages/{stage}.json").exists()}
    if not said:
        return manifest
    declared = known()
    told = {name: _as_declared(declared.get(name), value) for one in said.values()
            for name, value in one.get("parameters", {}).items()}
    defaults = {name: one.default for name, one in declared.items()}
    parameters = {**defaults, **told, "run_dir": str(run.path)}
    given = {name: value for name, value in parameters.items() if name != "run_dir" and value != defaults[name]}
    manifest.content |= {BY_HAND: True, "parameters": parameters, "given": given,
                         "versions": versions(), "stages": _records(run, said)}
    return manifest


def _as_declared(parameter: Parameter | None, value: Any) -> Any:
    """Return a value as ``specanom run`` takes it: papermill makes a number of ``-p folds 2``."""
    if parameter is None:  # of another version
        return value
    with contextlib.suppress(ArgumentError):  # else one that the command would not take
        return typed(parameter, value)
    return value


def _records(run: RunFolder, said: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the records of stages, each made from what the one before it left, unless it is older."""
    records: dict[str, dict[str, Any]] = {}
    upstream, latest = BY_HAND, 0.0
    for stage, one in said.items():
        outputs = {name: fingerprint(run / name) for name in one["outputs"]}
        whole = MISSING not in outputs.values()
        record = {"status": "done" if whole else "without its products", "key": BY_HAND,
                  "upstream": upstream if one["finished"] >= latest else "older", "outputs": outputs,
                  "counts": one["counts"], "parameters": one.get("parameters", {}),
                  "started": one.get("started", one["finished"]),
                  "seconds": round(one["finished"] - one.get("started", one["finished"]), 2)}
        records[stage] = record
        upstream, latest = after(upstream, record), max(latest, one["finished"])
    return records
