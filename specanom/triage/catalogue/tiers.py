"""Tiers: which objects are worth telescope time, by thresholds that are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, choice, message

if TYPE_CHECKING:
    import pandas as pd

GOLD, SILVER = "gold", "silver"


@dataclass(frozen=True)
class Tiers:
    """Thresholds of the tiers.

    **Gold**: the score reaches `gold`, the explanation has one of the grades `grades`, the probability of an artefact
    is known and below `gold_artefact`, and no word of the inspectors is among `vetoes`. **Silver**: the score reaches
    `silver`, the probability of an artefact is below `silver_artefact` or not known, and no veto; an explanation is
    not asked for. All else has no tier. Of objects for which no such probability is calibrated (quasars: their column
    ``artefact_note`` says so) it is not asked, and the other thresholds decide.

    Attributes
    ----------
    score : str
        Column of the score, a calibrated one, so that faint spectra have no advantage.
    gold, silver : float
        Thresholds of the score. Take them from the number of ordinary spectra expected above
        (``CalibratedScorer.false_alarms``), and tell it in `expected`.
    gold_artefact, silver_artefact : float
        Probabilities of an artefact from which on an object is left out.
    grades : tuple of str
        Grades of explanations that gold asks for.
    vetoes : tuple of str
        Labels that exclude from both.
    expected : mapping
        Tier → ordinary spectra expected above its threshold in the whole sample, when known.
    """

    score: str = "chi2_ivar_cal"
    gold: float = 5.0
    silver: float = 3.0
    gold_artefact: float = 0.2
    silver_artefact: float = 0.5
    grades: tuple[str, ...] = ("trusted",)
    vetoes: tuple[str, ...] = ("artefact",)
    expected: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.gold >= self.silver:
            raise ArgumentError(message("gold", expected=f"at least the threshold of silver, {self.silver}",
                                        got=self.gold))
        for name in ("gold_artefact", "silver_artefact"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ArgumentError(message(name, expected="a probability in [0, 1]", got=getattr(self, name)))

    def judge(self, table: pd.DataFrame) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return tier and reason of each row of a catalogue's table.

        Raises
        ------
        ArgumentError
            When the table has no such score.
        """
        choice("score", self.score, [name for name in table.columns if str(name).endswith("_cal")] or table.columns)
        score = table[self.score].to_numpy(np.float64)
        artefact = _column(table, "artefact", np.nan).astype(np.float64)
        uncalibrated = _column(table, "artefact_note", "") != ""
        grade, label = _column(table, "explanation_grade", ""), _column(table, "label", "")
        out = np.isin(label, self.vetoes)
        lacks_silver = (
            (~(score >= self.silver), f"{self.score} below {self.silver:g}"),
            (out, "labelled " + " or ".join(self.vetoes)),
            (artefact >= self.silver_artefact, f"probability of an artefact at least {self.silver_artefact:g}"),
        )
        lacks_gold = (
            (~(score >= self.gold), f"{self.score} below {self.gold:g}"),
            (grade == "", "not explained"),
            (~np.isin(grade, self.grades), "explanation not " + " or ".join(self.grades)),
            (np.isnan(artefact) & ~uncalibrated, "probability of an artefact not known"),
            (artefact >= self.gold_artefact, f"probability of an artefact at least {self.gold_artefact:g}"),
        )
        why_not_silver, why_not_gold = _first(lacks_silver), _first(lacks_gold)
        silver = why_not_silver == ""
        gold = silver & (why_not_gold == "")
        tier = np.where(gold, GOLD, np.where(silver, SILVER, ""))
        return tier, np.where(silver, why_not_gold, why_not_silver)

    def told(self) -> dict[str, Any]:
        """Return the thresholds as plain values, for the metadata of a catalogue."""
        return {**asdict(self), "expected": dict(self.expected), "grades": list(self.grades),
                "vetoes": list(self.vetoes)}

    def sentence(self, table: pd.DataFrame | None = None) -> str:
        """Return the thresholds as a sentence.

        Parameters
        ----------
        table : DataFrame, optional
            Of a catalogue: objects of which the probability of an artefact is not asked are counted.

        Examples
        --------
        >>> Tiers(expected={"gold": 1.0}).sentence()
        'gold: chi2_ivar_cal at least 5 (about 1 ordinary spectrum expected above), explanation trusted, probability \
of an artefact below 0.2; silver: chi2_ivar_cal at least 3, probability of an artefact below 0.5 or not known; \
neither: labelled artefact.'
        """
        gold = (f"gold: {self.score} at least {self.gold:g}{self._by_chance(GOLD)}, explanation "
                f"{' or '.join(self.grades)}, probability of an artefact below {self.gold_artefact:g}")
        silver = (f"silver: {self.score} at least {self.silver:g}{self._by_chance(SILVER)}, probability of an "
                  f"artefact below {self.silver_artefact:g} or not known")
        return f"{gold}; {silver}; neither: labelled {' or '.join(self.vetoes)}.{self._not_asked(table)}"

    def _not_asked(self, table: pd.DataFrame | None) -> str:
        notes = [] if table is None else [str(one) for one in _column(table, "artefact_note", "") if one]
        return "".join(f" Of {notes.count(one):,} explained objects the probability of an artefact is not asked: it is "
                       f"{one}." for one in dict.fromkeys(notes))

    def _by_chance(self, tier: str) -> str:
        if tier not in self.expected:
            return ""
        number = f"{self.expected[tier]:.3g}"
        return f" (about {number} ordinary {'spectrum' if number == '1' else 'spectra'} expected above)"


def _column(table: pd.DataFrame, name: str, missing: Any) -> NDArray[Any]:
    return table[name].to_numpy(object) if name in table else np.full(len(table), missing, object)


def _first(tests: tuple[tuple[NDArray[np.bool_], str], ...]) -> NDArray[Any]:
    """Return the text of the first test that holds, row by row; empty when none does."""
    return np.select([np.asarray(test, bool) for test, _ in tests], [text for _, text in tests], "")
