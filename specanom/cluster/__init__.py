"""Clusters of explanations, and what each of them is.

==============  =====================================================================
module          what is in it
==============  =====================================================================
``features``    explanations as rows of unit norm
``kmeans``      KMeans over a range of k, silhouette, stability
``clusterer``   ExplanationClusterer
``summary``     ClusterSummary: means, bands, members, ratios and a sentence each
``story``       names of segments and the sentence
``archive``     a fitted clusterer on disk
==============  =====================================================================
"""

from __future__ import annotations

from .clusterer import ExplanationClusterer
from .features import Features, LeftOut, features_of, unit_rows
from .summary import Cluster, ClusterSummary, summarise

__all__ = [
    "Cluster",
    "ClusterSummary",
    "ExplanationClusterer",
    "Features",
    "LeftOut",
    "features_of",
    "summarise",
    "unit_rows",
]
