"""The report of a run: one HTML file that opens without a network."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from .. import plots
from ..folders import write_text
from ..visible import visible
from .anomalies import anomaly_section, cluster_section
from .closing import catalogue_section, kin_section
from .content import Content
from .failing import failure_section
from .folder import RunFolder
from .manifest import Manifest, after, fingerprint, key
from .parameters import STAGES
from .sections import data_section, head, made_section, model_section, score_section

NAME = "report.html"
_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.S)


def write_report(run_dir: str | Path) -> Path:
    """Write ``report.html`` of a finished run and return its path.

    Parameters
    ----------
    run_dir : path-like
        The run folder.

    Raises
    ------
    DataError
        When a stage is not done, or not from what is there now, naming it.
    """
    content = Content(RunFolder(Path(run_dir).absolute()))
    content.manifest.require(STAGES)
    figures: dict[str, Any] = {}
    parts = {**head(content), "data": data_section(content, figures), "model": model_section(content, figures),
             "scores": score_section(content, figures), **anomaly_section(content, figures),
             "clusters": cluster_section(content, figures), "kin": kin_section(content, figures),
             "catalogue": catalogue_section(content, figures), "failed": failure_section(content),
             "made": made_section(content)}
    script, divs = plots.embed(figures)
    resources, templates = plots.resources(), files("specanom.run") / "templates"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     finalize=_shown)
    template = environment.from_string((templates / "report.html").read_text(encoding="utf-8"))
    page = template.render(**parts, divs=divs, script=script, resources=resources,
                           policy=policy(resources, script),
                           css=(templates / "report.css").read_text(encoding="utf-8"))
    path = content.run / NAME
    write_text(path, page)
    content.manifest.content["report"] = {"key": _key(content.manifest), "file": fingerprint(path)}
    content.manifest.write()
    return path


def current_report(run_dir: str | Path) -> Path | None:
    """Return the path of the report when it shows what is in the run folder now, else None."""
    path, manifest = Path(run_dir).absolute() / NAME, Manifest(Path(run_dir).absolute())
    known = manifest.content.get("report", {})
    same = known.get("key") == _key(manifest) and known.get("file") == fingerprint(path)
    return path if same else None


def policy(resources: str, script: str) -> str:
    """Return what the page may do: run the scripts of figures, known by their hashes, and load nothing.

    A script that got into the page by a name would not be one of these, and an attribute like ``onclick`` has no hash.
    """
    parts = [*_SCRIPT.findall(resources), script.partition(">")[2].rpartition("</script>")[0]]
    hashes = " ".join(f"'sha256-{b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in parts if one)
    return (f"default-src 'none'; script-src {hashes or 'none'} 'unsafe-eval'; style-src 'unsafe-inline'; "
            "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'")


def _shown(value: Any) -> Any:
    """Show control characters and turned lines in what is put into the page; what is marked as HTML stays."""
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value, keep="\n\t") if plain else value


def _key(manifest: Manifest) -> str:
    """Hash what a report is made from: the products, the parameters, and the code that draws."""
    stages = [after(str(manifest.stage(name).get("upstream")), manifest.stage(name)) for name in STAGES]
    code = [fingerprint(Path(str(files(room))) / name) for room in ("specanom.run", "specanom.plots")
            for name in sorted(one.name for one in files(room).iterdir()) if not name.startswith("__")]
    return key({"stages": stages, "given": manifest.content.get("given"), "code": code})
