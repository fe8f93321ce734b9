"""Many spectra explained in partitions, which survive being stopped; the numbers are those of one at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..parallel import Outcome, Partition, Partitioned, partitions
from ..seeds import content_hash
from ..spectrumset import SpectrumSet
from ..store import ARRAYS
from .explanationset import ExplanationSet, Skipped
from .many import Block, stored

if TYPE_CHECKING:
    from .explainer import Explainer

SIZE = 64
"""Spectra of a partition: they take seconds, as 4,096 take that are only scored."""


@dataclass(frozen=True)
class ExplainPart:
    """The explanations of some spectra.

    Parameters
    ----------
    explainer : Explainer
        Its score holds the model.
    sample : SpectrumSet
        The spectra that are explained.
    scratch : Path
        On the file system of the results.
    """

    explainer: Explainer
    sample: SpectrumSet
    scratch: Path

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the saved explanations, and which spectra have none."""
        block = self.explainer.block(list(self.sample[part.rows]), flux=True)
        told: dict[str, Any] = {"skipped": [[one.id, one.reason] for one in block.skipped], "notes": block.notes,
                                "kept": block.kept.tolist()}
        if block.made is None:
            return told
        return {"explanations": block.made.save(self.scratch / uuid.uuid4().hex), **told}


@dataclass(frozen=True)
class PartedExplainer:
    """Explains a sample in partitions; calling it computes.

    Parameters
    ----------
    explainer : Explainer
        How.
    work : Path
        Folder for what is done so far; what a stopped call left there is used.
    version : str
        A hash of the model that is judged: the explainer's settings name its score but not its weights.
    executor : optional
        See :func:`specanom.parallel.workers`.
    label : str
        What the progress bar calls it; none without.
    """

    explainer: Explainer
    work: Path
    version: str
    executor: Any = None
    label: str = ""

    def __call__(self, sample: SpectrumSet, store: str | Path, *, size: int = SIZE) -> tuple[ExplanationSet, Outcome]:
        """Write the explanations of a sample.

        Parameters
        ----------
        sample : SpectrumSet
        store : path-like
            Folder for all explanations, in the order of the sample.
        size : int
            Spectra of a partition. The result does not depend on it.

        Raises
        ------
        DataError
            When no spectrum can be explained, or something else is at `store`.
        """
        config = content_hash(repr(sorted(self.explainer.settings.items())), repr(settings_of(self.explainer.score)),
                              self.version, sample.wave)
        # Of slices: an array that was read once stays in the sample, and all of it would go to each task.
        inputs = [_hash(sample[start : start + size]) for start in range(0, len(sample), size)]
        parts = partitions(len(sample), size, inputs=inputs)
        # Many small products: workers beside the GPUs do them well, where a cluster tells those apart.
        run = Partitioned(self.work, config, self.executor, label=self.label, needs={"CPU": 1})
        done = run(ExplainPart(self.explainer, sample, self.work / "scratch"), parts)
        made, _ = stored(_blocks(done, sample, parts), store)
        return made, done


def settings_of(value: Any) -> Any:
    """Return everything that is set in a score, but not the model that it holds, as plain values with a ``repr``.

    Scores of one name may differ in their trim, their line filter, or what they are calibrated against.
    """
    if is_dataclass(value) and not isinstance(value, type):
        named = {one.name: settings_of(getattr(value, one.name)) for one in fields(value)
                 if one.name != "model" and not one.name.startswith("_")}
        return [type(value).__qualname__, *named.items()]
    if isinstance(value, np.ndarray):
        return content_hash(value)
    if isinstance(value, Mapping):
        return [(str(name), settings_of(value[name])) for name in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [settings_of(one) for one in value]
    if value is None or isinstance(value, (str, bytes, bool, int, float, np.generic)):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)  # of what else there is, addresses change


def _hash(rows: SpectrumSet) -> str:
    """Return a hash of all that is known of some spectra."""
    from pandas.util import hash_pandas_object

    arrays = [np.asarray(values) for name in ARRAYS if (values := rows.rows(name)) is not None]
    return content_hash(*rows.ids, hash_pandas_object(rows.table, index=False).to_numpy(), *arrays)


def _blocks(done: Outcome, sample: SpectrumSet, parts: list[Partition]) -> Iterator[Block]:
    """Yield the block of each partition in order, of a failed one with a reason for each spectrum."""
    records = {int(record["partition"]): record for record in done.records}
    errors = {int(row["partition"]): str(row["error"]) for _, row in done.failures.iterrows()}
    for part in parts:
        if part.number in errors:
            why = f"its partition failed: {errors[part.number]}"
            skipped = [Skipped(id, why) for id in sample.ids[part.rows]]
            yield Block(None, np.zeros(len(part), dtype=np.bool_), skipped, [])
            continue
        record = records[part.number]
        told = record["told"]
        paths = [done.folder / path for path in record["files"]]
        yield Block(ExplanationSet.open(paths[0]) if paths else None, np.array(told["kept"], dtype=np.bool_),
                    [Skipped(*one) for one in told["skipped"]], list(told["notes"]))
