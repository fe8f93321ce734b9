"""Imports go down, never sideways or up: the rooms and what each may import."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYER = {
    "lines": 0, "errors": 0, "protocols": 0, "face": 0, "presets": 0, "seeds": 0, "ids": 0, "visible": 0,
    "slips": 0,
    "foreign": 1,
    "quantities": 1, "spectrum": 1, "spectrumset": 1, "store": 1, "shards": 1, "folders": 1, "disk": 1, "convert": 1,
    "parallel": 1, "devices": 1, "rounding": 1, "ordering": 1, "rates": 1,
    "surveys": 2, "preprocess": 2, "models": 2,
    "scores": 3, "diagnostics": 3,
    "explain": 4,
    "cluster": 5, "retrieve": 5, "triage": 5, "testing": 5,
    "plots": 6, "explorer": 6,
    "run": 7, "reproduce": 7, "widgets": 7, "notebooks": 7, "deploy": 7,
    "__main__": 8,
}
# What a room may import besides layers 0 and 1 (and itself).
MAY = {
    "surveys": set(), "preprocess": set(), "models": set(), "scores": set(), "diagnostics": set(),
    "explain": {"diagnostics"},
    "cluster": {"explain", "diagnostics"},
    "retrieve": set(), "triage": set(),
    "testing": {"surveys", "preprocess", "models", "scores", "diagnostics", "explain"},
    "plots": {"surveys", "preprocess", "models", "scores", "diagnostics", "explain", "cluster", "retrieve", "triage"},
    "explorer": {"surveys", "scores", "diagnostics", "explain", "cluster", "retrieve", "triage", "plots"},
    "run": {"surveys", "preprocess", "models", "scores", "diagnostics", "explain", "cluster", "retrieve", "triage",
            "plots", "explorer", "notebooks", "deploy", "reproduce"},
    "reproduce": {"scores", "diagnostics", "explain", "cluster", "plots", "run"},
    "widgets": {"plots", "triage", "surveys", "preprocess", "models", "scores", "diagnostics", "explain", "cluster",
                "retrieve"},
    "notebooks": set(), "deploy": set(), "__main__": {"run"},
}
SOURCES = sorted([*(ROOT / "specanom").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")])


def name_of(path: Path) -> tuple[str, ...]:
    if path.is_relative_to(ROOT / "widgets"):
        return ("widgets", *path.relative_to(ROOT / "widgets").with_suffix("").parts)
    return path.relative_to(ROOT / "specanom").with_suffix("").parts


def internal_imports(tree: ast.AST, module: tuple[str, ...]):
    """Yield (node, room) of every import of specanom in `tree`."""
    package = ("specanom", *module)[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "specanom":
                    yield node, parts[1] if len(parts) > 1 else ""
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            full = (*base, *(node.module.split(".") if node.module else ()))
            if full[:1] == ("specanom",):
                rooms = [full[1]] if len(full) > 1 else [alias.name for alias in node.names]
                yield from ((node, room) for room in rooms)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: "/".join(name_of(p)))
def test_imports_go_down(path: Path) -> None:
    module = name_of(path)
    if module == ("__init__",):  # the lazy map of the public face
        return
    room = module[0]
    assert room in LAYER, f"{room} is not in the table of rooms"
    tree = ast.parse(path.read_text())
    for node, target in internal_imports(tree, module):
        if target == room:
            continue
        assert target in LAYER, f"{path.name}:{node.lineno} imports {target!r}, which is no room"
        allowed = LAYER[target] <= min(LAYER[room], 1) or target in MAY.get(room, set())
        assert allowed, f"{path.name}:{node.lineno}: {room} (layer {LAYER[room]}) may not import {target}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: "/".join(name_of(p)))
def test_no_internal_import_hides_in_a_function(path: Path) -> None:
    module = name_of(path)
    if module == ("run", "actions"):  # imports what a command needs when the command is given
        return
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            hidden = [node.lineno for node, _ in internal_imports(function, module)]
            assert not hidden, f"{path.name}:{hidden} in {function.name}()"


def test_the_walk_sees_an_upward_import() -> None:
    tree = ast.parse("from ..plots import spectrum\nfrom specanom.run import cli\nimport specanom.widgets")
    assert [room for _, room in internal_imports(tree, ("scores", "metrics"))] == ["plots", "run", "widgets"]
