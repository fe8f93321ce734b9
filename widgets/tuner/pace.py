"""How long an explanation will take, so that slow ones are made in the background."""

from __future__ import annotations

from typing import Any

from .settings import TunerSettings

SLOW = 0.3
"""Seconds above which an explanation does not belong in the callback of a slider."""
MANY = 20_000
EXACT = 14
STEPS = 256


class Pace:
    """Learns from explanations made what the next one will take."""

    def __init__(self) -> None:
        self._seconds: dict[Any, tuple[float, ...]] = {}

    def learn(self, settings: TunerSettings, seconds: float, pixels: int) -> None:
        """Note what an explanation took."""
        kind = _kind(settings)
        self._seconds[kind] = (*self._seconds.get(kind, ())[-2:], seconds / _work(settings, pixels))

    def slow(self, settings: TunerSettings, pixels: int) -> bool:
        """Say whether an explanation with these settings will take long."""
        known = self._seconds.get(_kind(settings), ())
        if len(known) > 1:  # the first one also compiles and loads
            return min(known) * _work(settings, pixels) > SLOW  # the quickest: a machine may be busy for a moment
        if settings.method == "shap" and (settings.exact is True or settings.n_samples >= MANY):
            return settings.exact is not True or settings.count > EXACT or settings.n_samples >= MANY
        if settings.method == "gradients":
            return settings.steps >= STEPS
        if settings.method == "lime":
            return settings.engine != "specanom" or settings.adaptive or settings.n_samples >= MANY
        return settings.method not in ("occlusion", "split", "shap")


def _kind(settings: TunerSettings) -> tuple[Any, ...]:
    """What is alike in speed."""
    return (settings.score, settings.method, settings.engine, settings.exact, settings.adaptive, settings.rule,
            settings.segmentation, settings.distance)


def _work(settings: TunerSettings, pixels: int) -> float:
    """Return how much there is to do, in any unit."""
    segments = float(min(settings.count, pixels))
    if settings.method == "gradients":
        return float(settings.steps)
    if settings.method == "split":
        return 1.0
    if settings.method == "occlusion":
        return 20.0 + segments
    if settings.method == "shap" and settings.exact is True:
        return float(2.0 ** min(segments, 30.0))
    # Masks are scored one by one; the regression of many segments grows with their square.
    return float(settings.n_samples) * (1.0 + (segments / 300.0) ** 2)
