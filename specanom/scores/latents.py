"""What latent dimensions know: their correlations with redshift, S/N and any other column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, ShapeError, choice, message
from ..face import opener
from ..rates import Z95

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]

FEWEST = 5
"""Below this many pairs there is no correlation."""
KINDS = ("spearman", "pearson")


@dataclass(frozen=True, eq=False)
class LatentCorrelations:
    """Correlations of latent dimensions with columns; made by :func:`latent_correlations`.

    Attributes
    ----------
    table : DataFrame
        One row a dimension and column: ``latent``, ``column``, ``n``, and for spearman and pearson each the
        coefficient, its 95 % interval (``_low``, ``_high``), the two-sided ``_p`` and ``_q``, p after Benjamini &
        Hochberg (1995) over all rows. NaN where fewer than five pairs are known or one side is constant.
    """

    table: pd.DataFrame

    def matrix(self, kind: str = "spearman") -> pd.DataFrame:
        """Return coefficients, one row a latent dimension and one column a column.

        Parameters
        ----------
        kind : {"spearman", "pearson"} or another column of the table
        """
        choice("kind", kind, [str(c) for c in self.table.columns[2:]])
        import pandas as pd

        parts = self.table.groupby("column", sort=False)
        return pd.DataFrame({str(name): part.set_index("latent")[kind] for name, part in parts})

    def strongest(self, n: int = 10, kind: str = "spearman") -> pd.DataFrame:
        """Return the `n` rows of the largest coefficients, whatever their sign."""
        choice("kind", kind, KINDS)
        order = self.table[kind].abs().sort_values(ascending=False, kind="stable", na_position="last").index
        return self.table.loc[order[:n]].reset_index(drop=True)

    def plot(self, **options: Any) -> Any:
        """Draw a heat map; see :func:`specanom.plots.latent_correlations`."""
        return opener("plot latent correlations")(self, **options)

    def __repr__(self) -> str:
        dims, columns = self.table["latent"].nunique(), self.table["column"].nunique()
        sure = int((self.table["spearman_q"] < 0.05).sum())
        lines = [f"LatentCorrelations: {dims} dimensions × {columns} columns, "
                 f"{sure} of {len(self.table)} with q < 0.05"]
        lines += [f"  latent {row.latent} · {row.column}: ρ {row.spearman:+.2f} "
                  f"({row.spearman_low:+.2f} to {row.spearman_high:+.2f})"
                  for row in self.strongest(3).dropna(subset=["spearman"]).itertuples()]
        return "\n".join(lines)


def latent_correlations(
    latent: ArrayLike, table: pd.DataFrame, columns: Sequence[str] | None = None
) -> LatentCorrelations:
    """Correlate each latent dimension with numeric columns.

    Parameters
    ----------
    latent : (n, d) array
        Vectors of an encoder; a row with NaN is left out.
    table : DataFrame
        One row a vector, in the same order, e.g. ``sample.table``.
    columns : sequence of str, optional
        Which; every numeric column that is not constant when not given.

    Returns
    -------
    LatentCorrelations

    Raises
    ------
    ShapeError, ArgumentError, DataError
        For rows that do not match, a column that is missing or not numeric, or when there is none.

    Notes
    -----
    Intervals are Fisher's, tanh(artanh r ± 1.96 s), with s² = 1/(n − 3) for Pearson's r and (1 + ρ²/2)/(n − 3) for
    Spearman's ρ (Bonett & Wright 2000, Psychometrika 65, 23). p is that of Student's t with n − 2 degrees of freedom.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> latent = rng.normal(size=(200, 3))
    >>> found = latent_correlations(latent, pd.DataFrame({"z": latent[:, 1] ** 3, "snr": rng.normal(size=200)}))
    >>> found.matrix().round(1).loc[1, "z"]
    np.float64(1.0)
    """
    import pandas as pd

    vectors = as_vectors(latent, len(table))
    known = np.isfinite(vectors).all(axis=1)
    rows = []
    for name in _columns(table, columns):
        values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
        good = known & np.isfinite(values)
        rows += [{"latent": dim, "column": name, "n": int(good.sum()), **_pair(vectors[good, dim], values[good])}
                 for dim in range(vectors.shape[1])]
    made = pd.DataFrame(rows)
    for kind in KINDS:
        made[f"{kind}_q"] = _adjusted(made[f"{kind}_p"].to_numpy())
    order = ["latent", "column", "n", *(f"{kind}{end}" for kind in KINDS for end in ("", "_low", "_high", "_p", "_q"))]
    return LatentCorrelations(made[order])


def as_vectors(latent: ArrayLike, n: int) -> Doubles:
    """Return ``(n, d)`` vectors as float64.

    Raises
    ------
    ShapeError
        When they are not `n` rows.
    """
    vectors = np.asarray(latent, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != n or not vectors.shape[1]:
        raise ShapeError(message("latent", expected=f"shape ({n}, d), one vector for each row",
                                 got=f"shape {vectors.shape}"))
    return vectors


def _columns(table: pd.DataFrame, columns: Sequence[str] | None) -> list[str]:
    numeric = [str(name) for name in table.select_dtypes(["number", "bool"]).columns]
    if columns is None:
        chosen = [name for name in numeric if len(table[name].dropna().unique()) > 1]
        if not chosen:
            raise DataError(message("table", expected="a numeric column that varies", got=f"{list(table.columns)}"))
        return chosen
    if isinstance(columns, str) or not len(columns):
        raise ArgumentError(message("columns", expected="a list of names", got=repr(columns)))
    for name in columns:
        choice("columns", name, [str(c) for c in table.columns])
        if name not in numeric:
            raise ArgumentError(message("columns", expected="numeric columns", got=f"{name!r}"))
    return list(columns)


def _pair(a: Doubles, b: Doubles) -> dict[str, float]:
    from scipy.stats import rankdata

    pairs = {"spearman": (rankdata(a), rankdata(b)) if len(a) else (a, b), "pearson": (a, b)}
    return {f"{kind}{end}": value for kind, (x, y) in pairs.items() for end, value in _coefficient(kind, x, y).items()}


def _coefficient(kind: str, x: Doubles, y: Doubles) -> dict[str, float]:
    from scipy.stats import t

    n = len(x)
    if n < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return dict.fromkeys(("", "_low", "_high", "_p"), float("nan"))
    r = np.clip(np.corrcoef(x, y)[0, 1], -1.0, 1.0)
    spread = np.sqrt((1.0 + r**2 / 2.0 if kind == "spearman" else 1.0) / (n - 3))
    with np.errstate(divide="ignore"):
        middle, ratio = np.arctanh(r), np.abs(r) * np.sqrt((n - 2) / (1.0 - r**2))
    return {"": float(r), "_low": float(np.tanh(middle - Z95 * spread)), "_high": float(np.tanh(middle + Z95 * spread)),
            "_p": float(2.0 * t.sf(ratio, n - 2))}


def _adjusted(p: Doubles) -> Doubles:
    from scipy.stats import false_discovery_control

    made, known = np.full(p.shape, np.nan), np.isfinite(p)
    if known.any():
        made[known] = false_discovery_control(p[known], method="bh")
    return made
