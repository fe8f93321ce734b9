"""The network that is left of a network when most of its ReLUs never change state over the masks.

Over all copies of one spectrum most hidden units stay on or stay off. Those that stay off are dropped; those that stay
on are affine, so that the coordinates they are made of can take their place, where these are fewer. Both are exact.
What is left maps masks to some tens of coordinates y, of which the last hidden layer is a linear function.

In the first layer a unit's range over *all* masks, ``centre ± ½ Σ|slope|``, settles many units before any mask is
seen. Everything else is settled on the masks asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .deviations import Deviations, Doubles, Floats, Setup
from .products import BLOCK, are_paired, product, ranges, signed_product, through_relu

FOLDED = 0.15  # share of the first layer that may change state, up to which folding it pays
SLACK = 1e-5  # of a unit's range, for float32

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Coordinates:
    """What a layer is a linear function of: t times `slopes`, while it lasts, plus `units` times `into`."""

    signs: Floats
    paired: bool
    slopes: Floats | None
    units: Floats
    into: Floats

    @property
    def width(self) -> int:
        """Number of coordinates."""
        return len(self.into) + (0 if self.slopes is None else len(self.slopes))

    def columns(self, which: Indices) -> Floats:
        """Return the change of some units of the layer, shape ``(n, m)``."""
        into = np.ascontiguousarray(self.into[:, which])
        if self.slopes is None:
            return product(self.units, into)
        made = signed_product(self.signs, np.ascontiguousarray(self.slopes[:, which]), self.paired)
        if len(into):
            made += product(self.units, into)
        return made

    def rows(self, which: slice) -> _Coordinates:
        """Return some rows, of coordinates without t."""
        return _Coordinates(self.signs, False, None, self.units[which], self.into)

    def next(self, on: Indices, mixed: Indices, changed: Floats, step: Floats) -> _Coordinates:
        """Return the coordinates of the next layer: these and the units that change state, already past the ReLU."""
        into = np.concatenate([product(np.ascontiguousarray(self.into[:, on]), step[on]), step[mixed]])
        slopes = None if self.slopes is None else product(np.ascontiguousarray(self.slopes[:, on]), step[on])
        units = changed if not len(self.into) else np.concatenate([self.units, changed], axis=1)
        return _Coordinates(self.signs, self.paired, slopes, units, into)


def collapse(setup: Setup, signs: Floats, parked: Indices, *, fullest: float) -> Deviations:
    """Return the last hidden layer of all copies in as few coordinates as pay.

    Parameters
    ----------
    setup : Setup
        What the masks share.
    signs : (n, K) float32 array
        t of the copies; zero in the rows of `parked`.
    parked : (m,) int array
        Rows that are not looked at.
    fullest : float
        Share of the last hidden layer above which fewer coordinates do not pay.
    """
    shared = setup.shared
    at, first = _start(setup, signs)
    for i in range(first, len(shared.steps) - 1):
        centre, step = setup.centres[i], shared.steps[i + 1]
        states = _states(at, centre) if shared.relu[i] else _States(np.arange(centre.size), np.empty(0, dtype=np.intp))
        if states.on.size * (at.width + step.shape[1]) < at.width * step.shape[1]:
            states = states.all_mixed()  # fewer units than coordinates: take the units
            at = _Coordinates(signs, at.paired, None, _changed(at, states, centre, relu=shared.relu[i]),
                              step[states.mixed])
        else:
            at = at.next(states.on, states.mixed, _changed(at, states, centre, relu=True), step)
    return _last(setup, at, parked, limit=int(fullest * shared.width))


def _start(setup: Setup, signs: Floats) -> tuple[_Coordinates, int]:
    """Return the coordinates of the first layer to look at, and which it is.

    The encoder is passed as it is, a block of copies at a time, when much of its first layer may change state.
    """
    shared, paired = setup.shared, are_paired(signs)
    none = np.empty((len(signs), 0), dtype=np.float32)
    at = _Coordinates(signs, paired, setup.slopes, none, none[:0].reshape(0, setup.slopes.shape[1]))
    if not shared.latent:
        return at, 0
    reach = _reach(setup.slopes)
    alive = np.flatnonzero(setup.centres[0] > -reach)
    if np.count_nonzero(np.abs(setup.centres[0]) < reach) <= FOLDED * reach.size:
        return at, 0
    slopes, step = np.ascontiguousarray(setup.slopes[:, alive]), shared.steps[1][alive]
    latent = np.empty((len(signs), shared.steps[shared.latent].shape[1]), dtype=np.float32)
    for start in range(0, len(signs), BLOCK):
        made = signed_product(signs[start : start + BLOCK], slopes, paired)
        through_relu(made, setup.centres[0][alive])
        for i in range(1, shared.latent + 1):
            made = product(made, step if i == 1 else shared.steps[i])
            if i < shared.latent:
                through_relu(made, setup.centres[i])
        latent[start : start + BLOCK] = made
    return _Coordinates(signs, paired, None, latent, shared.steps[shared.latent + 1]), shared.latent + 1


def _reach(slopes: Floats) -> Doubles:
    """Return how far what enters each unit of the first layer can get from its centre, over all masks there are."""
    reach = 0.5 * np.abs(slopes).sum(axis=0, dtype=np.float64)
    return np.asarray(reach + SLACK * reach + 1e-6)


@dataclass(frozen=True, eq=False)
class _States:
    """The units that stay on over all copies, those that change state, and the changes of some when they are known."""

    on: Indices
    mixed: Indices
    known: Indices | None = None
    change: Floats | None = None

    def all_mixed(self) -> _States:
        """Treat the units that stay on like those that change."""
        return _States(self.on[:0], np.sort(np.concatenate([self.on, self.mixed])), self.known, self.change)


def _changed(at: _Coordinates, states: _States, centre: Doubles, *, relu: bool) -> Floats:
    """Return the change of the units that change state, after the ReLU."""
    which = states.mixed
    if states.known is not None and states.change is not None and np.isin(which, states.known).all():
        change = states.change[:, np.searchsorted(states.known, which)]
    else:
        change = at.columns(which)
    if relu:
        through_relu(change, centre[which])
    return change


def _states(at: _Coordinates, centre: Doubles) -> _States:
    if at.slopes is None:
        low, high = ranges(at.units, at.into)
        return _settled(np.arange(centre.size), centre, low, high)
    reach = np.full(centre.size, np.inf)
    if not len(at.into):
        reach = _reach(at.slopes)
    unsettled = np.flatnonzero(np.abs(centre) < reach)
    change = at.columns(unsettled)
    found = _settled(unsettled, centre[unsettled], *ranges(change))
    on = np.union1d(np.flatnonzero(centre >= reach), found.on)
    return _States(on, found.mixed, unsettled, change)


def _settled(units: Indices, centre: Doubles, low: Doubles, high: Doubles) -> _States:
    stays_on = centre + low >= 0
    return _States(units[stays_on], units[~stays_on & (centre + high > 0)])


def _last(setup: Setup, at: _Coordinates, parked: Indices, *, limit: int) -> Deviations:
    """Return the last hidden layer, a linear function of coordinates unless too many of its units change state."""
    centre, paired = setup.centres[-1], at.paired
    if at.slopes is not None:  # so few segments that t itself is what the units are made of
        at = _Coordinates(at.signs, False, None, np.concatenate([at.signs, at.units], axis=1),
                          np.concatenate([at.slopes, at.into]))
    states = _states(at.rows(slice(0, BLOCK)), centre)  # a few copies tell already when there are too many
    if min(states.on.size, at.width) + states.mixed.size <= limit:
        states = _states(at, centre)
    if min(states.on.size, at.width) + states.mixed.size > limit:
        every = _States(np.empty(0, dtype=np.intp), np.arange(centre.size))
        return Deviations(at.signs, setup.reference, None, parked,
                          lambda rows: _changed(at.rows(rows), every, centre, relu=True),
                          f"rank above {limit} of {centre.size}, too high to collapse", paired)
    if states.on.size <= at.width:
        states = states.all_mixed()
    y, on, mixed = _changed(at, states, centre, relu=True), states.on, states.mixed
    y = np.concatenate([at.units, y], axis=1) if on.size else y
    basis = np.zeros((y.shape[1], centre.size), dtype=np.float32)
    if on.size:
        basis[: at.width, on] = at.into[:, on]
    basis[y.shape[1] - mixed.size + np.arange(mixed.size), mixed] = 1.0
    return Deviations(at.signs, setup.reference, basis, parked, lambda rows: y[rows], paired=paired)
