"""One page: every figure and table of the paper beside ours, with a verdict each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from ..errors import DataError
from ..folders import write_json, write_text
from ..run.manifest import versions
from ..run.tabulate import ShownTable, fixed, number
from ..scores.named import CALIBRATED
from ..visible import visible
from . import beside, clusters, figures, filters, tables, variations, verdicts
from .groups import CLIPPED, DIFFUSE
from .numbers import BEST_BIN, ITEMS, MEMBER_RANKS, PIXELS, READ, SPECTRA, TOP, Item
from .reasons import REASONS, reasons_of
from .sides import NAMES, Made, Side
from .verdicts import AGREES, DIFFERS, OPEN, PARTLY, Verdict

Maker = Callable[[Side], Made]
Judge = Callable[[Made, Made], Verdict]
Beside = Callable[[Made, Made], ShownTable]
PREPARED, SCORED, EXPLAINED, CLUSTERED = "02_preprocess", "04_score", "05_explain", "06_clusters"
SAID = {AGREES: ("agrees", "agree"), PARTLY: ("agrees in part", "agree in part"), DIFFERS: ("differs", "differ"),
        OPEN: ("cannot be told", "cannot be told")}
"""How many figures do so, in words: one, and several."""
CHIPS = {AGREES: "good", PARTLY: "", DIFFERS: "warm", OPEN: ""}


@dataclass(frozen=True)
class Recipe:
    """How a figure or table is made, judged and laid beside the paper."""

    make: Maker
    judge: Judge
    beside: Beside
    needs: str = CLUSTERED
    """The last stage that it is made from."""


RECIPES: dict[str, Recipe] = {
    "table-1": Recipe(tables.table_1, verdicts.table_1, beside.table_1, PREPARED),
    "figure-1": Recipe(figures.figure_1, verdicts.figure_1, beside.figure_1, SCORED),
    "figure-2": Recipe(figures.figure_2, verdicts.figure_2, beside.figure_2, SCORED),
    "figure-3": Recipe(figures.figure_3, verdicts.figure_3, beside.figure_3, EXPLAINED),
    "table-2": Recipe(tables.table_2, verdicts.table_2, beside.table_2),
    "table-3": Recipe(tables.table_3, verdicts.table_3, beside.table_3),
    "figure-4": Recipe(clusters.figure_4, clusters.judge_4, partial(clusters.beside_kinds, kinds=(DIFFUSE, CLIPPED))),
    "figure-5": Recipe(clusters.figure_5, clusters.judge_5, partial(clusters.beside_kinds, kinds=(1, 2))),
    "figure-6": Recipe(clusters.figure_6, clusters.judge_6, partial(clusters.beside_kinds, kinds=(3,))),
    "figure-7": Recipe(variations.figure_7, variations.judge_7, variations.beside_numbers, EXPLAINED),
    "figure-8": Recipe(variations.figure_8, variations.judge_8, variations.beside_numbers, EXPLAINED),
    "figure-9": Recipe(variations.figure_9, variations.judge_9, variations.beside_numbers, EXPLAINED),
    "figure-10": Recipe(variations.figure_10, variations.judge_10, variations.beside_10, EXPLAINED),
    "figure-11": Recipe(variations.figure_11, variations.judge_11, variations.beside_numbers, EXPLAINED),
    "table-B.1": Recipe(filters.table_b1, filters.judge_b1, filters.beside_b1, PREPARED),
    **{f"figure-C.{group}": Recipe(partial(clusters.members, group=group),
                                   partial(clusters.judge_members, group=group),
                                   partial(clusters.beside_members, group=group))
       for group in MEMBER_RANKS},
}


@dataclass(frozen=True)
class Section:
    """One figure or table, made."""

    item: Item
    paper: Made
    defaults: Made
    verdict: Verdict
    table: ShownTable
    why: tuple[str, ...]

    @property
    def drawn(self) -> bool:
        """Whether there is anything to be seen beside numbers, or a reason why not."""
        return any(made.pictures or made.missing for made in (self.paper, self.defaults))

    @property
    def sides(self) -> list[dict[str, Any]]:
        """The two runs for the template: name, verdict, sentence and pictures."""
        return [{"name": NAMES[name], "told": self.verdict.told[name], "chip": CHIPS[self.verdict.told[name]],
                 "said": self.verdict.said[name], "made": made}
                for name, made in (("paper", self.paper), ("defaults", self.defaults))]


def sections(paper: Side, defaults: Side, told: Callable[[str], None] | None = None) -> list[Section]:
    """Make every figure and table of two runs."""
    made = []
    for item in ITEMS:
        if told:
            told(item.title)
        recipe = RECIPES[item.key]
        first, second = (_made(recipe, side) for side in (paper, defaults))
        verdict = recipe.judge(first, second)
        keys = () if verdict.settled else verdict.why
        why = reasons_of(keys, simulated=paper.simulated, survey=paper.content.settings["survey"])
        made.append(Section(item, first, second, verdict, recipe.beside(first, second), why))
    return made


def _made(recipe: Recipe, side: Side) -> Made:
    """Make a figure or table of one run, or say why it cannot be made."""
    if missing := side.lacks(recipe.needs):
        return Made({}, missing=missing)
    try:
        return recipe.make(side)
    except DataError as exc:  # too few spectra for this one
        return Made({}, missing=f"this cannot be computed: {exc}")


def write_page(path: Path, paper: Side, defaults: Side, *, told: Callable[[str], None] | None = None) -> Path:
    """Write the page, beside it its verdicts and sentences as JSON, and return the path of the page.

    Parameters
    ----------
    path : Path
    paper, defaults : Side
        The two runs.
    told : callable, optional
        Called with the title of each figure and table when it is begun.
    """
    made = sections(paper, defaults, told)
    used = {key for section in made for key in section.why}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     finalize=_shown)
    text = (files("specanom.reproduce") / "templates" / "reproduce.html").read_text(encoding="utf-8")
    css = (files("specanom.run") / "templates" / "report.css").read_text(encoding="utf-8")
    page = environment.from_string(text).render(
        sections=made, css=css, lead=_lead(paper), names=NAMES, runs=_runs(paper, defaults), summary=_summary(made),
        stopped=[side for side in (paper, defaults) if side.stopped[0]],
        reasons={key: reason for key, reason in REASONS.items() if key in used})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    write_json(path.with_suffix(".json"), _record((paper, defaults), made))
    return path


def _record(sides: tuple[Side, Side], made: list[Section]) -> dict[str, Any]:
    """Return what the page says, for programs: where a run stopped, every verdict, its sentences and its table."""
    told = sides[0].content.settings
    return {"specanom": versions()["specanom"], "survey": told["survey"], "n": told["n"], "seed": told["seed"],
            "stopped": {side.name: ": ".join(side.stopped) for side in sides if side.stopped[0]},
            "items": {s.item.key: {"title": s.item.title, "name": s.item.name, "paper": s.verdict.told["paper"],
                                   "defaults": s.verdict.told["defaults"], "lead": s.verdict.lead,
                                   "said": dict(s.verdict.said), "head": s.table.head, "rows": s.table.rows}
                      for s in made}}


def _lead(side: Side) -> str:
    told = side.content.settings
    what = (f"a simulated survey of {number(int(told['n']))} fibres" if side.simulated
            else str(told["path"]) or "downloaded spectra")
    return f"{time.strftime('%d %B %Y, %H:%M')}. Made of {what}."


def _summary(made: list[Section]) -> str:
    parts = []
    for name, called in NAMES.items():
        counts = {told: sum(s.verdict.told[name] == told for s in made) for told in CHIPS}
        said = [f"{count} {SAID[told][count != 1]}" for told, count in counts.items() if count]
        parts.append(f"with {called} {', '.join(said)}")
    return f"Of {len(made)} figures and tables, {'; '.join(parts)}."


def _runs(paper: Side, defaults: Side) -> ShownTable:
    """Return what went into the two runs, beside the paper; a dash where a run did not get so far."""
    sides = (paper, defaults)

    def row(name: str, theirs: str, stage: str, get: Callable[[Side], str]) -> list[str]:
        return [name, theirs, *(beside.DASH if side.lacks(stage) else get(side) for side in sides)]

    counts: list[tuple[str, int, str, Callable[[Side], int]]] = [
        ("spectra read", READ, PREPARED, lambda s: s.content.preprocessing.n_in),
        ("kept", SPECTRA, PREPARED, lambda s: s.content.preprocessing.n_out),
        ("looked at (paper: best bin of S/N)", BEST_BIN, SCORED, lambda s: len(s.scores)),
        ("pixels at rest", PIXELS, PREPARED, lambda s: len(s.content.sample.wave)),
        ("explained", TOP, EXPLAINED, lambda s: len(s.content.explanations))]
    rows = [row(name, number(theirs), stage, lambda s, get=get: number(int(get(s))))  # type: ignore[misc]
            for name, theirs, stage, get in counts]
    rows.append(row("ranked by", "mse", SCORED, lambda s: _named(s.content.column)))
    rows += [row(f"median χ² by ivar, {model}", beside.DASH, SCORED, lambda s, model=model: _quality(s, model))  # type: ignore[misc]
             for model in ("VAE", "PCA")]
    rows.append(row("minutes of the run", beside.DASH, PREPARED, _minutes))
    return ShownTable(["", "paper", *NAMES.values()], rows)


def _named(column: str) -> str:
    return f"{column.removesuffix(CALIBRATED)}, calibrated" if column.endswith(CALIBRATED) else column


def _minutes(side: Side) -> str:
    stages = side.content.manifest.content["stages"]
    return fixed(1)(sum(float(one.get("seconds", 0.0)) for name, one in stages.items() if name <= CLUSTERED) / 60)


def _quality(side: Side, model: str) -> str:
    table = side.content.run.tables("quality")
    found = math.nan if table is None else float(table.set_index("model")["chi2_ivar median"].get(model, math.nan))
    return number(found)


def _shown(value: Any) -> Any:
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value, keep="\n\t") if plain else value
