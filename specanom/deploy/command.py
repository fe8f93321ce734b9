"""The command ``specanom deploy``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, message
from .call import Call
from .kubernetes import Kubernetes
from .scripts import Scripts
from .sizes import Sizes
from .slurm import Slurm

HELP = {
    "name": "name of the jobs", "queue": "partition of the cluster", "account": "account that is charged",
    "qos": "quality of service", "time": "longest time of a job: 4:00:00 or 2-12:00:00",
    "cores": "cores of a job, each a worker", "jobs": "jobs of workers at a time",
    "gpus": "workers with a GPU, for what runs a network", "gpu_queue": "partition that has GPUs",
    "gpu_type": "kind of GPU", "restarts": "how often what ended is started again",
    "python": "interpreter on the cluster that specanom is installed for", "scratch": "folder on the disk of a node",
    "interface": "network between the nodes, such as ib0", "image": "container image with specanom[dask]",
    "workers": "workers of one core each", "gpu_resource": "what the cluster calls a GPU",
    "mount": "where the volume of survey and run appears", "storage": "size of the volume, GiB",
    "storage_class": "of a volume that many nodes write to",
}


def add_deploy(commands: Any) -> None:
    """Add the command to those of ``specanom``."""
    deploy = commands.add_parser("deploy", help="write the scripts of a run on a cluster",
                                 description="Prints the scripts, or writes them to the folder --output.")
    kinds = deploy.add_subparsers(required=True, metavar="CLUSTER")
    for kind, name, told in ((Slurm, "slurm", "Slurm: one node, or many through dask-jobqueue"),
                             (Kubernetes, "kubernetes", "Kubernetes, with the Dask operator")):
        one = kinds.add_parser(name, help=told)
        _add_run(one)
        for option in fields(kind):
            if option.name in HELP:
                _add_option(one, option)
        if kind is Slurm:
            one.add_argument("--module", dest="modules", action="append", default=[], metavar="NAME",
                             help="environment module that is loaded first; may be given again")
        one.set_defaults(command=_deploy, kind=kind)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run-dir", required=True, help="folder of the run, on a file system that all nodes see")
    for name in ("survey", "path", "preset"):
        parser.add_argument(f"--{name}", default="", help="as for specanom run")
    parser.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE",
                        help="as for specanom run")
    for name, told in (("spectra", "how many there are"), ("pixels", "of a spectrum: 3800 for SDSS, 7781 for DESI")):
        parser.add_argument(f"--{name}", type=int, default=getattr(Sizes, name), help=f"{told} (default: %(default)s)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where the scripts are written")


def _add_option(parser: argparse.ArgumentParser, option: Any) -> None:
    flag = f"--{option.name.replace('_', '-')}"
    if option.name == "image":
        parser.add_argument(flag, required=True, help=HELP[option.name])
        return
    shown = " (default: %(default)s)" if option.default != "" else ""
    parser.add_argument(flag, type=type(option.default), default=option.default, help=HELP[option.name] + shown)


def _deploy(arguments: argparse.Namespace) -> int:
    given: Mapping[str, Any] = vars(arguments)
    here = arguments.kind is Slurm  # scripts of Slurm are written where they run
    call = Call(_place(arguments.run_dir, here=here), arguments.survey, _place(arguments.path, here=here),
                arguments.preset, tuple(arguments.parameters))
    sizes = Sizes(arguments.spectra, arguments.pixels, _partition(arguments.parameters))
    options = {one.name: given[one.name] for one in fields(arguments.kind) if one.name in given}
    if "modules" in options:
        options["modules"] = tuple(options["modules"])
    scripts: Scripts = arguments.kind(**options, sizes=sizes)(call)
    if arguments.output is None:
        sys.stdout.write(f"{scripts}")
    else:
        paths = "".join(f"{path}\n" for path in scripts.write(arguments.output))
        sys.stdout.write(f"{paths}then, in {arguments.output}:\n{scripts.next}\n")
    return 0


def _place(path: str, *, here: bool) -> str:
    return os.path.abspath(os.path.expanduser(path)) if path and here else path


def _partition(parameters: list[str]) -> int:
    """Return how many spectra a task works on, of the parameters of the run."""
    given = dict(one.partition("=")[::2] for one in parameters)
    size = given.get("partition", str(Sizes.partition))
    if not size.isdecimal():
        raise ArgumentError(message("partition", expected="a number of spectra", got=repr(size)))
    return int(size)
