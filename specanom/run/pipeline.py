"""Runs the notebooks one after another, skips what is up to date, and resumes after a failure."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..disk import beside, check_writable, sweep
from ..errors import ArgumentError, choice, message
from ..folders import move_whole
from ..parallel.reach import check_reachable
from .acquire import check_source, inputs_of
from .again import FORCED, RETRIED, WHERE, why_again
from .byhand import BY_HAND
from .failure import DEAD, failed, kind_of, reason_of
from .failures import failed_stages
from .folder import RunFolder
from .kernels import LOG, execute
from .limits import check_values
from .lock import only_one
from .manifest import MISSING, Manifest, after, fingerprint, key, versions
from .matching import outside
from .parameters import STAGES, check, known, notebook, of_stage
from .paths import located
from .places import check_run_dir
from .upgrade import MADE_OF, keep_earlier, still_good


@dataclass(frozen=True)
class StageResult:
    """What happened to one stage."""

    stage: str
    skipped: bool
    seconds: float
    counts: Mapping[str, Any]
    why: str = ""
    """Why it was not skipped though it had been done before."""


Listener = Callable[[str, StageResult | None], None]


def run_pipeline(
    run_dir: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    force: bool = False,
    retry: bool = False,
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
    retry : bool
        Run the stages again some of whose partitions failed; what of them is done stays.
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
        For an unknown parameter, or a value that it cannot have; when the folder is none of a run and not empty.
    RunBusy
        When another process is working in the folder.
    DiskError
        When the folder cannot be written.
    DataError
        When the folder is of a newer version, or nobody answers at the address of the executor.
    """
    given, folder = located(check(parameters or {})), RunFolder(Path(run_dir).absolute())
    defaults = {name: one.default for name, one in known().items()}
    settings = {**defaults, **given, "run_dir": str(folder.path)}
    check_values(settings)
    if until is not None:
        choice("until", until, STAGES)
    if folder.path.exists() and not folder.path.is_dir():
        raise ArgumentError(message("run_dir", expected="a folder", got=f"the file {folder.path}"))
    check_run_dir(folder.path)
    check_source(settings)
    Manifest(folder.path)  # one that cannot be read is told before anything is touched
    check_writable(folder.path)
    with only_one(folder.path):
        sweep(folder.path)
        manifest = Manifest(folder.path)
        manifest.content.pop(BY_HAND, None)
        manifest.content["given"] = {name: value for name, value in given.items() if value != defaults[name]}
        check_reachable(settings["executor"], folder.path)
        again = dict.fromkeys(STAGES, FORCED) if force else dict.fromkeys(failed_stages(folder.path), RETRIED)
        return _run_stages(_Run(folder, manifest, settings, listener), again if force or retry else {}, until)


@dataclass(frozen=True)
class _Run:
    """A run that is going on."""

    folder: RunFolder
    manifest: Manifest
    settings: Mapping[str, Any]
    listener: Listener | None

    def tell(self, stage: str, result: StageResult | None) -> None:
        """Tell the listener that a stage starts, or what came of it."""
        if self.listener:
            self.listener(stage, result)


def _run_stages(run: _Run, again: Mapping[str, str], until: str | None) -> list[StageResult]:
    keep_earlier(run.folder.path, run.manifest.content)
    run.manifest.write(parameters=run.settings)
    results = []
    upstream = inputs_of(run.settings)
    for stage in STAGES:
        results.append(_run_stage(stage, run, upstream=upstream, again=again.get(stage, "")))
        upstream = after(upstream, run.manifest.stage(stage))
        if stage == until:
            break
    return results


