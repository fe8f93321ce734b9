"""What of the injected features is found, and whether explanations point at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, DataError, GridError, ShapeError, choice, message
from ..face import opener
from ..rates import wilson
from ..spectrumset import SpectrumSet
from .explainer import Explainer
from .explanation import Explanation
from .injection import IMPUTED, INJECTED, OUTSIDE, Injected, Injection
from .templates import Doubles

if TYPE_CHECKING:
    import pandas as pd

BY = ("sample", "calibration")
NO_SCORE = "no score"


@dataclass(frozen=True, eq=False)
class Recovery:
    """Completeness and pointing of a search, by strength and S/N.

    Attributes
    ----------
    objects : DataFrame
        One row a strength and spectrum: ``id``, ``strength``, ``status`` (``"injected"``, or why not, see
        :class:`Injected`; ``"no score"``), ``spectrum_snr``, ``snr`` (of the feature), ``peak``, ``place``, ``score``,
        ``detected``, ``pointed`` (1, 0, or NaN when not explained) and ``chance`` (share of the segments that would
        have pointed).
    injection : Injection
    threshold : float
        A score above it is a detection.
    false_alarms : float
        The share of ordinary spectra above the threshold that was asked for.
    """

    objects: pd.DataFrame
    injection: Injection
    threshold: float
    false_alarms: float

    @property
    def table(self) -> pd.DataFrame:
        """One row a strength.

        ``strength``, ``n`` (injected and scored), ``outside``, ``imputed``, ``other`` (not injected, and why), ``snr``
        (median of the features), ``detected``, ``completeness`` with ``completeness_lo`` and ``_hi``, ``explained``,
        ``pointed``, ``pointing`` with ``_lo`` and ``_hi``, ``pointing_detected`` (among those detected) and ``chance``.
        Intervals are 95 % after Wilson (1927). Spectra that could not be injected are in no rate.
        """
        import pandas as pd

        rows = []
        for strength, part in self.objects.groupby("strength", sort=True):
            status = part["status"]
            apart = {"outside": int((status == OUTSIDE).sum()), "imputed": int((status == IMPUTED).sum())}
            apart["other"] = int((status != INJECTED).sum()) - sum(apart.values())
            rows.append({"strength": strength, **apart, **_rates(part[status == INJECTED])})
        first = ["strength", "n"]
        made = pd.DataFrame(rows)
        return made[[*first, *(name for name in made if name not in first)]]

    def map(self, bins: int = 4) -> pd.DataFrame:
        """Return the same rates by S/N of the spectra and strength.

        Parameters
        ----------
        bins : int
            Bins with equally many spectra in the median S/N per pixel.

        Returns
        -------
        DataFrame
            ``spectrum_snr_lo``, ``spectrum_snr_hi``, ``strength`` and the columns of :attr:`table`.

        Raises
        ------
        DataError
            When the S/N of no spectrum is known.
        """
        snr = self.objects["spectrum_snr"].to_numpy(dtype=np.float64)
        if not np.isfinite(snr).any():
            raise DataError(message("sample", expected="spectra of known S/N", got="none",
                                    hint="a table with the column snr, or ivar"))
        edges = np.unique(np.nanquantile(snr, np.linspace(0, 1, bins + 1)))
        return self._binned("spectrum_snr", edges if edges.size > 1 else np.append(edges, edges + 1), ("strength",))

    def by_snr(self, edges: ArrayLike = (0, 2, 4, 6, 8, 10, 15, 20, 30, 50, np.inf)) -> pd.DataFrame:
        """Return the rates by S/N of the feature, all strengths together: ``snr_lo``, ``snr_hi`` and the rates."""
        return self._binned("snr", np.asarray(edges, dtype=np.float64), ())

    def _binned(self, column: str, edges: Doubles, also: tuple[str, ...]) -> pd.DataFrame:
        import pandas as pd

        good = self.objects[(self.objects["status"] == INJECTED) & self.objects[column].between(edges[0], edges[-1])]
        place = np.clip(np.searchsorted(edges, good[column], side="right") - 1, 0, edges.size - 2)
        rows = []
        for i in np.unique(place).tolist():
            inside = good[place == i]
            parts = inside.groupby(list(also), sort=True) if also else [((), inside)]
            rows += [{f"{column}_lo": edges[i], f"{column}_hi": edges[i + 1], **dict(zip(also, key, strict=True)),
                      **_rates(part)} for key, part in parts]
        return pd.DataFrame(rows)

    def limit(self, share: float = 0.5) -> float:
        """Return the strength at which the completeness first reaches `share`, interpolated; NaN when it never does."""
        table = self.table.dropna(subset=["completeness"])
        strength, found = (table[name].to_numpy(dtype=np.float64) for name in ("strength", "completeness"))
        reached = np.flatnonzero(found >= share)
        if not reached.size:
            return float("nan")
        i = int(reached[0])
        if i == 0 or found[i] == found[i - 1]:
            return float(strength[i])
        return float(np.interp(share, found[i - 1 : i + 1], strength[i - 1 : i + 1]))

    def plot(self, **options: Any) -> Any:
        """Return a bokeh layout; see :func:`specanom.plots.recovery` for the options."""
        return opener("plot recovery")(self, **options)

    def __repr__(self) -> str:
        shown = self.table[["strength", "n", "outside", "imputed", "completeness", "pointing", "chance"]]
        return (f"Recovery: {self.injection!r}; detected above {self.threshold:.4g} (false alarms "
                f"{self.false_alarms:.2%})\n{shown.round(3).to_string(index=False)}")

    def _repr_html_(self) -> str:
        columns = ["strength", "n", "outside", "imputed", "other", "completeness", "pointing"]
        body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(row, columns))}</tr>"
                       for row in self.table.to_dict("records"))
        head = "".join(f"<th>{name}</th>" for name in columns)
        return (f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>Detected: score above "
                f"{self.threshold:.4g}, false alarms {self.false_alarms:.2%}. 95 % intervals after Wilson.</p>")


def recover(
    sample: SpectrumSet,
    injection: Injection,
    score: Any,
    *,
    explainer: Explainer | None = None,
    false_alarms: float = 0.01,
    by: str = "sample",
) -> Recovery:
    """Inject features into one's own spectra, and see how many are detected and rightly explained.

    Parameters
    ----------
    sample : SpectrumSet
        Spectra as they are searched; their own anomalies stay in, so at strength 0 the completeness is the rate of
        false alarms.
    injection : Injection
        Template and strengths.
    score : Scorer or callable
        What is searched with: a scorer, or a function ``(n, p) -> (n,)``; higher is odder.
    explainer : Explainer, optional
        Explains each injected spectrum; a spectrum is *pointed* when the leading segment holds a pixel of the feature.
    false_alarms : float
        Share of ordinary spectra that may lie above the threshold.
    by : {"sample", "calibration"}
        The threshold is the percentile of the sample as it is, or comes from the tail that a calibrated scorer has
        fitted (``score.false_alarms``), in which the sample's own anomalies count less.

    Raises
    ------
    ArgumentError
        When the false-alarm rate is no share, or the scorer is not calibrated though ``by="calibration"``.
    DataError
        When the sample has no score.
    """
    if not 0 < false_alarms < 1:
        raise ArgumentError(message("false_alarms", expected="a share between 0 and 1", got=false_alarms))
    threshold = _threshold(score, sample, false_alarms, choice("by", by, BY))
    snr = _spectrum_snr(sample)
    parts = []
    for strength in injection.strengths:
        made = injection(sample, strength)
        part = _scored(made, score, threshold).assign(spectrum_snr=snr)
        parts.append(part if explainer is None else _pointed(part, made, explainer))
    return Recovery(_joined(parts), injection, threshold, float(false_alarms))


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


def _threshold(score: Any, sample: SpectrumSet, rate: float, by: str) -> float:
    if by == "sample":
        values = _values(score, sample)
        values = values[np.isfinite(values)]
        if not values.size:
            raise DataError(message("sample", expected="at least one spectrum with a score", got="none"))
        return float(np.quantile(values, 1.0 - rate, method="higher"))
    if not hasattr(score, "false_alarms"):
        raise ArgumentError(message("score", expected="a calibrated scorer", got=repr(score),
                                    hint='scorer.calibrate(sample), or by="sample"'))
    lo, hi = -1e3, 1e6
    for _ in range(80):  # the rate falls with the threshold
        middle = 0.5 * (lo + hi)
        lo, hi = (middle, hi) if float(score.false_alarms(middle, 1)) > rate else (lo, middle)
    return hi


def _values(score: Any, sample: SpectrumSet) -> Doubles:
    return np.asarray(score(sample) if hasattr(score, "bind") else score(sample.flux), dtype=np.float64)


def _spectrum_snr(sample: SpectrumSet) -> Doubles:
    if "snr" in sample.table:
        return sample.table["snr"].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.array([spectrum.snr for spectrum in sample])


def _scored(made: Injected, score: Any, threshold: float) -> pd.DataFrame:
    import pandas as pd

    value = np.full(len(made.sample), np.nan)
    rows = np.flatnonzero(made.injected)
    if rows.size:
        value[rows] = _values(score, made.sample[rows])
    status = np.where(made.injected & ~np.isfinite(value), NO_SCORE, made.status)
    return pd.DataFrame({
        "id": made.sample.ids, "strength": made.strength, "status": status, "snr": made.snr, "peak": made.peak,
        "place": made.place, "score": value, "detected": np.nan_to_num(value, nan=-np.inf) > threshold,
        "pointed": np.nan, "chance": np.nan,
    })


def _pointed(part: pd.DataFrame, made: Injected, explainer: Explainer) -> pd.DataFrame:
    rows = np.flatnonzero(part["status"] == INJECTED)
    pointed, chance = np.full((2, len(part)), np.nan)
    left = list(rows)
    for one in _explained(explainer, made.sample[rows]) if rows.size else ():
        while made.sample.ids[left[0]] != one.id:  # skipped: stays NaN
            left.pop(0)
        i = left.pop(0)
        hit = np.bincount(one.segments, weights=made.pixels[i], minlength=one.n_segments) > 0
        size = np.abs(one.weights)
        pointed[i] = float(size.max() > 0 and hit[one.order[0]])
        chance[i] = hit.mean()
    return part.assign(pointed=pointed, chance=chance)


def _explained(explainer: Explainer, sample: SpectrumSet) -> Iterable[Explanation]:
    """Return the explanations there are; when there is not one, the other strengths are worth having all the same."""
    try:
        return explainer.explain_many(sample)
    except (ShapeError, GridError):
        raise  # the wrong grid for this score
    except DataError:
        return ()


def _rates(part: pd.DataFrame) -> dict[str, float]:
    """Return counts and rates of injected and scored spectra."""
    n, detected = len(part), int(part["detected"].sum())
    explained = part["pointed"].notna()
    pointed = int(part["pointed"].sum())
    among = part[explained & part["detected"]]["pointed"]
    lo, hi = wilson([detected, pointed], [n, int(explained.sum())])
    return {
        "n": n, "snr": float(part["snr"].median()) if n else float("nan"), "detected": detected,
        "completeness": _share(detected, n), "completeness_lo": float(lo[0]), "completeness_hi": float(hi[0]),
        "explained": int(explained.sum()), "pointed": pointed, "pointing": _share(pointed, int(explained.sum())),
        "pointing_lo": float(lo[1]), "pointing_hi": float(hi[1]),
        "pointing_detected": _share(int(among.sum()), len(among)), "chance": float(part["chance"].mean()),
    }


def _share(count: int, n: int) -> float:
    return count / n if n else float("nan")


def _cells(row: dict[Any, Any], columns: Sequence[str]) -> list[str]:
    made = []
    for name in columns:
        value = row[name]
        if name not in ("completeness", "pointing"):
            made.append(f"{value:g}")
        elif np.isnan(value):
            made.append("–")
        else:
            made.append(f"{value:.0%} ({row[name + '_lo']:.0%}–{row[name + '_hi']:.0%})")
    return made
