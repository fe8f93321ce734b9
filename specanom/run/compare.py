"""What differs between two runs: parameters, versions, ranks and clusters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import DataError, message
from .byhand import manifest_of
from .folder import RunFolder

TOP = (10, 50, 100)


@dataclass(frozen=True)
class Comparison:
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
        How many clusters each has, and the adjusted Rand index over common spectra.
    """

    first: str
    second: str
    parameters: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    spectra: Mapping[str, int]
    ranks: Mapping[str, Mapping[str, float]]
    clusters: Mapping[str, float] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether both runs rank the same spectra alike and cluster them alike."""
        n = self.spectra
        agree = all(row["largest move"] == 0 for row in self.ranks.values())
        return n["first"] == n["second"] == n["both"] and agree and self.clusters.get("adjusted Rand index", 1.0) == 1.0

    def to_json(self) -> str:
        """Return the comparison as JSON text."""
        return json.dumps(asdict(self) | {"same": self.same}, indent=1, default=str)

    def summary(self) -> str:
        """Return the comparison as text for a terminal."""
        out = [f"first   {self.first}", f"second  {self.second}"]
        for title, differences in (("parameters", self.parameters), ("versions", self.versions)):
            out.append(f"{title}: " + ("the same" if not differences else ""))
            out += [f"  {name}: {a!r} -> {b!r}" for name, (a, b) in differences.items()]
        n = self.spectra
        out.append(f"spectra: {n['first']} and {n['second']}, {n['both']} in both")
        if self.ranks:
            out.append("ranks over the common spectra:")
            out.append("  " + pd.DataFrame(self.ranks).T.round(3).to_string().replace("\n", "\n  "))
        if self.clusters:
            out.append("clusters: " + ", ".join(f"{name} {value:.3g}" for name, value in self.clusters.items()))
        out.append("the runs agree" if self.same else "the runs differ")
        return "\n".join(out)


def compare_runs(first: str | Path, second: str | Path) -> Comparison:
    """Compare two finished runs.

    Parameters
    ----------
    first, second : path-like
        Run folders.

    Returns
    -------
    Comparison
    """
    folders = RunFolder(first), RunFolder(second)
    manifests = [manifest_of(folder.path) for folder in folders]
    tables = [folder.table("scores", "04_score").set_index("id") for folder in folders]
    for table, folder in zip(tables, folders, strict=True):
        if table.index.has_duplicates:
            raise DataError(message("scores", expected="one row an id", got=f"repeated ids in {folder.path}"))
    both = tables[0].index.intersection(tables[1].index)
    return Comparison(
        str(first), str(second),
        parameters=_differences(*[_without_paths(m.parameters) for m in manifests]),
        versions=_differences(*[m.content["versions"] for m in manifests]),
        spectra={"first": len(tables[0]), "second": len(tables[1]), "both": len(both)},
        ranks=_ranks(tables[0].loc[both], tables[1].loc[both]),
        clusters=_clusters(*folders),
    )


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

    a, b = (folder.table("clusters", "06_clusters").set_index("id")["cluster"] for folder in (first, second))
    both = a.index.intersection(b.index)
    found = {"first": float(a.nunique()), "second": float(b.nunique()), "explained in both": float(len(both))}
    if len(both):
        found["adjusted Rand index"] = float(adjusted_rand_score(a.loc[both], b.loc[both]))
    return found
