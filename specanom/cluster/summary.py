"""What each cluster is: means with bands, members, context, line ratios and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..diagnostics import CLASSES as BPT_CLASSES
from ..diagnostics import RATIOS, measure_lines, ratio_ranges
from ..errors import DataError, ShapeError, choice, message
from ..face import opener
from ..spectrumset import SpectrumSet
from .features import Features, LeftOut
from .frames import Ground
from .selection import tell
from .stacks import BAND, COVERED

Floats = NDArray[np.float64]

TOP = 12
"""Members listed by score and by distance."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Explanations with their clusters: labels, distances to the centre, and the medoids' ids."""

    features: Features
    labels: NDArray[np.intp]
    distances: Floats
    medoids: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Cluster:
    """One cluster.

    Attributes
    ----------
    label, size : int
        Number of the cluster, and of its members.
    ids : tuple of str
        Members in the order of the explanations.
    medoid : str
        Member nearest to the centre.
    top : tuple of str
        Members by score, oddest first; by distance when scores are unknown.
    nearest : tuple of str
        Members by distance to the centre.
    flux, flux_low, flux_high : (p,) arrays
        Mean spectrum and its 16–84 % band; NaN where no member has a pixel of its own. In a frame that spectra were
        moved into it is the median, where at least a tenth of the members have a pixel.
    weights, weights_low, weights_high : (K,) arrays
        Mean |weight| of unit rows, and their band.
    segment_names : tuple of str
        Name of each segment.
    dominant : tuple of (str, float)
        Segments that hold most of the weight, with their shares.
    context : mapping
        Mean share of the weight by what lies there.
    artefact : float
        Mean probability of an artefact, of the members of which it is known; without any, the mean share of the weight
        on masks, sky, telluric bands, arm joins and spikes; NaN of quasars, for which neither is calibrated.
    snr, z : (float, float, float)
        16th, 50th and 84th percentile.
    ratios : DataFrame or None
        45–55 percentile range of each line ratio (:func:`.ratio_ranges`).
    bpt : mapping
        Members by BPT class.
    story : str
        One sentence.
    """

    label: int
    size: int
    ids: tuple[str, ...]
    medoid: str
    top: tuple[str, ...]
    nearest: tuple[str, ...]
    flux: Floats = field(repr=False)
    flux_low: Floats = field(repr=False)
    flux_high: Floats = field(repr=False)
    weights: Floats = field(repr=False)
    weights_low: Floats = field(repr=False)
    weights_high: Floats = field(repr=False)
    segment_names: tuple[str, ...] = field(repr=False)
    dominant: tuple[tuple[str, float], ...]
    context: Mapping[str, float]
    artefact: float
    snr: tuple[float, float, float]
    z: tuple[float, float, float]
    ratios: pd.DataFrame | None = field(repr=False)
    bpt: Mapping[str, int]
    story: str

    def __post_init__(self) -> None:
        for name in ("flux", "flux_low", "flux_high", "weights", "weights_low", "weights_high"):
            view = np.asarray(getattr(self, name)).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        for name in ("context", "bpt"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __repr__(self) -> str:
        return f"Cluster {self.label}: {self.story}"


@dataclass(frozen=True, eq=False)
class ClusterSummary:
    """All clusters of a sample.

    Attributes
    ----------
    clusters : tuple of Cluster
        By number, the largest first.
    wave : (p,) array
        Wavelengths of the mean spectra, vacuum Å.
    segments : (p,) int array or None
        Segment of each pixel; None where the weights are in bins of their own.
    left_out : tuple of LeftOut
        Explanations that were not clustered, and spectra that were not in the sample.
    curves, stability : DataFrame
        As of the clusterer.
    lines : DataFrame or None
        Line measurements of the members with their ``cluster``.
    frame : {"rest", "observed"}
        Frame of the wavelengths.
    edges : (K + 1,) array or None
        Borders of the bins of the weights, where these were carried into another frame.
    centre : {"mean", "median"}
        What the spectra of the clusters are.
    """

    clusters: tuple[Cluster, ...]
    wave: Floats = field(repr=False)
    segments: NDArray[np.intp] | None = field(repr=False)
    left_out: tuple[LeftOut, ...] = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    stability: pd.DataFrame = field(repr=False)
    lines: pd.DataFrame | None = field(default=None, repr=False)
    frame: str = "rest"
    edges: Floats | None = field(default=None, repr=False)
    centre: str = "mean"

    def __len__(self) -> int:
        return len(self.clusters)

    def __getitem__(self, label: int) -> Cluster:
        return self.clusters[choice("cluster", int(label), range(len(self.clusters)))]

    def __iter__(self) -> Iterator[Cluster]:
        return iter(self.clusters)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cluster: size, medoid, S/N, z, context shares, ranges of line ratios, and the story."""
        return pd.DataFrame([_flat(cluster) for cluster in self.clusters])

    def plot(self, **options: Any) -> Any:
        """Return a bokeh layout of the clusters; see :func:`specanom.plots.clusters`."""
        return opener("plot clusters")(self, **options)

    def __repr__(self) -> str:
        where = "" if self.edges is None else f" in the {self.frame} frame"
        told = (f"  {cluster.label}: {cluster.story}" for cluster in self.clusters)
        return "\n".join([f"ClusterSummary: {len(self)} clusters{where}", *told])

    def _repr_html_(self) -> str:
        shown = self.to_frame()[["cluster", "size", "medoid", "snr", "z", "story"]]
        html: str = shown.round(3).to_html(index=False)
        return html


def _flat(cluster: Cluster) -> dict[str, Any]:
    row: dict[str, Any] = {
        "cluster": cluster.label,
        "size": cluster.size,
        "medoid": cluster.medoid,
        "snr": cluster.snr[1],
        "z": cluster.z[1],
        "artefact": cluster.artefact,
    }
    row |= {f"share_{name}": value for name, value in cluster.context.items()}
    if cluster.ratios is not None:
        for name in cluster.ratios.index:
            row |= {f"{name}_low": cluster.ratios.loc[name, "low"], f"{name}_high": cluster.ratios.loc[name, "high"]}
    return row | {f"bpt_{name}": count for name, count in cluster.bpt.items()} | {"story": cluster.story}


def rows_in(sample: SpectrumSet, ids: tuple[str, ...]) -> NDArray[np.intp]:
    """Return the row of each id in the sample, −1 where it is not there; the first of equal ids counts."""
    place: dict[str, int] = {}
    for row, id in enumerate(sample.ids):
        place.setdefault(id, row)
    return np.array([place.get(id, -1) for id in ids], dtype=np.intp)


def _line_table(sample: SpectrumSet, wanted: NDArray[np.intp], lines: Any) -> pd.DataFrame | None:
    """Return line measurements indexed by id, or None."""
    if lines is False:
        return None
    if lines is None:
        if sample.frame != "rest" or not wanted.size:
            return None
        lines = measure_lines(sample[wanted])
    missing = [name for name in ("id", "bpt", *RATIOS) if name not in lines]
    if missing:
        raise DataError(message("lines", expected="a table from measure_lines", got=f"none of {', '.join(missing)}",
                                hint="lines = measure_lines(sample)"))  # fmt: skip
    indexed: pd.DataFrame = lines.drop_duplicates("id").set_index("id")
    return indexed


def _mean_spectrum(flux: NDArray[Any], moved: bool) -> tuple[Floats, Floats, Floats]:
    """Return mean and 16–84 % band over the pixels that are not missing; (p,) each.

    Of rows that were moved, each by its own redshift, it is the median, which a line of one of them does not spike, and
    only where enough of them have a pixel.
    """
    flux = flux.astype(np.float64)
    seen = np.isfinite(flux).sum(axis=0) > (max(0.5, COVERED * len(flux) - 0.5) if moved else 0)
    made = [np.full(flux.shape[1], np.nan) for _ in range(3)]
    if seen.any():
        made[0][seen] = (np.nanmedian if moved else np.nanmean)(flux[:, seen], axis=0)
        whole = seen & np.isfinite(flux).all(axis=0)  # most pixels, and many times faster without looking for NaN
        for where, of in ((whole, np.percentile), (seen & ~whole, np.nanpercentile)):
            if where.any():
                made[1][where], made[2][where] = of(flux[:, where], [BAND[0], BAND[2]], axis=0)
    return made[0], made[1], made[2]


def _percentiles(table: pd.DataFrame, column: str) -> tuple[float, float, float]:
    values = table[column].to_numpy(dtype=float) if column in table else np.array([])
    values = values[np.isfinite(values)]
    if not values.size:
        return (float("nan"),) * 3
    low, middle, high = np.percentile(values, BAND)
    return float(low), float(middle), float(high)


def _cluster(label: int, found: Grouping, part: SpectrumSet, *, means: tuple[Floats, Floats, Floats],
             lines: pd.DataFrame | None) -> Cluster:
    features, members = found.features, np.flatnonzero(found.labels == label)
    rows = features.rows[members]
    by_distance = members[np.argsort(found.distances[members], kind="stable")]
    by_score = by_distance
    if features.scores is not None:
        by_score = members[np.argsort(-np.nan_to_num(features.scores[members], nan=-np.inf), kind="stable")]
    ids = tuple(features.ids[i] for i in members)
    mine = None if lines is None else lines.reindex(ids)
    bpt = {} if mine is None else {name: int((mine["bpt"] == name).sum()) for name in BPT_CLASSES}
    snr, z = _percentiles(part.table, "snr"), _percentiles(part.table, "z")
    band = np.percentile(rows, [BAND[0], BAND[2]], axis=0)
    told = tell(features, members, classes=bpt, z=z[1])
    mean, low, high = means
    return Cluster(
        label,
        len(ids),
        ids,
        medoid=found.medoids[label],
        top=tuple(features.ids[i] for i in by_score[:TOP]),
        nearest=tuple(features.ids[i] for i in by_distance[:TOP]),
        flux=mean,
        flux_low=low,
        flux_high=high,
        weights=rows.mean(axis=0),
        weights_low=band[0],
        weights_high=band[1],
        segment_names=told.names,
        dominant=told.dominant,
        context=told.context,
        artefact=told.artefact,
        snr=snr,
        z=z,
        ratios=None if mine is None else ratio_ranges(mine),
        bpt=bpt,
        story=told.story,
    )


def summarise(
    found: Grouping, sample: Any, lines: Any = None, *, curves: pd.DataFrame, stability: pd.DataFrame
) -> ClusterSummary:
    """Say what each cluster is.

    Parameters
    ----------
    found : Grouping
        The clustered explanations.
    sample : SpectrumSet
        Holds the spectra that were explained, found by their ids.
    lines : DataFrame, False or None
        Table of :func:`.measure_lines`; None measures the members' lines (needs the rest frame); False goes without.
    curves, stability : DataFrame
        Kept in the record.

    Returns
    -------
    ClusterSummary

    Raises
    ------
    DataError
        When none of the explained spectra is in `sample`, or `lines` is another table.
    """
    if not isinstance(sample, SpectrumSet):
        raise ShapeError(message("sample", expected="the SpectrumSet that was explained", got=type(sample).__name__))
    place = rows_in(sample, found.features.ids)
    if not (place >= 0).any():
        raise DataError(
            message("sample", expected="the spectra that were explained, by id",
                    got=f"none of {found.features.ids[:3]}", hint="give the sample that explain_many was called with")
        )  # fmt: skip
    table = _line_table(sample, np.unique(place[(place >= 0) & (found.labels >= 0)]), lines)
    made, ground = [], Ground.of(found.features, sample)
    for label in range(len(found.medoids)):
        rows = np.flatnonzero((found.labels == label) & (place >= 0))
        part = sample[place[rows]]
        means = _mean_spectrum(ground.flux_of(part, rows), ground.factor is not None)
        made.append(_cluster(label, found, part, means=means, lines=table))
    absent = tuple(LeftOut(found.features.ids[i], "not in the sample") for i in np.flatnonzero(place < 0))
    kept = None
    if table is not None:
        clusters = dict(zip(found.features.ids, found.labels, strict=True))
        kept = table.reset_index().assign(cluster=lambda frame: [int(clusters.get(id, -1)) for id in frame["id"]])
    return ClusterSummary(
        tuple(made),
        ground.wave,
        found.features.segments,
        found.features.left_out + absent,
        curves,
        stability,
        kept,
        ground.frame,
        found.features.edges,
        "mean" if ground.factor is None else "median",
    )
