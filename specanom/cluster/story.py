"""What a cluster is, in words: names of segments, and one sentence made from the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ARTEFACTS: dict[str, str] = {
    "imputed": "masked pixels and their edges",
    "sky": "sky lines",
    "telluric": "telluric bands",
    "join": "the join of the arms",
    "narrow": "spikes narrower than the instrument",
}
"""Classes of context that come from the instrument or the sky, and how to say them."""
SUSPICIOUS = 0.35
"""Share of the weight on artefacts from which a cluster is called suspicious."""
WORTH = 0.1
"""Share of the weight from which a name of the other frame is told too."""
NO_LINE = ("continuum", "feature", "spike", "missing feature", "mask", "dead")
"""How names begin that say no more than a wavelength, which is another one in the other frame."""
GAS: dict[str, str] = {
    "SF": "star-forming", "composite": "composite", "Seyfert": "Seyfert", "LINER": "LINER",
}  # fmt: skip


@dataclass(frozen=True)
class Where:
    """Where the weight of a cluster is in the frame that was explained.

    Attributes
    ----------
    frame : {"rest", "observed"}
        Frame of the clusters.
    own : {"rest", "observed"}
        Frame that was explained.
    leading : sequence of (str, float)
        Names and their shares.
    """

    frame: str
    own: str
    leading: Sequence[tuple[str, float]]


def segment_spans(segments: NDArray[np.intp], wave: Floats) -> list[tuple[float, float]]:
    """Return the lowest and highest wavelength of each segment."""
    return [
        (float(wave[segments == k].min()), float(wave[segments == k].max())) for k in range(int(segments.max()) + 1)
    ]


def cluster_names(names: Sequence[Sequence[str]], weights: Floats) -> tuple[str, ...]:
    """Return for each segment the name that carries most weight among the members, ``(K,)``.

    Parameters
    ----------
    names : m tuples of K names
        Of each member; one tuple stands for all.
    weights : (m, K) array
        |weights| of each member.
    """
    made = []
    for k in range(weights.shape[1]):
        votes: dict[str, float] = {}
        for row, weight in zip(names if len(names) > 1 else [names[0]] * len(weights), weights[:, k], strict=True):
            votes[row[k]] = votes.get(row[k], 0.0) + float(weight) + 1e-12
        made.append(max(votes, key=lambda name: votes[name]))
    return tuple(made)


def dominant(
    names: Sequence[str], weights: Floats, *, most: int = 4, least: float = 0.08
) -> tuple[tuple[str, float], ...]:
    """Return the names that hold most of the weight, with their shares; segments of one name are added up.

    Parameters
    ----------
    names : K names
    weights : (K,) array
        Mean |weight|.
    most : int
        At most so many.
    least : float
        Smallest share worth naming; the first is always named.
    """
    total = float(weights.sum())
    shares: dict[str, float] = {}
    for name, weight in zip(names, weights, strict=True):
        shares[name] = shares.get(name, 0.0) + (float(weight) / total if total > 0 else 0.0)
    ranked = sorted(shares.items(), key=lambda item: -item[1])[:most]
    return tuple(item for place, item in enumerate(ranked) if place == 0 or item[1] >= least)


def artefact_share(context: Mapping[str, float]) -> float:
    """Return the share of the weight on masks, sky, atmosphere, arm joins and spikes; NaN when none of it is known."""
    parts = np.array([context.get(name, float("nan")) for name in ARTEFACTS])
    return float(np.nansum(parts)) if np.isfinite(parts).any() else float("nan")


def _gas(classes: Mapping[str, int], size: int) -> str:
    known = {name: count for name, count in classes.items() if name in GAS and count}
    measured = sum(known.values())
    if measured < max(3, 0.2 * size):
        return "too few emission lines for ratios" if classes else ""
    name, count = max(known.items(), key=lambda item: item[1])
    if count >= 0.6 * measured:
        return f"{GAS[name]} line ratios"
    ranked = sorted(known.items(), key=lambda item: -item[1])[:2]
    return "mixed line ratios (" + " and ".join(f"{GAS[name]} {n / measured * 100:.0f} %" for name, n in ranked) + ")"


def _suspicion(context: Mapping[str, float]) -> str:
    share = artefact_share(context)
    if not share >= SUSPICIOUS:
        return ""
    worst = sorted(
        ((context[name], text) for name, text in ARTEFACTS.items() if context.get(name, 0.0) >= 0.1), reverse=True
    )
    where = ", ".join(f"{text} {part * 100:.0f} %" for part, text in worst) or "a little of each"
    return f"suspicious: {share * 100:.0f} % of the weight lies where artefacts do ({where}), so look for one first"


def sentence(
    size: int,
    leading: Sequence[tuple[str, float]],
    *,
    context: Mapping[str, float],
    classes: Mapping[str, int],
    z: float,
    other: Where | None = None,
) -> str:
    """Return one sentence on a cluster.

    Parameters
    ----------
    size : int
        Spectra.
    leading : sequence of (str, float)
        Where the weight is, with its shares.
    context : mapping
        Share of the weight by what lies there.
    classes : mapping
        Members by BPT class.
    z : float
        Median redshift.
    other : Where, optional
        Where it is in the frame that was explained, when `leading` is of another one.

    Examples
    --------
    >>> sentence(43, [("Hα+[N II]", 0.38), ("[O III]", 0.22)], context={}, classes={"SF": 40}, z=0.08)
    '43 spectra whose weight sits on Hα+[N II] (38 %) and [O III] (22 %); star-forming line ratios; median z 0.08.'
    >>> sentence(6, [("OH forest", 0.7)], context={}, classes={}, z=0.08,
    ...          other=Where("observed", "rest", [("Hα", 0.3), ("continuum 6700–6750 Å", 0.1)]))
    '6 spectra whose weight in the observed frame sits on OH forest (70 %); at rest on Hα (30 %); median z 0.08.'
    """
    verb = "sits" if leading[0][1] >= 0.08 else "is spread widely, most"
    frame = "" if other is None else f"in the {other.frame} frame "
    head = f"{size} {'spectrum' if size == 1 else 'spectra'} whose weight {frame}{verb} on {_listed(leading)}"
    parts = [head, _in_the_other(other), _suspicion(context), _gas(classes, size),
             f"median z {z:.2f}" if np.isfinite(z) else ""]
    return "; ".join(part for part in parts if part) + "."


def _listed(leading: Sequence[tuple[str, float]]) -> str:
    listed = [f"{name} ({share * 100:.0f} %)" for name, share in leading]
    return listed[0] if len(listed) == 1 else ", ".join(listed[:-1]) + " and " + listed[-1]


def _in_the_other(other: Where | None) -> str:
    """Say where the weight is in the frame that was explained, as far as that has a name."""
    if other is None:
        return ""
    told = [(name, share) for name, share in other.leading if share >= WORTH and not name.startswith(NO_LINE)]
    return f"{'at rest' if other.own == 'rest' else 'as observed'} on {_listed(told)}" if told else ""
