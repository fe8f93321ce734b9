"""Everything a report shows, opened once from a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from .. import cluster, explain, models, preprocess
from ..foreign import damaged, read_json
from ..preprocess.dropped import report_of
from ..scores.named import ranking_column
from .byhand import manifest_of
from .folder import RunFolder
from .manifest import Manifest
from .objects import Objects
from .scoring import compared_with

STREAMED = "streamed.json"
"""The report of preprocessing of a run that stored only the oddest spectra."""


@dataclass(frozen=True)
class Content:
    """Everything a report shows, opened once."""

    run: RunFolder

    @cached_property
    def manifest(self) -> Manifest:
        """What the run was told and how it went."""
        return manifest_of(self.run.path)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The parameters of the run."""
        return self.manifest.parameters

    @cached_property
    def preprocessing(self) -> Any:
        """The PreprocessReport: of all spectra, also where only the oddest were stored."""
        if (self.run / STREAMED).exists():
            what = "what became of each spectrum"
            with damaged(self.run / STREAMED, what):
                return report_of(read_json(self.run / STREAMED, what), self.run / STREAMED)
        return preprocess.Preprocessor.load(self.run.need("preprocess.json", "02_preprocess")).report

    @cached_property
    def sample(self) -> Any:
        """The spectra to look at, opened lazily: all that passed the cuts, or the oddest of them."""
        return self.run.spectra()

    @cached_property
    def trained(self) -> Any:
        """The spectra that the models were trained on, opened lazily."""
        return self.run.sample() if self.run.selects else self.sample  # its table once, however large

    @cached_property
    def objects(self) -> Objects:
        """What is known of every object that was scored."""
        return self.run.objects(self.trained)

    @cached_property
    def model(self) -> Any:
        """The network."""
        return models.load(self.run.need("model", "03_train"))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The scores of the network."""
        return self.run.table("scores", "04_score")

    @cached_property
    def column(self) -> str:
        """The score that ranks."""
        return ranking_column(self.settings["rank_by"], self.settings["preset"], self.scores)

    @cached_property
    def against(self) -> str:
        """What a calibrated score is in excess of."""
        return compared_with(len(self.scores))

    @cached_property
    def explanations(self) -> Any:
        """The explanations of the top."""
        return explain.ExplanationSet.open(self.run.need("explanations.zarr", "05_explain"))

    @cached_property
    def lines(self) -> pd.DataFrame:
        """Line fluxes of the explained spectra."""
        return self.run.table("lines", "05_explain")

    @cached_property
    def truth(self) -> pd.DataFrame | None:
        """Known anomalies."""
        return self.run.truth()

    @cached_property
    def summary(self) -> Any:
        """The clusters, described."""
        fitted = cluster.ExplanationClusterer.load(self.run.need("clusters", "06_clusters"))
        return fitted.summary(self.sample.select(self.explanations.ids), lines=self.lines)
