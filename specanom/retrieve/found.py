"""Precision, recall and F1 of a search at a stated prevalence, with 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..rates import wilson


@dataclass(frozen=True)
class Found:
    """What a search for one label found among objects whose label is known.

    Attributes
    ----------
    hits, missed : int
        Objects of the label that were found, and that were not.
    false, passed : int
        Other objects that were taken for it, and that were not.
    """

    hits: int
    missed: int
    false: int
    passed: int

    @classmethod
    def count(cls, truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> Found:
        """Count them from ``(n,)`` flags."""
        return cls(*(int(np.sum(one)) for one in (truth & said, truth & ~said, ~truth & said, ~truth & ~said)))

    @property
    def positives(self) -> int:
        """Objects of the label."""
        return self.hits + self.missed

    @property
    def others(self) -> int:
        """Objects that are not of the label."""
        return self.false + self.passed

    def rates(self, prevalence: float | None = None, *, draws: int = 4000, seed: int = 0) -> dict[str, float]:
        """Return precision, recall and F1 with ``…_low`` and ``…_high``, and the rate of false alarms.

        Recall and false alarms do not depend on how common the label is; precision does:
        ``πR / (πR + (1 − π)F)`` at prevalence π. The interval of the recall is that of Wilson (1927). Those of
        precision and F1 are the middle 95 % of draws of R and F from their posteriors with Jeffreys' prior (Brown, Cai
        & DasGupta 2001, Stat. Sci. 16, 101), which do not collapse when no false alarm was seen. Where nothing was
        taken for the label, the precision is NaN.

        Parameters
        ----------
        prevalence : float, optional
            π; by default that among the objects counted.
        draws : int
        seed : int
        """
        nan = float("nan")
        share = self.positives / max(self.positives + self.others, 1) if prevalence is None else prevalence
        recall = self.hits / self.positives if self.positives else nan
        alarms = self.false / self.others if self.others else nan
        low, high = (float(one) for one in wilson(self.hits, self.positives))
        precision, f1 = _precision_and_f1(np.array(recall), np.array(alarms if self.others else 0.0), share)
        made = {"prevalence": share, "precision": float(precision), "recall": recall, "f1": float(f1),
                "recall_low": low, "recall_high": high, "false_alarms": alarms}
        rng = np.random.default_rng(seed)
        drawn = _precision_and_f1(rng.beta(self.hits + 0.5, self.missed + 0.5, draws),
                                  rng.beta(self.false + 0.5, self.passed + 0.5, draws), share)
        for name, values, best in zip(("precision", "f1"), drawn, (precision, f1), strict=True):
            low, high = np.quantile(values, [0.025, 0.975]) if np.isfinite(best) else (nan, nan)
            made[f"{name}_low"], made[f"{name}_high"] = float(min(low, best)), float(max(high, best))
        return made


def _precision_and_f1(
    recall: NDArray[np.float64], alarms: NDArray[np.float64], share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision, NaN where nothing was taken, and F1, 0 where nothing was found."""
    right, wrong = share * recall, (1.0 - share) * alarms
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = right / (right + wrong)
        f1 = 2 * right / (right + wrong + share)
    return precision, f1
