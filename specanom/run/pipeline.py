"""Runs the notebooks one after another, skips what is up to date, and resumes after a failure."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import choice
from .acquire import inputs_of
from .byhand import BY_HAND
from .failure import failed, reason_of
from .folder import RunFolder
from .limits import check_values
from .lock import only_one
from .manifest import MISSING, Manifest, after, fingerprint, key, versions
from .matching import outside
from .parameters import STAGES, check, known, notebook, of_stage
from .paths import located

WHERE = ("run_dir", "executor", "partition")
"""Parameters that say where and how a run works, and change none of its results."""


@dataclass(frozen=True)
class StageResult:
    """What happened to one stage."""

    stage: str
    skipped: bool
    seconds: float
    counts: Mapping[str, Any]


Listener = Callable[[str, StageResult | None], None]


def run_pipeline(
    run_dir: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    force: bool = False,
    until: str | None = None,
    listener: Listener | None = None,
) -> list[StageResult]:
    """Run the whole method into `run_dir`.

    Parameters
    ----------
    run_dir : path-like
        Made when missing. What an earlier run left there and still fits is not made again.
    parameters : mapping, optional
        Parameters of the notebooks by name.
    force : bool
        Run every stage.
    until : str, optional
        The last stage to run.
    listener : callable, optional
        Called with the stage's name and None when it starts, and with its result when it is done.

    Returns
    -------
    list of StageResult
        One a stage.

    Raises
    ------
    StageFailed
        When a notebook fails. The next run goes on from there.
    ArgumentError
        For an unknown parameter, or a value that it cannot have.
    RunBusy
        When another process is working in the folder.
    DataError
        When the folder is of another version.
    """
    given = located(check(parameters or {}))
    folder = RunFolder(Path(run_dir).absolute())
    defaults = {name: one.default for name, one in known().items()}
    settings = {**defaults, **given, "run_dir": str(folder.path)}
    check_values(settings)
    if until is not None:
        choice("until", until, STAGES)
    manifest = Manifest(folder.path)
    manifest.content.pop(BY_HAND, None)
    manifest.content["given"] = {name: value for name, value in given.items() if value != defaults[name]}
    with only_one(folder.path):
        return _run_stages(folder, manifest, settings, force=force, until=until, listener=listener)


def _run_stages(folder: RunFolder, manifest: Manifest, settings: Mapping[str, Any], *, force: bool, until: str | None,
                listener: Listener | None) -> list[StageResult]:
    manifest.write(parameters=settings)
    results = []
    upstream = inputs_of(settings)
    for stage in STAGES:
        results.append(_run_stage(stage, folder, manifest, settings, upstream=upstream, force=force, listener=listener))
        upstream = after(upstream, manifest.stage(stage))
        if stage == until:
            break
    return results


def _run_stage(stage: str, folder: RunFolder, manifest: Manifest, settings: Mapping[str, Any], *, upstream: str,
               force: bool, listener: Listener | None) -> StageResult:
    mine = {name: settings[name] for name in of_stage(stage)}
    wanted = key({"parameters": {k: v for k, v in mine.items() if k not in WHERE}, "upstream": upstream,
                  "notebook": fingerprint(notebook(stage)), "specanom": versions()["specanom"],
                  "outside": list(outside(stage, folder, mine).values())})
    before = manifest.stage(stage)
    same = before.get("status") == "done" and (before.get("key"), before.get("upstream")) == (wanted, upstream)
    if not force and same and _untouched(folder, before):
        result = StageResult(stage, True, float(before["seconds"]), before["counts"])
    else:
        if listener:
            listener(stage, None)
        result = _execute(stage, folder, manifest, mine, {"key": wanted, "upstream": upstream})
    if listener:
        listener(stage, result)
    return result


def _untouched(folder: RunFolder, record: Mapping[str, Any]) -> bool:
    return all(fingerprint(folder / name) == known for name, known in record["outputs"].items())


def _execute(
    stage: str, folder: RunFolder, manifest: Manifest, parameters: Mapping[str, Any], record: dict[str, Any]
) -> StageResult:
    executed = folder.path / "notebooks" / f"{stage}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    start = time.time()
    record = {**record, "started": start, "parameters": dict(parameters), "outputs": {}}
    manifest.write(stage=stage, record={**record, "status": "running"})
    try:
        folder.forget(stage)
        _papermill(notebook(stage), executed, parameters)
        said = folder.recorded(stage)
        outputs = {name: fingerprint(folder / name) for name in said["outputs"]}
        if missing := [name for name, found in outputs.items() if found == MISSING]:
            raise FileNotFoundError(f"the stage named products that are not there: {', '.join(missing)}")
    except BaseException as exc:
        status = "interrupted" if isinstance(exc, KeyboardInterrupt) else "failed"
        with contextlib.suppress(OSError):  # on a full disk the first failure is the one to tell
            manifest.write(stage=stage, record={**record, "status": status, "seconds": round(time.time() - start, 2),
                                                "error": reason_of(exc)})
        if not isinstance(exc, Exception):
            raise
        raise failed(stage, executed, exc) from exc
    seconds = time.time() - start
    manifest.write(stage=stage, record={**record, "status": "done", "seconds": round(seconds, 2),
                                        "counts": said["counts"], "outputs": outputs})
    return StageResult(stage, False, seconds, said["counts"])


def _papermill(source: Path, target: Path, parameters: Mapping[str, Any]) -> None:
    import papermill

    # Debugger warnings and progress bars of the kernel do not belong in the log of a cron job.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    papermill.execute_notebook(str(source), str(target), parameters=dict(parameters), kernel_name="python3",
                               progress_bar=False, log_output=False, store_widget_state=False,
                               extra_arguments=["--log-level=50"])
