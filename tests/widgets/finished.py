"""A small finished run, made as the notebooks make one."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

import specanom as sa
from specanom.diagnostics import measure_lines
from specanom.explain.named import explainer_of
from specanom.run.scoring import score_table
from specanom.scores.named import scorer_of_column, scorers_of
from tests.once import once

PARAMETERS = {"rank_by": "", "preset": "", "velocity": 200.0, "trim": 0.05, "segments": 30, "perturbation": "",
              "method": "", "samples": 300, "tolerance": 0.0, "seed": 3, "path": "", "survey": "mock"}


def finish(folder: Path, sample: sa.SpectrumSet | None = None, **told: object) -> Path:
    """Write a run folder with all that the dashboards need: 60 spectra, 12 of them explained, in 3 clusters.

    With another `sample`, or with parameters other than ``PARAMETERS``, where they are given.
    """
    folder.mkdir()
    parameters = PARAMETERS | told
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if sample is None:
            sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))
        sample.save(folder / "sample.zarr")
        model = sa.PCAModel(6).fit(sample)
        model.save(folder / "model")
        scorers = scorers_of(model, sample, lines=parameters.get("filter_lines"), velocity=parameters["velocity"],
                             trim=parameters["trim"])
        table, _ = score_table(scorers, sample)
        table.to_parquet(folder / "scores.parquet")
        oddest = sample.select(list(table.nlargest(12, "chi2_ivar_cal")["id"]))
        explanations = explainer_of(scorer_of_column("chi2_ivar_cal", scorers), parameters).explain_many(oddest)
        explanations.save(folder / "explanations.zarr")
        measure_lines(oddest).to_parquet(folder / "lines.parquet")
        sa.ExplanationClusterer(3, seed=1, bootstrap=0).fit(explanations).save(folder / "clusters")
    told = {"format": "specanom run", "version": 1, "parameters": parameters}
    (folder / "manifest.json").write_text(json.dumps(told))
    return folder


def small_run(factory: pytest.TempPathFactory) -> Path:
    """Return the run that all tests of a test run look at; nothing may be written into it."""
    return once(factory, "small run", finish)


def linked(finished: Path, folder: Path) -> Path:
    """Return the new folder as the same run, with a place of its own for labels."""
    folder.mkdir()
    for one in finished.iterdir():
        (folder / one.name).symlink_to(one)
    return folder
