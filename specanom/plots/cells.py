"""Columns of a table on their way to the page: one buffer of numbers, or texts end to end; and how numbers are written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from specanom.errors import ArgumentError, DataError, message

FORMAT = re.compile(r"(?P<plus>\+)?(?P<comma>,)?(?:\.(?P<digits>\d{1,2}))?(?P<style>[defg%])")
KNOWN = {"z": ".4f", "snr": ".1f", "ra": ".5f", "dec": "+.5f", "percentile": ".2f"}
"""Formats of columns that astronomers write in one way."""
RANKED = {"score": 0.99}
"""Columns of which the highest are read: the share of the rows below those that get four digits."""
SINGLE = 1.6e7  # integers up to here are exact in single precision


def values_of(name: str, values: Any, rows: int) -> pd.Series[Any]:
    """Return one column as numbers, booleans or texts; missing numbers are NaN and missing texts empty.

    Raises
    ------
    DataError
        When it has not one value a row.
    """
    made = pd.Series(np.full(rows, values) if np.isscalar(values) else values)
    if len(made) != rows:
        raise DataError(message(name, expected=f"{rows:,} values, one a row", got=f"{len(made):,}"))
    made = made.reset_index(drop=True)
    kind = made.dtype
    if pd.api.types.is_bool_dtype(kind) and not made.hasnans:
        return made.astype(bool)
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        whole = isinstance(kind, np.dtype) and kind.kind in "iu"
        return made if whole or kind in (np.float32, np.float64) else made.astype(np.float64)
    # Texts as objects: comparisons and searches of them are numpy's.
    if pd.api.types.is_object_dtype(kind) and pd.api.types.infer_dtype(made, skipna=False) == "string":
        return made
    missing = made.isna().to_numpy()
    texts = np.array([str(one) for one in made.tolist()], dtype=object)
    texts[missing] = ""
    return pd.Series(texts, dtype=object)


def default_format(name: str, values: NDArray[Any]) -> str:
    """Return how numbers of a column are written when nothing is said: about four digits, aligned where possible.

    Examples
    --------
    >>> default_format("flux", np.array([0.5, 1.25, 20.0])), default_format("rank", np.array([1, 2]))
    ('.3f', 'd')
    """
    if name in KNOWN:
        return KNOWN[name]
    if values.dtype.kind in "iu":
        return "d"
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    if not size.size:
        return ".4g"
    low, middle, high = np.quantile(size, [0.02, RANKED.get(name, 0.5), 1.0])
    if high >= 1e7 or low < 1e-5:
        return ".4g"
    if np.array_equal(values, np.round(values), equal_nan=True):
        return ".0f"
    return f".{int(np.clip(3 - np.floor(np.log10(middle)), 0, 6))}f"


def parsed_format(name: str, spec: str) -> dict[str, Any]:
    """Return a format of Python taken apart, for the page to follow.

    Raises
    ------
    ArgumentError
        For what is no such format.
    """
    found = FORMAT.fullmatch(spec)
    if found is None:
        raise ArgumentError(message("formats", expected="formats of numbers such as '.3f', '.4g', ',d' or '+.2f'",
                                    got=f"{spec!r} for {name!r}"))
    digits = int(found["digits"]) if found["digits"] else (0 if found["style"] == "d" else 6)
    return {"style": found["style"], "digits": digits, "comma": bool(found["comma"]), "plus": bool(found["plus"])}


def encoded(values: pd.Series[Any], style: dict[str, Any] | None) -> dict[str, Any]:
    """Return one column as the page takes it: its kind and its buffers.

    Parameters
    ----------
    values : Series
        As :func:`values_of` made it.
    style : dict, optional
        How its numbers are written: single precision is sent where no digit shown needs more.
    """
    array = values.to_numpy()
    if array.dtype == bool:
        return {"kind": "flag", "type": "int8", "data": array.astype(np.int8).tobytes()}
    if array.dtype == object:
        return _encoded_texts(array)
    kind = _sent_type(array, style or {"style": "g", "digits": 17})
    return {"kind": "number", "type": kind, "data": array.astype(kind).tobytes()}


def _sent_type(array: NDArray[Any], style: dict[str, Any]) -> str:
    largest = float(np.nanmax(np.abs(array.astype(np.float64)), initial=0.0, where=np.isfinite(array)))
    if array.dtype.kind in "iu":
        return "int32" if largest < 2**31 - 1 else "float64"
    if array.dtype == np.float32:
        return "float32"
    if style["style"] in "ge":
        return "float32" if style["digits"] <= 6 and largest < 1e38 else "float64"
    shown = style["digits"] + (2 if style["style"] == "%" else 0)
    return "float32" if largest * 10.0**shown < SINGLE else "float64"


def _encoded_texts(texts: NDArray[Any]) -> dict[str, Any]:
    """Texts end to end; where few differ, these once and a number for each row."""
    codes, labels = pd.factorize(texts)
    if len(labels) * 2 > len(texts):
        return {"kind": "text", **_blob(texts.tolist())}
    return {"kind": "text", "codes": codes.astype(np.int32).tobytes(), **_blob(list(labels))}


def _blob(texts: Sequence[str]) -> dict[str, bytes]:
    if not len(texts):
        return {"blob": b"", "offsets": np.zeros(1, dtype=np.int32).tobytes()}
    _, offsets, blob = encoded_texts(texts).buffers()
    return {"blob": b"" if blob is None else blob.to_pybytes(),
            "offsets": np.frombuffer(offsets, dtype=np.int64, count=len(texts) + 1).astype(np.int32).tobytes()}


def encoded_texts(texts: Sequence[str]) -> Any:
    """Return texts as an array of UTF-8; half a character that stands alone becomes a question mark."""
    try:
        return pa.array(texts, type=pa.large_string())
    except UnicodeEncodeError:
        clean = [one.encode("utf-8", "replace").decode("utf-8") for one in texts]
        return pa.array(clean, type=pa.large_string())
