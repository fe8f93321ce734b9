"""Names of clusters and marks of members: kept by the members themselves, on disk as they are made, exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.errors import choice
from specanom.triage import CLUSTER_WORDS, NOTED, LabelLog
from specanom.triage.label import user

SOURCE = "ClusterInspector"


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

    def mark(self, ids: Sequence[str], word: str, note: str = "", *, alone: bool = False) -> int:
        """Say `word` of these ids; an empty one takes back what was said.

        Parameters
        ----------
        ids : sequence of str
        word, note : str
        alone : bool
            Whether it is said of each by itself. Otherwise it is said of them as a group: what the same author said of
            one of them by itself stands.

        Returns
        -------
        int
            How many keep what was said of them by themselves.
        """
        if word:
            choice("word", word, (*CLUSTER_WORDS, NOTED))
        own = self.marks.current(user())
        if not alone:
            changed = {said.id for said in self.marks.add_group(ids, word, note=note, source=SOURCE)}
            return len({id for id in ids if id not in changed and id in own})
        for id in ids:
            text = note or (own[id].note if id in own else "")  # a note outlives the word it came with
            self.marks.add(id, word or NOTED * bool(text), note=text, source=SOURCE)
        return 0

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
