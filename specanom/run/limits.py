"""Which values of the parameters make sense: a wrong one stops a run at its start and not in its fifth stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ..errors import ArgumentError, choice, message
from ..explain.named import METHODS, PERTURBATIONS, method_of
from ..lines import FILTER_KMS
from ..parallel.executors import check_executor
from ..preprocess.options import full_grid
from ..preprocess.presets import QUASAR_BINS
from ..rounding import PRECISIONS
from ..scores.named import CALIBRATED, PAPER_SCORES, RECOMMENDED
from ..surveys.desi_releases import check_columns, kept_columns
from ..surveys.kept import NAMED
from ..triage.catalogue.cells import safe_name
from ..triage.catalogue.columns import Column, describe, known_columns
from ..triage.crossmatch import Matcher
from ..triage.quality import Taxonomy
from .acquire import ANY, SIMULATED, SURVEYS, catalogue_file
from .keeping import KEEP
from .matching import matchers_of
from .worklisting import conditions_of, reranker_of

LEAST: dict[str, float] = {
    "n": 1, "seed": 0, "download": 0, "z_min": 0.0, "min_snr": 0.0, "grid_start": 1.0, "grid_pixels": 50, "bins": 0,
    "n_latent": 1, "epochs": 0, "max_steps": 0, "velocity": 0.0, "trim": 0.0, "overlap": 1, "top": 0, "segments": 0,
    "samples": 0, "partition": 1, "train": 0, "share": 0.0, "tolerance": 0.0, "repeats": 0, "neighbours": 1,
    "radius": 0.01, "devices": 0,
}
"""The smallest value of each number."""
CHOICES: dict[str, Callable[[], Iterable[str]]] = {
    "survey": lambda: SURVEYS,
    "target": lambda: ("galaxy", "qso", "star", ANY),
    "preset": lambda: ("", "paper"),
    "quasars": lambda: ("", *(one.name for one in QUASAR_BINS)),
    "filter_lines": lambda: ("", *FILTER_KMS),
    "perturbation": lambda: ("", *PERTURBATIONS),
    "method": lambda: ("", "lime", *METHODS),
    "rank_by": lambda: ("", *rankings()),
    "cluster_frame": lambda: ("rest", "observed"),
    "keep": lambda: KEEP,
    "precision": lambda: PRECISIONS,
}
"""The names that a text may be."""
COUNTS = ("folds", "clusters")
"""Texts that are "auto" or a number."""
MADE = ("combined", "verdict", "rule", "share", "nearest", "distance")
"""Columns that stages add to the catalogue, besides scores and those that :func:`describe` knows."""
ORDERED = (("z_min", "z_max"), ("grid_start", "grid_stop"))
"""Pairs of which the first must be smaller."""


def rankings() -> list[str]:
    """Return the names that ``rank_by`` takes: each score, as its calibrated values, and with ``_raw`` or ``_cal``."""
    names = [*PAPER_SCORES, *RECOMMENDED]
    return [*names, "combined", *(f"{name}_raw" for name in names), *(f"{n}{CALIBRATED}" for n in [*names, "combined"])]


def check_values(settings: Mapping[str, Any]) -> None:
    """Look at every parameter of a run.

    Raises
    ------
    ArgumentError
        Naming the first one that cannot be meant.
    """
    for name, least in LEAST.items():
        if not settings[name] >= least:
            raise ArgumentError(message(name, expected=f"at least {least:g}", got=settings[name]))
    for name, allowed in CHOICES.items():
        choice(name, settings[name], list(allowed()))
    for name in COUNTS:
        if settings[name] != "auto" and not (settings[name].isdecimal() and int(settings[name]) >= 1):
            raise ArgumentError(message(name, expected='"auto" or a number from 1', got=repr(settings[name])))
    for low, high in ORDERED:
        if not settings[low] < settings[high]:
            raise ArgumentError(message(high, expected=f"more than {low} = {settings[low]:g}", got=settings[high]))
    full_grid((settings["grid_start"], settings["grid_stop"], settings["grid_pixels"]))
    if settings["segments"] > settings["grid_pixels"]:
        raise ArgumentError(message("segments", expected=f"at most grid_pixels = {settings['grid_pixels']}",
                                    got=settings["segments"], hint="segments=77"))
    method_of(settings["method"], samples=settings["samples"], tolerance=settings["tolerance"])
    if settings["method"] == "gradients" and settings["rank_by"].startswith(("multiscale", "combined")):
        raise ArgumentError(message("method", expected=f"one that needs no gradient, for {settings['rank_by']}",
                                    got="gradients", hint="method=shap"))
    if not settings["trim"] < 1:
        raise ArgumentError(message("trim", expected="a share below 1", got=settings["trim"], hint="trim=0.03"))
    if settings["survey"] in SIMULATED and settings["path"]:
        raise ArgumentError(message("path", expected="none for the simulated survey", got=repr(settings["path"]),
                                    hint="--survey sdss and --survey desi read files"))
    _check_streaming(settings)
    check_executor(settings["executor"])
    check_columns(settings["columns"])
    if settings["columns"] and not settings["catalogue"] and settings["survey"] in ("mock", "sdss"):
        raise ArgumentError(message(
            "catalogue", expected=f"a table of SDSS spectra ({NAMED}) for columns={settings['columns']}", got="none"))
    if settings["catalogue"] and catalogue_file(settings["catalogue"]) is None:
        raise ArgumentError(message("catalogue", expected="a file of redshifts",
                                    got=f"{settings['catalogue']!r}, and there is no such file"))
    _check_excluding(settings, matchers_of(settings["match"], settings["radius"]))
    reranker_of(settings["words"])
    if settings["rules"]:
        Taxonomy.read(settings["rules"])


def _check_streaming(settings: Mapping[str, Any]) -> None:
    """Raise when a run that stores only the oddest spectra is asked for what takes all of them."""
    if not settings["share"] <= 1:
        raise ArgumentError(message("share", expected="a share of at most 1", got=settings["share"], hint="share=0.02"))
    if settings["keep"] == "top" and settings["repeats"]:
        raise ArgumentError(message("repeats", expected="0 with keep=top: every fit would read all files again",
                                    got=settings["repeats"], hint="keep=all"))


def _check_excluding(settings: Mapping[str, Any], matchers: Sequence[Matcher]) -> None:
    """Raise when spectra are left out by a column that the catalogue of the run will not have, as far as is known."""
    kept = [safe_name(name) for name in kept_columns(check_columns(settings["columns"]))]
    joined = tuple(f"{safe_name(one.service).lower()}_" for one in matchers)
    kept += [f"{start}{safe_name(name)}" for start, one in zip(joined, matchers, strict=True)
             for name in getattr(one, "columns", ())]
    made = (*kept, *PAPER_SCORES, *RECOMMENDED, *MADE)
    for one in conditions_of(settings["exclude"]).values():
        name = one.column
        if name in made or name.startswith(joined) or describe(name) != Column(name, f"Column {name}"):
            continue
        near = get_close_matches(name, [*made, *known_columns()], n=1)
        raise ArgumentError(message(
            "exclude", expected="a column of the catalogue of this run", got=repr(name),
            hint=f"did you mean {near[0]!r}?" if near else
            f"-p columns={name} keeps a column of DESI's tables of redshifts, -p match= joins those of other tables"))
