"""Where objects lie on the two maps of an explorer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .packing import numbers
from .record import whole_ids
from .sky import mollweide


def places_of(rows: pd.DataFrame, latents: pd.DataFrame | None) -> dict[str, Any]:
    """Return the places on the sky and on the map of latents as the page takes them.

    Parameters
    ----------
    rows : DataFrame
        The catalogue.
    latents : DataFrame, optional
        ``id`` and two more columns; else the columns ``latent_0``, … of the catalogue are projected.

    Returns
    -------
    dict
        ``sky`` and ``map``: x and y of each row, or None where there are none; ``axes`` of the map; ``lost``: how many
        objects have no place on the sky.
    """
    x, y = mollweide(_numbers(rows, "ra"), _numbers(rows, "dec"))
    lost = int((~np.isfinite(x)).sum())
    found = _given(rows, latents) if latents is not None else _projected(rows)
    return {"sky": [numbers(x), numbers(y)] if "ra" in rows and "dec" in rows else None, "lost": lost,
            "map": None if found is None else [numbers(found[0]), numbers(found[1])],
            "axes": ["", ""] if found is None else list(found[2])}


def _numbers(rows: pd.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in rows or rows[name].to_numpy().dtype == object:
        return np.full(len(rows), np.nan)
    return rows[name].to_numpy().astype(np.float64)


Placed = tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, str]]


def _given(rows: pd.DataFrame, latents: pd.DataFrame) -> Placed:
    x, y = [name for name in latents.columns if name != "id"][:2]
    at = pd.DataFrame({"x": pd.to_numeric(latents[x].to_numpy(), errors="coerce"),
                       "y": pd.to_numeric(latents[y].to_numpy(), errors="coerce")},
                      index=whole_ids(latents["id"], "latents"))
    at = at[~at.index.duplicated()].reindex(rows["id"].tolist())
    return at["x"].to_numpy(np.float64), at["y"].to_numpy(np.float64), (str(x), str(y))


def _projected(rows: pd.DataFrame) -> Placed | None:
    """The two principal components of the latents; None with fewer than two latents or three objects with them."""
    names = [name for name in rows if str(name).startswith("latent_") and rows[name].to_numpy().dtype != object]
    if len(names) < 2:
        return None
    values = rows[names].to_numpy(np.float64)
    known = np.isfinite(values).all(axis=1)
    if known.sum() < 3:
        return None
    centred = values[known] - values[known].mean(axis=0)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(directions[np.arange(2), np.abs(directions[:2]).argmax(axis=1)])  # the same on every machine
    placed = np.full((len(rows), 2), np.nan)
    placed[known] = centred @ (directions[:2] * signs[:, None]).T
    total = float((spread**2).sum()) or 1.0
    first, second = (f"latent PC {k + 1} ({spread[k] ** 2 / total:.0%})" for k in range(2))
    return placed[:, 0], placed[:, 1], (first, second)
