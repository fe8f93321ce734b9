"""Clusters, their names and the marks of their members, as Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from specanom.cluster import ExplanationClusterer


def code_of(clusterer: ExplanationClusterer, names: Mapping[int, str], marks: Path, *, bootstrap: int) -> str:
    """Return Python that makes the clusters and the table of labels anew from ``explanations``.

    Parameters
    ----------
    clusterer : ExplanationClusterer
    names : mapping of int to str
        What the clusters are called.
    marks : Path
        File of the marks.
    bootstrap : int
        Draws for the stability.
    """
    frame, given = "", "explanations"
    needs = "# explanations: the ExplanationSet (or weights) that was clustered"
    if clusterer.features_.own is not None:
        frame, given = f", frame={clusterer.frame_!r}", "explanations, sample"
        needs = "# explanations: the ExplanationSet that was clustered; sample: the spectra, for their redshifts"
    called = ", ".join(f"{k}: {name!r}" for k, name in names.items())
    return "\n".join([
        "import specanom as sa",
        "from specanom.triage import LabelLog",
        "",
        needs,
        f"clusters = sa.ExplanationClusterer({clusterer.n_clusters_}, k_range={clusterer.k_range}, "
        f"seed={clusterer.seed}, bootstrap={bootstrap}{frame}).fit({given})",
        f"names = {{{called}}}",
        f"marks = LabelLog({str(marks)!r}).current()",
        "labels = clusters.to_frame()[['id', 'cluster']]",
        "labels['cluster_name'] = [names.get(k, '') for k in labels['cluster']]",
        "labels['mark'] = [marks[id].label if id in marks else '' for id in labels['id']]",
        "labels['note'] = [marks[id].note if id in marks else '' for id in labels['id']]",
    ]) + "\n"
