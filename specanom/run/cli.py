"""The command ``specanom``.

Exit codes: 0 done; 1 a product differs or drifts (compare, score); 2 a wrong call; 3 no usable data; 4 a stage failed;
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import ArgumentError, DataError, SpecanomError
from .parameters import known, parse
from .pipeline import StageFailed, StageResult, run_pipeline

DONE, DIFFERS, WRONG_CALL, NO_DATA, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except KeyboardInterrupt:
        print("interrupted; finished stages are kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except StageFailed as exc:
        print(f"specanom: {exc}", file=sys.stderr)
        return NO_DATA if exc.reason.startswith("DataError") else FAILED
    except ArgumentError as exc:
        print(f"specanom: {exc}", file=sys.stderr)
        return WRONG_CALL
    except DataError as exc:
        print(f"specanom: {exc}", file=sys.stderr)
        return NO_DATA
    except (SpecanomError, OSError) as exc:
        print(f"specanom: {exc}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="specanom", description="Finds unusual spectra and says why.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="the whole method on a survey", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parameters of the notebooks, given as -p name=value:\n" + _parameter_help())
    run.add_argument("--survey", default="auto", help="mock, sdss, or auto (default: by the content of the files)")
    run.add_argument("--path", default="", help="folder, file or pattern of spectra")
    run.add_argument("--run-dir", required=True, type=Path, help="folder of the run")
    run.add_argument("--preset", choices=["paper"], help="the published behaviour everywhere")
    run.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE")
    run.add_argument("--force", action="store_true", help="run finished stages too")
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
    score.add_argument("--out", type=Path, help="folder of the result (default: RUN/new/TIME)")
    score.set_defaults(command=_score)
    compare = commands.add_parser("compare", help="say what differs between two runs")
    compare.add_argument("first", type=Path)
    compare.add_argument("second", type=Path)
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(command=_compare)
    doctor = commands.add_parser("doctor", help="check the installation")
    doctor.set_defaults(command=_doctor)
    return parser


def _parameter_help() -> str:
    width = max(len(name) for name in known())
    return "\n".join(f"  {name:{width}}  {one.kind} = {one.default!r}  {one.help}".replace("%", "%%")
                     for name, one in known().items() if name not in ("run_dir", "survey", "path", "preset"))


def _run(arguments: argparse.Namespace) -> int:
    from .report import write_report

    parameters = parse(arguments.parameters)
    survey = arguments.survey if arguments.path or arguments.survey != "auto" else "mock"
    parameters |= {"survey": survey, "path": str(Path(arguments.path).resolve()) if arguments.path else ""}
    if arguments.preset:
        parameters["preset"] = arguments.preset
    start = time.time()
    try:
        run_pipeline(arguments.run_dir.resolve(), parameters, force=arguments.force,
                     listener=None if arguments.quiet else _Lines())
    finally:
        sys.stdout.flush()
    path = write_report(arguments.run_dir)
    if not arguments.quiet:
        print(f"done in {time.time() - start:.0f} s")
    print(path)
    return DONE


class _Lines:
    """One line a stage; on a terminal the line of a running stage is shown at once and then completed."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()

    def __call__(self, stage: str, result: StageResult | None) -> None:
        if result is None:
            if self._live:
                print(f"{stage:14} …", end="\r", flush=True)
            return
        counts = ", ".join(f"{value} {name}" for name, value in result.counts.items())
        took = "up to date" if result.skipped else f"{result.seconds:.1f} s"
        print(f"{stage:14} {took:>10}  {counts}", flush=True)


def _report(arguments: argparse.Namespace) -> int:
    from .report import write_report

    print(write_report(arguments.run_dir))
    return DONE


def _score(arguments: argparse.Namespace) -> int:
    from .nightly import score_new

    result = score_new(arguments.run_dir, arguments.path, survey=arguments.survey, target=arguments.target,
                       out=arguments.out)
    print(result.summary())
    print(result.path)
    return DIFFERS if result.drifted else DONE


def _compare(arguments: argparse.Namespace) -> int:
    from .compare import compare_runs

    comparison = compare_runs(arguments.first, arguments.second)
    print(comparison.to_json() if arguments.json else comparison.summary())
    return DONE if comparison.same else DIFFERS


def _doctor(arguments: argparse.Namespace) -> int:
    from .doctor import check_installation

    checks = check_installation()
    for one in checks:
        print(f"{'ok  ' if one.ok else 'FAIL'} {one.name}: {one.found}" + ("" if one.ok else f". Try: {one.mend}"))
    return DONE if all(one.ok or one.optional for one in checks) else FAILED


if __name__ == "__main__":
    sys.exit(main())
