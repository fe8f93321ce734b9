"""A run folder as notebooks see it: where each product lies, and how a stage says what it did."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..folders import product, write_json, write_whole
from ..foreign import Anything, ListOf, MapOf, Place, Record, check, read_json, read_table
from ..seeds import content_hash
from ..spectrumset import SpectrumSet
from .failures import failure_counts
from .kernels import IN_A_RUN
from .objects import Objects
from .parameters import of_stage
from .paths import located

if TYPE_CHECKING:
    import pandas as pd


TOP, OBJECTS = "top.zarr", "objects"
"""The oddest spectra and the table of all objects, of a run that does not store all spectra."""
_SAID = Record({"counts": MapOf(Anything(), most=10_000), "outputs": ListOf(Place(), most=10_000)}, more=True)
WORK = "work"
"""Folder of a run for what stages have done so far."""
_WORK_BEFORE = {"02_preprocess": "sample.zarr.work"}
"""Where earlier versions had it, who left it there when they were stopped."""


class RunFolder:
    """The products of a run.

    Parameters
    ----------
    path : path-like
        The run folder; made when it is not there.

    Examples
    --------
    >>> run = RunFolder("runs/first")                   # doctest: +SKIP
    >>> run.table("scores").head()                      # doctest: +SKIP
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._opened = time.time()

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def need(self, name: str, stage: str) -> Path:
        """Return the path of a product, or say which stage makes it.

        Raises
        ------
        DataError
            When it is not there.
        """
        return product(self.path, name, stage=stage)

    def fresh(self, name: str) -> Path:
        """Return the path of a product that is a folder, without what an earlier run left there."""
        path = self.path / name
        if path.is_dir():
            shutil.rmtree(path)
        return path

    def work(self, stage: str, *about: str) -> Path:
        """Return a folder for what a stage has done so far; it is deleted when the stage is done, see :meth:`settle`.

        Parameters
        ----------
        stage : str
        about : str
            What the work depends on: another run of the stage must not take it for its own.
        """
        name = content_hash(*about) if about else "all"
        return self.path / WORK / stage / name

    # -- products --------------------------------------------------------------------------------------------------

    def sample(self) -> SpectrumSet:
        """Open the preprocessed spectra."""
        return SpectrumSet.open(self.need("sample.zarr", "02_preprocess"))

    def spectra(self) -> SpectrumSet:
        """Open the spectra to look at: the oddest where the run stored no others, else the whole sample."""
        return SpectrumSet.open(self / TOP) if self.selects else self.sample()

    @property
    def selects(self) -> bool:
        """Whether the oddest spectra are stored apart from those that were trained on."""
        return (self / TOP).is_dir()

    def objects(self, sample: SpectrumSet | None = None) -> Objects:
        """Return what is known of all objects, of which spectra need not be stored.

        Parameters
        ----------
        sample : SpectrumSet, optional
            As :meth:`sample` returns it, where it is open already.
        """
        if (self.path / f"{OBJECTS}.parquet").exists():
            return Objects(self.table(OBJECTS))
        return Objects((sample or self.sample()).table)

    def table(self, name: str, stage: str = "an earlier stage") -> pd.DataFrame:
        """Read a table of the run by name, e.g. ``"scores"``."""
        return read_table(self.need(f"{name}.parquet", stage), f"the table {name} of a run")

    def tables(self, name: str) -> pd.DataFrame | None:
        """Read a table of ``tables/`` when the run has it."""
        path = self.path / "tables" / f"{name}.parquet"
        return read_table(path, f"the table {name} of a run") if path.exists() else None

    def truth(self) -> pd.DataFrame | None:
        """Read the known anomalies (`id`, `kind`, …) when there are any."""
        path = self.path / "truth.parquet"
        return read_table(path, "known anomalies", needed=["id"]) if path.exists() else None

    def write(self, table: pd.DataFrame, name: str) -> Path:
        """Write a table as Parquet, by rename: readers see the old one or the new one."""
        path = self.path / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda part: table.to_parquet(part, index=False))
        return path

    def write_or_drop(self, made: Mapping[str, pd.DataFrame | None]) -> list[str]:
        """Write tables and return their paths; one that is None is taken away when an earlier run left it."""
        outputs = []
        for name, table in made.items():
            if table is None:
                (self.path / f"{name}.parquet").unlink(missing_ok=True)
            else:
                outputs.append(self.write(table, name).relative_to(self.path).as_posix())
        return outputs

    def write_tables(self, made: Mapping[str, pd.DataFrame | None]) -> list[str]:
        """Write tables to ``tables/`` and return their paths; one that is None is taken away when it is there."""
        return self.write_or_drop({f"tables/{name}": table for name, table in made.items()})

    # -- what a stage did ------------------------------------------------------------------------------------------

    def record(self, stage: str, counts: Mapping[str, Any], outputs: list[str],
               names: Mapping[str, Any] | None = None) -> None:
        """Say what a stage did; the pipeline and the report read it.

        Parameters
        ----------
        stage : str
            Which.
        counts : mapping
            What it counted.
        outputs : list of str
            Products it made, relative to the run folder.
        names : mapping, optional
            Values of the stage's parameters, as in the ``globals()`` of its notebook; other names are left out, and
            paths are told whole.
        """
        folder = self.path / "stages"
        folder.mkdir(parents=True, exist_ok=True)
        told = located({name: names[name] for name in of_stage(stage) if name in names} if names else {})
        failed = failure_counts(self.path, stage)
        write_json(folder / f"{stage}.json", {"counts": {**counts, **failed}, "outputs": outputs, "parameters": told,
                                              "started": self._opened, "finished": time.time()})
        if not os.environ.get(IN_A_RUN):  # otherwise the run settles it, once its manifest says that the stage is done
            self.settle(stage)

    def settle(self, stage: str) -> None:
        """Delete what a stage kept of its work, unless some of it failed: another try does only that."""
        if not failure_counts(self.path, stage):
            for name in (f"{WORK}/{stage}", *filter(None, [_WORK_BEFORE.get(stage)])):
                shutil.rmtree(self.path / name, ignore_errors=True)
        with contextlib.suppress(OSError):  # another stage's may be there
            (self.path / WORK).rmdir()

    def recorded(self, stage: str) -> dict[str, Any]:
        """Return what a stage said of itself."""
        place = self.need(f"stages/{stage}.json", stage)
        content: dict[str, Any] = read_json(place, f"what {stage} said of itself")
        check(content, _SAID, place)
        return content

    def forget(self, stage: str) -> None:
        """Drop what a stage said when it ran before."""
        (self.path / "stages" / f"{stage}.json").unlink(missing_ok=True)
