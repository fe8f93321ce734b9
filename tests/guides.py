"""Pages of the documentation, whose Python is run from top to bottom as a reader would."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class Guide:
    """A page of Markdown.

    Parameters
    ----------
    path : str
        From the root of the repository, e.g. ``"docs/widgets.md"``.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = (ROOT / path).read_text(encoding="utf-8")

    def run(self) -> dict[str, Any]:
        """Run its blocks of Python one after the other; returns the names they leave."""
        names: dict[str, Any] = {}
        for block in re.findall(r"```python\n(.*?)```", self.text, flags=re.S):
            line = self.text[: self.text.index(block)].count("\n")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # data and networks as small as those of a page are noted
                exec(compile("\n" * line + block, self.path, "exec"), names)
        return names

    def missing(self) -> list[str]:
        """Return what it links to in this repository that is not there."""
        targets = [target for target in re.findall(r"\]\(([^)#]+)\)", self.text) if not target.startswith("http")]
        return [target for target in targets if not ((ROOT / self.path).parent / target).exists()]
