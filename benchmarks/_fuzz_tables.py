"""Changes of tables in text (CSV, ECSV and its header in YAML, VOTable) and of what is packed with gzip."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from functools import cache

from benchmarks._fuzz_changes import NAMES
from benchmarks._fuzz_picks import LIES, Picks, change_bytes, cut

CELLS = ("", "nan", "inf", "-inf", "1e999", "-1", "0", "x", "=1+1", "../../etc/passwd", "<b>id</b>", "\u202egpj.exe",
         "é" * 20, "1" * 40, "a\tb", '"', "\0", "9" * 19, "1.0", "#", "None", "True", "39633345008634465")
KINDS = ("float64", "float32", "int8", "int64", "uint64", "bool", "string", "str", "object", "complex256", "float999",
         "datetime64", "V8", "str999999999", "[]", "null", "{a: 1}")
YAML = ("- {name: flux, datatype: float64}", "- {name: wave, datatype: string, subtype: json}",
        "- {name: flux, datatype: string, subtype: 'float64[null]'}", "- !!python/object/apply:os.getcwd []",
        "- {name: wave, datatype: string, subtype: 'float64[999999999,999999999]'}", "delimiter: ','", "delimiter: x",
        "datatype: []", "meta: !!omap", "meta: &a [*a]", "- a: &a {x: 1}", "- b: {<<: [*a, *a, *a]}", "- !!set {? a}",
        "- __serialized_columns__: {wave: {__class__: astropy.time.core.Time, format: mjd}}", "schema: other-9.9",
        "- __serialized_columns__: {flux: {__class__: os.system, a: id}}", "...", "? [a", "- {unit: 1e999 m}", "---",
        "\t- x", "- !!binary '===='", "- !!timestamp 99999-99-99", "- 1_000:99:99", "- ! x", "%TAG ! tag:x,2000:",
        "- '\\x", "{" * 60)
SIZES = ("*", "2", "2x", "x", "3x*", "99999999999999999999999", "1000000x1000000", " 7 ", "-1", "1e9", "", "0",
         *map(str, LIES))
ATTRIBUTES = ("arraysize", "arraysize", "nrows", "datatype", "datatype", "encoding", "version", "name", "unit", "ID",
              "ref", "precision", "width", "xtype", "type", "href", "value")
DATATYPES = ("boolean", "bit", "unsignedByte", "short", "int", "long", "char", "unicodeChar", "float", "double",
             "floatComplex", "doubleComplex", "text", "")
WORDS = ("base64", "gzip", "none", "file:///dev/zero", "1.1", "9.9", "m/s", "meta.id", "<", "&amp;", "1000")
ELEMENTS = ("TABLE", "FIELD", "DATA", "TABLEDATA", "TR", "TD", "BINARY", "BINARY2", "STREAM", "RESOURCE", "PARAM",
            "INFO", "GROUP", "VALUES", "MIN", "FITS")


# -- CSV and ECSV ----------------------------------------------------------------------------------------------------

def change_cell(content: bytes, picks: Picks) -> bytes:
    """Change a table in text: a cell, a row, a line."""
    lines = content.decode("utf-8", "replace").split("\n")
    at = picks.number(0, len(lines) - 1)
    cells = lines[at].split(",")
    column = picks.number(0, len(cells) - 1)
    kind = picks.number(0, 4)
    if kind <= 1:
        cells[column] = picks.choice(CELLS)
    elif kind == 2:
        cells[column] = picks.choice(NAMES)
    elif kind == 3:
        cells = cells * picks.choice((0, 2, 50))
    else:
        cells.insert(column, picks.choice(CELLS))
    lines[at] = ",".join(cells)
    return "\n".join(lines).encode()


def change_rows(content: bytes, picks: Picks) -> bytes:
    """Make rows shorter or longer than their header, drop or double them, or end their lines otherwise."""
    lines = content.decode("utf-8", "replace").split("\n")
    at = picks.number(0, len(lines) - 1)
    mark = "," if "," in lines[at] else " "
    cells = lines[at].split(mark)
    kind = picks.number(0, 5)
    if kind == 0:
        lines[at] = mark.join(cells[: picks.number(0, len(cells) - 1)])
    elif kind == 1:
        lines[at] = mark.join(cells + [picks.choice(CELLS)] * picks.choice((1, 2, 20, 20_000)))
    elif kind == 2:
        lines[at + 1 : at + 1] = [mark.join(cells[: picks.number(1, len(cells))])] * picks.choice((1, 9, 3000))
    elif kind == 3:
        del lines[at]
    else:
        return picks.choice(("\r", "\r\n", "\n\n", "\u2028", "\x0b")).join(lines).encode()
    return "\n".join(lines).encode()


def change_yaml(content: bytes, picks: Picks) -> bytes:
    """Change the header of ECSV: a type, a name, or a line that makes something else of it."""
    lines = content.decode("utf-8", "replace").split("\n")
    head = [i for i, line in enumerate(lines) if line.startswith("#")]
    at = picks.choice(head) if head else 0
    kind = picks.number(0, 4)
    if kind <= 1:
        lines[at] = re.sub(r"(datatype: ?)\w+", lambda told: told[1] + picks.choice(KINDS), lines[at])
    elif kind == 2:
        lines[at] = re.sub(r"(name: ?)\w+", lambda told: told[1] + picks.choice(NAMES), lines[at])
    elif kind == 3:
        lines.insert(at + 1, "# " + picks.choice(YAML))
    else:
        lines[at] = "# " + picks.choice(YAML)
    return "\n".join(lines).encode()


# -- VOTable ---------------------------------------------------------------------------------------------------------

def change_attribute(content: bytes, picks: Picks) -> bytes:
    """Give an element another size, type or name, or an attribute that it has not."""
    text = content.decode("utf-8", "replace")
    tags = list(re.finditer(r"<[A-Z]\w*", text))
    if not tags:
        return change_bytes(content, picks)
    tag, name = picks.choice(tags), picks.choice(ATTRIBUTES)
    options = SIZES if name in ("arraysize", "nrows", "width", "precision") else (
        DATATYPES if name == "datatype" else WORDS)
    end = text.find(">", tag.end())
    head = re.sub(rf'\s{name}="[^"]*"', "", text[tag.end() : end])
    return f'{text[: tag.end()]} {name}="{picks.choice(options)}"{head}{text[end:]}'.encode()


def change_element(content: bytes, picks: Picks) -> bytes:
    """Drop, double or rename an element, or change what is in it."""
    parts = re.split(r"(<[^>]*>)", content.decode("utf-8", "replace"))
    at = picks.number(0, len(parts) - 1)
    kind = picks.number(0, 4)
    if kind == 0:
        parts[at] = ""
    elif kind == 1:
        parts[at] *= picks.choice((2, 50, 3000))
    elif kind == 2:
        parts[at] = re.sub(r"\w+", lambda _: picks.choice(ELEMENTS), parts[at], count=1)
    elif parts[at][:1] != "<":
        parts[at] = picks.choice((*CELLS, "&#0;", "&lol;", "<![CDATA[", "<TD>"))
    else:
        parts[at] += picks.choice(("<TR>", "<TD/>", "<TD>1 2 3</TD>", "<!--", "<?xml version='1.0'?>"))
    return "".join(parts).encode()


def change_stream(content: bytes, picks: Picks) -> bytes:
    """Change numbers of a binary stream; those of arrays of any size tell how long they are."""
    found = re.search(rb"(?<=base64\">)[^<]*", content)
    if not found:
        return change_attribute(content, picks)
    try:
        raw = base64.b64decode(found[0])
    except ValueError:
        return change_bytes(content, picks)
    word = picks.choice(LIES) & (2**32 - 1)
    at = picks.number(0, max(len(raw) - 1, 0))
    raw = raw[:at] + word.to_bytes(4, "big") + raw[at + 4 :] if picks.number(0, 3) else cut(raw, picks)
    return content[: found.start()] + base64.b64encode(raw) + content[found.end() :]


# -- gzip ------------------------------------------------------------------------------------------------------------

@cache
def zeros(megabytes: int) -> bytes:
    """Zeros, packed a thousand times smaller, in a part of their own."""
    return gzip.compress(bytes(megabytes << 20), 9)


def change_gzip(content: bytes, picks: Picks) -> bytes:
    """Put parts behind a packed file, cut it, or lie of its size, its sum or what its header has."""
    kind = picks.number(0, 6)
    if kind == 0:
        return content + gzip.compress(b"", 1) * picks.choice((1, 30, 3000))
    if kind == 1:
        return content + zeros(picks.choice((1, 8))) * picks.choice((1, 8, 80))
    if kind == 2:
        return content[: picks.number(0, len(content))]
    if kind == 3:
        return content[:-4] + (picks.choice(LIES) & (2**32 - 1)).to_bytes(4, "little")
    if kind == 4:                                       # flags: text, a sum, more, a name, a comment
        return content[:3] + bytes([picks.number(0, 255)]) + content[4:]
    if kind == 5:                                       # the same stream without a head, or of zlib
        return picks.choice((content[10:], zlib.compress(content, 1), content + content, gzip.compress(content, 1)))
    return change_bytes(content, picks)


CSV_CHANGES = (change_cell, change_cell, change_cell, change_rows, change_rows, change_bytes, cut)
ECSV_CHANGES = (change_cell, change_rows, change_rows, change_yaml, change_yaml, change_yaml, change_bytes, cut)
VOTABLE_CHANGES = (change_attribute, change_attribute, change_attribute, change_element, change_element, change_stream,
                   change_stream, change_bytes, cut)
