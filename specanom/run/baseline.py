"""Whether the autoencoder of a run describes its sample at least about as well as the PCA beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .content import Content
from .tabulate import number

MEASURES = {"chi2_ivar": "χ²", "mse": "MSE"}
"""What the two are compared by: χ² by inverse variance, or the plain error where the noise is not known."""
WORSE = 1.5
"""How many times worse the median may be. Trained networks stand at 0.96 to 1.03, stopped or starved ones far above."""
FEW = 300
"""Spectra below which more of them are the first thing to try."""


@dataclass(frozen=True)
class Behind:
    """By how much an autoencoder is behind the PCA.

    Attributes
    ----------
    measure : str
        One of the values of ``MEASURES``.
    vae, pca : float
        Medians over the spectra that both describe.
    """

    measure: str
    vae: float
    pca: float


def behind(content: Content) -> Behind | None:
    """Return by how much the autoencoder is behind the PCA of the run; None when it is not, or not clearly.

    Medians do not care for the anomalies, which either model may describe badly. The median must be 1.5 times that of
    the PCA, and most spectra must be described worse, each compared with itself: in a small sample one of the two can
    come about by chance.
    """
    try:
        tables = content.scores, content.run.table("scores_pca", "04_score")
    except DataError:
        return None  # nothing to compare
    vae, pca = (table.set_index("id") for table in tables)
    for name, measure in MEASURES.items():
        if name not in vae or name not in pca:
            continue
        ours, theirs = vae[name].to_numpy(np.float64), pca[name].reindex(vae.index).to_numpy(np.float64)
        known = np.isfinite(ours) & np.isfinite(theirs) & (theirs > 0)
        if 2 * known.sum() <= known.size:
            continue
        medians = float(np.median(ours[known])), float(np.median(theirs[known]))
        clearly = medians[0] > WORSE * medians[1] and float(np.median(ours[known] / theirs[known])) > 1.0
        return Behind(measure, *medians) if clearly else None
    return None


def banner(content: Content) -> str:
    """Return what stands above a report whose autoencoder is clearly behind the PCA, and what to try; else nothing."""
    found = behind(content)
    if found is None:
        return ""
    spectra, steps = len(content.scores), content.manifest.stage("03_train").get("counts", {}).get("steps")
    had = f"{spectra} spectra" + (f" and {steps} steps" if steps is not None else "")
    medians = f"median {found.measure} {number(found.vae)} against {number(found.pca)}"
    return (f"The autoencoder describes this sample worse than a PCA ({medians}): too few spectra or steps. Ranking, "
            "explanations, clusters and verdicts are the autoencoder's, and tell of what it has not learnt before they "
            f"tell of the objects. It had {had}; try {_advice(content, spectra)}. The scores by the PCA are in "
            "scores_pca.parquet.")


def _advice(content: Content, spectra: int) -> str:
    settings = content.settings
    caps = [f"-p {name}=0" for name in ("epochs", "max_steps") if settings.get(name)]
    tried = [f"more spectra (some {FEW} at least)"] if spectra < FEW else []
    tried += [f"training to the end ({' '.join(caps)})"] if caps else []
    tried += ["a run without --preset paper"] if settings.get("preset") == "paper" else []
    return " and ".join(tried) if tried else "a longer training (-p max_steps=100000) or another seed (-p seed=2)"
