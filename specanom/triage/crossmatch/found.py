"""What a matcher is, and what it hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from .cache import ResponseCache
from .positions import Positions

if TYPE_CHECKING:
    import pandas as pd

MATCHED, NONE, NOT_CHECKED, FAILED = STATUSES = ("matched", "none", "not_checked", "failed")
PAIR = ("row", "separation", "name", "type", "z", "ra", "dec")
"""Columns every table of pairs has, before those that were asked for."""


@dataclass(frozen=True)
class Access:
    """How a matcher may ask: where answers are kept, whether old ones are good enough, whether to show a bar.

    Attributes
    ----------
    cache : ResponseCache or None
    refresh : bool
        Ask again even where an answer is kept.
    progress : bool
    """

    cache: ResponseCache | None = None
    refresh: bool = False
    progress: bool = False


@dataclass(frozen=True, eq=False)
class Found:
    """What a matcher found around positions.

    Attributes
    ----------
    pairs : DataFrame
        One row for each counterpart within the radius: ``row`` (which position), ``separation`` (arcsec), ``name``,
        ``type``, ``z``, ``ra``, ``dec`` (degrees) and the columns that were asked for.
    unchecked, failed : mapping of int to str
        Positions nobody was asked about, and those for which asking failed, each with the reason. All others were
        looked up: without a pair they are not in the catalogue.
    chance : float
        Share of unrelated positions that have something within the radius; NaN when it is not known.
    chance_from : str
        How `chance` was measured.
    dates : mapping of int to str
        When the service was asked, by position; empty for tables at hand.
    note : str
        What else a reader must know of the catalogue: rows of a table that have no position.
    """

    pairs: pd.DataFrame
    unchecked: Mapping[int, str] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)
    chance: float = float("nan")
    chance_from: str = ""
    dates: Mapping[int, str] = field(default_factory=dict)
    note: str = ""


class Matcher(Protocol):
    """Anything that can say what lies around positions; the radius is part of it."""

    @property
    def service(self) -> str:
        """What it is called in tables."""
        ...

    @property
    def radius(self) -> float:
        """Arcsec."""
        ...

    def __call__(self, positions: Positions, access: Access, /) -> Found: ...


def no_pairs(columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return an empty table of pairs."""
    import pandas as pd

    kinds = {"row": "int64", "separation": "float64", "name": "object", "type": "object", "z": "float64",
             "ra": "float64", "dec": "float64"}
    made = {name: pd.Series(dtype=kinds[name]) for name in PAIR}
    return pd.DataFrame({**made, **{name: pd.Series(dtype="object") for name in columns if name not in made}})