def _run_stage(stage: str, run: _Run, *, upstream: str, again: str) -> StageResult:
    mine = {name: run.settings[name] for name in of_stage(stage)}
    made_of = {"notebook": fingerprint(notebook(stage)), "specanom": versions()["specanom"],
               "outside": list(outside(stage, run.folder, mine).values())}
    wanted = {"key": key({"parameters": {k: v for k, v in mine.items() if k not in WHERE}, "upstream": upstream,
                          **made_of}), "upstream": upstream, MADE_OF: made_of}
    before = _adopted(stage, run.folder, run.manifest, wanted, mine)
    why = again or why_again(before, {**wanted, "parameters": mine})
    if not why and (touched := _touched(run.folder, before)):
        why = f"{touched} is not as it was left"
    if not why:
        result = StageResult(stage, True, float(before["seconds"]), before["counts"])
    else:
        run.tell(stage, None)
        result = _execute(stage, run.folder, run.manifest, mine, wanted)
        result = replace(result, why=why if before.get("status") == "done" else "")
    run.folder.settle(stage)  # before the manifest said so, a run that is killed would do all of it again
    run.tell(stage, result)
    return result


def _adopted(stage: str, folder: RunFolder, manifest: Manifest, wanted: Mapping[str, Any], mine: Mapping[str, Any]
             ) -> dict[str, Any]:
    """Return the record of a stage; of an earlier version's, whose products are still good, as this one's."""
    before = manifest.stage(stage)
    executed = folder.path / "notebooks" / f"{stage}.ipynb"
    if before.get("upstream") == wanted["upstream"] and still_good(stage, before, executed, mine):
        before |= {**wanted, "parameters": dict(mine)}
        manifest.write(stage=stage, record=before)
    return before


def _touched(folder: RunFolder, record: Mapping[str, Any]) -> str:
    """Return the first product that is not as the stage left it; empty when all are."""
    return next((name for name, known in record["outputs"].items() if fingerprint(folder / name) != known), "")


def _execute(
    stage: str, folder: RunFolder, manifest: Manifest, parameters: Mapping[str, Any], record: dict[str, Any]
) -> StageResult:
    executed = folder.path / "notebooks" / f"{stage}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()  # the other clock may be set while a stage runs
    record = {**record, "started": time.time(), "parameters": dict(parameters), "outputs": {}}
    manifest.write(stage=stage, record={**record, "status": "running"})
    try:
        folder.forget(stage)
        _run_notebook(notebook(stage), executed, parameters)
        said = folder.recorded(stage)
        outputs = {name: fingerprint(folder / name) for name in said["outputs"]}
        if missing := [name for name, found in outputs.items() if found == MISSING]:
            raise FileNotFoundError(f"the stage named products that are not there: {', '.join(missing)}")
    except BaseException as exc:
        status = "interrupted" if isinstance(exc, KeyboardInterrupt) else "failed"
        with contextlib.suppress(OSError):  # on a full disk the first failure is the one to tell
            manifest.write(stage=stage, record={**record, "status": status, "error": reason_of(exc, folder.path),
                                                "seconds": round(time.monotonic() - start, 2)})
        if not isinstance(exc, Exception):
            raise
        raise failed(stage, executed, exc) from exc
    seconds = time.monotonic() - start
    manifest.write(stage=stage, record={**record, "status": "done", "seconds": round(seconds, 2),
                                        "counts": said["counts"], "outputs": outputs})
    return StageResult(stage, False, seconds, said["counts"])


def _run_notebook(source: Path, executed: Path, parameters: Mapping[str, Any]) -> None:
    """Execute a notebook; what was executed is put in its place when it ends, after a failure too."""
    scratch = beside(executed)
    scratch.mkdir(parents=True)
    made = scratch / executed.name
    log = executed.with_suffix(".log")
    log.unlink(missing_ok=True)
    try:
        _papermill(source, made, parameters)
    except Exception as exc:
        if kind_of(exc) == DEAD:  # its last words
            _keep(scratch / LOG, log)
        raise
    finally:
        _keep(made, executed)
        shutil.rmtree(scratch, ignore_errors=True)


def _keep(made: Path, place: Path) -> None:
    with contextlib.suppress(OSError):  # a full disk holds no notebook
        if made.exists() and made.stat().st_size:
            move_whole(made, place)


def _papermill(source: Path, target: Path, parameters: Mapping[str, Any]) -> None:
    execute(source, target, parameters)
