"""The API reference: a page for every public name, written before Sphinx looks for pages."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from face import Room, homes, page, pages, rooms, top
from sphinx.application import Sphinx

START = """API reference
=============

Every public name, by room; :mod:`specanom` itself has those that most people need. What is not here is no part of the
public face and may change without notice.

.. toctree::
   :maxdepth: 1

{rooms}
"""
TOP = """specanom
========

.. automodule:: specanom

.. currentmodule:: specanom

{tables}
"""
ROOM = """specanom.{name}
{line}

.. automodule:: specanom.{name}

.. currentmodule:: specanom.{name}

{tables}
"""


def table(title: str, names: Iterable[str], module: str, *, toctree: bool = True) -> str:
    """Return a titled table of full names on the page of a module, or nothing where there are none."""
    listed = "\n".join(f"   {short(name, module)}" for name in names)
    options = "   :toctree: generated\n" if toctree else ""
    return f".. rubric:: {title}\n\n.. autosummary::\n{options}   :nosignatures:\n\n{listed}\n" if listed else ""


def short(full: str, module: str) -> str:
    """Return a name as a table of a module has it."""
    head, _, tail = full.rpartition(".")
    return tail if head == module else f"~{full}"


def grouped(names: dict[str, Any], module: str, *, toctree: bool = True) -> str:
    """Return tables of classes, functions and constants."""
    classes = [name for name, value in names.items() if inspect.isclass(value)]
    functions = [name for name, value in names.items() if name not in classes and callable(value)]
    constants = [name for name in names if name not in classes and name not in functions]
    groups = {"Classes": classes, "Functions": functions, "Constants": constants}
    return "\n".join(table(title, sorted(group, key=last), module, toctree=toctree) for title, group in groups.items())


def last(full: str) -> str:
    """Return by what names are sorted."""
    return full.rpartition(".")[2].lower()


def room_page(room: Room) -> str:
    """Return the page of a room."""
    module = f"specanom.{room.name}"
    names = {page(room, name): value for name, value in room.names.items()}
    here = {name: value for name, value in names.items() if name.rpartition(".")[0] == module}
    tables = grouped(here, module) + "\n" + table("Also here", sorted(set(names) - set(here)), module, toctree=False)
    return ROOM.format(name=room.name, line="=" * (len(room.name) + 9), tables=tables)


def texts() -> dict[str, str]:
    """Return the pages by file: the start page, :mod:`specanom` itself, and each room."""
    names = {f"specanom.{name}": value for name, value in top().items()}
    listed = "\n".join(f"   {name}" for name in ("specanom", *(room.name for room in rooms())))
    return {"index.rst": START.format(rooms=listed), "specanom.rst": TOP.format(tables=grouped(names, "specanom")),
            **{f"{room.name}.rst": room_page(room) for room in rooms()}}


def write(app: Sphinx, config: Any) -> None:
    """Write the pages into ``api/``; a page that is as it was is left alone, so that it is not read again."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    for name, text in texts().items():
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")
    config.autosummary_generate = [f"api/{name}" for name in texts()]
    kept = {f"{name}.rst" for name in pages()}
    for old in (*folder.glob("*.rst"), *folder.glob("generated/*.rst")):
        if old.name not in texts() and old.name not in kept:
            old.unlink()


def resolve(app: Sphinx, env: Any, node: Any, content: nodes.Element) -> Any:
    """Lead a reference by another name of a public thing to its page; what exists inside is only named."""
    if node.get("refdomain") != "py":
        return None
    target, module = node["reftarget"].lstrip(".~"), node.get("py:module") or "specanom"
    for known in candidates(target, module):
        found = env.domains["py"].objects.get(known)
        if found is not None:
            refuri = app.builder.get_relative_uri(node.get("refdoc", env.docname), found.docname)
            return nodes.reference("", "", content, internal=True, refuri=f"{refuri}#{found.node_id}", reftitle=known)
    return content if any(exists(full) for full in (target, f"{module}.{target}")) else None


def candidates(target: str, module: str) -> Iterator[str]:
    """Yield the documented names that a reference made in a module may mean, the likeliest first."""
    for full in (target, f"{module}.{target}", f"specanom.{target}"):
        head, _, tail = full.rpartition(".")
        yield homes().get(full, "")
        yield f"{homes().get(head, '')}.{tail}"
        yield homes().get(head, "")
    for tail in (target, target.rpartition(".")[0]):
        same = [full for full in pages() if tail and full.endswith(f".{tail.rpartition('.')[2]}")]
        yield from sorted(same, key=lambda full: (not full.startswith(module), len(full)))


def exists(full: str) -> bool:
    """Tell whether a full name of specanom can be imported."""
    if not full.startswith("specanom."):
        return False
    try:
        return pkgutil.resolve_name(full) is not None
    except (ImportError, AttributeError, ValueError):
        return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages once the settings are read, before the list of pages is made."""
    app.connect("config-inited", write)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
