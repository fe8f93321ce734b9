"""The command ``specanom``.

Exit codes: 0 done; 1 a product differs or drifts (compare, score); 2 a wrong call; 3 no usable data; 4 a stage failed;
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import SpecanomError
from .failure import StageFailed, reason_of
from .manifest import Manifest, versions
from .parameters import known, parse
from .pipeline import run_pipeline
from .terminal import StageLines

DONE, DIFFERS, WRONG_CALL, NO_DATA, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except KeyboardInterrupt:
        print("interrupted; finished stages are kept, the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except (SpecanomError, OSError) as exc:
        print(f"specanom: {reason_of(exc) if isinstance(exc, OSError) else exc}", file=sys.stderr)
        return _code(exc)
    except Exception:
        traceback.print_exc()  # a bug: all of it is wanted, but not the exit code 1 that Python would give
        return FAILED


def _code(exc: Exception) -> int:
    kind = exc.kind if isinstance(exc, StageFailed) else type(exc).__name__
    return {"ArgumentError": WRONG_CALL, "DataError": NO_DATA}.get(kind, FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="specanom", description="Finds unusual spectra and says why.")
    parser.add_argument("--version", action="version", version=f"specanom {versions()['specanom']}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser(
        "run", help="the whole method on a survey", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="parameters of the notebooks, given as -p name=value:\n" + _parameter_help())
    run.add_argument("--survey", help="mock, sdss, or auto (by the content of the files); without --survey and --path, "
                     "what the folder was made from, or mock in a new one")
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
    from .report import current_report, write_report

    parameters = _source(arguments) | parse(arguments.parameters)
    if arguments.preset:
        parameters["preset"] = arguments.preset
    start = time.time()
    lines = None if arguments.quiet else StageLines(_last_seconds(arguments.run_dir))
    try:
        run_pipeline(arguments.run_dir, parameters, force=arguments.force, listener=lines)
    finally:
        if lines is not None:
            lines.stop()
    path = current_report(arguments.run_dir) or write_report(arguments.run_dir)
    if not arguments.quiet:
        print(f"done in {time.time() - start:.0f} s")
    print(path)
    return DONE


def _source(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return survey and path as given; without either, those of the folder's last run, else the simulated survey."""
    if not arguments.path and arguments.survey is None:
        before = Manifest(arguments.run_dir).parameters
        return {name: before[name] for name in ("survey", "path")} if before else {"survey": "mock"}
    path = str(Path(arguments.path).absolute()) if arguments.path else ""
    return {"survey": arguments.survey or "auto", "path": path}


def _last_seconds(run_dir: Path) -> dict[str, float]:
    stages = Manifest(run_dir).content["stages"]
    return {name: one["seconds"] for name, one in stages.items() if one.get("status") == "done"}


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
