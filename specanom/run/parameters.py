"""What the notebooks of the pipeline can be told, read from the notebooks themselves."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, choice, message, nearest

STAGES = ("01_acquire", "02_preprocess", "03_train", "04_score", "05_explain", "06_clusters", "07_kin", "08_catalogue")
"""The notebooks, in the order they run."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook: its name, annotated type, default and comment."""

    name: str
    kind: str
    default: Any
    help: str


def notebook(stage: str) -> Path:
    """Return the path of a stage's notebook, wherever the package is installed."""
    return Path(str(files("specanom.notebooks") / f"{choice('stage', stage, STAGES)}.ipynb"))


def of_stage(stage: str) -> dict[str, Parameter]:
    """Return the parameters of one notebook: the annotated assignments of its cell tagged ``parameters``."""
    cells = json.loads(notebook(stage).read_text(encoding="utf-8"))["cells"]  # nbformat takes a second to be loaded
    source = "".join(next(one["source"] for one in cells if "parameters" in one["metadata"].get("tags", [])))
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            comment = lines[node.end_lineno - 1].partition("#")[2].strip() if node.end_lineno else ""
            name = node.target.id
            found[name] = Parameter(name, ast.unparse(node.annotation), ast.literal_eval(node.value), comment)
    return found


def known() -> dict[str, Parameter]:
    """Return every parameter of the pipeline by name."""
    return {name: one for stage in reversed(STAGES) for name, one in of_stage(stage).items()}


def parse(pairs: Iterable[str]) -> dict[str, Any]:
    """Turn ``name=value`` texts of the command line into typed parameters.

    Raises
    ------
    ArgumentError
        For a text without ``=``, an unknown name (the nearest is offered) or a value of the wrong type.
    """
    given = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ArgumentError(message("-p", expected="name=value", got=repr(pair), hint="-p n=2000"))
        given[name.strip()] = value
    return check(given)


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with each value of the type its notebook declares; texts are converted."""
    parameters = known()
    for name in given:
        if name not in parameters:
            near = nearest(name, parameters)
            raise ArgumentError(message("parameter", expected=f"one of {len(parameters)} names", got=repr(name),
                                        hint=f"did you mean {near!r}?" if near else "specanom run --help lists them"))
    return {name: typed(parameters[name], value) for name, value in given.items()}


_TYPES: dict[str, Any] = {"int": int, "float": float, "str": str}


def typed(parameter: Parameter, value: Any) -> Any:
    """Return a value of the type that the notebook declares.

    Raises
    ------
    ArgumentError
        When it cannot be.
    """
    kind = parameter.kind
    try:
        if kind == "bool":
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[str(value).lower()]
        if kind == "int" and isinstance(value, str) and value.lower().endswith("k"):
            return int(float(value[:-1]) * 1000)
        if kind == "int" and float(value) != int(float(value)):
            raise ValueError(value)
        return _TYPES[kind](float(value)) if kind == "int" else _TYPES[kind](value)
    except (KeyError, ValueError, TypeError) as exc:
        raise ArgumentError(message(parameter.name, expected=f"a value of type {kind} ({parameter.help})",
                                    got=repr(value), hint=f"{parameter.name}={parameter.default}")) from exc
