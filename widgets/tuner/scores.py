"""The scores a tuner offers: the one given, those of the paper and the recommended one, raw and calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specanom.errors import choice
from specanom.scores import Scorer
from specanom.scores.named import CALIBRATED
from specanom.spectrumset import SpectrumSet


class Scores:
    """Scores by name; calibrated ones are made when they are first asked for.

    Parameters
    ----------
    score : Scorer or callable
        The one given.
    sample : SpectrumSet, optional
        What is ordinary, for calibration; without it only a calibrated score that was given is offered.

    Attributes
    ----------
    given : str
        Name of the one given.
    """

    def __init__(self, score: Any, name: str, sample: SpectrumSet | None = None) -> None:
        self.given, self._sample = name, sample
        raw = getattr(score, "scorer", None)
        model = getattr(score, "model", None)
        self._code: dict[str, str] = {name: "score"}
        self._made: dict[str, Any] = {name: score}
        if raw is not None and hasattr(raw, "bind"):
            self._add(raw.name, raw, "score.scorer")
        if model is not None:
            self._add("chi2_ivar", Scorer(model, "chi2_ivar"), 'sa.Scorer(score.model, "chi2_ivar")')
            for each, scorer in Scorer.paper(model).items():
                self._add(each, scorer, f'sa.Scorer.paper(score.model)["{each}"]')
        self._raw = {f"{each}{CALIBRATED}": each for each, made in self._made.items()
                     if sample is not None and hasattr(made, "calibrate") and not each.endswith(CALIBRATED)
                     and f"{each}{CALIBRATED}" not in self._made}

    def _add(self, name: str, scorer: Any, code: str) -> None:
        if name not in self._made:
            self._made[name], self._code[name] = scorer, code

    def take(self, score: Any) -> str:
        """Offer another score, in the place of one of the same name; returns its name."""
        name = str(getattr(score, "name", None) or type(score).__name__)
        self._made[name], self._code[name] = score, "score"
        self._raw.pop(name, None)
        calibrated = name + CALIBRATED
        if self._raw.get(calibrated) == name:  # that of the score it takes the place of
            self._made.pop(calibrated, None)
        return name

    def taken(self, name: str, given: str) -> bool:
        """Whether `name` is the score that was given as `given`, raw or calibrated."""
        return given in (name, self._raw.get(name))

    @property
    def names(self) -> tuple[str, ...]:
        """All that can be chosen; the one given comes first."""
        return (*self._made, *(name for name in self._raw if name not in self._made))

    def ready(self, name: str) -> bool:
        """Whether a score can be had at once; a calibration takes the scores of the whole sample."""
        return name in self._made

    def __getitem__(self, name: str) -> Any:
        """Return a score, calibrating it when that has not been done.

        Raises
        ------
        ArgumentError
            For a name that is not offered.
        """
        choice("score", name, self.names)
        if name not in self._made:
            self._made[name] = self._made[self._raw[name]].calibrate(self._sample)
        return self._made[name]

    def code(self, name: str) -> str:
        """Return the expression that makes it from ``score``, the one given, and ``sample``."""
        raw = self._raw.get(name)
        return self._code[name] if raw is None else f"{self._code[raw]}.calibrate(sample)"

    def table(self) -> Mapping[str, Any]:
        """Return the scores that are there, by name."""
        return dict(self._made)
