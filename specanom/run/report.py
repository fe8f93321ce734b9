"""The report of a run: one HTML file that opens without a network."""

from __future__ import annotations

import os
import uuid
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from .. import plots
from .anomalies import anomaly_section, cluster_section
from .content import Content
from .folder import RunFolder
from .sections import data_section, head, made_section, model_section, score_section


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
