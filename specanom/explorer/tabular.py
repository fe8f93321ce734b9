"""The catalogue on its way to the page: its columns, what they mean, and which are shown at first."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError, choice, message
from ..ids import EXACT
from ..plots.cells import default_format, encoded, parsed_format, values_of
from ..triage.catalogue.columns import HEALPIX, Column, describe
from .record import whole_ids

FIRST = ("rank", "rank_before", "tier", "percentile", "score", "chi2_ivar_cal", "z", "snr", "class", "artefact",
         "cluster", "vote", "label", "combined_cal", "cluster_story", "story")
"""Columns shown at first, as far as there are."""
SHOWN = 10
REVIEW = ("mark", "mark_quality", "mark_issues", "mark_class", "mark_z", "mark_note", "mark_others")
"""Columns of the page's own; those of a catalogue that are called so get ``given_`` in front."""
FORMATS = {"artefact": ".2f", "z_second": ".4f", "chi2_ivar_cal": ".2f", "combined_cal": ".2f"}
ORDER = ("combined_rank", "chi2_ivar_rank")
BYTES = ("data", "codes", "blob", "offsets")


def rows_of(catalogue: pd.DataFrame) -> pd.DataFrame:
    """Return the catalogue with ids as text and its other columns as numbers, booleans and texts.

    Raises
    ------
    ArgumentError, DataError
        Without a column ``id``, with ids that lost digits, and with two rows of one id.
    """
    choice("catalogue column", "id", [str(one) for one in catalogue.columns])
    ids = whole_ids(catalogue["id"], "catalogue")
    twice = pd.Series(ids, dtype=object).duplicated()
    if twice.any():
        raise DataError(message("catalogue", expected="one row an id",
                                got=f"{ids[int(np.argmax(twice.to_numpy()))]!r} more than once",
                                hint="catalogue.drop_duplicates('id')"))
    columns = {"id": pd.Series(ids, dtype=object)}
    for name in catalogue.columns:
        if name != "id":
            own = f"given_{name}" if name in REVIEW else str(name)
            columns[own] = _column(own, catalogue[name])
    return pd.DataFrame(columns)


def _column(name: str, given: pd.Series[Any]) -> pd.Series[Any]:
    values = given.reset_index(drop=True)
    if pd.api.types.is_integer_dtype(values.dtype):
        whole = values.dropna()
        if len(whole) and max(abs(int(whole.min())), abs(int(whole.max()))) >= EXACT:
            # a page's numbers are float64
            return pd.Series(["" if pd.isna(one) else str(int(one)) for one in values.tolist()], dtype=object)
        if "-1" in describe(name).description:  # in catalogues, -1 stands for what is not known
            return values_of(name, values.astype("float64").replace(-1.0, np.nan), len(values))
    return values_of(name, values, len(values))


def described(names: Iterable[str], own: Iterable[Column]) -> dict[str, Column]:
    """Return what each column means."""
    known = {one.name: one for one in own}
    return {name: known.get(name) or describe(name) for name in names}


def table_of(rows: pd.DataFrame, meaning: Mapping[str, Column]) -> dict[str, Any]:
    """Return the columns as the page takes them, which of them it hides at first, and the order of the rows."""
    names = [str(name) for name in rows]
    first = [name for name in FIRST if name in names]
    others = [name for name in names if name not in ("id", HEALPIX, *FIRST) and not name.startswith("latent_")]
    shown = ["id", *first[:SHOWN], *others[: max(0, 7 - len(first))]]
    order = ["id", *first, *(name for name in names if name not in ("id", *first))]
    return {
        "columns": [_sent(name, rows[name], meaning[name]) for name in order],
        "hidden": [name for name in order if name not in shown], "sort": _sort(rows),
    }


def _sent(name: str, values: pd.Series[Any], meaning: Column) -> dict[str, Any]:
    array = values.to_numpy()
    kind = "text" if array.dtype == object else "flag" if array.dtype == bool else "number"
    style = parsed_format(name, FORMATS.get(name) or default_format(name, array)) if kind == "number" else None
    sent = {key: base64.b64encode(value).decode() if key in BYTES else value
            for key, value in encoded(values, None).items()}
    return {"name": name, "heading": name, "kind": kind, "style": style, "sent": sent,
            "description": meaning.description, "unit": meaning.unit}


def _sort(rows: pd.DataFrame) -> list[str]:
    """The oddest first, by what says so."""
    numeric = [str(name) for name in rows if rows[name].to_numpy().dtype != object]
    ranks = [name for name in (*ORDER, *(one for one in numeric if one.endswith("_rank"))) if name in numeric]
    for name, direction in (("rank", "ascending"), ("percentile", "descending"), *((one, "ascending") for one in ranks),
                            ("score", "descending")):
        if name in numeric:
            return [name, direction]
    return []
