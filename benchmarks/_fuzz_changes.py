"""Changes of FITS files: cards, columns, HDUs."""

from __future__ import annotations

from itertools import pairwise

from benchmarks._fuzz_files import BLOCK, CARD, LARGEST, MOST
from benchmarks._fuzz_picks import Picks, change_bytes, cut

NUMBERS = ("0", "1", "-1", "2", "3", "7", "8", "16", "-32", "-64", "64", "17", "999", "1000", "65536", "2147483647",
           "2147483648", "-2147483648", "4294967296", "1099511627776", "9223372036854775807", "-9223372036854775808",
           "18446744073709551616", "1" + "0" * 60, "1.5", "1E300", "-1E300", "1E999", "NaN", "Inf", "1_0", "T", "F", "")
TEXTS = ("'E       '", "'D       '", "'J       '", "'K       '", "'A       '", "'16A     '", "'0E      '", "'0A      '",
         "'3E      '", "'L       '", "'8X      '", "'C       '", "'1PE(999)'", "'1QJ(99999999999)'", "'999999999E'",
         "'99999999999999999999E'", "'Z       '", "'1PB(-1) '", "'(1,1)   '", "'(999999999,999999999)'", "'        '",
         "'IMAGE   '", "'BINTABLE'", "'TABLE   '", "'FOREIGN '", "'SKY     '", "'QSO     '", "'GALAXY  '", "'nm      '",
         "'../../../etc/passwd'", "'<script>alert(1)</script>'", "'a''b'", "'open", "'\x00\xff\n'", "'1E-17 erg'")
NAMES = ("flux", "loglam", "wavelength", "ivar", "err", "and_mask", "wdisp", "z", "z_err", "zwarning", "class", "plate",
         "mjd", "fiberid", "specobjid", "extinction", "sn_median_all", "linename", "linearea", "linearea_err", "ra",
         "targetid", "TARGETID", "OBJTYPE", "COADD_FIBERSTATUS", "ZWARN", "SPECTYPE", "DELTACHI2", "survey", "healpix")
KEYS = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "TFIELDS", "THEAP",
        "EXTNAME", "EXTEND", "GROUPS", "BSCALE", "BZERO", "BLANK", "BUNIT", "ZIMAGE", "ZBITPIX", "ZNAXIS", "ZNAXIS1",
        "ZNAXIS2", "ZTILE1", "ZCMPTYPE", "COEFF0", "COEFF1", "CRVAL1", "CD1_1", "CDELT1", "CRPIX1", "CTYPE1", "DC-FLAG",
        "PLATEID", "PLATE", "MJD", "FIBERID", "FIBER", "SPEC_CLN", "Z", "Z_WARNIN", "RAOBJ", "OBJTYPE", "RUN2D",
        "SURVEY", "PROGRAM", "HPXPIXEL", "HPXNSIDE", "UNIQPIX", "TILEID", "CONTINUE", "HIERARCH", "END", "COMMENT")
INDEXED = ("TFORM", "TTYPE", "TDIM", "TSCAL", "TZERO", "TNULL", "TUNIT", "TDISP")


# -- changes -------------------------------------------------------------------------------------------------------

def headers(content: bytes) -> list[tuple[int, int]]:
    """Return where the headers of a FITS file begin and end (behind END), as far as cards on blocks tell."""
    found: list[tuple[int, int]] = []
    start = 0 if content.startswith(b"SIMPLE  =") else content.find(b"XTENSION=")
    while start >= 0 and len(found) < MOST:
        end = content.find(b"END" + b" " * 77, start)
        if end < 0:
            break
        found.append((start, end + CARD))
        start = content.find(b"XTENSION=", end)
    return found


def _card(key: str, value: str) -> bytes:
    return f"{key:<8.8}= {value}".encode("latin-1", "replace")[:CARD].ljust(CARD)


def _with_header(content: bytes, span: tuple[int, int], cards: list[bytes]) -> bytes:
    """Put other cards into a header; blocks stay whole."""
    start, end = span
    head = b"".join(cards) + b"END".ljust(CARD)
    old = -(-(end - start) // BLOCK) * BLOCK
    return content[:start] + head.ljust(-(-len(head) // BLOCK) * BLOCK) + content[start + old:]


def _cards(content: bytes, span: tuple[int, int]) -> list[bytes]:
    return [content[at : at + CARD] for at in range(span[0], span[1] - CARD, CARD)]


def change_value(content: bytes, picks: Picks) -> bytes:
    """Give a keyword that is there another value."""
    spans = headers(content)
    if not spans:
        return content
    span = picks.choice(spans)
    cards = _cards(content, span)
    at = picks.number(0, max(len(cards) - 1, 0))
    if cards:
        cards[at] = _card(cards[at][:8].decode("latin-1"), _value(picks))
    return _with_header(content, span, cards)


def change_card(content: bytes, picks: Picks) -> bytes:
    """Set, add, drop, double or move a card."""
    spans = headers(content)
    if not spans:
        return content
    span = picks.choice(spans)
    cards = _cards(content, span)
    key = picks.choice(KEYS) if picks.number(0, 1) else f"{picks.choice(INDEXED)}{picks.number(1, 12)}"
    new = _card(key, _value(picks))
    at = picks.number(0, max(len(cards) - 1, 0))
    kind = picks.number(0, 5)
    if kind <= 1:
        cards = [new if card[:8] == new[:8] else card for card in cards]
        cards += [] if new in cards else [new]
    elif kind == 2:
        cards.insert(at, new)
    elif cards and kind == 3:
        del cards[at]
    elif cards and kind == 4:
        cards.insert(picks.number(0, len(cards)), cards[at])
    elif cards:
        cards[at] = new
    return _with_header(content, span, cards)


def rename_column(content: bytes, picks: Picks) -> bytes:
    """Call a column something else."""
    spans = headers(content)
    if not spans:
        return content
    span = picks.choice(spans)
    cards = _cards(content, span)
    named = [i for i, card in enumerate(cards) if card.startswith(b"TTYPE")]
    if named:
        at = picks.choice(named)
        cards[at] = _card(cards[at][:8].decode("latin-1"), f"'{picks.choice(NAMES)}'")
    return _with_header(content, span, cards)


def _value(picks: Picks) -> str:
    kind = picks.number(0, 4)
    if kind <= 1:
        return picks.choice(NUMBERS)
    if kind == 2:
        return str(picks.number(-3, 300))
    return picks.choice(TEXTS) if kind == 3 else f"'{picks.choice(NAMES)}'"


def move_hdus(content: bytes, picks: Picks) -> bytes:
    """Drop, double or move an HDU, with its data."""
    spans = headers(content)
    if len(spans) < 2:
        return content
    edges = [start for start, _ in spans] + [len(content)]
    parts = [content[a:b] for a, b in pairwise(edges)]
    at = picks.number(0, len(parts) - 1)
    kind = picks.number(0, 2)
    if kind == 0:
        del parts[at]
    elif kind == 1:
        parts.insert(picks.number(0, len(parts)), parts[at])
    else:
        parts += [parts[at]] * min(picks.choice((1, 20, 400)), LARGEST // max(len(parts[at]), 1))
    return b"".join(parts)


FITS_CHANGES = (change_value, change_value, change_card, change_card, change_card, rename_column, change_bytes,
                change_bytes, cut, move_hdus)
