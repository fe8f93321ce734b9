"""The report of a run: one HTML file that opens without a network."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from .. import cluster, explain, models, plots, preprocess
from .folder import RunFolder
from .manifest import Manifest
from .scoring import ranking_column


@dataclass(frozen=True)
class Content:
    """Everything a report shows, opened once."""

    run: RunFolder

    @cached_property
    def manifest(self) -> Manifest:
        """What the run was told and how it went."""
        return Manifest(self.run.path)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The parameters of the run."""
        return self.manifest.parameters

    @cached_property
    def preprocessing(self) -> Any:
        """The PreprocessReport."""
        return preprocess.Preprocessor.load(self.run.need("preprocess.json", "02_preprocess")).report

    @cached_property
    def sample(self) -> Any:
        """The spectra, opened lazily."""
        return self.run.sample()

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


def write_report(run_dir: str | Path) -> Path:
    """Write ``report.html`` of a finished run and return its path.

    Parameters
    ----------
    run_dir : path-like
        The run folder.

    Raises
    ------
    DataError
        When a stage is missing, naming it.
    """
    import jinja2

    from .anomalies import anomaly_section, cluster_section
    from .sections import data_section, head, made_section, model_section, score_section

    content = Content(RunFolder(run_dir))
    figures: dict[str, Any] = {}
    parts = {**head(content), "data": data_section(content, figures), "model": model_section(content, figures),
             "scores": score_section(content, figures), **anomaly_section(content, figures),
             "clusters": cluster_section(content, figures), "made": made_section(content)}
    script, divs = plots.embed(figures)
    templates = files("specanom.run") / "templates"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((templates / "report.html").read_text(encoding="utf-8"))
    page = template.render(**parts, divs=divs, script=script, resources=plots.resources(),
                           css=(templates / "report.css").read_text(encoding="utf-8"))
    path = Path(run_dir).resolve() / "report.html"
    part = path.with_name(f"report.{uuid.uuid4().hex[:8]}.part")
    part.write_text(page, encoding="utf-8")
    os.replace(part, path)
    return path
