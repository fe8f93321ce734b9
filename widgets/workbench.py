"""The workbench: the three dashboards and the labels as one, where what is in focus in one is in focus in all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets
import traitlets

from specanom.explain import Explainer
from specanom.surveys.viewers import Cutouts
from specanom.triage import WORDS, LabelLog

from .base.controls import button
from .base.dashboard import Dashboard, guarded
from .base.locking import LOCK
from .base.page import write_page
from .base.words import in_html
from .inspector import ClusterInspector
from .labelled import LabelsPanel
from .picker import ScorePicker
from .runs import FinishedRun
from .tuner import LimeTuner

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

PAGES = ("picker", "tuner", "inspector", "labels")
TITLES = ("Scores", "Explanation", "Clusters", "Labels")
EXPORT = "labels.csv"


@dataclass(frozen=True)
class Tuned:
    """What a workbench results in.

    Attributes
    ----------
    scorer : Scorer or CalibratedScorer
        The score that was picked.
    explainer : Explainer
        The explainer that was tuned.
    labels : DataFrame
        What stands in the labels: id, label, note, author, source, time.
    """

    scorer: Any
    explainer: Explainer
    labels: pd.DataFrame


def open_run(kind: type[Workbench], run_folder: str | Path) -> Workbench:
    """Open a finished run: the dashboards begin with the score, the explainer and the clusters of the run.

    Parameters
    ----------
    kind : type
        Workbench.
    run_folder : path-like
        Of ``specanom run``. Labels are kept in its ``labels.jsonl``.

    Raises
    ------
    DataError
        When it is no run, or a part of it is missing: the stage that makes it is named.
    """
    run = FinishedRun.open(run_folder)
    cutouts = Cutouts(run.images)
    picker = ScorePicker(run.ranking, run.sample, scores=run.scores, labels=run.labels, cutouts=cutouts)
    first = run.sample.by_id(run.explanations.ids[0])
    tuner = LimeTuner(run.explainer, first, sample=run.sample)
    inspector = ClusterInspector(run.clusters, run.sample, explanations=run.explanations, lines=run.lines,
                                 labels=run.labels)
    made = kind(picker, tuner, inspector)
    made.run = run
    made.say(f"opened {run.path}: {len(run.sample):,} spectra, {len(run.explanations):,} explained")
    return made


class Opening:
    """``Workbench.open(run_folder)``; of a workbench that is there the ``open`` of ipywidgets, which needs the name."""

    def __get__(self, made: Workbench | None, kind: type[Workbench]) -> Callable[..., Any]:
        return partial(open_run, kind) if made is None else super(Workbench, made).open


class Workbench(Dashboard):
    """Scores, explanation, clusters and labels on four pages that share the spectrum in focus.

    Choosing a spectrum on one page chooses it on the others. Pages that are not on the screen follow when they are
    opened, so that going through a table stays quick; with `eager` they follow at once.

    Parameters
    ----------
    picker : ScorePicker
    tuner : LimeTuner
        With a sample, or its spectrum is the only one it can show.
    inspector : ClusterInspector
    labels : LabelLog, optional
        What the page of labels shows; those of the picker when not given.

    Attributes
    ----------
    page : {"picker", "tuner", "inspector", "labels"}
        What is on the screen.
    selected : str
        Id of the spectrum in focus.
    eager : bool
        Whether pages that are not on the screen follow at once.
    picker, tuner, inspector : Dashboard
    labels : LabelsPanel

    Notes
    -----
    ``Workbench.open(run_folder)`` opens a finished run, see :func:`open_run`.

    Examples
    --------
    >>> bench = Workbench.open("runs/mock")               # doctest: +SKIP
    >>> bench.selected = bench.picker.table.view()["id"].iloc[3]  # doctest: +SKIP
    """

    title: ClassVar[str] = "Workbench"

    page = traitlets.Enum(PAGES, "picker")
    eager = traitlets.Bool(False)

    def __init__(self, picker: ScorePicker, tuner: LimeTuner, inspector: ClusterInspector, *,
                 labels: LabelLog | None = None) -> None:
        super().__init__()
        self.picker, self.tuner, self.inspector = picker, tuner, inspector
        self.run: FinishedRun | None = None
        self._following = False
        self._handed: dict[str, str] = {}  # names of scores that were handed to the tuner, and the code that makes each
        log = picker.labels if labels is None else labels
        self.labels = LabelsPanel(log, log.path.with_name(EXPORT), exporting=self._exported)
        self._focus = ipywidgets.HTML()
        self._stale: set[str] = set()  # pages that do not show the latest labels
        self._tabs = ipywidgets.Tab([picker, tuner, inspector, self.labels], titles=TITLES)
        self.build(controls=[], main=[self._bar(), self._tabs], panes=[])
        self.add_class("specanom-workbench")
        traitlets.link((self, "page"), (self._tabs, "selected_index"), transform=(PAGES.index, _page))
        for name, part in self.parts.items():
            part.observe(partial(self._on_part, name), "selected")
            if isinstance(part, Dashboard):
                traitlets.link((self, "theme"), (part, "theme"))
        for name, one in (("picker", picker.marks), ("labels", self.labels.marks)):
            one.on_mark(partial(self._on_mark, name))
        self.selected = picker.selected or tuner.selected

    open = Opening()

    # -- what is in focus ------------------------------------------------------------------------------------------

    @cached_property
    def parts(self) -> Mapping[str, Any]:
        """The pages by name."""
        return {"picker": self.picker, "tuner": self.tuner, "inspector": self.inspector, "labels": self.labels}

    @cached_property
    def _known(self) -> Mapping[str, frozenset[str]]:
        """Ids that the pages can show; a page that is not here shows any."""
        tuner = [self.tuner.spectrum.id] if self.tuner.sample is None else self.tuner.sample.ids
        return {"picker": frozenset(self.picker.sample.ids), "tuner": frozenset(tuner),
                "inspector": frozenset(self.inspector.clusterer.ids_)}

    def _knows(self, name: str) -> bool:
        return name not in self._known or self.selected in self._known[name]

    def _on_part(self, name: str, change: Any) -> None:
        if change["new"] and not self._following:
            self.selected = change["new"]

    @traitlets.observe("selected", "page")
    def _on_focus(self, change: Any) -> None:
        if hasattr(self, "labels"):
            if change["name"] == "page" and change["old"] == "inspector":
                self._stale.add("picker")  # marks may have been given there
            self._follow_shown()

    @guarded
    def _follow_shown(self) -> None:
        for name in PAGES if self.eager else (self.page,):
            self._follow(name)
        if self.page == "labels":
            self.labels.refresh()
        elif self.page in self._stale:
            self.parts[self.page].refresh_marks()
        self._stale.discard(self.page)
        self._tell()

    def _follow(self, name: str) -> None:
        """Bring a page to the spectrum in focus, where it has it."""
        part = self.parts[name]
        if self.selected and part.selected != self.selected and self._knows(name):
            with self._led():
                part.selected = self.selected

    @contextmanager
    def _led(self) -> Iterator[None]:
        """What pages choose meanwhile is not a choice of the user."""
        before, self._following = self._following, True
        try:
            yield
        finally:
            self._following = before

    def follow(self) -> None:
        """Bring all pages to the spectrum in focus."""
        with LOCK:
            for name in PAGES:
                self._follow(name)

    def _tell(self) -> None:
        missing = "" if not self.selected or self._knows(self.page) else (
            " – it was not explained when the clusters were made" if self.page == "inspector" else
            " – this page does not have it")
        shown = f"<b>{in_html(self.selected)}</b>{missing}" if self.selected else "nothing"
        self._focus.value = f"<span>In focus: {shown}</span>"

    # -- handing on ------------------------------------------------------------------------------------------------

    def _bar(self) -> ipywidgets.HBox:
        hand = button("Explain this score", "Tune the explanation of the score that is picked now, for the spectrum in "
                      "focus", self.hand_score)
        bar = ipywidgets.HBox([self._focus, hand], layout=ipywidgets.Layout(align_items="center", grid_gap="0 1em"))
        bar.add_class("specanom-bar")
        return bar

    @guarded
    def hand_score(self) -> None:
        """Give the score that is picked to the tuner, and go there.

        Of a calibrated score it is the score under it that is explained: the calibration is a monotone map, at the S/N
        and redshift of one spectrum, and without it the parts add up.
        """
        score = self.picker.scorer
        self._follow("tuner")
        with self._led():
            self.tuner.take_score(score)
        raw = "scorer.scorer" if self.picker.calibrated else "scorer"
        self._handed[score.name] = f"{self.picker.to_code()}score = {raw}\n\n"
        self.page = "tuner"
        self.say(f"explaining {score.name}" + (", the score under the calibration: its parts add up"
                                               if self.picker.calibrated else ""))

    @guarded
    def _exported(self, action: Callable[[], Path]) -> None:
        self.say(f"labels saved as {action()}")

    def mark(self, word: str) -> None:
        """Say a word of the spectrum in focus, or take it back when it stands; see :class:`.MarkBar`."""
        with LOCK:
            self._follow("labels")
            self.labels.marks.toggle(word)

    @guarded
    def _on_mark(self, name: str, id: str, word: str) -> None:
        self.say(f"{id}: {word}" if word else f"{id}: taken back")
        self._stale |= {"picker", "inspector"} - {name}
        self._follow_shown()

    # -- what it results in ----------------------------------------------------------------------------------------

    @property
    def result(self) -> Tuned:
        """The score, the explainer and the labels."""
        return Tuned(self.picker.result, self.tuner.result, self.labels.labels.to_frame())

    def to_code(self) -> str:
        """Return Python that makes score, explanation and clusters, one after the other.

        For a run it begins with opening it; else ``model``, ``sample``, ``score`` and ``explanations`` are those that
        the dashboards were given.
        """
        with LOCK:
            self._follow("tuner")
        picked = self.picker.to_code()
        # Code of the tuner calls the score it was given, and those handed to it later, by the same name.
        chosen, taken = self.tuner.settings.score, self.tuner.scores.taken
        handed = next((code for name, code in self._handed.items() if taken(chosen, name)), "").removeprefix(picked)
        opened = [] if self.run is None else ["# -- the run", self.run.code()]
        return _joined([*opened, "# -- the score", picked, "# -- the explanation", handed + self.tuner.to_code(),
                        "# -- the clusters", self.inspector.to_code()])

    def facts(self) -> Sequence[tuple[str, str]]:
        """Return the state of all pages in words."""
        told = [("in focus", self.selected), ("labels", repr(self.labels.labels))]
        for name, part in self._dashboards():
            told += [(f"{name}: {what}", value) for what, value in part.facts()]
        return told

    def tables(self) -> Sequence[tuple[str, pd.DataFrame]]:
        """Return the tables of all pages."""
        made = [(title, table) for _, part in self._dashboards() for title, table in part.tables()]
        return [*made, ("Labels of all", self.labels.labels.to_frame())]

    def save_html(self, path: str | Path) -> Path:
        """Write all pages, one below the other, into one file that opens without a network; returns the path."""
        with LOCK:
            self.follow()
            figures = [pane.root for _, part in self._dashboards() for pane in part.panes]
            return write_page(path, title=self.title, theme=self.picker.shown_theme, facts=self.facts(),
                              figures=figures, tables=self.tables(), code=self.to_code())

    def _dashboards(self) -> Sequence[tuple[str, Dashboard]]:
        return list(zip(TITLES, (self.picker, self.tuner, self.inspector), strict=False))

    def close(self) -> None:
        """End what goes on in the background on all pages."""
        if hasattr(self, "inspector"):
            for _, part in self._dashboards():
                part.close()
        super().close()

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], None]]]:
        """Return what keys do."""
        marks = {str(key): (f"mark “{word}”, or take it back", partial(self.mark, word))
                 for key, word in enumerate(WORDS, start=1)}
        return {**super().shortcuts(), **marks, "g": ("explain the score that is picked", self.hand_score)}


def _joined(parts: Sequence[str]) -> str:
    """Join pieces of code; what was imported before is not imported again."""
    seen: set[str] = set()
    made: list[str] = []
    for line in "\n".join(parts).split("\n"):
        again = line in seen or (not line and made[-1:] in ([""], []))
        if line.startswith(("import ", "from ")):
            seen.add(line)
        if not again:
            made.append(line)
    return "\n".join(made).rstrip() + "\n"


def _page(index: int | None) -> str:
    return PAGES[index or 0]
