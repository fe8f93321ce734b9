"""Records that are one table and some facts, as one Parquet file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, message
from ..folders import write_whole
from ..foreign import believed, parse_json

if TYPE_CHECKING:
    import pandas as pd


def write_record(table: pd.DataFrame, path: str | Path, form: str, facts: Mapping[str, Any], *, version: int) -> Path:
    """Write a table with facts in its metadata; the file appears whole or not at all.

    Parameters
    ----------
    table : DataFrame
    path : path-like
        Its folder is made when missing.
    form : str
        What the record is; the key of its metadata.
    facts : mapping
        Anything JSON holds.
    version : int
        Of the form.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(path)
    whole = pa.Table.from_pandas(table, preserve_index=False)
    told = json.dumps({"version": version, "facts": dict(facts)}).encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    made = whole.replace_schema_metadata({**(whole.schema.metadata or {}), form.encode(): told})
    write_whole(target, lambda part: pq.write_table(made, part))
    return target


def read_record(path: str | Path, form: str, *, version: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the table and the facts.

    Raises
    ------
    DataError
        When the file is not there, holds something else, or comes from a later version.
    """
    import pyarrow.parquet as pq

    try:
        believed(path)
        whole = pq.read_table(path)
        told = parse_json((whole.schema.metadata or {})[form.encode()])
        later, facts = told["version"] > version, dict(told["facts"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DataError(message("path", expected=f"a saved {form}", got=f"{path}: {exc}")) from exc
    if later:
        raise DataError(message("path", expected=f"{form} of version {version} or before",
                                got=f"{path}, of a later one", hint="a newer specanom"))
    return whole.to_pandas(), facts
