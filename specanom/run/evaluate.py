"""How good scores are: what they find of known anomalies, and what they measure besides oddity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import scores
from ..scores.named import CALIBRATED

TOP_SHARE = 0.05


def columns_of(table: pd.DataFrame) -> list[str]:
    """Return the score columns of a table: each raw one, then each calibrated one."""
    calibrated = [str(c) for c in table.columns if str(c).endswith(CALIBRATED)]
    return [c.removesuffix(CALIBRATED) for c in calibrated if c.removesuffix(CALIBRATED) in table.columns] + calibrated


def recovery(tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame, *, share: float = TOP_SHARE) -> pd.DataFrame:
    """Measure how well each score finds known anomalies.

    Parameters
    ----------
    tables : mapping
        Model name → table of scores with `id`.
    truth : DataFrame
        `id` and `kind`; an empty kind is an ordinary spectrum.
    share : float
        Share of the sample that counts as the top.

    Returns
    -------
    DataFrame
        model, score, kind ("all" and each kind), n, auc (ROC, of the kind against the ordinary), purity (share of the
        top that is anomalous; only for "all") and found (share of the kind that is in the top).
    """
    rows = []
    for model, table in tables.items():
        joined = table.merge(truth[["id", "kind"]], on="id", how="inner", validate="one_to_one")
        kind = joined["kind"].fillna("").astype(str)
        for column in columns_of(table):
            values = joined[column].fillna(-np.inf)
            top = values.rank(method="first", ascending=False) <= max(1, round(share * len(joined)))
            for name in ["all", *sorted(set(kind) - {""})]:
                odd = kind != "" if name == "all" else kind == name
                rows.append({
                    "model": model, "score": column, "kind": name, "n": int(odd.sum()),
                    "auc": auc(values[odd | (kind == "")], odd[odd | (kind == "")]),
                    "purity": float((odd & top).sum() / top.sum()) if name == "all" else np.nan,
                    "found": float((odd & top).sum() / odd.sum()) if odd.any() else np.nan})
    return pd.DataFrame(rows)


def auc(values: pd.Series, odd: pd.Series) -> float:
    """Return the area under the ROC curve; NaN when only one class is there."""
    from sklearn.metrics import roc_auc_score

    if odd.nunique() < 2:
        return float("nan")
    finite = np.where(np.isneginf(values), np.nanmin(values[np.isfinite(values)]) - 1.0, values)
    return float(roc_auc_score(odd, finite))


def auc_difference(
    tables: Mapping[str, pd.DataFrame], truth: pd.DataFrame, column: str, *, draws: int = 400, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of how much larger the first table's AUC is than the second's.

    Parameters
    ----------
    tables : mapping
        Two tables of scores of the same spectra, by model.
    truth : DataFrame
        `id` and `kind`.
    column : str
        The score.
    draws, seed : int
        Bootstrap samples, drawn apart among anomalies and ordinary spectra.
    """
    first, second = (table.set_index("id")[column].fillna(-np.inf) for table in tables.values())
    kind = truth.set_index("id")["kind"].reindex(first.index).fillna("").to_numpy()
    values = np.column_stack([first.to_numpy(), second.reindex(first.index).to_numpy()])
    odd, ordinary = values[kind != ""], values[kind == ""]
    if not len(odd) or not len(ordinary):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    gains = np.empty(draws)
    for i in range(draws):
        a, b = (part[rng.integers(len(part), size=len(part))] for part in (odd, ordinary))
        gains[i] = _mann_whitney(a[:, 0], b[:, 0]) - _mann_whitney(a[:, 1], b[:, 1])
    low, high = np.percentile(gains, [2.5, 97.5])
    return float(low), float(high)


def _mann_whitney(odd: NDArray[np.float64], ordinary: NDArray[np.float64]) -> float:
    """Return the chance that a value of `odd` exceeds one of `ordinary`, ties counting half: the area under the ROC."""
    ranked = np.sort(ordinary)
    below, upto = np.searchsorted(ranked, odd, side="left"), np.searchsorted(ranked, odd, side="right")
    return float((below + upto).mean() / (2 * len(ranked)))


def dependence(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return Spearman's ρ of each model's scores with S/N and redshift: model, score, n, rho_snr, rho_z."""
    return pd.concat([scores.dependence(table, table, columns_of(table)).assign(model=model)
                      for model, table in tables.items()], ignore_index=True)


def false_alarms(calibrated: Mapping[str, Any], column: str) -> pd.DataFrame | None:
    """Return :func:`specanom.scores.false_alarm_table` of the ranking score; None for a raw one, which has no scale."""
    scorer = calibrated.get(column.removesuffix(CALIBRATED))
    if column.endswith(CALIBRATED) and isinstance(scorer, scores.CalibratedScorer):
        return scores.false_alarm_table([scorer])
    return None


def quality(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how well each model reconstructs what it has not seen: median and worst-decile MSE and χ² by ivar."""
    rows = []
    for model, table in tables.items():
        row: dict[str, object] = {"model": model}
        for name in ("mse", "chi2_ivar"):
            row |= {f"{name} median": float(table[name].median()), f"{name} 90 %": float(table[name].quantile(0.9))}
        rows.append(row)
    return pd.DataFrame(rows)
