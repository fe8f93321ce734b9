"""The record of a comparison: one table of all methods on the same spectra, with the noise floor of each."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, choice, message
from ..face import opener

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 1000
LEAST = 1e-6
SHUFFLED = ", shuffled"
ARROWS = {"higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class Measure:
    """A column of the table: what it is called, which way is better, and how it is averaged over spectra.

    Ratios that may have a small denominator are averaged by the median, measures between 0 and 1 by the mean.
    """

    label: str
    better: str
    average: Literal["mean", "median"] = "mean"


MEASURES = {
    "deletion": Measure("deletion AUC", "lower", "median"),
    "insertion": Measure("insertion AUC", "higher", "median"),
    "infidelity": Measure("infidelity", "lower", "median"),
    "infidelity_scaled": Measure("infidelity, best factor", "lower", "median"),
    "sensitivity": Measure("max-sensitivity", "lower", "median"),
    "pointing": Measure("leading segment in truth", "higher"),
    "pointing_pixel": Measure("leading pixel in truth", "higher"),
    "roc": Measure("pixel ROC-AUC", "higher"),
    "roc_positive": Measure("pixel ROC-AUC, positive weights", "higher"),
    "precision": Measure("pixel average precision", "higher"),
    "completeness": Measure("completeness error", "lower", "median"),
    "r2": Measure("R²", "higher", "median"),
    "seconds": Measure("seconds", "lower", "median"),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What methods reach on the same spectra.

    Attributes
    ----------
    by_spectrum : DataFrame
        One row a method and spectrum: ``method``, ``id``, ``shuffled`` and a column a measure. Rows with `shuffled`
        hold the mean over several explanations whose weights were permuted among the segments.
    curves : DataFrame
        Deletion and insertion, averaged over spectra: ``method``, ``shuffled``, ``kind``, ``share``, ``value``
        (median), ``lower``, ``upper`` (95 % by bootstrap).
    skipped : tuple of (method, id, reason)
        What could not be explained; such a spectrum has no row of that method.
    seed : int
        Of the bootstrap.
    """

    by_spectrum: pd.DataFrame
    curves: pd.DataFrame
    skipped: tuple[tuple[str, str, str], ...] = ()
    seed: int = 0

    @property
    def methods(self) -> tuple[str, ...]:
        """The names, in the order given."""
        return tuple(dict.fromkeys(self.by_spectrum["method"]))

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that are known of any spectrum."""
        return tuple(name for name in MEASURES if self.by_spectrum[name].notna().any())

    @property
    def table(self) -> pd.DataFrame:
        """One row a method, then the same for its shuffled explanations: averages over spectra, and their number."""
        found = self._averages[0].copy()
        found.insert(0, "n", [int((row == name).sum()) for name, row in self._rows()])
        return found

    @property
    def lower(self) -> pd.DataFrame:
        """Lower ends of the 95 % intervals of :attr:`table`: bootstrap over spectra."""
        return self._averages[1]

    @property
    def upper(self) -> pd.DataFrame:
        """Upper ends of the intervals."""
        return self._averages[2]

    def _rows(self) -> list[tuple[str, NDArray[Any]]]:
        label = self._labels
        names = (*self.methods, *(method + SHUFFLED for method in self.methods))
        return [(name, label) for name in names if (label == name).any()]

    @cached_property
    def _labels(self) -> NDArray[Any]:
        rows = self.by_spectrum
        return np.asarray([m + SHUFFLED if s else m for m, s in zip(rows["method"], rows["shuffled"], strict=True)])

    @cached_property
    def _averages(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        import pandas as pd

        rows = self.by_spectrum.assign(row=self._labels)
        names = [name for name, _ in self._rows()]
        tables: list[dict[str, Any]] = [{}, {}, {}]
        for measure in self.measures:
            wide = rows.pivot_table(index="id", columns="row", values=measure, dropna=False).reindex(columns=names)
            for table, value in zip(tables, averaged(wide.to_numpy(), MEASURES[measure].average, seed=self.seed),
                                    strict=True):
                table[measure] = value
        index = pd.Index(names, name="method")
        first, second, third = (pd.DataFrame(table, index=index) for table in tables)
        return first, second, third

    def difference(self, first: str, second: str, measure: str) -> tuple[float, float, float]:
        """Return by how much `first` exceeds `second`, spectrum by spectrum, with the 95 % interval.

        Parameters
        ----------
        first, second : str
            Rows of the table; ``"NAME, shuffled"`` for a floor.
        measure : str
            A column.

        Returns
        -------
        difference, lower, upper : float
            Average over spectra that have both; bootstrap over spectra.
        """
        names = [name for name, _ in self._rows()]
        choice("measure", measure, self.measures)
        rows = self.by_spectrum.assign(row=self._labels)
        wide = rows.pivot_table(index="id", columns="row", values=measure, dropna=False)
        gain = wide[choice("first", first, names)] - wide[choice("second", second, names)]
        value, lo, hi = averaged(gain.to_numpy()[:, None], MEASURES[measure].average, seed=self.seed)
        return float(value[0]), float(lo[0]), float(hi[0])

    def grouped(self, groups: Mapping[str, str], measure: str) -> pd.DataFrame:
        """Return one measure by group of spectra, e.g. by kind of anomaly.

        Parameters
        ----------
        groups : mapping
            Id → name of its group; spectra without one are left out.
        measure : str
            A column of the table.

        Returns
        -------
        DataFrame
            One row a group: ``n`` spectra, and a column each row of :attr:`table`.

        Raises
        ------
        DataError
            When no spectrum has a group.
        """
        choice("measure", measure, self.measures)
        rows = self.by_spectrum.assign(row=self._labels, group=self.by_spectrum["id"].map(dict(groups)))
        rows = rows.dropna(subset=["group", measure])
        if rows.empty:
            raise DataError(message("groups", expected="groups of the compared spectra", got="none",
                                    hint=f"ids such as {self.by_spectrum['id'].iloc[0]!r}"))
        names = [name for name, _ in self._rows()]
        found = rows.pivot_table(index="group", columns="row", values=measure, aggfunc=MEASURES[measure].average,
                                 sort=False).reindex(columns=names)
        found.columns.name = None
        found.insert(0, "n", rows.groupby("group")["id"].nunique())
        return found

    def plot(self, **options: Any) -> Any:
        """Return a bokeh layout; see :func:`specanom.plots.comparison` for the options."""
        return opener("plot comparison")(self, **options)

    def __repr__(self) -> str:
        n = self.by_spectrum["id"].nunique()
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"Comparison of {', '.join(self.methods)} on {n} spectra{skipped}\n{self.table.round(3).to_string()}"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(MEASURES[name].label)} {ARROWS[MEASURES[name].better]}</th>"
                       for name in self.measures)
        body = "".join(self._row_html(name) for name in self.table.index)
        skipped = f"<p>{len(self.skipped)} explanations skipped: see .skipped</p>" if self.skipped else ""
        return (f"<table><thead><tr><th>method</th><th>spectra</th>{head}</tr></thead><tbody>{body}</tbody></table>"
                f"<p>Average over spectra (95 % interval); ↑ higher is better, ↓ lower is better.</p>{skipped}")

    def _row_html(self, name: str) -> str:
        style = ' style="opacity:0.6"' if name.endswith(SHUFFLED) else ""
        triple = np.stack([table.loc[name, list(self.measures)].to_numpy(dtype=np.float64)
                           for table in (self.table, self.lower, self.upper)], axis=1)
        cells = "".join(f"<td>{_cell(*row)}</td>" for row in triple.tolist())
        count = int(self.table["n"].to_numpy()[self.table.index.get_loc(name)])
        return f"<tr{style}><td>{html.escape(name)}</td><td>{count}</td>{cells}</tr>"


def _cell(value: float, lo: float, hi: float) -> str:
    """Return a value with its interval on a line below; what is below a millionth is not told apart."""
    if np.isnan(value):
        return "–"
    if 0.0 <= value < LEAST:
        return f"&lt; {LEAST:g}"
    return f"{value:.3g}<br><small>{lo:.2g}–{hi:.2g}</small>"


def averaged(
    values: NDArray[np.float64], how: str, *, seed: int = 0, draws: int = DRAWS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the average of each column and its 95 % bootstrap interval over rows; NaN are left out.

    Parameters
    ----------
    values : (n, m) array
        One row a spectrum. All columns are resampled together.
    how : {"mean", "median"}
    seed, draws : int

    Returns
    -------
    average, lower, upper : (m,) arrays
        NaN for a column without a value; an interval of width 0 where there is one value only.
    """
    average = np.nanmean if choice("how", how, ("mean", "median")) == "mean" else np.nanmedian
    n, m = values.shape
    known = ~np.isnan(values).all(axis=0)
    made = np.full((3, m), np.nan)
    if not known.any():
        return made[0], made[1], made[2]
    rows = np.random.default_rng(seed).integers(0, n, (draws, n))
    for j in np.flatnonzero(known):
        column = values[:, j]
        drawn = column[rows]
        drawn = drawn[~np.isnan(drawn).all(axis=1)]
        made[:, j] = [float(average(column)), *np.percentile(average(drawn, axis=1), [2.5, 97.5])]
    return made[0], made[1], made[2]
