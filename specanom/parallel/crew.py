"""What all places have in common where work is done."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ArgumentError, message

Needs = Mapping[str, float]
"""Resources by name, and how much of each one call takes."""


class Workers(ABC):
    """Somewhere to run functions.

    Attributes
    ----------
    width : int
        Functions that run at a time.
    ahead : int
        Calls worth having in flight: enough to keep it busy, few enough to hold memory flat.
    """

    width: int = 1

    @property
    def ahead(self) -> int:
        """Calls worth having in flight."""
        return max(8, 2 * self.width)

    @abstractmethod
    def submit(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Ask for ``fn(*args)``; returns a future."""

    def submit_named(self, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        """Ask for ``fn(*args)`` under a name that monitors show; returns a future."""
        return self.submit(fn, *args)

    def asking(self, needs: Needs) -> Workers:
        """Return these workers, asked for resources with each call where they have any."""
        return self

    def absent(self) -> str:
        """Say why nobody works here now, such as that all workers have left; "" when somebody may."""
        return ""

    def renew(self) -> bool:
        """Replace workers of which one has died; returns whether that can be done here."""
        return False

    def close(self, *, at_once: bool = False) -> None:  # noqa: B027 - most were opened by somebody else
        """Let the workers go; `at_once` without waiting for what they are doing."""


def check_needs(needs: Needs) -> Needs:
    """Return resources when they can be asked for.

    Raises
    ------
    ArgumentError
        For one without a name, or an amount that is no positive number.
    """
    for name, amount in needs.items():
        number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not (isinstance(name, str) and name and number and 0 < amount < math.inf):
            raise ArgumentError(message("needs", expected='resources and how much of each a task takes, {"GPU": 1}',
                                        got=f"{name!r}: {amount!r}"))
    return dict(needs)
