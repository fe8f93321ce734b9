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

from ..folders import write_text
from ..run.tabulate import ShownTable, number
from ..visible import visible
from . import beside, clusters, figures, tables, variations, verdicts
from .groups import CLIPPED, DIFFUSE
from .numbers import BEST_BIN, ITEMS, MEMBER_RANKS, PIXELS, READ, SPECTRA, Item
from .reasons import REASONS
from .sides import NAMES, Made, Side
from .verdicts import AGREES, DIFFERS, OPEN, PARTLY, Verdict

Maker = Callable[[Side], Made]
Judge = Callable[[Made, Made], Verdict]
Beside = Callable[[Made, Made], ShownTable]
CHIPS = {AGREES: "good", PARTLY: "", DIFFERS: "warm", OPEN: ""}


@dataclass(frozen=True)
class Recipe:
    """How a figure or table is made, judged and laid beside the paper."""

    make: Maker
    judge: Judge
    beside: Beside | None = None


RECIPES: dict[str, Recipe] = {
    "table-1": Recipe(tables.table_1, verdicts.table_1, beside.table_1),
    "figure-1": Recipe(figures.figure_1, verdicts.figure_1, beside.figure_1),
    "figure-2": Recipe(figures.figure_2, verdicts.figure_2, beside.figure_2),
    "figure-3": Recipe(figures.figure_3, verdicts.figure_3, beside.figure_3),
    "table-2": Recipe(tables.table_2, verdicts.table_2, beside.table_2),
    "table-3": Recipe(tables.table_3, verdicts.table_3, beside.table_3),
    "figure-4": Recipe(clusters.figure_4, clusters.judge_4, partial(clusters.beside_kinds, kinds=(DIFFUSE, CLIPPED))),
    "figure-5": Recipe(clusters.figure_5, clusters.judge_5, partial(clusters.beside_kinds, kinds=(1, 2))),
    "figure-6": Recipe(clusters.figure_6, clusters.judge_6, partial(clusters.beside_kinds, kinds=(3,))),
    "figure-7": Recipe(variations.figure_7, variations.judge_7, variations.beside_numbers),
    "figure-8": Recipe(variations.figure_8, variations.judge_8, variations.beside_numbers),
    "figure-9": Recipe(variations.figure_9, variations.judge_9, variations.beside_numbers),
    "figure-10": Recipe(variations.figure_10, variations.judge_10, variations.beside_10),
    "figure-11": Recipe(variations.figure_11, variations.judge_11, variations.beside_numbers),
    **{f"figure-C.{group}": Recipe(partial(clusters.members, group=group),
                                   partial(clusters.judge_members, group=group), clusters.beside_members)
       for group in MEMBER_RANKS},
}


@dataclass(frozen=True)
class Section:
    """One figure or table, made."""

    item: Item
    paper: Made
    defaults: Made
    verdict: Verdict
    table: ShownTable | None
    seconds: float

    @property
    def drawn(self) -> bool:
        """Whether there is anything to be seen beside numbers, or a reason why not."""
        return any(made.pictures or made.missing for made in (self.paper, self.defaults))

    @property
    def sides(self) -> list[dict[str, Any]]:
        """The two runs for the template: name, chip and pictures."""
        return [{"name": NAMES[name], "told": self.verdict.told[name], "chip": CHIPS[self.verdict.told[name]],
                 "made": made} for name, made in (("paper", self.paper), ("defaults", self.defaults))]


def sections(paper: Side, defaults: Side, told: Callable[[str], None] | None = None) -> list[Section]:
    """Make every figure and table of two runs."""
    made = []
    for item in ITEMS:
        if told:
            told(item.title)
        recipe, start = RECIPES[item.key], time.monotonic()
        first, second = recipe.make(paper), recipe.make(defaults)
        table = recipe.beside(first, second) if recipe.beside else None
        verdict = recipe.judge(first, second)
        made.append(Section(item, first, second, verdict, table, time.monotonic() - start))
    return made


def write_page(path: Path, paper: Side, defaults: Side, *, told: Callable[[str], None] | None = None) -> Path:
    """Write the page and return its path.

    Parameters
    ----------
    path : Path
    paper, defaults : Side
        The two runs.
    told : callable, optional
        Called with the title of each figure and table when it is begun.
    """
    made = sections(paper, defaults, told)
    used = {key for section in made for key in section.verdict.why}
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                                     finalize=_shown)
    text = (files("specanom.reproduce") / "templates" / "reproduce.html").read_text(encoding="utf-8")
    css = (files("specanom.run") / "templates" / "report.css").read_text(encoding="utf-8")
    page = environment.from_string(text).render(
        sections=made, css=css, lead=_lead(paper), names=NAMES, runs=_runs(paper, defaults), summary=_summary(made),
        tally=_tally(made), reasons={key: reason for key, reason in REASONS.items() if key in used})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def _lead(side: Side) -> str:
    told = side.content.settings
    what = (f"a simulated survey of {number(int(told['n']))} fibres" if side.simulated
            else str(told["path"]) or "downloaded spectra")
    return f"{time.strftime('%d %B %Y, %H:%M')}. Made of {what}."


def _summary(made: list[Section]) -> str:
    parts = []
    for name, called in NAMES.items():
        counts = {told: sum(s.verdict.told[name] == told for s in made) for told in CHIPS}
        said = ", ".join(f"{told} {count}" for told, count in counts.items() if count)
        parts.append(f"Of {len(made)} figures and tables, with {called}: {said}")
    return ". ".join(parts) + "."


def _tally(made: list[Section]) -> ShownTable:
    rows = [[f"{s.item.title}: {s.item.name}", s.verdict.told["paper"], s.verdict.told["defaults"],
             f"{s.seconds:.0f}"] for s in made]
    return ShownTable(["figure or table", *NAMES.values(), "seconds"], rows, frozenset({0, 1, 2}))


def _runs(paper: Side, defaults: Side) -> ShownTable:
    """Return what went into the two runs, beside the paper."""
    rows = []
    for name, theirs, get in (
            ("spectra read", READ, lambda c: c.preprocessing.n_in), ("kept", SPECTRA, lambda c: c.preprocessing.n_out),
            ("pixels at rest", PIXELS, lambda c: len(c.sample.wave)),
            ("explained", 1818, lambda c: len(c.explanations))):
        rows.append([name, number(theirs), *(number(int(get(side.content))) for side in (paper, defaults))])
    rows.insert(2, ["looked at (paper: best bin of S/N)", number(BEST_BIN),
                    *(number(len(side.scores)) for side in (paper, defaults))])
    rows.append(["ranked by", "mse", *(side.content.column for side in (paper, defaults))])
    rows += [[f"median χ² by ivar, {model}", "–", *(_quality(side, model) for side in (paper, defaults))]
             for model in ("VAE", "PCA")]
    return ShownTable(["", "paper", *NAMES.values()], rows)


def _quality(side: Side, model: str) -> str:
    table = side.content.run.tables("quality")
    found = math.nan if table is None else float(table.set_index("model")["chi2_ivar median"].get(model, math.nan))
    return number(found)


def _shown(value: Any) -> Any:
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return visible(value, keep="\n\t") if plain else value
