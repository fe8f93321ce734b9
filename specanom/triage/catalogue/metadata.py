"""The metadata of a catalogue as text, and astropy tables that carry what columns mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...foreign import parse_json
from .columns import Column

if TYPE_CHECKING:
    import pandas as pd
    from astropy.table import Table

FORM = "specanom catalogue"
VERSION = 1
TITLE = "Anomalous spectra, one row an object, made by specanom"


def to_text(meta: Mapping[str, Any]) -> str:
    """Return the metadata as JSON in ASCII, with blanks nowhere but in its texts."""
    return json.dumps({"format": FORM, "version": VERSION, **meta}, separators=(",", ":"))


def from_text(text: str) -> dict[str, Any]:
    """Return the metadata of JSON.

    Raises
    ------
    ValueError
        When it is not the metadata of a catalogue, or of another version.
    """
    content: dict[str, Any] = parse_json(text)
    if not isinstance(content, dict):
        raise ValueError("no metadata of a catalogue")
    if content.pop("format", None) != FORM or (found := content.pop("version", None)) != VERSION:
        raise ValueError(f"no metadata of a catalogue of version {VERSION}"
                         + (f", but of version {found}" if "found" in locals() else ""))
    return content


def texts(values: Any) -> np.ndarray[Any, Any]:
    """Return a text column as an array of str; empty where masked."""
    filled = values.filled("") if hasattr(values, "filled") else values
    return np.asarray([one if isinstance(one, str) else one.decode() if isinstance(one, bytes) else str(one)
                       for one in filled], dtype=object)


def to_astropy(table: pd.DataFrame, columns: Sequence[Column], *, units_as: Mapping[str, str] | None = None) -> Table:
    """Return an astropy table with units (replaced by those of `units_as`) and descriptions; UCDs are in ``.meta``."""
    from astropy import units
    from astropy.table import Column as AstropyColumn
    from astropy.table import MaskedColumn, Table

    made = Table()
    for one in columns:
        values = table[one.name]
        data = _array(values)
        kind = MaskedColumn if np.ma.isMaskedArray(data) else AstropyColumn
        made[one.name] = kind(data, description=one.description,
                              unit=units.Unit((units_as or {}).get(one.unit, one.unit)) if one.unit else None,
                              meta={"ucd": one.ucd} if one.ucd else {})
    return made


def _array(values: pd.Series) -> np.ndarray[Any, Any]:
    """Return a column as an array; masked where whole numbers are blank."""
    if values.dtype.kind == "i" and values.isna().any():
        return np.ma.MaskedArray(values.fillna(0).to_numpy(dtype=np.int64), mask=values.isna().to_numpy(dtype=bool))
    return values.to_numpy() if values.dtype.kind in "if" else values.to_numpy(dtype=np.str_)


def from_arrays(arrays: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table of arrays in native byte order; masked integers are blank, and what is no number becomes text."""
    import pandas as pd

    made = {}
    for name, values in arrays.items():
        kind = np.asarray(values).dtype
        if kind.kind in "if":
            made[name] = pd.Series(np.asarray(values).astype(kind.newbyteorder("=")))
            if kind.kind == "i" and (blank := np.ma.getmaskarray(values)).any():
                made[name] = made[name].astype("Int64").mask(blank)
        else:
            made[name] = pd.Series(texts(values)).astype("str")
    return pd.DataFrame(made)
