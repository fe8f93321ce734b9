"""Clusters of explanations, and what each of them is.

==============  =====================================================================
module          what is in it
==============  =====================================================================
``features``    explanations as rows of unit norm
``frames``      explanations and spectra in the frame they were not explained in
``places``      what lies at a wavelength, in either frame
``kmeans``      KMeans over a range of k, silhouette, stability
``clusterer``   ExplanationClusterer
``summary``     ClusterSummary: means, bands, members, ratios and a sentence each
``story``       names of segments and the sentence
``selection``   what any choice of explanations is, in words
``means``       mean spectra and explanations of any choice, in both frames
``stacks``      rows on one grid, their means and bands
``maps``        explanations as points of a plane: PCA and UMAP
``umapping``    the process that makes a UMAP
``archive``     a fitted clusterer on disk
==============  =====================================================================
"""

from __future__ import annotations

from .clusterer import ExplanationClusterer
from .features import Features, LeftOut, features_of, unit_rows
from .maps import PlaneMap, pca_map, umap_map
from .means import Means
from .selection import Told, tell
from .stacks import Band
from .summary import Cluster, ClusterSummary, summarise

__all__ = [
    "Band",
    "Cluster",
    "ClusterSummary",
    "ExplanationClusterer",
    "Features",
    "LeftOut",
    "Means",
    "PlaneMap",
    "Told",
    "features_of",
    "pca_map",
    "summarise",
    "tell",
    "umap_map",
    "unit_rows",
]


def __dir__() -> list[str]:
    return sorted(__all__)
