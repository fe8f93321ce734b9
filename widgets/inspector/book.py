"""Names of clusters and marks of members: kept by the members themselves, on disk as they are made, exported."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.errors import choice
from specanom.triage import CLUSTER_WORDS, NOTED, LabelLog
from specanom.triage.table import defused

SOURCE = "ClusterInspector"
ENDINGS = (".parquet", ".csv")


class Book:
    """What was said of clusters and members.

    A name belongs to the members that had it, so that it survives another number of clusters: a cluster is called what
    most of its members are called.

    Parameters
    ----------
    path : path-like
        File of the marks; names go into another one beside it, ``labels.names.jsonl`` for ``labels.jsonl``.

    Attributes
    ----------
    marks, names : LabelLog
        The files.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self.marks = LabelLog(path)
        self.names = LabelLog(path.with_name(f"{path.stem}.names{path.suffix or '.jsonl'}"))

    # -- names -----------------------------------------------------------------------------------------------------

    def name(self, ids: Sequence[str], name: str) -> None:
        """Call the cluster that these ids make up `name`; an empty one takes the name away."""
        self.names.add_all(ids, name.strip(), source=SOURCE)

    def called(self, ids: NDArray[np.object_], labels: NDArray[np.intp]) -> dict[int, str]:
        """Return what each cluster is called: the name that more than half of its members have."""
        current = {id: said.label for id, said in self.names.current().items()}
        made = {}
        for k in range(int(labels.max(initial=-1)) + 1):
            members = ids[labels == k]
            votes = Counter(current[id] for id in members if current.get(id))
            name, count = votes.most_common(1)[0] if votes else ("", 0)
            if count > len(members) / 2:
                made[k] = name
        return made

    # -- marks -----------------------------------------------------------------------------------------------------

    def mark(self, ids: Sequence[str], word: str, note: str = "") -> None:
        """Say `word` of these ids; an empty one takes back what was said."""
        if word:
            choice("word", word, (*CLUSTER_WORDS, NOTED))
        self.marks.add_all(ids, word, note=note if word else "", source=SOURCE)

    def marked(self, ids: NDArray[np.object_]) -> tuple[list[str], list[str]]:
        """Return mark and note of each id, empty where nothing was said."""
        said = self.marks.current()
        blank = ("", "")
        pairs = [(said[id].label, said[id].note) if id in said else blank for id in ids]
        return [mark for mark, _ in pairs], [note for _, note in pairs]

    # -- getting it out --------------------------------------------------------------------------------------------

    def table(self, ids: NDArray[np.object_], labels: NDArray[np.intp]) -> pd.DataFrame:
        """Return id, cluster, cluster_name, mark and note, one row an explanation."""
        called = self.called(ids, labels)
        marks, notes = self.marked(ids)
        return pd.DataFrame({"id": ids.astype(str).astype(object), "cluster": labels.astype(np.int64),
                             "cluster_name": [called.get(int(k), "") for k in labels], "mark": marks, "note": notes})


def export(table: pd.DataFrame, path: str | Path) -> Path:
    """Write labels as ``.parquet`` or ``.csv``, whole or not at all; returns the path.

    In CSV, a text that a spreadsheet would take for a formula gets a ``'`` in front.

    Raises
    ------
    ArgumentError
        For another ending.
    """
    path = Path(path)
    kind = choice("path", path.suffix.lower(), ENDINGS)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        if kind == ".csv":
            texts = {name: table[name].map(defused) for name in table.columns if name != "cluster"}
            table.assign(**texts).to_csv(part, index=False, encoding="utf-8")
        else:
            table.to_parquet(part, index=False)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
