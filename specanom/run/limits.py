"""Which values of the parameters make sense: a wrong one stops a run at its start and not in its fifth stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import ArgumentError, choice, message
from ..explain.named import METHODS, PERTURBATIONS, method_of
from ..lines import FILTER_KMS
from ..parallel.executors import check_executor
from ..preprocess.presets import QUASAR_BINS
from ..scores.named import CALIBRATED, PAPER_SCORES, RECOMMENDED
from ..surveys.desi_releases import check_columns
from ..triage.quality import Taxonomy
from .acquire import SIMULATED, SURVEYS, catalogue_file
from .matching import matchers_of
from .worklisting import conditions_of

LEAST: dict[str, float] = {
    "n": 1, "seed": 0, "download": 0, "z_min": 0.0, "min_snr": 0.0, "grid_start": 1.0, "grid_pixels": 50, "bins": 0,
    "n_latent": 1, "epochs": 0, "max_steps": 0, "velocity": 0.0, "trim": 0.0, "overlap": 1, "top": 0, "segments": 0,
    "samples": 0, "partition": 1, "tolerance": 0.0, "repeats": 0, "neighbours": 1, "radius": 0.01,
}
"""The smallest value of each number."""
CHOICES: dict[str, Callable[[], Iterable[str]]] = {
    "survey": lambda: SURVEYS,
    "target": lambda: ("galaxy", "qso", "star"),
    "preset": lambda: ("", "paper"),
    "quasars": lambda: ("", *(one.name for one in QUASAR_BINS)),
    "filter_lines": lambda: ("", *FILTER_KMS),
    "perturbation": lambda: ("", *PERTURBATIONS),
    "method": lambda: ("", "lime", *METHODS),
    "rank_by": lambda: ("", *rankings()),
    "cluster_frame": lambda: ("rest", "observed"),
}
"""The names that a text may be."""
COUNTS = ("folds", "clusters")
"""Texts that are "auto" or a number."""
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
    check_executor(settings["executor"])
    check_columns(settings["columns"])
    if settings["catalogue"] and catalogue_file(settings["catalogue"]) is None:
        raise ArgumentError(message("catalogue", expected="a file of redshifts", got=repr(settings["catalogue"])))
    matchers_of(settings["match"], settings["radius"])
    conditions_of(settings["exclude"])
    if settings["rules"]:
        Taxonomy.read(settings["rules"])
