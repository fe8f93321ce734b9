"""What each command of ``specanom`` does; what a command needs is imported when it is given."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .byhand import manifest_of
from .codes import DIFFERS, DONE, FAILED
from .failures import failed_in, failed_stages
from .manifest import Manifest
from .parameters import check, known, parse
from .upgrade import announcement

if TYPE_CHECKING:
    from .doctor import Check

SOURCE = ("survey", "path", "download")
"""The parameters that say where the spectra come from."""
ELSEWHERE = ("executor", "partition")
"""The parameters that say where the work is done: nothing of the run itself."""


def run(arguments: argparse.Namespace) -> int:
    """Run the whole method, and print the path of its report."""
    from .baseline import banner
    from .content import Content
    from .folder import RunFolder
    from .pipeline import run_pipeline
    from .report import current_report, write_report
    from .terminal import StageLines

    given = _given(arguments)
    before = _kept(arguments.run_dir, source_given="survey" in given)
    kept = {name: value for name, value in before.items() if name not in given}
    if kept and not arguments.quiet:
        print(f"kept from the last run: {_words(kept)} (-p NAME=VALUE changes one)")
    parameters = {"survey": "mock", **kept, **given}
    run_dir, whole, start = arguments.run_dir, arguments.until is None, time.time()
    if (told := announcement(arguments.run_dir, Manifest(arguments.run_dir).content)) and not arguments.quiet:
        print(told)
    lines = None if arguments.quiet else StageLines(_last_seconds(arguments.run_dir), arguments.run_dir)
    try:
        run_pipeline(arguments.run_dir, parameters, force=arguments.force, retry=arguments.retry, until=arguments.until,
                     listener=lines)
    finally:
        if lines is not None:
            lines.stop()
    path = (current_report(run_dir) or write_report(run_dir)) if whole else run_dir
    _warn(run_dir)
    if not arguments.quiet:
        if whole and (said := banner(Content(RunFolder(run_dir)))):
            print(said)
        print(f"done in {time.time() - start:.0f} s")
    print(path)
    return DONE


def _warn(run_dir: Path) -> None:
    """Say loudly what failed, where it is listed, and how it is tried again; also when nothing else is said."""
    failed = [one for stage in failed_stages(run_dir) if (one := failed_in(run_dir, stage)) is not None]
    for one in failed:
        print(f"WARNING: {one}", file=sys.stderr)
    if failed:
        print("WARNING: the results are without them; to try them again: "
              f"specanom run --run-dir {shlex.quote(str(run_dir))} --retry", file=sys.stderr)


def _given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the command line."""
    given = parse(arguments.parameters)
    if arguments.preset:
        given["preset"] = arguments.preset
    if arguments.executor:
        given |= check({"executor": arguments.executor})
    path, survey = arguments.path or given.get("path", ""), arguments.survey or given.get("survey")
    if path or survey:
        given |= {"survey": survey or "auto", "path": str(Path(path).expanduser().absolute()) if path else ""}
    return given


def _kept(run_dir: Path, *, source_given: bool) -> dict[str, Any]:
    """Return what the last run in a folder was told; where the spectra come from is told as a whole or kept."""
    before = manifest_of(run_dir)
    if not before.parameters:
        return {}
    told = {"survey": before.parameters.get("survey", "mock"), **before.content.get("given", {})}
    names = known()
    return {name: value for name, value in told.items()
            if name in names and name not in ELSEWHERE and not (source_given and name in SOURCE)}


def _words(parameters: dict[str, Any]) -> str:
    first = [name for name in (*SOURCE, "preset") if name in parameters]
    names = [*first, *(name for name in parameters if name not in first)]
    return " ".join(f"{name}={shlex.quote(str(parameters[name]))}" for name in names)


def _last_seconds(run_dir: Path) -> dict[str, float]:
    stages = Manifest(run_dir).content["stages"]
    return {name: float(one["seconds"]) for name, one in stages.items() if one.get("status") == "done"}


def reproduce(arguments: argparse.Namespace) -> int:
    """Lay the figures and tables of the paper beside ours, and print the path of the page."""
    from ..reproduce import reproduce as remake
    from .terminal import StageLines

    lines = {name: StageLines(_last_seconds(arguments.out / name), arguments.out / name)
             for name in ("paper", "defaults")}

    def tell(said: str) -> None:
        for one in lines.values():  # of a run that stopped the line still ticks
            one.stop()
        print(said, flush=True)

    try:
        page = remake(arguments.out, _given(arguments), runs=arguments.runs, listeners=lines, told=tell)
    finally:
        for one in lines.values():
            one.stop()
    print(page)
    return DONE


def report(arguments: argparse.Namespace) -> int:
    """Write the report of a run again."""
    from .report import write_report

    print(write_report(arguments.run_dir))
    return DONE


def score(arguments: argparse.Namespace) -> int:
    """Apply the kept model of a run to new files."""
    from .nightly import NewFiles, score_new

    files = NewFiles(arguments.path, arguments.survey, arguments.target, arguments.catalogue)
    result = score_new(arguments.run_dir, files, out=arguments.out, executor=arguments.executor)
    print(result.summary())
    if len(result.failures):
        print(f"WARNING: {len(result.failures)} partitions failed, and their spectra have no scores: "
              f"{result.path / 'failures.parquet'}", file=sys.stderr)
    print(result.path)
    return DIFFERS if result.drifted else DONE


def compare(arguments: argparse.Namespace) -> int:
    """Say what differs between two runs."""
    from .compare import compare_runs

    comparison = compare_runs(arguments.first, arguments.second, stores=not arguments.tables)
    print(comparison.to_json() if arguments.json else comparison.summary())
    return DONE if comparison.same else DIFFERS


def cite(arguments: argparse.Namespace) -> int:
    """Print what a run owes to whom."""
    from .cite import cite as owed

    found = owed(arguments.run_dir)
    print(found.bibtex if arguments.bibtex else found.text())
    return DONE


def label(arguments: argparse.Namespace) -> int:
    """Add files of labels to a run."""
    from .labelling import add_labels

    made = add_labels(arguments.run_dir, arguments.files)
    print(made.summary())
    if made.new:
        print(f"now: specanom run --run-dir {shlex.quote(str(arguments.run_dir))}")
    return DONE


def app(arguments: argparse.Namespace) -> int:
    """Open the dashboards of a run as web pages."""
    from . import serve

    browser = not arguments.no_browser
    return serve.app(arguments.run_dir, page=arguments.page, port=arguments.port, browser=browser).run()


def lab(arguments: argparse.Namespace) -> int:
    """Open a run and its dashboards in JupyterLab."""
    from . import serve

    return serve.lab(arguments.run_dir, port=arguments.port, browser=not arguments.no_browser).run()


def doctor(arguments: argparse.Namespace) -> int:
    """Check the installation."""
    from .doctor import check_installation

    checks = check_installation()
    for one in checks:
        print(_line(one))
    return DONE if all(one.ok or one.optional for one in checks) else FAILED


def _line(check: Check) -> str:
    if check.ok:
        return f"ok   {check.name}: {check.found}"
    mark, hint = ("–   ", "For it") if check.optional else ("FAIL", "Try")
    return f"{mark} {check.name}: {check.found}. {hint}: {check.mend}"
