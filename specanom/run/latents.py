"""What the latent numbers of a run know: what they follow, how rare an encoding is, what is left of the redshift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import scores
from ..errors import DataError
from ..models import PCAModel
from ..models.binned import BinnedModel
from ..scores.latent import METHODS
from .evaluate import auc
from .folder import RunFolder
from .scoring import LATENT

FOLLOWED = ("z", "snr", "ebv", "missing", "exptime")
"""Columns of a sample that its latent numbers are compared with, besides the score that ranks."""
RARITY = "rarity_"
"""How the columns of latent scores begin; those of the latent numbers themselves are ``latent_0`` …"""
FEWEST = 20
"""Spectra below which there is no density of encodings to speak of."""
TOP = 100


def reference_of(model: Any, sample: Any, *, seed: int) -> Any:
    """Return the model whose encodings all spectra of a run share.

    A model with a network a bin has as many latent spaces, which cannot be compared: one PCA of the whole sample, with
    as many components, stands in.
    """
    if isinstance(model, BinnedModel):
        size = max(one.n_latent for one in model.models.values())
        return PCAModel(size, seed=seed).fit(sample)
    return model


def follows(latents: ArrayLike, table: pd.DataFrame, found: pd.DataFrame, column: str) -> scores.LatentCorrelations:
    """Correlate latent numbers with what varies of redshift, S/N, reddening, missing pixels, depth, and the score.

    Parameters
    ----------
    latents : (n, d) array
    table : DataFrame
        Of the sample, in their order.
    found : DataFrame
        Scores, with ``id``.
    column : str
        The score that ranks.
    """
    score = found.set_index("id")[column].reindex(table["id"]).to_numpy(np.float64)
    known = table.assign(**{column: score})
    varying = [name for name in (*FOLLOWED, column) if name in known and known[name].min() < known[name].max()]
    return scores.latent_correlations(latents, known, varying or [column])


def redshift_table(latents: ArrayLike, table: pd.DataFrame, *, seed: int) -> pd.DataFrame | None:
    """Return how well latent numbers tell the redshift by cross-validation, one row; None for too few spectra.

    ``n``, ``sigma_nmad`` of Δz/(1 + z) with its 95 % interval, ``sigma_guess`` (what the median of the sample would
    reach), ``bias``, ``outlier`` (the limit on |Δz|/(1 + z)), ``outlier_share`` with its interval, ``method``.
    """
    try:
        made = scores.redshift_from_latents(latents, table["z"], ids=list(table["id"]), seed=seed)
    except DataError:  # fewer than twenty spectra
        return None
    (low, high), (least, most) = made.sigma_interval, made.outlier_interval
    return pd.DataFrame([{
        "n": made.n, "sigma_nmad": made.sigma_nmad, "sigma_low": low, "sigma_high": high,
        "sigma_guess": made.sigma_guess, "bias": made.bias, "outlier": made.outlier,
        "outlier_share": made.outlier_share, "outlier_low": least, "outlier_high": most, "method": made.method,
    }])


@dataclass(frozen=True, eq=False)
class Encoded:
    """Of what the latent numbers of a run are known.

    Attributes
    ----------
    objects : SpectrumSet or Objects
        With ``table`` and ``ids``.
    vectors : (n, d) array or None
        Their latent numbers; None where they are still to be made of the spectra.
    """

    objects: Any
    vectors: NDArray[np.float64] | None = None


def encoded(run: RunFolder, found: pd.DataFrame, *, one_space: bool) -> Encoded:
    """Return of what the latent numbers are known: all objects where one network made them, also without spectra.

    Parameters
    ----------
    run : RunFolder
    found : DataFrame
        Scores, with the latent numbers that were noted with them.
    one_space : bool
        Whether these are all of one network. Otherwise those of stored spectra alone can be made.
    """
    spectra, objects = run.spectra(), run.objects()
    if len(spectra) == len(objects) or not one_space:
        return Encoded(spectra)
    names = [name for name in map(str, found) if name.startswith(LATENT)]
    vectors = found.set_index("id")[names].reindex(objects.ids).to_numpy(np.float64)
    return Encoded(objects, vectors)


def rarities(model: Any, sample: Any, *, seed: int, of: Any = None) -> pd.DataFrame | None:
    """Return how rare each encoding is, higher is rarer: ``id``, ``rarity_gmm``, ``_knn``, ``_forest`` and ``_kl``.

    None for fewer than twenty spectra. See :class:`specanom.scores.LatentScorer`. They are of the
    spectra `of`, which need not be in the sample that they are compared with, or else of the sample itself.
    """
    if len(sample) < FEWEST:
        return None
    scorers = {f"{RARITY}{name}": scores.LatentScorer(model, name, seed=seed, name=f"{RARITY}{name}").fit(sample)
               for name in METHODS}
    return scores.table(scorers, sample if of is None else of)[["id", *scorers]]


def compared(rare: pd.DataFrame, found: pd.DataFrame, column: str, truth: pd.DataFrame | None) -> pd.DataFrame:
    """Return what latent scores share with the score that ranks, one row a latent score.

    ``score``, ``rho`` (Spearman), ``top`` (how long the lists are), ``shared`` (how many of the oddest are among the
    rarest) and, where anomalies are known, ``auc`` and ``auc_ranking``: areas under the ROC curves of this score and of
    the one that ranks.
    """
    both = rare.merge(found[["id", column]], on="id")
    top = max(1, min(TOP, len(both) // 10))
    oddest = set(both.nlargest(top, column)["id"])
    rows: list[dict[str, Any]] = []
    for name in (str(one) for one in rare if one != "id"):
        rarest = both.nlargest(top, name)["id"]
        row = {"score": name, "rho": float(both[name].corr(both[column], method="spearman")), "top": top,
               "shared": len(oddest & set(rarest))}
        rows.append(row | _found(both, (name, column), truth))
    return pd.DataFrame(rows)


def _found(both: pd.DataFrame, columns: Sequence[str], truth: pd.DataFrame | None) -> dict[str, float]:
    if truth is None:
        return {}
    kind = truth.set_index("id")["kind"].reindex(both["id"])
    known = kind.notna().to_numpy()
    odd = pd.Series((kind.fillna("") != "").to_numpy())[known]
    lowest = [both[name].fillna(-np.inf)[known] for name in columns]
    return dict(zip(("auc", "auc_ranking"), (auc(values, odd) for values in lowest), strict=True))
