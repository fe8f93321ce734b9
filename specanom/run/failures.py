"""Partitions of a run that failed: which, why, and how many spectra have no result for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..foreign import read_table

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "failures_"
"""How the names of tables of failed partitions begin; the stage follows."""
COLUMNS = ("stage", "model", "partition", "start", "stop", "spectra", "attempts", "error", "text")
_LISTED = ("partition", "start", "stop", "attempts", "error", "text")
SHOWN = 160
"""Characters of an error that a warning quotes."""


@dataclass(frozen=True)
class StageFailures:
    """What failed of one stage.

    Attributes
    ----------
    stage : str
    partitions, spectra : int
        How many failed, and how many spectra are in them. Where only the spectra were noted, `partitions` is 0.
    first : str
        The first error.
    path : Path
        The table that lists them.
    """

    stage: str
    partitions: int
    spectra: int
    first: str
    path: Path

    def __str__(self) -> str:
        which = f"{self.partitions:,} partition{'s' * (self.partitions != 1)}" if self.partitions else "partitions"
        first = self.first if len(self.first) <= SHOWN else f"{self.first[:SHOWN]}…"
        return (f"{self.stage}: {which} failed, and {self.spectra:,} spectra in "
                f"{'it' if self.partitions == 1 else 'them'} have no result ({first}); listed in {self.path}")


def failures_of(run_dir: str | Path, stages: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the failed partitions of a run.

    Parameters
    ----------
    run_dir : path-like
        A run folder.
    stages : iterable of str, optional
        Of these only.

    Returns
    -------
    DataFrame
        stage, model (empty where a stage has one only), partition, start, stop (its rows), spectra, attempts, error
        (the class), text; one row a failed partition, in the order of the stages. Empty when nothing failed.
    """
    import pandas as pd

    wanted = None if stages is None else set(stages)
    made = [pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})]
    for path in sorted((Path(run_dir) / "tables").glob(f"{PREFIX}*.parquet")):
        stage = path.stem.removeprefix(PREFIX)
        if wanted is None or stage in wanted:
            table = read_table(path, "partitions that failed", needed=_LISTED)
            told = {"stage": stage, "model": table.get("model", ""), "spectra": table["stop"] - table["start"]}
            made.append(table.assign(**told)[list(COLUMNS)])
    return pd.concat(made[1:], ignore_index=True) if len(made) > 1 else made[0]


def of_models(failures: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the failures of several models as one table, with a column ``model``."""
    import pandas as pd

    named = [table.assign(model=name) for name, table in failures.items()]
    return pd.concat(named, ignore_index=True).astype({"model": "str"})


def failed_in(run_dir: str | Path, stage: str) -> StageFailures | None:
    """Return what failed of one stage; None when nothing did."""
    path = Path(run_dir) / "tables" / f"{PREFIX}{stage}.parquet"
    if not path.exists():
        return None
    table = failures_of(run_dir, [stage])
    if not len(table):
        return None
    one, pieces = table.iloc[0], table.drop_duplicates(["start", "stop"])  # two models may fail for the same one
    first = f"{one['error']}{' of the ' * bool(one['model'])}{one['model']}: {one['text']}"
    return StageFailures(stage, len(pieces), int(pieces["spectra"].sum()), first, path)


def failed_stages(run_dir: str | Path) -> list[str]:
    """Return the stages some of whose partitions failed, in order."""
    tables = sorted((Path(run_dir) / "tables").glob(f"{PREFIX}*.parquet"))
    return [path.stem.removeprefix(PREFIX) for path in tables]


def failure_counts(run_dir: str | Path, stage: str) -> dict[str, int]:
    """Return what is counted of the failures of a stage; empty when there are none."""
    found = failed_in(run_dir, stage)
    if found is None:
        return {}
    return {"failed partitions": found.partitions, "spectra in failed partitions": found.spectra}
