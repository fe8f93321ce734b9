"""A finished run, opened as it was made: with its parameters, and an error that names the stage that is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from specanom import models
from specanom.cluster import ExplanationClusterer
from specanom.errors import DataError, message
from specanom.explain import Explainer, ExplanationSet
from specanom.explain.named import explainer_of
from specanom.folders import product
from specanom.foreign import read_json, read_table
from specanom.scores import calibrate_from_table
from specanom.scores.named import CALIBRATED, FEWEST, line_filter, ranking_column, scorer_of_column, scorers_of
from specanom.spectrumset import SpectrumSet

RUN = "specanom run"
"""The ``format`` of the manifest of a run."""
AGAIN = "run the stage that makes it again"


@dataclass(frozen=True)
class FinishedRun:
    """What a run left in its folder; each part is opened when it is first used.

    Parameters
    ----------
    path : Path
        The run folder.

    Raises
    ------
    DataError
        When a part is not there, naming the stage that makes it.
    """

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> FinishedRun:
        """Open all parts, so that what is missing is said now."""
        run = cls(Path(path).expanduser().absolute())  # a kernel may change its folder
        for part in (run.parameters, run.sample, run.scores, run.model, run.explanations, run.clusters, run.lines):
            assert part is not None
        return run

    # -- parts -----------------------------------------------------------------------------------------------------

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """What the run was told; where its notebooks were run by hand, what each stage was told."""
        if not self.path.is_dir():
            raise DataError(message("run_folder", expected="the folder of a finished run", got=f"no folder {self.path}",
                                    hint=f"specanom run --survey mock --run-dir {self.path}"))
        manifest = self.path / "manifest.json"
        if manifest.exists():
            content = _json(manifest)
            if content.get("format") != RUN or not isinstance(content.get("parameters"), dict):
                raise DataError(message("run_folder", expected=f"the folder of a {RUN}",
                                        got=f"other content in {manifest}"))
            return dict(content["parameters"])
        told = [_json(stage).get("parameters", {}) for stage in sorted((self.path / "stages").glob("*.json"))]
        if not told:
            raise DataError(message("run_folder", expected="the folder of a finished run", got=f"no {manifest}",
                                    hint=f"specanom run --run-dir {self.path}"))
        return {name: value for one in told for name, value in one.items()}

    @cached_property
    def sample(self) -> SpectrumSet:
        """The preprocessed spectra."""
        return SpectrumSet.open(self._need(self._spectra, "02_preprocess"))

    @property
    def _spectra(self) -> str:
        """Where the spectra to look at are; a run that stored the oddest alone was trained on others."""
        return "top.zarr" if (self.path / "top.zarr").is_dir() else "sample.zarr"

    @cached_property
    def model(self) -> Any:
        """What reconstructs."""
        return models.load(self._need("model", "03_train"))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The table of scores."""
        return self._table("scores.parquet", "04_score")

    @cached_property
    def explanations(self) -> ExplanationSet:
        """The explanations of the oddest."""
        return ExplanationSet.open(self._need("explanations.zarr", "05_explain"))

    @cached_property
    def lines(self) -> pd.DataFrame:
        """Line fluxes of the spectra that were explained."""
        return self._table("lines.parquet", "05_explain")

    @cached_property
    def clusters(self) -> ExplanationClusterer:
        """The clusters of explanations."""
        return ExplanationClusterer.load(self._need("clusters", "06_clusters"))

    @property
    def labels(self) -> Path:
        """Where labels are kept, as a whole path: a kernel may change its folder."""
        return self.path.resolve() / "labels.jsonl"

    @property
    def images(self) -> Path | None:
        """The folder of pictures of the sky, where the run or its data have one."""
        places = [self.path, *([Path(self.parameters["path"])] if self.parameters.get("path") else [])]
        return next((place / "images" for place in places if (place / "images").is_dir()), None)

    # -- what it was made with -------------------------------------------------------------------------------------

    @property
    def column(self) -> str:
        """The score that ranks, as a column of `scores`."""
        return ranking_column(self._told("rank_by"), self._told("preset") or None, self.scores)

    @cached_property
    def scorers(self) -> dict[str, Any]:
        """Every score of the run by name, not calibrated."""
        lines, velocity = self.line_filter
        return scorers_of(self.model, self.sample, lines=lines, velocity=velocity, trim=self._told("trim"),
                          preset=self._told("preset") or None)

    @property
    def line_filter(self) -> tuple[str, float]:
        """Lines that filtered scores leave out, and within how many km/s."""
        return line_filter(self.sample, lines=self.parameters.get("filter_lines"), velocity=self._told("velocity"),
                           preset=self._told("preset") or None)

    @cached_property
    def explained(self) -> Any:
        """The score that was explained: the one that ranks, not calibrated."""
        return scorer_of_column(self.column, self.scorers)

    @cached_property
    def ranking(self) -> Any:
        """The score that ranks, calibrated by the table of scores where the run calibrated it."""
        known = np.isfinite(self.scores[["snr", "z"]].to_numpy(dtype=float)).any()
        if not self.column.endswith(CALIBRATED) or len(self.scores) < FEWEST or not known:
            return self.explained
        name = next(name for name, one in self.scorers.items() if one is self.explained)
        return calibrate_from_table({name: self.explained}, self.scores)[name]

    @cached_property
    def explainer(self) -> Explainer:
        """The explainer of the run."""
        names = ("segments", "perturbation", "method", "samples", "tolerance", "seed", "preset")
        return explainer_of(self.explained, {name: self._told(name) for name in names})

    def code(self) -> str:
        """Return Python that opens what dashboards need: sample, model, scores, explanations, clusters, lines."""
        name = next(name for name, one in self.scorers.items() if one is self.explained)
        lines, velocity = self.line_filter
        given = {"lines": lines, "velocity": velocity, "trim": self._told("trim"),
                 "preset": self._told("preset") or None}
        options = ", ".join(f"{each}={value!r}" for each, value in given.items())
        return "\n".join([
            "from pathlib import Path", "", "import pandas as pd", "", "import specanom as sa",
            "from specanom.scores.named import scorers_of", "", f"run = Path({str(self.path)!r})",
            f'sample = sa.SpectrumSet.open(run / "{self._spectra}")', 'model = sa.models.load(run / "model")',
            'table = pd.read_parquet(run / "scores.parquet")',
            'explanations = sa.ExplanationSet.open(run / "explanations.zarr")',
            'clusters = sa.ExplanationClusterer.load(run / "clusters")',
            'lines = pd.read_parquet(run / "lines.parquet")',
            f"score = scorers_of(model, sample, {options})[{name!r}]  # what the run explained", ""])

    # -- inside ----------------------------------------------------------------------------------------------------

    def _told(self, name: str) -> Any:
        if name not in self.parameters:
            raise DataError(message("run_folder", expected=f"a run that was told its {name!r}",
                                    got=f"none in {self.path}", hint="run its stages again"))
        return self.parameters[name]

    def _need(self, name: str, stage: str) -> Path:
        assert self.parameters is not None  # that there is a run at all comes first
        return product(self.path, name, stage=stage)

    def _table(self, name: str, stage: str) -> pd.DataFrame:
        path = self._need(name, stage)
        return read_table(path, f"a readable {path}", hint=AGAIN)


def _json(path: Path) -> Mapping[str, Any]:
    content = read_json(path, f"a readable {path}", hint=AGAIN)
    return content if isinstance(content, dict) else {}
