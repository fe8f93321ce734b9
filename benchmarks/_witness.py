"""Writes down every task of a run, in whatever process it is done, without a change to the package.

A ``sitecustomize`` on the path of a run's processes wraps the one function through which every partition is worked
off; it appends a line when a task begins and one when its files are in place.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOG = "SPECANOM_WITNESS"
HOOK = '''
import functools, importlib.abc, importlib.machinery, os, sys

NAME = "specanom.parallel.rounds"


def note(*words):
    line = "\\t".join(map(str, (*words, os.getpid()))) + "\\n"
    handle = os.open(os.environ["SPECANOM_WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line.encode())
    os.close(handle)


class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        perform = module.perform

        @functools.wraps(perform)
        def witnessed(task, part, ledger, *rest):
            note("begin", ledger.folder, part.number)
            made = perform(task, part, ledger, *rest)
            note("end", ledger.folder, part.number)
            return made

        module.perform = witnessed


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != NAME:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        spec.loader = Loader(name, spec.origin)
        return spec


if os.environ.get("SPECANOM_WITNESS"):
    sys.meta_path.insert(0, Finder())
'''


@dataclass(frozen=True)
class Tasks:
    """What a log tells.

    Attributes
    ----------
    begun, ended : Counter
        How often each partition of each work was begun, and how often its files were put in place.
    """

    begun: Counter[tuple[str, str]]
    ended: Counter[tuple[str, str]]

    @property
    def cut_short(self) -> int:
        """Tasks that were begun and never ended."""
        return sum((self.begun - self.ended).values())

    @property
    def done_twice(self) -> int:
        """Tasks that were done again although their files were in place."""
        return sum(count - 1 for count in self.ended.values())

    def __len__(self) -> int:
        return len(self.begun)


class Witness:
    """Watches the processes that are started with its environment.

    Parameters
    ----------
    folder : Path
        For the hook and the log.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
        self.log = folder / "tasks.log"
        self._folder = folder

    def environment(self) -> Mapping[str, str]:
        """Return what the environment of a watched process needs."""
        before = os.environ.get("PYTHONPATH")
        path = str(self._folder) + (os.pathsep + before if before else "")
        return {"PYTHONPATH": path, LOG: str(self.log)}

    def tasks(self) -> Tasks:
        """Return what was seen so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        words = [line.split("\t") for line in lines]
        return Tasks(*(Counter((folder, part) for what, folder, part, _ in words if what == which)
                       for which in ("begin", "end")))
