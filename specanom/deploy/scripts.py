"""Rendered scripts: from templates, every value quoted for the language it lands in."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..folders import write_text


@dataclass(frozen=True)
class Scripts:
    """Files for a cluster.

    Attributes
    ----------
    files : dict
        Text by name.
    next : str
        What to do with them.
    """

    files: Mapping[str, str]
    next: str = field(default="", repr=False)

    def write(self, folder: str | Path) -> list[Path]:
        """Write them; returns their paths."""
        home = Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        made = [home / name for name in self.files]
        for path, text in zip(made, self.files.values(), strict=True):
            write_text(path, text)
        return made

    def __str__(self) -> str:
        rule = "#" * 20
        return "\n".join(f"{rule} {name}\n{text}" for name, text in self.files.items())


def render(name: str, **values: Any) -> str:
    """Render a template of this room.

    A template says in what language a value stands: ``|sh`` for a shell, ``|py`` for Python, ``|tojson`` for YAML, of
    which JSON is a part. A value without one is a number, or a name that has been checked to hold nothing but letters,
    digits and a few harmless signs.
    """
    import jinja2

    room = jinja2.Environment(loader=jinja2.PackageLoader("specanom.deploy"), undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False)
    room.filters |= {"sh": _sh, "py": ascii, "tojson": partial(json.dumps, ensure_ascii=False)}
    return room.get_template(f"{name}.jinja").render(**values)


def _sh(value: Any) -> str:
    return shlex.join(value) if isinstance(value, (list, tuple)) else shlex.quote(str(value))
