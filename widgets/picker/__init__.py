"""The dashboard that picks a score."""

from .picker import ScorePicker

__all__ = ["ScorePicker"]
