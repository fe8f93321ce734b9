"""Spectra the pipeline is sure of and the model is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ...errors import ArgumentError, message
from ...ids import id_texts
from .rates import checked

if TYPE_CHECKING:
    import pandas as pd

LEAST = 40.0
"""Δχ² of a good redshift of DESI's bright galaxies (Hahn et al. 2023, AJ 165, 253)."""
TOLD = ("class", "subclass", "z", "z_err", "snr", "plate", "tile", "petal", "fiber")


def confident_yet_odd(table: Any, odd: ArrayLike, *, score: ArrayLike | None = None,
                      least: float = LEAST) -> pd.DataFrame:
    """Return the odd spectra of whose class and redshift the pipeline has no doubt.

    A large Δχ² says that no other template or redshift comes near, not that the template is right: these are wrong
    redshifts nobody flagged, blends, and what the templates do not know.

    Parameters
    ----------
    table : DataFrame or SpectrumSet
        One row an object, with ``id`` and ``deltachi2`` (between the two best fits); ``zwarning`` where known: those
        with a warning are not listed.
    odd : (n,) bool array
        See :func:`.flag`.
    score : (n,) array, optional
        Sorts the list, the oddest first; without it the largest Δχ² come first.
    least : float
        Δχ² from which on the pipeline is sure.

    Returns
    -------
    DataFrame
        ``id``, ``score`` (where given), ``deltachi2``, and of class, subclass, z, z_err, snr, plate, tile, petal and
        fiber those the table has. ``attrs`` counts ``odd``, ``unsure`` (odd, but with a small Δχ² or a warning) and
        ``unknown`` (odd, without a Δχ²).

    Raises
    ------
    ArgumentError
        When the table has no column ``deltachi2``.
    """
    import pandas as pd

    frame = table.table if hasattr(table, "table") else table
    flags = checked(odd, len(frame))
    missing = [name for name in ("id", "deltachi2") if name not in frame.columns]
    if missing:
        raise ArgumentError(message("table", expected="columns id and deltachi2", got=f"no {', '.join(missing)}",
                                    hint="specanom.read fills deltachi2 where the survey's redshift files have it"))
    delta = frame["deltachi2"].to_numpy(np.float64)
    clean = frame["zwarning"].to_numpy() == 0 if "zwarning" in frame.columns else np.ones(len(frame), dtype=bool)
    with np.errstate(invalid="ignore"):
        sure = flags & clean & (delta >= least)
    made = frame[["id", "deltachi2", *(name for name in TOLD if name in frame.columns)]]
    made = made.assign(id=pd.Series(id_texts(frame["id"]), index=frame.index, dtype="str"))
    if score is not None:
        made = made.assign(score=np.asarray(score, dtype=np.float64))
        made = made[["id", "score", *(name for name in made if name not in ("id", "score"))]]
    by = "deltachi2" if score is None else "score"
    listed: pd.DataFrame = made[sure].sort_values(by, ascending=False, kind="stable", ignore_index=True)
    unknown = int((flags & np.isnan(delta)).sum())
    listed.attrs = {"odd": int(flags.sum()), "unsure": int(flags.sum()) - len(listed) - unknown, "unknown": unknown}
    return listed
