"""Many explanations on one wavelength grid, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError, message
from ..face import opener
from ..store import StoredRows
from .classes import CLASSES
from .context import FIELDS, Context
from .explanation import Explanation
from .explanation_store import read_columns
from .joining import NUMBERS, TEXT, Joining, columns_of
from .names import Names
from .writer import ROWS, ExplanationWriter

if TYPE_CHECKING:
    import pandas as pd

LARGE = ("weights", "interval", "error", "segments", "shares", "narrow", "flux")  # on disk until they are touched
STEP = 256  # rows read at a time when a set on disk is walked through


def _none() -> None:
    """Stand for what a set has not; as a factory, so that the class itself has no such attribute."""


@dataclass(frozen=True)
class Skipped:
    """A spectrum that has no explanation, and why."""

    id: str
    reason: str


@dataclass(frozen=True, eq=False)
class ExplanationSet:
    """Explanations of many spectra; ``es[i]`` is one of them, iteration gives all.

    A set opened from disk reads its large arrays when they are first touched; ``es[i]``, slices and iteration read
    their own rows only.

    Attributes
    ----------
    weights : (n, K) float64 array
        NaN beyond a row's own number of segments when the segmentation follows the flux.
    interval : (n, K, 2) float64 array
    segments : (p,) or (n, p) int array
        Shared by all rows, or one row each.
    wave : (p,) float64 array
    ids, grades, reasons, paths, kernels, untold : lists of str
        `untold` is that of the context: why there is no probability of an artefact.
    scores, intercepts, r2, ess, stability, completeness, n_samples, artefact, z_second : (n,) arrays
        As in an Explanation; `artefact` and `z_second` are those of its context.
    error : (n, K) float64 array
        Standard errors of the weights.
    shares : (n, 7) float64 array
        Context: lines, imputed, sky, telluric, join, continuum, narrow.
    names : Names
        Names of the segments, row by row: ``es.names[i]`` is a tuple of str.
    narrow : (n, K) bool array or None
    frame : str
    settings : mapping
    flux : (n, p) float32 array or None
        The spectra, for plots; those of a SpectrumSet that was explained are not copied.
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
    kernels: list[str]
    untold: list[str]
    scores: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    r2: NDArray[np.float64]
    ess: NDArray[np.float64]
    stability: NDArray[np.float64]
    completeness: NDArray[np.float64]
    n_samples: NDArray[np.intp]
    artefact: NDArray[np.float64]
    z_second: NDArray[np.float64]
    error: NDArray[np.float64]
    shares: NDArray[np.float64]
    names: Names
    narrow: NDArray[np.bool_] | None = field(default_factory=_none)
    frame: str = "rest"
    settings: Mapping[str, Any] = field(default_factory=dict)
    flux: NDArray[np.float32] | None = field(default_factory=_none)
    skipped: tuple[Skipped, ...] = ()

    if TYPE_CHECKING:

        @property
        def _unread(self) -> Mapping[str, StoredRows]: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", Names.of(self.names))
        n = len(self.ids)
        for name in ("weights", "interval", "error", "shares", *NUMBERS, *TEXT, "names"):
            value = self._raw(name)
            rows = value.shape[0] if isinstance(value, StoredRows) else len(value)
            if rows != n:
                raise ShapeError(message(name, expected=f"{n} rows, one an id", got=rows))
        unread = {name: self.__dict__[name] for name in LARGE if isinstance(self.__dict__[name], StoredRows)}
        for name in unread:
            object.__delattr__(self, name)  # until it is touched, see __getattr__
        object.__setattr__(self, "_unread", unread)
        for name in (*LARGE, *NUMBERS, "wave"):
            if self.__dict__.get(name) is not None:
                object.__setattr__(self, name, _frozen(name, self.__dict__[name]))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            unread = self.__dict__.get("_unread", {})
            if name not in unread:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            object.__setattr__(self, name, _frozen(name, unread[name].load()))
            return self.__dict__[name]

    def _raw(self, name: str) -> Any:
        """Return a field as it is, without reading it from disk."""
        return self.__dict__[name] if name in self.__dict__ else self._unread[name]

    def _fields(self) -> dict[str, Any]:
        return {item.name: self._raw(item.name) for item in fields(self)} | {"settings": dict(self.settings)}

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled: worker processes send the parts.
        return partial(ExplanationSet, **self._fields()), ()

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
        return cls(**columns_of(explanations), skipped=tuple(skipped))

    @classmethod
    def concatenate(cls, sets: Sequence[ExplanationSet]) -> ExplanationSet:
        """Join sets on one grid, made with the same settings.

        Raises
        ------
        DataError
            When there are none, or their settings differ.
        GridError
            When their wavelengths differ.
        """
        joining = Joining()
        for each in sets:
            joining.append(each)
        return cls(**joining.finish(), skipped=tuple(one for each in sets for one in each.skipped))

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Explanation: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[Any]) -> ExplanationSet: ...
    def __getitem__(self, key: Any) -> Explanation | ExplanationSet:
        if isinstance(key, (int, np.integer)):
            return self._one(range(len(self))[int(key)])
        rows = key if isinstance(key, slice) else np.arange(len(self))[key]
        picked: dict[str, Any] = {name: _part(self._raw(name), rows) for name in (*LARGE, *NUMBERS, "names")}
        where = np.arange(len(self))[rows]
        picked |= {name: [getattr(self, name)[i] for i in where] for name in TEXT}
        if len(self._raw("segments").shape) == 1:
            picked["segments"] = self._raw("segments")
        return self.replace(**picked)

    def _one(self, i: int) -> Explanation:
        if self._unread.keys() - self.__dict__.keys():
            return self[i : i + 1]._read()._one(0)
        segments = self.segments if self.segments.ndim == 1 else self.segments[i]
        k = int(segments.max()) + 1
        shares = {FIELDS.get(name, name): float(value) for name, value in zip(CLASSES, self.shares[i], strict=True)}
        context = Context(**shares, names=self.names[i],
                          narrow=None if self.narrow is None else self.narrow[i, :k],
                          artefact=float(self.artefact[i]), z_second=float(self.z_second[i]),
                          untold=self.untold[i])
        return Explanation(
            self.weights[i, :k], self.interval[i, :k], segments, self.wave, score=float(self.scores[i]),
            intercept=float(self.intercepts[i]), r2=float(self.r2[i]), ess=float(self.ess[i]), grade=self.grades[i],
            reason=self.reasons[i], error=self.error[i, :k], stability=float(self.stability[i]),
            completeness=float(self.completeness[i]), n_samples=int(self.n_samples[i]), context=context,
            path=self.paths[i], kernel=self.kernels[i], id=self.ids[i], frame=self.frame, settings=self.settings,
            flux=None if self.flux is None else self.flux[i],
        )

    def _read(self) -> ExplanationSet:
        for name in self._unread:
            getattr(self, name)
        if isinstance(self.names.codes, StoredRows):
            object.__setattr__(self, "names", Names(self.names.codes.load(), self.names.vocabulary))
        return self

    def __iter__(self) -> Iterator[Explanation]:
        for block in self.blocks(STEP):
            yield from (block._one(i) for i in range(len(block)))

    def blocks(self, n: int = STEP) -> Iterator[ExplanationSet]:
        """Yield the set in blocks of at most `n` rows; a set on disk is read block by block and not kept."""
        for start in range(0, len(self), n):
            yield self[start : start + n]._read()

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

        best = np.nanargmax(np.abs(self.weights), axis=1)
        head = pd.DataFrame({
            "id": self.ids, "score": self.scores, "intercept": self.intercepts, "r2": self.r2, "ess": self.ess,
            "stability": self.stability, "completeness": self.completeness, "n_samples": self.n_samples,
            "grade": self.grades, "reason": self.reasons, "path": self.paths,
            "leading": self.names.at(best), "leading_weight": self.weights[np.arange(len(self)), best],
            "artefact": self.artefact, "z_second": self.z_second,
        })
        return pd.concat([head, self.context.drop(columns="id")], axis=1)

    def replace(self, **values: Any) -> ExplanationSet:
        """Return a copy with other values for the named attributes, e.g. ``flux=None`` before saving."""
        return ExplanationSet(**{**self._fields(), **values})

    def save(self, path: str | Path, *, overwrite: bool = True) -> Path:
        """Write a Zarr v3 group with a table and a manifest; the folder appears when it is whole."""
        with ExplanationWriter(path, overwrite=overwrite) as writer:
            for block in self.blocks(ROWS):
                writer.append(block)
            writer.skip(self.skipped)
        return Path(path)

    @classmethod
    def open(cls, path: str | Path) -> ExplanationSet:
        """Open what :meth:`save` wrote; large arrays are read when they are touched.

        Raises
        ------
        DataError
            When there is no finished set of a known version at `path`.
        """
        columns = read_columns(path)
        return cls(**{**columns, "skipped": tuple(Skipped(**one) for one in columns["skipped"])})

    def to_shap(self) -> Any:
        """Return a ``shap.Explanation``; see :func:`specanom.explain.exports.to_shap`."""
        return opener("explanation to shap")(self)

    def to_xarray(self) -> Any:
        """Return an ``xarray.Dataset``; see :func:`specanom.explain.exports.to_xarray`."""
        return opener("explanation to xarray")(self)

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.explanation_set`."""
        return opener("plot explanations")(self, **options)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.grades.count(grade)} {grade}" for grade in dict.fromkeys(self.grades))
        left = "".join(f"; artefact: {why}" for why in dict.fromkeys(self.untold) if why)
        left += f"; {len(self.skipped)} skipped" if self.skipped else ""
        return f"ExplanationSet: {len(self)} explanations x {self._raw('weights').shape[1]} segments ({counts}){left}"

    def _repr_html_(self) -> str:
        from html import escape

        shown = self[:8].to_frame()[["id", "score", "leading", "leading_weight", "artefact", "grade"]]
        return f"<p>{escape(repr(self))}</p>{shown.to_html(index=False)}"


def _part(values: Any, rows: Any) -> Any:
    return None if values is None else values[rows]


def _frozen(name: str, array: Any) -> NDArray[Any]:
    kind = {"segments": np.intp, "narrow": np.bool_}.get(name)
    view = np.asarray(array, dtype=kind).view()
    view.flags.writeable = False
    return view
