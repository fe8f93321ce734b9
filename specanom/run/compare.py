"""What differs between two runs: parameters, versions, values of results, ranks and clusters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError, message
from .byhand import manifest_of
from .digest import digests
from .folder import RunFolder

TOP = (10, 50, 100)
SAME = "same"
TOLD = {"other": "other values", "first": "only in the first", "second": "only in the second"}
"""What is said of results that are not the same."""


@dataclass(frozen=True)
class RunComparison:
    """The differences between two runs.

    Attributes
    ----------
    parameters, versions : dict
        Name → (first, second), only where they differ.
    spectra : dict
        How many are in the first, the second and both.
    ranks : dict
        Score → Spearman correlation over common spectra, largest move in rank, and overlap of the top k.
    clusters : dict
        How many clusters each has, and the adjusted Rand index over common spectra; empty where neither has any.
    results : dict
        Path of each result → ``"same"``, ``"other"`` (another value, order or type), ``"first"`` or ``"second"``
        (only there).
    """

    first: str
    second: str
    parameters: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    spectra: Mapping[str, int]
    ranks: Mapping[str, Mapping[str, float]]
    clusters: Mapping[str, float] = field(default_factory=dict)
    results: Mapping[str, str] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether both runs rank the same spectra alike and cluster them alike."""
        n = self.spectra
        agree = all(row["largest move"] == 0 for row in self.ranks.values())
        return n["first"] == n["second"] == n["both"] and agree and self.clusters.get("adjusted Rand index", 1.0) == 1.0

    @property
    def identical(self) -> bool:
        """Whether all results have the same values, to the last bit."""
        return self.same and all(how == SAME for how in self.results.values())

    def to_json(self) -> str:
        """Return the comparison as JSON text."""
        return json.dumps(asdict(self) | {"same": self.same, "identical": self.identical}, indent=1, default=str)

    def summary(self) -> str:
        """Return the comparison as text for a terminal."""
        out = [f"first   {self.first}", f"second  {self.second}"]
        for title, differences in (("parameters", self.parameters), ("versions", self.versions)):
            out.append(f"{title}: " + ("the same" if not differences else ""))
            out += [f"  {name}: {a!r} -> {b!r}" for name, (a, b) in differences.items()]
        out += self._values()
        n = self.spectra
        out.append(f"spectra: {n['first']} and {n['second']}, {n['both']} in both")
        if self.ranks:
            out.append("ranks over the common spectra:")
            out.append("  " + pd.DataFrame(self.ranks).T.round(3).to_string().replace("\n", "\n  "))
        if self.clusters:
            out.append("clusters: " + ", ".join(f"{name} {value:.3g}" for name, value in self.clusters.items()))
        agree = "the runs agree" + (", with the same values" if self.identical else "")
        out.append(agree if self.same else "the runs differ")
        return "\n".join(out)

    def _values(self) -> list[str]:
        by = {how: [name for name, one in self.results.items() if one == how] for how in (SAME, *TOLD)}
        if not any(by[how] for how in TOLD):
            return [f"values: the same in all {len(by[SAME])} results"]
        return [f"values: the same in {len(by[SAME])} of {len(self.results)} results",
                *(f"  {told}: {', '.join(by[how])}" for how, told in TOLD.items() if by[how])]


def compare_runs(first: str | Path, second: str | Path, *, stores: bool = True) -> RunComparison:
    """Compare two runs.

    Parameters
    ----------
    first, second : path-like
        Run folders, finished or ended after scoring; clusters are compared where they were made.
    stores : bool
        Whether the values of spectra, explanations and models are compared too, which are read whole for it.

    Returns
    -------
    RunComparison
    """
    folders = RunFolder(first), RunFolder(second)
    manifests = [manifest_of(folder.path) for folder in folders]
    tables = [folder.table("scores", "04_score").set_index("id") for folder in folders]
    for table, folder in zip(tables, folders, strict=True):
        if table.index.has_duplicates:
            raise DataError(message("scores", expected="one row an id", got=f"repeated ids in {folder.path}"))
    both = tables[0].index.intersection(tables[1].index)
    return RunComparison(
        str(first), str(second),
        parameters=_differences(*[_without_paths(m.parameters) for m in manifests]),
        versions=_differences(*[m.content["versions"] for m in manifests]),
        spectra={"first": len(tables[0]), "second": len(tables[1]), "both": len(both)},
        ranks=_ranks(tables[0].loc[both], tables[1].loc[both]),
        clusters=_clusters(*folders),
        results=_results(*[digests(folder.path, stores=stores) for folder in folders]),
    )


def _results(a: Mapping[str, str], b: Mapping[str, str]) -> dict[str, str]:
    return {name: "second" if name not in a else "first" if name not in b else SAME if a[name] == b[name] else "other"
            for name in sorted(a.keys() | b.keys())}


def _without_paths(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "run_dir"}


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (a.get(name), b.get(name)) for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)}


def _ranks(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    if len(a) < 2:
        return found
    for column in [c for c in a.columns if c.endswith("_rank") and c in b.columns]:
        x, y = a[column].rank(), b[column].rank()
        row = {"spearman": float(x.corr(y)), "largest move": float((x - y).abs().max())}
        for k in TOP:
            if len(a) >= 2 * k:
                row[f"top {k} shared"] = len(set(x.nsmallest(k).index) & set(y.nsmallest(k).index)) / k
        found[column.removesuffix("_rank")] = row
    return found


def _clusters(first: RunFolder, second: RunFolder) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score

    if not any((folder / "clusters.parquet").exists() for folder in (first, second)):
        return {}  # runs that ended before
    a, b = (folder.table("clusters", "06_clusters").set_index("id")["cluster"] for folder in (first, second))
    both = a.index.intersection(b.index)
    found = {"first": float(a.nunique()), "second": float(b.nunique()), "explained in both": float(len(both))}
    if len(both):
        found["adjusted Rand index"] = float(adjusted_rand_score(a.loc[both], b.loc[both]))
    return found
