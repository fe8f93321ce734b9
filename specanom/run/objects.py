"""What a run knows of all its objects, whether it kept their spectra or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of a run, as a sample without pixels.

    Attributes
    ----------
    table : DataFrame
        One row an object, as the table of a :class:`~specanom.SpectrumSet`.
    """

    table: pd.DataFrame

    @cached_property
    def ids(self) -> list[str]:
        """The ids, in order."""
        return [str(id) for id in self.table["id"]]

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"Objects: {len(self)}"
