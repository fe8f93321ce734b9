"""Many explanations on one wavelength grid, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, GridError, ShapeError, message
from ..face import opener
from .classes import CLASSES
from .context import FIELDS, Context
from .explanation import Explanation
from .explanation_store import read_columns, write_columns

if TYPE_CHECKING:
    import pandas as pd

TEXT = ("ids", "grades", "reasons", "paths")
NUMBERS = ("scores", "intercepts", "r2", "ess", "stability", "completeness", "n_samples", "artefact")


@dataclass(frozen=True)
class Skipped:
    """A spectrum that has no explanation, and why."""

    id: str
    reason: str


@dataclass(frozen=True, eq=False)
class ExplanationSet:
    """Explanations of many spectra; ``es[i]`` is one of them, iteration gives all.

    Attributes
    ----------
    weights : (n, K) float64 array
        NaN beyond a row's own number of segments when the segmentation follows the flux.
    interval : (n, K, 2) float64 array
    segments : (p,) or (n, p) int array
        Shared by all rows, or one row each.
    wave : (p,) float64 array
    ids, grades, reasons, paths : lists of str
    scores, intercepts, r2, ess, stability, completeness, n_samples, artefact : (n,) arrays
        As in an Explanation; `artefact` is the probability of its context.
    error : (n, K) float64 array
        Standard errors of the weights.
    shares : (n, 7) float64 array
        Context: lines, imputed, sky, telluric, join, continuum, narrow.
    names : list of tuple of str
        Names of the segments, row by row.
    narrow : (n, K) bool array or None
    frame : str
    settings : mapping
    flux : (n, p) float32 array or None
    skipped : tuple of Skipped
        Spectra without an explanation.
    """

    weights: NDArray[np.float64]
    interval: NDArray[np.float64]
    segments: NDArray[np.intp]
    wave: NDArray[np.float64]
    ids: list[str]
    grades: list[str]
    reasons: list[str]
    paths: list[str]
    scores: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    r2: NDArray[np.float64]
    ess: NDArray[np.float64]
    stability: NDArray[np.float64]
    completeness: NDArray[np.float64]
    n_samples: NDArray[np.intp]
    artefact: NDArray[np.float64]
    error: NDArray[np.float64]
    shares: NDArray[np.float64]
    names: list[tuple[str, ...]]
    narrow: NDArray[np.bool_] | None = None
    frame: str = "rest"
    settings: Mapping[str, Any] = field(default_factory=dict)
    flux: NDArray[np.float32] | None = None
    skipped: tuple[Skipped, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.ids)
        for name in ("weights", "interval", "error", "shares", *NUMBERS, *TEXT, "names"):
            if len(getattr(self, name)) != n:
                raise ShapeError(message(name, expected=f"{n} rows, one an id", got=len(getattr(self, name))))
        for name in ("weights", "interval", "error", "segments", "wave", "shares", *NUMBERS, "narrow", "flux"):
            array = getattr(self, name)
            if array is not None:
                view = np.asarray(array).view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled: worker processes send the parts.
        return partial(ExplanationSet, **{**self.__dict__, "settings": dict(self.settings)}), ()

    @classmethod
    def of(cls, explanations: Sequence[Explanation], skipped: Sequence[Skipped] = ()) -> ExplanationSet:
        """Gather explanations on one grid, made with the same settings.

        Raises
        ------
        DataError
            When there are none, or their settings differ.
        GridError
            When their wavelengths differ.
        """
        if not explanations:
            reasons = "; ".join(f"{one.id}: {one.reason}" for one in skipped[:3])
            raise DataError(message("explanations", expected="at least one", got=f"none ({reasons or 'empty sample'})"))
        first = explanations[0]
        _same(first, explanations)
        k = max(one.n_segments for one in explanations)
        shared = all(one.segments is first.segments or np.array_equal(one.segments, first.segments)
                     for one in explanations)
        narrow = [one.context.narrow for one in explanations]
        flux = [one.flux for one in explanations if one.flux is not None]
        return cls(
            weights=_padded([one.weights for one in explanations], k),
            interval=_padded([one.interval for one in explanations], k),
            error=_padded([np.full(one.n_segments, np.nan) if one.error is None else one.error
                           for one in explanations], k),
            segments=first.segments if shared else np.stack([one.segments for one in explanations]),
            wave=first.wave,
            ids=[one.id for one in explanations],
            grades=[one.grade for one in explanations],
            reasons=[one.reason for one in explanations],
            paths=[one.path for one in explanations],
            scores=np.array([one.score for one in explanations]),
            intercepts=np.array([one.intercept for one in explanations]),
            r2=np.array([one.r2 for one in explanations]),
            ess=np.array([one.ess for one in explanations]),
            stability=np.array([one.stability for one in explanations]),
            completeness=np.array([one.completeness for one in explanations]),
            n_samples=np.array([one.n_samples for one in explanations]),
            artefact=np.array([one.context.artefact for one in explanations]),
            shares=np.array([list(one.context.shares.values()) for one in explanations]),
            names=[one.names for one in explanations],
            narrow=None if any(row is None for row in narrow) else _padded(narrow, k) == 1,
            frame=first.frame,
            settings=first.settings,
            flux=np.stack(flux) if len(flux) == len(explanations) else None,
            skipped=tuple(skipped),
        )

    @classmethod
    def concatenate(cls, sets: Sequence[ExplanationSet]) -> ExplanationSet:
        """Join sets on one grid, made with the same settings."""
        return cls.of([one for each in sets for one in each], [one for each in sets for one in each.skipped])

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Explanation: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[Any]) -> ExplanationSet: ...
    def __getitem__(self, key: Any) -> Explanation | ExplanationSet:
        if isinstance(key, (int, np.integer)):
            return self._one(range(len(self))[int(key)])
        rows = np.arange(len(self))[key]
        columns = ("weights", "interval", "error", "shares", *NUMBERS)
        picked: dict[str, Any] = {name: getattr(self, name)[rows] for name in columns}
        picked |= {name: [getattr(self, name)[i] for i in rows] for name in (*TEXT, "names")}
        picked |= {name: None if getattr(self, name) is None else getattr(self, name)[rows]
                   for name in ("narrow", "flux")}
        return replace(self, segments=self.segments if self.segments.ndim == 1 else self.segments[rows], **picked)

    def _one(self, i: int) -> Explanation:
        segments = self.segments if self.segments.ndim == 1 else self.segments[i]
        k = int(segments.max()) + 1
        shares = {FIELDS.get(name, name): float(value) for name, value in zip(CLASSES, self.shares[i], strict=True)}
        context = Context(**shares, names=self.names[i],
                          narrow=None if self.narrow is None else self.narrow[i, :k],
                          artefact=float(self.artefact[i]))
        return Explanation(
            self.weights[i, :k], self.interval[i, :k], segments, self.wave, score=float(self.scores[i]),
            intercept=float(self.intercepts[i]), r2=float(self.r2[i]), ess=float(self.ess[i]), grade=self.grades[i],
            reason=self.reasons[i], error=self.error[i, :k], stability=float(self.stability[i]),
            completeness=float(self.completeness[i]), n_samples=int(self.n_samples[i]), context=context,
            path=self.paths[i], id=self.ids[i], frame=self.frame, settings=self.settings,
            flux=None if self.flux is None else self.flux[i],
        )

    def __iter__(self) -> Iterator[Explanation]:
        for i in range(len(self)):
            yield self._one(i)

    def by_id(self, id: str) -> Explanation:
        """Return the first explanation called `id`.

        Raises
        ------
        DataError
            When there is none.
        """
        if str(id) not in self.ids:
            raise DataError(message("id", expected="an id of this set", got=repr(id), hint=f"{self.ids[:3]}, …"))
        return self._one(self.ids.index(str(id)))

    @property
    def edges(self) -> NDArray[np.float64] | None:
        """The K + 1 wavelengths between segments when all rows share one-interval segments, else None."""
        return self[0].edges if self.segments.ndim == 1 and len(self) else None

    @property
    def context(self) -> pd.DataFrame:
        """Shares of Σ|weight|, one row a spectrum: id, lines, imputed, sky, telluric, join, continuum, narrow."""
        import pandas as pd

        table = pd.DataFrame(self.shares, columns=list(CLASSES))
        table.insert(0, "id", self.ids)
        return table

    def per_pixel(self) -> NDArray[np.float64]:
        """Return the weight of each pixel's segment, shape ``(n, p)``: comparable when segmentations differ."""
        if self.segments.ndim == 1:
            return self.weights[:, self.segments]
        return np.take_along_axis(self.weights, self.segments, axis=1)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a spectrum: id, score, r2, ess, grade, reason, path, the leading segment, context shares."""
        import pandas as pd

        best = [int(np.nanargmax(np.abs(row))) for row in self.weights]
        head = pd.DataFrame({
            "id": self.ids, "score": self.scores, "intercept": self.intercepts, "r2": self.r2, "ess": self.ess,
            "stability": self.stability, "completeness": self.completeness, "n_samples": self.n_samples,
            "grade": self.grades, "reason": self.reasons, "path": self.paths,
            "leading": [names[k] for names, k in zip(self.names, best, strict=True)],
            "leading_weight": [float(row[k]) for row, k in zip(self.weights, best, strict=True)],
            "artefact": self.artefact,
        })
        return pd.concat([head, self.context.drop(columns="id")], axis=1)

    def replace(self, **fields: Any) -> ExplanationSet:
        """Return a copy with other values for the named attributes, e.g. ``flux=None`` before saving."""
        return replace(self, **fields)

    def save(self, path: str | Path, *, overwrite: bool = True) -> Path:
        """Write a Zarr v3 group with a table and a manifest; the folder appears when it is whole."""
        return write_columns(self, path, overwrite=overwrite)

    @classmethod
    def open(cls, path: str | Path) -> ExplanationSet:
        """Open what :meth:`save` wrote.

        Raises
        ------
        DataError
            When there is no finished set of a known version at `path`.
        """
        columns = read_columns(path)
        return cls(**{**columns, "skipped": tuple(Skipped(**one) for one in columns["skipped"])})

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.explanation_set`."""
        return opener("plot explanations")(self, **options)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.grades.count(grade)} {grade}" for grade in dict.fromkeys(self.grades))
        left = f"; {len(self.skipped)} skipped" if self.skipped else ""
        return f"ExplanationSet: {len(self)} explanations x {self.weights.shape[1]} segments ({counts}){left}"

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.to_frame()[["id", "score", "leading", "leading_weight", "r2", "grade"]].head(8)
        return f"<p>{escape(repr(self))}</p>{shown.to_html(index=False)}"


def _padded(rows: Sequence[Any], k: int) -> NDArray[np.float64]:
    first = np.asarray(rows[0])
    made = np.full((len(rows), k, *first.shape[1:]), np.nan)
    for target, row in zip(made, rows, strict=True):
        target[: len(row)] = row
    return made


def _same(first: Explanation, explanations: Sequence[Explanation]) -> None:
    for other in explanations:
        if other.wave is not first.wave and not np.array_equal(other.wave, first.wave):
            raise GridError(message("explanations", expected="one wavelength grid", got="several",
                                    hint="one set a grid"))
        if dict(other.settings) != dict(first.settings):
            raise DataError(message("explanations", expected="equal settings", got="several kinds",
                                    hint="explain the sample again with one Explainer"))
