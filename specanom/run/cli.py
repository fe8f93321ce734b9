"""The command ``specanom``.

Exit codes: 0 done; 1 a product differs or drifts (compare, score); 2 a wrong call; 3 no usable data; 4 a stage failed;
130 interrupted (143 by SIGTERM, 129 by SIGHUP); 141 nobody reads what it prints (``specanom cite RUN | head``), as
other programs have it. When some partitions of a stage failed the run is done, 0, and a warning on standard error
tells which: the other spectra have their results, and a survey of millions is not to stop, nor a job after it, for
one file.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..deploy.command import add_deploy
from ..errors import ArgumentError, DataError, SpecanomError
from .byhand import manifest_of
from .failure import StageFailed, reason_of
from .failures import failed_in, failed_stages
from .manifest import Manifest, versions
from .parameters import check, known, parse
from .parser import Parser
from .pipeline import run_pipeline
from .piping import NO_READER, reader_gone, until_unread
from .plainly import printed_plainly
from .stopping import exit_code, stopped_by_signals
from .terminal import StageLines
from .upgrade import announcement

if TYPE_CHECKING:
    from .doctor import Check

SOURCE = ("survey", "path", "download")
"""The parameters that say where the spectra come from."""
ELSEWHERE = ("executor", "partition")
"""The parameters that say where the work is done: nothing of the run itself."""
EXECUTOR_HELP = ("where partitions are worked on: serial, threads:N, processes:N (of this machine; one core each, and "
    "the memory of a serial run each), or dask:ADDRESS, as dask:tcp://HOST:8786 or dask:scheduler.json (its workers "
    "must see the run folder and the spectra under the same paths). It is asked before the first stage. The results "
    "are the same wherever they are made; it is not kept for the next run. (default: serial)")
UNUSABLE = ("DataError", "ShapeError", "GridError", "NothingPasses", "BrokenFits")
"""What errors are called that say that data cannot be used."""
DONE, DIFFERS, WRONG_CALL, NO_DATA, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    with printed_plainly():
        return until_unread(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        with stopped_by_signals():
            return int(arguments.command(arguments))
    except KeyboardInterrupt as exc:
        logging.getLogger("asyncio").disabled = True  # it would tell of every question to a kernel that is left open
        print("interrupted; finished stages are kept, the same command goes on from there", file=sys.stderr)
        return exit_code(exc)
    except (SpecanomError, OSError) as exc:
        if isinstance(exc, BrokenPipeError) and reader_gone():
            return NO_READER
        print(f"specanom: {reason_of(exc) if isinstance(exc, OSError) else exc}", file=sys.stderr)
        return _code(exc)
    except Exception:
        traceback.print_exc()  # a bug: all of it is wanted, but not the exit code 1 that Python would give
        return FAILED


def _code(exc: Exception) -> int:
    kind = exc.kind if isinstance(exc, StageFailed) else ""  # a notebook tells no more of an error than its name
    if isinstance(exc, ArgumentError) or kind == ArgumentError.__name__:
        return WRONG_CALL
    return NO_DATA if isinstance(exc, DataError) or kind in UNUSABLE else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="specanom", description="Finds unusual spectra and says why.")
    parser.add_argument("--version", action="version", version=f"specanom {versions()['specanom']}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="the whole method on a survey", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="A folder keeps the parameters of its last run; what is given here changes them one by one.\n\n"
               "parameters of the notebooks, given as -p name=value:\n" + _parameter_help())
    run.add_argument("--survey", help="mock, mock_desi, sdss, desi, or auto (by the content of the files); without "
                     "--survey and --path, what the folder was made from, or mock in a new one")
    run.add_argument("--path", default="", help="folder, file or pattern of spectra")
    run.add_argument("--run-dir", required=True, type=Path, help="folder of the run")
    run.add_argument("--preset", choices=["paper"], help="the published behaviour everywhere")
    run.add_argument("--executor", help=EXECUTOR_HELP)
    run.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE")
    run.add_argument("--force", action="store_true", help="run finished stages too")
    run.add_argument("--retry", action="store_true", help="run stages with failed partitions again; what is done stays")
    run.add_argument("--until", metavar="STAGE", help="the last stage to run, as 04_score; no report is written then")
    run.add_argument("--quiet", action="store_true", help="print only what went wrong, and the report's path")
    run.set_defaults(command=_run)
    report = commands.add_parser("report", help="write the report of a run again")
    report.add_argument("run_dir", type=Path)
    report.set_defaults(command=_report)
    score = commands.add_parser("score", help="apply the kept model of a run to new files")
    score.add_argument("run_dir", type=Path)
    score.add_argument("path", help="folder, file or pattern of new spectra")
    score.add_argument("--survey", default="auto")
    score.add_argument("--target", help="galaxy, qso, star or any (default: as in the run)")
    score.add_argument("--catalogue", help="redshifts of DESI targets (default: as in the run; '' for those beside)")
    score.add_argument("--executor", default="", help=EXECUTOR_HELP)
    score.add_argument("--out", type=Path, help="folder of the result (default: RUN/new/TIME)")
    score.set_defaults(command=_score)
    compare = commands.add_parser("compare", help="say what differs between two runs")
    compare.add_argument("first", type=Path)
    compare.add_argument("second", type=Path)
    compare.add_argument("--tables", action="store_true",
                         help="compare the values of tables only; spectra, explanations and models are not read")
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(command=_compare)
    _add_label(commands)
    _add_dashboards(commands)
    cite = commands.add_parser("cite", help="print methods paragraph, acknowledgements and BibTeX of a run")
    cite.add_argument("run_dir", type=Path)
    cite.add_argument("--bibtex", action="store_true", help="print the BibTeX only")
    cite.set_defaults(command=_cite)
    add_deploy(commands)
    _add_reproduce(commands)
    commands.add_parser("doctor", help="check the installation").set_defaults(command=_doctor)
    return parser


def _add_label(commands: Any) -> None:
    """Add the command that takes in labels."""
    label = commands.add_parser(
        "label", help="add files of labels to a run",
        description="Adds what people said, in files that explorers export or in logs of labels, to labels.jsonl of a "
                    "run: nobody's words replace another's, and a file may be given again. Tells what is new, which "
                    "ids the run does not have, and where people disagree, with kappa. Then give specanom run again: "
                    "its last stage ranks the work list anew.")
    label.add_argument("run_dir", type=Path)
    label.add_argument("files", nargs="+", type=Path, metavar="FILE",
                       help="log of labels (.jsonl), or visual inspections (.csv)")
    label.set_defaults(command=_label)


def _add_dashboards(commands: Any) -> None:
    """Add the commands that start dashboards."""
    app = commands.add_parser("app", help="open the dashboards of a run as web pages")
    app.add_argument("--page", default="workbench", help="workbench (all of them, linked), pick, tune or inspect")
    app.set_defaults(command=_app, port=8866)
    lab = commands.add_parser("lab", help="open a run and its dashboards in JupyterLab")
    lab.set_defaults(command=_lab, port=8888)
    for one in (app, lab):
        one.add_argument("run_dir", nargs="?", type=Path, default=Path("runs/mock"),
                         help="a finished run (default: %(default)s)")
        one.add_argument("--port", type=int, help="where it listens (default: %(default)s, or the next free one)")
        one.add_argument("--no-browser", action="store_true", help="print the address and open no browser")


def _add_reproduce(commands: Any) -> None:
    """Add the command that lays the figures and tables of the paper beside ours."""
    made = commands.add_parser(
        "reproduce", help="the figures and tables of the paper, on these spectra",
        description="Runs the method twice on the same spectra, as published and with the defaults, and writes a page "
                    "with every figure and table of the paper beside ours. The same command goes on after a stop.")
    made.add_argument("--survey", help="as for specanom run (default: mock, a simulated survey)")
    made.add_argument("--path", default="", help="folder, file or pattern of spectra")
    made.add_argument("--out", type=Path, default=Path("runs/reproduction"), help="folder (default: %(default)s)")
    made.add_argument("--runs", nargs=2, type=Path, metavar=("PAPER", "DEFAULTS"), help="finished runs to take instead")
    made.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE",
                      help="as for specanom run; of both runs")
    made.set_defaults(command=_reproduce, preset=None, executor=None)


def _parameter_help() -> str:
    width = max(len(name) for name in known())
    return "\n".join(f"  {name:{width}}  {one.kind} = {one.default!r}  {one.help}"
                     for name, one in known().items() if name not in ("run_dir", "survey", "path", "preset"))


def _run(arguments: argparse.Namespace) -> int:
    from .baseline import banner
    from .content import Content
    from .folder import RunFolder
    from .report import current_report, write_report

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


def _reproduce(arguments: argparse.Namespace) -> int:
    from ..reproduce import reproduce

    lines = {name: StageLines(_last_seconds(arguments.out / name), arguments.out / name)
             for name in ("paper", "defaults")}
    try:
        print(reproduce(arguments.out, _given(arguments), runs=arguments.runs, listeners=lines, told=print))
    finally:
        for one in lines.values():
            one.stop()
    return DONE


def _report(arguments: argparse.Namespace) -> int:
    from .report import write_report

    print(write_report(arguments.run_dir))
    return DONE


def _score(arguments: argparse.Namespace) -> int:
    from .nightly import NewFiles, score_new

    files = NewFiles(arguments.path, arguments.survey, arguments.target, arguments.catalogue)
    result = score_new(arguments.run_dir, files, out=arguments.out, executor=arguments.executor)
    print(result.summary())
    if len(result.failures):
        print(f"WARNING: {len(result.failures)} partitions failed, and their spectra have no scores: "
              f"{result.path / 'failures.parquet'}", file=sys.stderr)
    print(result.path)
    return DIFFERS if result.drifted else DONE


def _compare(arguments: argparse.Namespace) -> int:
    from .compare import compare_runs

    comparison = compare_runs(arguments.first, arguments.second, stores=not arguments.tables)
    print(comparison.to_json() if arguments.json else comparison.summary())
    return DONE if comparison.same else DIFFERS


def _cite(arguments: argparse.Namespace) -> int:
    from .cite import cite

    found = cite(arguments.run_dir)
    print(found.bibtex if arguments.bibtex else found.text())
    return DONE


def _label(arguments: argparse.Namespace) -> int:
    from .labelling import add_labels

    made = add_labels(arguments.run_dir, arguments.files)
    print(made.summary())
    if made.new:
        print(f"now: specanom run --run-dir {shlex.quote(str(arguments.run_dir))}")
    return DONE


def _app(arguments: argparse.Namespace) -> int:
    from .serve import app

    return app(arguments.run_dir, page=arguments.page, port=arguments.port, browser=not arguments.no_browser).run()


def _lab(arguments: argparse.Namespace) -> int:
    from .serve import lab

    return lab(arguments.run_dir, port=arguments.port, browser=not arguments.no_browser).run()


def _doctor(arguments: argparse.Namespace) -> int:
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


if __name__ == "__main__":
    sys.exit(main())
