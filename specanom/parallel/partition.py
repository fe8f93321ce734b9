"""Partitions: the pieces of work that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ArgumentError, message

SIZE = 4096
"""Rows of a partition: those of one shard of spectra, and of one Parquet file."""


@dataclass(frozen=True)
class Partition:
    """A piece of work: consecutive rows of a sorted index.

    Attributes
    ----------
    number : int
        From 0.
    start, stop : int
        Its rows.
    inputs : str
        A hash of what they are, so that a result is not taken for that of other rows; "" when the configuration
        already says it.
    """

    number: int
    start: int
    stop: int
    inputs: str = ""

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"part-{self.number:05d}"

    @property
    def rows(self) -> slice:
        """Its rows."""
        return slice(self.start, self.stop)


def partitions(n: int, size: int = SIZE, *, inputs: Sequence[str] | None = None) -> list[Partition]:
    """Part `n` rows.

    Parameters
    ----------
    n : int
        Rows.
    size : int
        Of a partition; the last may be smaller.
    inputs : sequence of str, optional
        A hash of what each partition works on.

    Raises
    ------
    ArgumentError
        For a size below 1, or another number of hashes than of partitions.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ArgumentError(message("size", expected="a number of rows, at least 1", got=repr(size),
                                    hint=f"{SIZE} rows are a shard of spectra"))
    starts = range(0, n, size)
    if inputs is not None and len(inputs) != len(starts):
        raise ArgumentError(message("inputs", expected=f"one hash for each of {len(starts)} partitions",
                                    got=f"{len(inputs)}"))
    return [Partition(i, start, min(start + size, n), "" if inputs is None else inputs[i])
            for i, start in enumerate(starts)]
