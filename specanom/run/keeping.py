"""Which spectra a run stores when it does not store all, and what it leaves behind of the others."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ..errors import ArgumentError, message
from ..folders import write_json
from ..preprocess.dropped import table_of, told
from ..spectrumset import SpectrumSet
from ..surveys.parted import PartedSurvey
from .content import STREAMED
from .folder import OBJECTS, TOP, RunFolder
from .scoring import oddest_ids, top_ids
from .streaming import Stream, Streamed

KEEP = ("all", "top")
"""What a run stores of the spectra that pass its cuts: all, or a training sample and the oddest."""
TRAIN = 50_000
"""Spectra that a run which keeps the oddest alone is trained on, when not told otherwise."""
KIN = "kin.zarr"
"""Spectra that are near the oddest, of a run that does not store all."""
SHARE, LEAST = 0.01, 100
"""The share of the oddest whose spectra are stored when not told otherwise, and the fewest in any case."""


def stored_ids(table: pd.DataFrame, column: str, share: float, preset: str | None = None) -> list[str]:
    """Return the ids whose spectra are stored: the oddest, and those that are explained when nothing else is asked.

    Parameters
    ----------
    table : DataFrame
        Scores, with `bin`.
    column : str
        What ranks.
    share : float
        Of all; 0 for 1 %. No fewer than 100 are stored.
    preset : str or None
        As of :func:`.scoring.oddest_ids`.
    """
    odd = top_ids(table, column, max(LEAST, round((share or SHARE) * len(table))))
    return list(dict.fromkeys([*odd, *oddest_ids(table, column, 0, preset)]))


def check_stored(spectra: SpectrumSet, ids: Sequence[str]) -> None:
    """Refuse to go on without spectra that are asked for and were not stored.

    Raises
    ------
    ArgumentError
    """
    there = set(spectra.ids)
    lost = [id for id in ids if id not in there]
    if lost:
        raise ArgumentError(message("top", expected=f"spectra that are stored, and {len(there)} are",
                                    got=f"{len(ids)}, of which {len(lost)} are not",
                                    hint="a larger share= of the oddest, or keep=all"))


def keep_stream(run: RunFolder, streamed: Streamed) -> list[str]:
    """Write what a stream left behind to a run folder: all objects, what became of each, and the waterfall.

    Returns
    -------
    list of str
        The products.
    """
    write_json(run / STREAMED, told(streamed.report, run / STREAMED))
    listed = [table_of(run / STREAMED).name] if table_of(run / STREAMED).exists() else []
    made = {OBJECTS: streamed.objects, "tables/waterfall": streamed.report.to_frame()}
    return [STREAMED, *listed, *run.write_or_drop(made)]


def keep_kin(run: RunFolder, kin: pd.DataFrame) -> list[str]:
    """Store the spectra of kin that look alike and are not among the stored ones, for pages that show them.

    Parameters
    ----------
    run : RunFolder
    kin : DataFrame
        As :func:`.kin.kin_table` makes it.

    Returns
    -------
    list of str
        The products: none where all spectra are stored.
    """
    run.fresh(KIN)
    if not (run / TOP).is_dir():
        return []
    there = set(run.spectra().ids)
    ids = [str(id) for id in dict.fromkeys(kin.loc[kin["space"] == "latent", "kin"]) if id not in there]
    if not ids:
        return []
    stream = Stream(PartedSurvey(run / "index"), run / "preprocess", run / "sample.zarr", run.work("07_kin"))
    stream.store(run.objects().table, ids, run / KIN)
    return [KIN]


def shown_spectra(run: RunFolder) -> SpectrumSet:
    """Return the stored spectra with those of their kin, where these were stored apart."""
    return SpectrumSet.concatenate([run.spectra(), SpectrumSet.open(run / KIN)]) if (run / KIN).is_dir() else (
        run.spectra())


def forget_stream(run: RunFolder) -> None:
    """Take away what an earlier run in the same folder left that stored the oddest spectra alone."""
    for name in (TOP, KIN):
        run.fresh(name)
    for name in (STREAMED, table_of(run / STREAMED).name, f"{OBJECTS}.parquet"):
        (run / name).unlink(missing_ok=True)
