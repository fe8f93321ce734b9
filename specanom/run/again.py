"""Why a stage that was done before is made again, in a few words for a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .upgrade import MADE_OF

WHERE = ("run_dir", "executor", "partition", "scratch")
"""Parameters that say where and how a run works, and change none of its results."""
FORCED, RETRIED = "asked for", "some of its partitions failed"
CHANGED = {"notebook": "its notebook has changed", "specanom": "another version of specanom",
           "outside": "files it reads beside the survey have changed"}
"""What is said of the parts of a key."""
MOST = 3
"""Parameters that are named."""


def why_again(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return why a stage is made again; empty when it need not be.

    Parameters
    ----------
    before : mapping
        Its record in the manifest; empty when it never ran.
    wanted : mapping
        ``key``, ``upstream``, ``made_of`` and ``parameters`` as they are now.

    Examples
    --------
    >>> now = {"key": "b", "upstream": "u", "made_of": {}, "parameters": {"min_snr": 5.0, "bins": 0}}
    >>> why_again({"status": "done", "key": "a", "upstream": "u", "made_of": {},
    ...            "parameters": {"min_snr": 4.0, "bins": 0}}, now)
    'min_snr 4.0 → 5.0'
    """
    status = before.get("status", "")
    if status != "done":
        return f"it was {status}" if status in ("failed", "interrupted") else "it was not finished" if status else "new"
    if all(before.get(name) == wanted[name] for name in ("key", "upstream")):
        return ""
    told = before.get("parameters", {})
    changed = [f"{name} {told[name]!r} → {value!r}" if name in told else f"{name}={value!r}, which is new"
               for name, value in wanted["parameters"].items()
               if name not in WHERE and told.get(name, _NONE) != value and (name in told or MADE_OF in before)]
    found = [*changed[:MOST], f"{len(changed) - MOST} more parameters"] if len(changed) > MOST else changed
    if MADE_OF not in before:
        found = ["made by an earlier version", *found]
    else:
        made_of = before[MADE_OF]
        found += [text for name, text in CHANGED.items() if made_of.get(name) != wanted[MADE_OF].get(name)]
    if before.get("upstream") != wanted["upstream"]:
        found.append("what it is made from has changed")
    return "; ".join(found)


_NONE = object()
