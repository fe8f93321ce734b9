"""Texts in the HTML of a dashboard: never interpreted, and nothing hides in them."""

from __future__ import annotations

from html import escape

from specanom.visible import visible


def in_html(text: str, *, quote: bool = True) -> str:
    r"""Return text as HTML that shows just this text, control and format characters as signs of their own.

    Parameters
    ----------
    text : str
        Anything, a name out of a stranger's file too.
    quote : bool
        Escape quotation marks as well, for the value of an attribute.

    Examples
    --------
    >>> in_html("<b>\x1b[2J")
    '&lt;b&gt;␛[2J'
    """
    return escape(visible(text, keep="\n\t"), quote=quote)
