"""How odd spectra are, and how far to trust it.

=============================  =======================================================================================
:class:`Scorer`                metric × line filter × trim of a model's residual; ``Scorer.paper`` makes the eight
:class:`CalibratedScorer`      the same in excess of spectra of like S/N and z (``scorer.calibrate(sample)``)
:func:`combine`                the highest of several calibrated scores
:class:`LatentScorer`          how rare the encoding is: density, neighbours, isolation forest, KL
:func:`latent_correlations`    what latent dimensions follow: Spearman and Pearson with z, S/N and any column
:func:`redshift_from_latents`  redshifts from vectors by cross-validation: σ_NMAD and outliers
:func:`table`                  many scores of one sample in one pass; :func:`overlap`, :func:`pairwise`, :func:`top`
:func:`ranks`                  ranks, and :func:`rank_intervals` from repeated fits
:func:`dependence`             Spearman's ρ with S/N and z; :func:`false_alarm_table` what to expect by chance
:func:`arm_residuals`          residual per arm of the spectrograph; :class:`ArmScorer`, the same as a score
:func:`band_shares`            which wavelengths a score comes from
:mod:`~specanom.scores.metrics`  the distances as pure functions
=============================  =======================================================================================
"""

from __future__ import annotations

from ..ordering import order, ranks
from .arms import ArmScorer, arm_residuals
from .bands import band_shares
from .bound import BoundScore
from .calibrate import CalibratedScorer, calibrate, calibrate_all, calibrate_from_table, calibrated_values
from .combine import CombinedScorer, combine, highest
from .evaluate import ScoreWarning
from .latent import LatentScorer
from .latents import LatentCorrelations, latent_correlations
from .metrics import METRICS
from .recipe import Recipe
from .redshifts import RedshiftFromLatents, redshift_from_latents, sigma_nmad
from .refits import rank_intervals
from .scorer import Scorer
from .summary import dependence, false_alarm_table
from .tables import overlap, pairwise, rank_table, table, top

__all__ = [
    "METRICS", "ArmScorer", "BoundScore", "CalibratedScorer", "CombinedScorer", "LatentCorrelations", "LatentScorer",
    "RedshiftFromLatents", "Recipe",
    "ScoreWarning", "Scorer",
    "arm_residuals", "band_shares", "calibrate", "calibrate_all", "calibrate_from_table", "calibrated_values",
    "combine", "dependence", "false_alarm_table", "highest", "latent_correlations", "order", "overlap", "pairwise",
    "rank_intervals", "rank_table", "ranks", "redshift_from_latents", "sigma_nmad", "table", "top",
]


def __dir__() -> list[str]:
    return sorted(__all__)
