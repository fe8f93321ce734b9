"""What to write of a run in a paper: a methods paragraph, acknowledgements and BibTeX, made from its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError, message
from ..foreign import damaged, read_table, regular
from ..triage.catalogue.citations import bibtex_of, known_uses, software, thanks, works_of
from ..triage.crossmatch.found import MATCHED, NONE
from .byhand import manifest_of
from .manifest import Manifest
from .methods import corrected, model_card, read_json, sentences

if TYPE_CHECKING:
    import pandas as pd

SERVICES = {"simbad": ("simbad",), "ned": ("ned",)}
"""What to thank for matches with a service, by its name; catalogues of VizieR are called ``vizier:TABLE``."""
CLIENTS = {"Simbad": (), "Ned": (), "XMatch": ("xmatch",)}
"""Matchers that ask a service, and what to thank besides; all others look into tables at hand."""
VIZIER = "vizier:"
ASKED = (MATCHED, NONE)
"""What a match says when its service was asked and answered."""
EXPLAINING = {"Lime": "lime", "Shap": "shap", "IntegratedGradients": "gradients"}
PACKAGES = ("numpy", "scipy", "pandas", "astropy", "torch", "scikit-learn", "bokeh")


@dataclass(frozen=True)
class Citation:
    """What to write of a run.

    Attributes
    ----------
    methods : str
        A paragraph: sample, preprocessing, model, scores, explanation, clusters, versions, seed.
    acknowledgements : tuple of str
        One sentence for each survey, service and set of packages.
    keys : tuple of str
        What is cited.
    """

    methods: str
    acknowledgements: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def bibtex(self) -> str:
        """The works that are cited."""
        return bibtex_of(self.keys)

    def text(self) -> str:
        """Return all of it, with headings."""
        thanked = "\n".join(self.acknowledgements)
        return (f"# Methods\n\n{self.methods}\n\n# Acknowledgements\n\n{thanked}\n\n# References (BibTeX)\n\n"
                f"{self.bibtex}\n")


def cite(run_dir: str | Path) -> Citation:
    """Return what to write of a run, as far as it got.

    Parameters
    ----------
    run_dir : path-like
        A run folder.

    Raises
    ------
    DataError
        When there is no run.
    """
    folder = Path(run_dir)
    manifest = manifest_of(folder)
    if not manifest.parameters:
        raise DataError(message("run_dir", expected="a run folder with a manifest", got=str(folder),
                                hint=f"specanom run --run-dir {folder}"))
    uses = used(folder, manifest)
    found = [*thanks(uses), software(uses, manifest.content.get("versions", {}))]
    return Citation(" ".join(sentences(folder, manifest)), tuple(one for one in found if one), tuple(works_of(uses)))


def used(folder: Path, manifest: Manifest) -> list[str]:
    """Return what a run used: method, surveys, corrections, services, explanations and packages."""
    card, _ = model_card(folder)
    steps = read_json(folder / "preprocess.json").get("settings", {})
    explained = read_json(folder / "explanations.zarr" / "manifest.json").get("settings", {})
    uses = ["method", *_surveys(folder, manifest)]
    undone = bool(steps.get("extinction")) and corrected(folder)[0] != 0
    uses += ["F99"] if undone and steps["extinction"] == "F99" else []
    uses += ["sfd"] if undone else []
    if card.get("kind") == "VAEModel":
        uses += ["vae", *(["mmd"] if card.get("settings", {}).get("training", {}).get("lam") else [])]
    method = EXPLAINING.get(explained.get("method", {}).get("kind", ""))
    uses += [method] if method else []
    uses += _services(folder)
    versions = manifest.content.get("versions", {})
    uses += [name for name in PACKAGES if versions.get(name, "")[:1].isdigit()]
    uses += ["jupyter"] if (folder / "notebooks").is_dir() else []
    return [use for use in dict.fromkeys(uses) if use in known_uses()]


def _surveys(folder: Path, manifest: Manifest) -> list[str]:
    """Return the surveys of the spectra that were kept; none for simulated ones."""
    if is_mock(manifest):
        return []
    given = str(manifest.parameters.get("survey", ""))
    return [name for name in ("sdss", "desi") if name in (_values(folder / "sample.zarr" / "table.parquet", "survey")
                                                          or [given])]


def is_mock(manifest: Manifest) -> bool:
    """Tell whether the spectra were simulated."""
    return str(manifest.parameters.get("survey", "")).startswith("mock")


def _services(folder: Path) -> list[str]:
    """Return what answered when the run was cross-matched; tables at hand thank nobody."""
    matches = _columns(folder / "matches.parquet", ("service", "status", "client"))
    if not {"service", "status"} <= set(matches):
        return []
    asked = matches[matches["status"].isin(ASKED)].drop_duplicates()
    clients = asked["client"] if "client" in asked else [""] * len(asked)  # old tables do not say
    uses: list[str] = []
    for name, client in sorted(zip(asked["service"].astype(str).str.lower(), clients, strict=True)):
        if client and client not in CLIENTS:
            continue
        uses += [*SERVICES.get(name, ("vizier", "xmatch") if name.startswith(VIZIER) else ()), *CLIENTS.get(client, ())]
    return uses


def _values(path: Path, column: str) -> list[str]:
    """Return the different values of a column of a table."""
    table = _columns(path, (column,))
    return sorted(str(value) for value in table[column].dropna().unique()) if column in table else []


def _columns(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """Return as many of some columns as a table has; none where there is no table."""
    import pandas as pd
    from pyarrow import parquet

    if not path.exists():
        return pd.DataFrame()
    with damaged(path, "a table of a run"):
        regular(path)
        held = parquet.read_schema(path).names
    return read_table(path, "a table of a run", columns=[name for name in names if name in held])
