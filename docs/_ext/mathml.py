"""Equations as MathML, which browsers draw themselves: no script, no font and no network are needed.

docutils translates the TeX when the pages are built; what it cannot translate is an error of the build.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)


def translated(tex: str, node: nodes.Node, *, inline: bool) -> str:
    """Return an equation as a ``<math>`` element, or its TeX where it cannot be translated."""
    try:
        return str(latex2mathml.tex2mathml(tex, as_block=not inline))
    except SyntaxError as error:
        LOG.warning("cannot translate the equation %r: %s", tex, error, location=node, type="mathml")
        return ""


def inline(translator: Any, node: nodes.math) -> None:
    """Write an equation in a line of text."""
    translator.body.append(translated(node.astext(), node, inline=True))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    """Write an equation of its own line."""
    translator.body.append(f'<div class="equation">{translated(node.astext(), node, inline=False)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer; ``html_math_renderer`` picks it."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
