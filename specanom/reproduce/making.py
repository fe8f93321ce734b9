"""Two runs on the same spectra, as published and with the defaults, and the page that lays them beside the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import DataError, message
from ..run.acquire import SIMULATED
from ..run.content import Content
from ..run.failure import StageFailed
from ..run.folder import RunFolder
from ..run.parameters import STAGES
from ..run.pipeline import Listener, run_pipeline
from .page import write_page
from .sides import NAMES, Side

LAST = "06_clusters"
"""The last stage that a figure or table is made from."""
NEEDED = "02_preprocess"
"""The stage without which there is nothing to show; the paper's cuts may leave none of another survey's spectra."""
SMALL: dict[str, Any] = {"top": 60}
"""What simulated surveys are told beside their defaults: 1 % of the best bin of so few is too few for clusters."""
PAGE = "reproduction.html"


def reproduce(
    out: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    runs: tuple[str | Path, str | Path] | None = None,
    listeners: Mapping[str, Listener] | None = None,
    told: Callable[[str], None] | None = None,
) -> Path:
    """Compute every figure and table of the paper on spectra at hand, and lay them beside the paper's numbers.

    Parameters
    ----------
    out : path-like
        Folder of the two runs, ``paper`` and ``defaults``, and of the page. What an earlier call left there and still
        fits is not made again.
    parameters : mapping, optional
        Parameters of the pipeline by name: survey, path, n, …; a simulated survey of 2000 fibres when not told.
    runs : (path-like, path-like), optional
        Finished runs on the same spectra, with ``preset="paper"`` and without; nothing is run then.
    listeners : mapping, optional
        ``"paper"`` and ``"defaults"`` → what listens to the stages of that run.
    told : callable, optional
        Called with a line on each run, figure and table when it is begun.

    Returns
    -------
    Path
        The page, one HTML file that opens without a network.

    Raises
    ------
    DataError
        When runs that are given are not finished, or are of another preset.
    StageFailed
        When neither run is left with spectra, or one stops for another reason than the data. A run that stops because
        there are too few spectra is shown as far as it got, and the page says what cannot be told.
    """
    folder = Path(out).absolute()
    if runs is None:
        given = {"survey": "mock", **(parameters or {})}
        given = {**(SMALL if given["survey"] in SIMULATED else {}), **given}
        given.pop("preset", None)
        runs = (folder / "paper", folder / "defaults")
        stopped = _both(runs, given, listeners or {}, told)
    else:
        stopped = dict.fromkeys(NAMES, ("", ""))
    sides = {name: _side(name, Path(place), stopped[name]) for name, place in zip(NAMES, runs, strict=True)}
    return write_page(folder / PAGE, sides["paper"], sides["defaults"], told=told)


def _both(runs: tuple[Path, Path], given: Mapping[str, Any], listeners: Mapping[str, Listener],
          told: Callable[[str], None] | None) -> dict[str, tuple[str, str]]:
    """Make both runs; return where and why each stopped for want of data, empty when it did not."""
    stopped, failures = dict.fromkeys(NAMES, ("", "")), []
    for name, place, preset in zip(NAMES, runs, ("paper", ""), strict=True):
        if told:
            told(f"run with {NAMES[name]}")
        try:
            run_pipeline(place, {**given, "preset": preset}, until=LAST, listener=listeners.get(name))
        except StageFailed as exc:
            if exc.kind != DataError.__name__ or exc.stage < NEEDED:
                raise
            failures.append(exc)
            stopped[name] = exc.stage, exc.reason.removeprefix(f"{exc.kind}: ").rstrip(".")
    if len(failures) == len(NAMES) and all(exc.stage == NEEDED for exc in failures):  # nothing to show
        raise failures[-1]
    return stopped


def _side(name: str, place: Path, stopped: tuple[str, str]) -> Side:
    content = Content(RunFolder(place.absolute()))
    content.manifest.require(STAGES[: STAGES.index(stopped[0] or LAST) + (not stopped[0])])
    wanted = "paper" if name == "paper" else ""
    if content.settings["preset"] != wanted:
        raise DataError(message("runs", expected='first a run with preset="paper", then one without',
                                got=f"{place} with preset={content.settings['preset']!r}"))
    return Side(name, content, stopped)
