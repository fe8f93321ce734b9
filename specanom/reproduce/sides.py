"""One of the two runs that are laid beside the paper, opened once, and the records that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..explain.explainer import Explainer
from ..explain.named import explainer_of, method_of
from ..run.acquire import SIMULATED
from ..run.content import Content
from ..run.scoring import top_ids
from ..scores.named import CALIBRATED, PAPER_SCORES, scorer_of_column, scorers_of
from ..spectrum import Spectrum

Floats = NDArray[np.float64]
NAMES = {"paper": 'preset="paper"', "defaults": "our defaults"}


@dataclass(frozen=True)
class Picture:
    """A drawing and what is written under it."""

    svg: str = field(repr=False)
    caption: str
    legend: tuple[tuple[str, str], ...] = ()
    """Colour and name of what is drawn."""


@dataclass(frozen=True)
class Made:
    """What one run gives for one figure or table.

    Attributes
    ----------
    numbers : mapping
        By the name that is shown; the verdict is made of them.
    pictures : tuple of Picture
    missing : str
        Why there is nothing to be shown; empty otherwise.
    """

    numbers: Mapping[str, Any]
    pictures: tuple[Picture, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Side:
    """A finished run, as figures and tables need it.

    Parameters
    ----------
    name : {"paper", "defaults"}
    content : Content
        Of the run.
    stopped : (str, str)
        The stage at which the run stopped for want of data, and why; empty when it is finished.
    """

    name: str
    content: Content
    stopped: tuple[str, str] = ("", "")
    kept: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What several figures need and one of them has made."""

    def lacks(self, stage: str) -> str:
        """Return why there is nothing of a stage, in half a sentence; empty when it is done."""
        at, _ = self.stopped  # the reason is told once, at the head of the page
        return f"this cannot be computed, because the run stopped at {at}" if at and stage >= at else ""

    @property
    def preset(self) -> str | None:
        """The preset of the run."""
        return self.content.settings["preset"] or None

    @property
    def simulated(self) -> bool:
        """Whether no telescope made the spectra."""
        return self.content.settings["survey"] in SIMULATED

    @property
    def wave(self) -> Floats:
        """Wavelengths of the spectra, vacuum Å."""
        return np.asarray(self.content.sample.wave, dtype=np.float64)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores of the spectra that are looked at: of the best S/N bin under the preset, as all published results."""
        table = self.content.scores
        if self.preset and "bin" in table:
            table = table[table["bin"] == table["bin"].max()]
        return table[table["id"].isin(set(self.content.sample.ids))].reset_index(drop=True)

    @cached_property
    def mse(self) -> pd.Series:
        """Mean squared error by id; the published code has the root of the sum instead."""
        values = self.scores.set_index("id")["mse"]
        return values**2 / self.wave.size if self.preset else values

    @cached_property
    def scorers(self) -> dict[str, Any]:
        """Every scorer of the run by name."""
        told = self.content.settings
        return scorers_of(self.content.model, self.content.trained, lines=told["filter_lines"],
                          velocity=told["velocity"], trim=told["trim"], preset=self.preset)

    def column(self, score: str) -> str:
        """Return the column that ranks by a score: calibrated, or raw under the preset."""
        return score if self.preset else score + CALIBRATED

    def top(self, score: str, k: int) -> list[str]:
        """Return the ids of the `k` oddest by a score, the oddest first."""
        return top_ids(self.scores, self.column(score), max(1, min(k, len(self.scores))))

    def spectrum(self, id: str) -> Spectrum:
        """Return one spectrum."""
        one: Spectrum = self.content.sample.select([id])[0]
        return one

    def model_of(self, id: str) -> Floats:
        """Return the reconstruction of one spectrum."""
        made: Floats = np.asarray(self.content.model.reconstruct(self.content.sample.select([id])), dtype=np.float64)
        return np.asarray(made[0])

    def residuals(self, ids: list[str]) -> Floats:
        """Return spectra minus reconstructions, ``(n, p)``; imputed pixels are NaN where scores leave them out."""
        part = self.content.sample.select(ids)
        rest = np.asarray(part.flux, dtype=np.float64) - np.asarray(self.content.model.reconstruct(part))
        if not self.preset and part.imputed is not None:
            rest[np.asarray(part.imputed)] = np.nan
        return np.asarray(rest, dtype=np.float64)

    def explainer(self, score: str) -> Explainer:
        """Return the explainer of the run, of one of its scores."""
        return explainer_of(scorer_of_column(score, self.scorers), self.content.settings)

    def varied(self, segments: Any, perturbation: Any, samples: int = 0, seed: int = 0) -> Explainer:
        """Return an explainer of the ranking score with other parts; the method is that of the preset.

        `seed` is added to that of the run.
        """
        told = self.content.settings
        return Explainer(scorer_of_column(self.content.column, self.scorers), segments, perturbation=perturbation,
                         method=method_of("", samples=samples or told["samples"], preset=self.preset),
                         seed=told["seed"] + seed)


def eight() -> tuple[str, ...]:
    """Return the names of the eight scores of the paper."""
    return PAPER_SCORES
