"""What a catalogue is joined from: plain tables, each with an ``id``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Parts:
    """The tables of a catalogue; all but the first are optional, and any may lack objects.

    Attributes
    ----------
    objects : DataFrame
        One row an object: ``id`` and any of ``survey``, ``ra``, ``dec`` (ICRS, degrees), ``z``, ``z_err``, ``snr``, …;
        ``sample.table`` has them. Who is not here is not in the catalogue.
    scores : DataFrame
        Scores raw (``NAME``), calibrated (``NAME_cal``) and ranked (``NAME_rank``), latents (``latent_0`` …);
        ``scores.parquet`` of a run.
    shares : DataFrame
        Share of the residual in each band, a column a band; :func:`specanom.scores.band_shares`.
    residuals : DataFrame
        Residual of each arm; :func:`specanom.scores.arm_residuals`.
    latents : DataFrame
        Other vectors than those beside the scores.
    clusters : DataFrame
        ``cluster``, ``distance``.
    stories : DataFrame
        ``cluster`` and ``story``; keyed by cluster, not by id.
    explanations : DataFrame
        As :func:`explanation_table` makes it.
    kin : DataFrame
        One row a pair: ``id``, ``kin`` and any of ``label``, ``distance``; nearest first, or with ``rank``. Also as
        ``Kin.to_frame()`` has it, with ``query`` for the object and ``id`` for its kin.
    votes : DataFrame
        ``vote`` and any of ``far``, ``quantile``, ``mean_NAME``, ``spread_NAME``.
    matches : DataFrame
        One row an object and service: ``id``, ``service``, ``status``, ``name``, ``type``, ``separation`` (arcsec),
        ``z``, ``chance``; the table of a :class:`specanom.triage.crossmatch.Matches`.
    labels : DataFrame
        One row a label: ``id``, ``label``, ``note``, ``author``, ``time``, oldest first; ``LabelLog.to_frame()``.
    more : DataFrame
        Any other columns.
    """

    objects: pd.DataFrame
    scores: pd.DataFrame | None = None
    shares: pd.DataFrame | None = None
    residuals: pd.DataFrame | None = None
    latents: pd.DataFrame | None = None
    clusters: pd.DataFrame | None = None
    stories: pd.DataFrame | None = None
    explanations: pd.DataFrame | None = None
    kin: pd.DataFrame | None = None
    votes: pd.DataFrame | None = None
    matches: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None
    more: pd.DataFrame | None = None

    def given(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Yield name and table of each part there is."""
        for one in fields(self):
            table = getattr(self, one.name)
            if table is not None:
                yield one.name, table
