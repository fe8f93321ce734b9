"""What any choice of explanations is, in the words used for clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .places import observed_name, segment_name
from .story import Where, artefact_share, cluster_names, dominant, segment_spans, sentence

NAMED = 512
"""Names of segments are voted on by at most so many members."""


@dataclass(frozen=True)
class Told:
    """What some explanations have in common.

    Attributes
    ----------
    names : tuple of str
        Name of each segment among them.
    dominant, context, artefact, story
        As of a :class:`.Cluster`.
    untold : str
        Why there is no probability of an artefact, where no member is of a sort of which it is told.
    """

    names: tuple[str, ...]
    dominant: tuple[tuple[str, float], ...]
    context: Mapping[str, float]
    artefact: float
    story: str
    untold: str = ""


def tell(
    features: Features, members: NDArray[np.intp], *, classes: Mapping[str, int] | None = None, z: float = float("nan")
) -> Told:
    """Say what the explanations `members` have in common.

    Parameters
    ----------
    features : Features
        All explanations.
    members : int array
        Rows of `features`; at least one.
    classes : mapping, optional
        Members by BPT class.
    z : float
        Median redshift.
    """
    names, context = names_of(features, members), context_of(features, members)
    leading = dominant(names, features.rows[members].mean(axis=0))
    other = elsewhere(features, members)
    story = sentence(len(members), leading, context=context, classes=classes or {}, z=z, other=other)
    return Told(names, leading, context, artefact_of(features, members, context), story,
                untold_of(features, members))


def elsewhere(features: Features, members: NDArray[np.intp]) -> Where | None:
    """Say where the weight is in the frame that was explained, when `features` are of another one."""
    own = features.own
    if own is None:
        return None
    leading = dominant(names_of(own, members), own.rows[members].mean(axis=0))
    return Where(str(features.frame), own.frame or "rest", leading)


def context_of(features: Features, members: NDArray[np.intp]) -> dict[str, float]:
    """Return the mean share of the weight on lines, masks, sky, …; empty when it is not known."""
    if features.context is None:
        return {}
    shares = features.context.iloc[members].select_dtypes("number")
    return {str(name): float(shares[name].mean()) for name in shares.columns if str(name) != "artefact"}


def artefact_of(features: Features, members: NDArray[np.intp], context: Mapping[str, float]) -> float:
    """Return the mean probability of an artefact, else the share of the weight where artefacts lie.

    NaN where no member is of a sort of which the probability is told, as quasars are not.
    """
    if features.context is None or "artefact" not in features.context:
        return artefact_share(context)
    known = features.context["artefact"].to_numpy(dtype=np.float64)[members]
    known = known[np.isfinite(known)]
    if not known.size and untold_of(features, members):
        return float("nan")
    return float(known.mean()) if known.size else artefact_share(context)


def untold_of(features: Features, members: NDArray[np.intp]) -> str:
    """Return why of no member a probability of an artefact is told, ``"not calibrated for quasars"``, or ``""``."""
    if features.context is None or "untold" not in features.context or not members.size:
        return ""
    reasons = features.context["untold"].iloc[members].unique()
    return str(reasons[0]) if len(reasons) == 1 else ""


def names_of(features: Features, members: NDArray[np.intp]) -> tuple[str, ...]:
    """Return for each segment the name that carries most weight among the members."""
    if features.places is not None:
        return features.places
    if features.names is not None:
        members = members[:: -(-len(members) // NAMED)]
        rows: Sequence[Sequence[str]] = features.names
        if len(features.names) > 1:
            rows = [features.names[i] for i in members]
        return cluster_names(rows, features.rows[members])
    if features.segments is not None and features.wave is not None:
        name = observed_name if features.frame == "observed" else segment_name
        return tuple(name(lo, hi) for lo, hi in segment_spans(features.segments, features.wave))
    return tuple(f"segment {k}" for k in range(features.n_segments))
