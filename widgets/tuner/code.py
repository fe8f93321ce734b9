"""Settings of the tuner as Python: what differs from the defaults, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import numpy as np

from specanom.explain import Explainer, Lime
from specanom.presets import resolve

from .kinds import GIVEN, METHODS, PERTURBATIONS, SEGMENTATIONS, kind_of
from .settings import TunerSettings

WIDTH = 88
"""Columns, as black has it."""


def to_code(
    settings: TunerSettings, *, setup: str = "", score: str = "score", spectrum: str = "spectrum"
) -> str:
    """Return Python that makes the same explainer and explains with it.

    Parameters
    ----------
    settings : TunerSettings
    setup : str
        Lines that come first and make what the other names stand for, e.g. the ones that open model and sample.
    score, spectrum : str
        Expressions for the score and the spectrum.

    Returns
    -------
    str
        Lines that end in ``explainer`` and ``explanation``. Objects of one's own are called ``segments``,
        ``perturbation``, ``method`` and ``typical``, which a comment says.

    Examples
    --------
    >>> print(to_code(TunerSettings(count=111, method="shap")), end="")
    import specanom as sa
    <BLANKLINE>
    explainer = sa.Explainer(score, sa.Uniform(111), method=sa.Shap())
    explanation = explainer.explain(spectrum)
    """
    given = _own(settings)
    lines = ["import specanom as sa", "", *setup.strip().splitlines(), *given]
    if setup.strip() or given:
        lines.append("")
    lines.append(f"explainer = {explainer_code(settings, score=score)}")
    lines.append(f"explanation = explainer.explain({spectrum})")
    return "\n".join(lines) + "\n"


def explainer_code(settings: TunerSettings, *, score: str = "score") -> str:
    """Return the expression that makes the explainer, over several lines where it is long."""
    usual = {item.name: resolve(item.default, settings.preset) for item in fields(Explainer)
             if item.default is not MISSING}
    parts = {"segments": settings.segmenter(), "perturbation": settings.fill(), "method": settings.attribution()}
    said: list[str] = [score]
    for name, part in parts.items():
        if type(part) is type(usual[name]) and part == usual[name]:
            continue
        written = name if getattr(settings, _KIND[name]) == GIVEN else _written(part, settings, name)
        said.append(written if name == "segments" else f"{name}={written}")
    for name, value in (("seed", settings.seed), ("preset", settings.preset), ("device", settings.device)):
        if value != usual[name]:
            said.append(f"{name}={_literal(value)}")
    return _call("sa.Explainer", said, indent=len("explainer = "))


_KIND = {"segments": "segmentation", "perturbation": "perturbation", "method": "method"}
_HELD = {"segments": "given_segments", "perturbation": "given_perturbation", "method": "given_method"}
_KINDS = {**SEGMENTATIONS, **PERTURBATIONS, **METHODS}


def _own(settings: TunerSettings) -> list[str]:
    """Say which names stand for objects of one's own."""
    names = [name for name, held in _HELD.items() if held in settings.used]
    if "typical" in settings.used and settings.typical is not None:
        names.append("typical")
    return [f"# {', '.join(names)}: your own, as given to the tuner"] if names else []


def _written(part: Any, settings: TunerSettings, name: str) -> str:
    """Write an object as a call with what differs from the defaults of its class."""
    kind = _KINDS[kind_of(part, _KINDS)]
    usual = _usual(part, kind.defaults, settings.preset)
    said: list[str] = []
    positional = True
    for item in fields(part):
        value = getattr(part, item.name)
        if item.name in usual and not isinstance(value, np.ndarray) and value == usual[item.name]:
            positional = False
            continue
        if item.name == "start":
            word = "segments" if settings.start == GIVEN else _written(value, settings, name)
        else:
            word = "typical" if item.name == "spectrum" else _literal(value)
        said.append(word if positional and not item.kw_only else f"{item.name}={word}")
        positional = False
    return f"sa.{kind.make.__name__}({', '.join(said)})"


def _usual(part: Any, defaults: Mapping[str, Any], preset: str | None) -> Mapping[str, Any]:
    """Return the defaults of a class; those of a LIME follow the preset of its explainer."""
    if not isinstance(part, Lime):
        return defaults
    standard = Lime().by_preset(preset)
    return {name: getattr(standard, name) for name in defaults}


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(each) for each in value)}]"
    return repr(value)


def _call(name: str, said: list[str], *, indent: int) -> str:
    """Write a call on one line, or on one line a piece where that is too long."""
    whole = f"{name}({', '.join(said)})"
    if indent + len(whole) <= WIDTH:
        return whole
    inner = ", ".join(said)
    if 4 + len(inner) <= WIDTH:
        return f"{name}(\n    {inner}\n)"
    return f"{name}(\n" + "".join(f"    {_broken(each)},\n" for each in said) + ")"


def _broken(piece: str) -> str:
    """Break a long argument once more, at the list or call in it."""
    if 4 + len(piece) + 1 <= WIDTH:
        return piece
    head, _, rest = piece.partition("(")
    inner = rest[:-1]
    if 8 + len(inner) <= WIDTH:
        return f"{head}(\n        {inner}\n    )"
    rows: list[str] = [""]
    for word in inner.split(", "):
        if 8 + len(rows[-1]) + len(word) + 2 > WIDTH:
            rows.append("")
        rows[-1] += f"{word}, "
    return f"{head}(\n" + "\n".join(f"        {row.strip()}" for row in rows).rstrip(",") + "\n    )"
