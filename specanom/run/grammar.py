"""What can be typed after ``specanom``: its commands, their options, and the help on them with examples."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..deploy.command import add_deploy
from . import actions
from .manifest import versions
from .parameters import STAGES, known, of_stage
from .parser import Parser

EXAMPLES = """\
examples:
  specanom run --run-dir runs/mock                              a simulated survey, from spectra to a report
  specanom run --survey sdss --path FOLDER --run-dir runs/mine  the same on your own files
  specanom app runs/mock                                        look at what was found, in a browser
  specanom COMMAND --help                                       what a command takes"""
RUN_EXAMPLES = """\
examples:
  specanom run --run-dir runs/mock -p n=600 -p top=20           a small simulated survey, 20 spectra explained
  specanom run --survey sdss --path FOLDER --run-dir runs/mine  a folder of SDSS files, searched to the bottom
  specanom run --run-dir runs/mine -p rank_by=mse               the same again, explaining the top of another score

A folder keeps the parameters of its last run; what is given here changes them one by one."""
EXECUTOR_HELP = ("where partitions are worked on: serial, threads:N, processes:N (of this machine; one core each, and "
    "the memory of a serial run each), or dask:ADDRESS, as dask:tcp://HOST:8786 or dask:scheduler.json (its workers "
    "must see the run folder and the spectra under the same paths). It is asked before the first stage. The results "
    "are the same wherever they are made; it is not kept for the next run. (default: serial)")
SURVEY_HELP = "mock, mock_desi, sdss, desi, or auto (by the content of the files)"
PATH_HELP = "folder, file or pattern of spectra"
RUN_DIR_HELP = "folder of a run that specanom run made"


def command_line() -> Parser:
    """Return the parser of the whole command; what it parses has a ``command`` to call with it."""
    parser = Parser(prog="specanom", description="Finds unusual galaxy spectra and says why each one is unusual.",
                    formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EXAMPLES)
    parser.add_argument("--version", action="version", version=f"specanom {versions()['specanom']}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _add_run(commands)
    _add(commands, "report", "write the report of a run again", actions.report)
    _add_score(commands)
    _add_compare(commands)
    _add_label(commands)
    _add_dashboards(commands)
    cite = _add(commands, "cite", "print methods paragraph, acknowledgements and BibTeX of a run", actions.cite)
    cite.add_argument("--bibtex", action="store_true", help="print the BibTeX only")
    add_deploy(commands)
    _add_reproduce(commands)
    commands.add_parser("doctor", help="check the installation").set_defaults(command=actions.doctor)
    return parser


def _add(commands: Any, name: str, told: str, command: Callable[[argparse.Namespace], int], **more: Any) -> Any:
    """Add a command on a run that is there."""
    added = commands.add_parser(name, help=told, **more)
    added.add_argument("run_dir", type=Path, help=RUN_DIR_HELP)
    added.set_defaults(command=command)
    return added


def _add_run(commands: Any) -> None:
    """Add the command that runs the whole method."""
    run = commands.add_parser(
        "run", help="the whole method on a survey", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"{RUN_EXAMPLES}\n\nparameters of the notebooks and their defaults, changed by -p name=value:\n"
               f"{_parameter_help()}")
    run.add_argument("--survey", help=f"{SURVEY_HELP}; without --survey and --path, what the folder was made from, "
                     "or mock in a new one")
    run.add_argument("--path", default="", help=PATH_HELP)
    run.add_argument("--run-dir", required=True, type=Path, help="folder of the run; made when missing")
    run.add_argument("--preset", choices=["paper"], help="the published behaviour everywhere")
    run.add_argument("--executor", help=EXECUTOR_HELP)
    run.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE",
                     help="one of the parameters below; may be given again, as -p n=600 -p top=20")
    run.add_argument("--force", action="store_true", help="run finished stages too")
    run.add_argument("--retry", action="store_true", help="run stages with failed partitions again; what is done stays")
    run.add_argument("--until", metavar="STAGE", help="the last stage to run, as 04_score; no report is written then")
    run.add_argument("--quiet", action="store_true", help="print only what went wrong, and the report's path")
    run.set_defaults(command=actions.run)


def _add_score(commands: Any) -> None:
    """Add the nightly job."""
    score = _add(commands, "score", "apply the kept model of a run to new files", actions.score)
    score.add_argument("path", help="folder, file or pattern of new spectra")
    score.add_argument("--survey", default="auto", help="sdss, desi, or auto, by the content of the files (default)")
    score.add_argument("--target", help="galaxy, qso, star or any (default: as in the run)")
    score.add_argument("--catalogue", help="redshifts of DESI targets (default: as in the run; '' for those beside)")
    score.add_argument("--executor", default="", help=EXECUTOR_HELP)
    score.add_argument("--out", type=Path, help="folder of the result (default: RUN/new/TIME)")


def _add_compare(commands: Any) -> None:
    """Add the command that compares two runs."""
    compare = commands.add_parser("compare", help="say what differs between two runs")
    compare.add_argument("first", type=Path, help=RUN_DIR_HELP)
    compare.add_argument("second", type=Path, help="folder of the run it is compared with")
    compare.add_argument("--tables", action="store_true",
                         help="compare the values of tables only; spectra, explanations and models are not read")
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(command=actions.compare)


def _add_label(commands: Any) -> None:
    """Add the command that takes in labels."""
    label = _add(commands, "label", "add files of labels to a run", actions.label, description=(
        "Adds what people said, in files that explorers export or in logs of labels, to labels.jsonl of a run: "
        "nobody's words replace another's, and a file may be given again. Tells what is new, which ids the run does "
        "not have, and where people disagree, with kappa. Then give specanom run again: its last stage ranks the work "
        "list anew."))
    label.add_argument("files", nargs="+", type=Path, metavar="FILE",
                       help="log of labels (.jsonl), or visual inspections (.csv)")


def _add_dashboards(commands: Any) -> None:
    """Add the commands that start dashboards."""
    app = commands.add_parser("app", help="open the dashboards of a run as web pages")
    app.add_argument("--page", default="workbench", help="workbench (all of them, linked), pick, tune or inspect")
    app.set_defaults(command=actions.app, port=8866)
    lab = commands.add_parser("lab", help="open a run and its dashboards in JupyterLab")
    lab.set_defaults(command=actions.lab, port=8888)
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
    made.add_argument("--path", default="", help=PATH_HELP)
    made.add_argument("--out", type=Path, default=Path("runs/reproduction"), help="folder (default: %(default)s)")
    made.add_argument("--runs", nargs=2, type=Path, metavar=("PAPER", "DEFAULTS"), help="finished runs to take instead")
    made.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE",
                      help="as for specanom run; of both runs")
    made.set_defaults(command=actions.reproduce, preset=None, executor=None)


def _parameter_help() -> str:
    """Return a line for each parameter under the first stage that takes it, as ``name=default  what it is``."""
    parameters = known()
    left = [name for name in parameters if name not in ("run_dir", "survey", "path", "preset")]
    width = max(len(f"{name}={parameters[name].default}") for name in left) + 4
    lines = []
    for stage in STAGES:
        mine = {name: one for name, one in of_stage(stage).items() if name in left}
        left = [name for name in left if name not in mine]
        lines += [f" {stage}"] * bool(mine)
        for name, one in mine.items():
            told = textwrap.wrap(one.help, max(shutil.get_terminal_size().columns - 2 - width, 40))
            lines += [f"  {f'{name}={one.default}':{width - 2}}{told[0]}", *(" " * width + more for more in told[1:])]
    return "\n".join(lines)
