"""Exit codes of the command, and which one an error ends it with."""

from __future__ import annotations

from ..errors import ArgumentError, DataError

DONE, DIFFERS, WRONG_CALL, NO_DATA, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130
UNUSABLE = ("DataError", "ShapeError", "GridError", "NothingPasses", "BrokenFits")
"""What errors are called that say that data cannot be used."""


def code_of(exc: Exception) -> int:
    """Return the exit code for an error; of a stage that failed, for what its notebook raised."""
    kind = getattr(exc, "kind", "")  # a notebook tells no more of an error than its name
    if isinstance(exc, ArgumentError) or kind == ArgumentError.__name__:
        return WRONG_CALL
    return NO_DATA if isinstance(exc, DataError) or kind in UNUSABLE else FAILED
