"""Text of strangers as text: what moves a cursor, turns a line round or hides shows as a sign of its own.

Names in files can hold anything: an escape sequence clears a terminal or renames its window, U+202E turns round what
follows it (``gnp.exe`` reads ``exe.png``), and a line break makes a second, made-up line in a log.
"""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_PICTURES = 0x2400  # ␀ … ␟, one for each control character of ASCII
_DELETE = "\x7f"


def visible(text: str, *, keep: str = "") -> str:
    r"""Return `text` with control and format characters replaced by signs that can be seen.

    Parameters
    ----------
    text : str
        Anything, halves of characters too.
    keep : str
        Characters that stay, e.g. ``"\n\t"`` for text of several lines.

    Returns
    -------
    str
        Control characters of ASCII become their pictures (␛ for escape), others ``⟨U+202E⟩``.

    Examples
    --------
    >>> visible("\x1b[2J\u202eabc")
    '␛[2J⟨U+202E⟩abc'
    >>> visible("Δχ² of 0266-51602-0001")
    'Δχ² of 0266-51602-0001'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in keep else _sign(one) for one in text)


def _sign(one: str) -> str:
    if unicodedata.category(one) not in _HIDDEN:
        return one
    if one < " ":
        return chr(_PICTURES + ord(one))
    return "␡" if one == _DELETE else f"⟨U+{ord(one):04X}⟩"
