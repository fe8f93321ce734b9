"""Labels as files of DESI's visual inspection, and those files as labels.

The columns are those of the inspectors' own tool (prospect, ``vi_file_fields``), sixteen in a fixed order, one row for
each label. Reading also takes files that have only some of them, such as the merged tables of the Early Data Release
(``TARGETID``, ``VI_Z``, ``VI_QUALITY``, ``VI_SPECTYPE``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, DataError, message
from ..ids import EXACT
from .inspection import Inspection
from .label import NOTED, Label
from .table import read_texts, write_table

if TYPE_CHECKING:
    import pandas as pd

OBJECT: dict[str, tuple[str, Any]] = {
    "EXPID": ("expid", -1), "NIGHT": ("night", -1), "TILEID": ("tile", -1), "Spec_version": ("spec_version", ""),
    "Redrock_version": ("redrock_version", ""), "Template_version": ("template_version", ""),
    "Redrock_spectype": ("class", ""), "Redrock_z": ("z", None), "Redrock_deltachi2": ("deltachi2", None),
}
"""Columns that describe the object: which column of a table of spectra fills them, and what stands there without."""
SAID = ("VI_scanner", "VI_quality", "VI_issue", "VI_z", "VI_spectype", "VI_comment")
COLUMNS = ("TARGETID", *OBJECT, *SAID)
"""The columns of a file, in their order."""
MISSING = ("", "--", "none", "null", "n/a", "<na>")
"""How tables write that there is no number, besides NaN and -1."""
_FLOAT = re.compile(r"\d+\.\d*([eE]\+?\d+)?|\d+[eE]\+?\d+")


@dataclass(frozen=True, eq=False)
class InspectionFile:
    """What was read from a file of visual inspections.

    Attributes
    ----------
    labels : tuple of Label
        One for each row that can be read, each with its ``inspection``.
    skipped : tuple of (int, str)
        Rows that cannot, counted from 1, and why.
    """

    labels: tuple[Label, ...]
    skipped: tuple[tuple[int, str], ...] = ()

    def __repr__(self) -> str:
        left = f"; {len(self.skipped)} skipped, first row {self.skipped[0][0]}: {self.skipped[0][1]}" \
            if self.skipped else ""
        return f"InspectionFile: {len(self.labels)} inspections{left}"


def write_inspections(labels: Iterable[Label], path: str | Path, *, objects: pd.DataFrame | None = None) -> Path:
    """Write labels as a CSV file of visual inspections; returns the path.

    Parameters
    ----------
    labels : iterable of Label
        ``log.history()``, or ``log.standing(id)`` of some. Those without an inspection have their note as comment.
    path : path-like
        Ends in ``.csv`` (or ``.parquet``).
    objects : DataFrame, optional
        Table of the spectra with ``id``, from which tile, class, redshift and Δχ² of the pipeline are taken.

    Raises
    ------
    ArgumentError
        For another ending, or a table without ``id``.
    """
    import pandas as pd

    rows = [_row(said) for said in labels]
    table = pd.DataFrame(rows, columns=["TARGETID", *SAID])
    described = _described(table["TARGETID"].tolist(), objects)
    whole = pd.concat([table, described], axis=1)[list(COLUMNS)]
    numbers = [text.isascii() and text.isdigit() and str(int(text)) == text and int(text) < 2**63
               for text in whole["TARGETID"]]
    if rows and all(numbers):
        whole["TARGETID"] = [int(text) for text in whole["TARGETID"]]  # never by way of a float
    whole["VI_quality"] = whole["VI_quality"].astype("Float64")
    if (whole["VI_quality"].dropna() % 1 == 0).all():
        whole["VI_quality"] = whole["VI_quality"].astype("Int64")
    whole["VI_z"] = whole["VI_z"].astype("float64")
    return write_table(whole, Path(path))


def _row(said: Label) -> list[Any]:
    seen = said.inspection or Inspection()
    return [said.id, said.author, seen.quality, "".join(seen.issues), seen.z, seen.spectype, seen.comment or said.note]


def _described(ids: list[str], objects: pd.DataFrame | None) -> pd.DataFrame:
    import pandas as pd

    if objects is not None and "id" not in objects:
        raise ArgumentError(message("objects", expected="a table with the column id",
                                    got=f"columns {', '.join(map(str, objects.columns))}"))
    known = None if objects is None else objects.drop_duplicates("id").set_index("id").reindex(ids)
    made: dict[str, Any] = {}
    for name, (column, without) in OBJECT.items():
        if known is None or column not in known:
            made[name] = [float("nan") if without is None else without] * len(ids)
        elif without is None:
            made[name] = known[column].to_numpy(dtype="float64")
        elif isinstance(without, int):
            made[name] = known[column].fillna(without).astype("int64").to_numpy()
        else:
            made[name] = known[column].fillna(without).astype(str).to_numpy()
    return pd.DataFrame(made, index=range(len(ids)))


def read_inspections(path: str | Path, *, label: str = NOTED, source: str | None = None) -> InspectionFile:
    """Read a file of visual inspections (CSV) as labels; nothing is appended anywhere.

    Parameters
    ----------
    path : path-like
        A CSV file with a header; names of columns in any case, any order; only ``TARGETID`` must be there.
    label : str
        The word of the labels: a file of inspections has none. The default, ``"noted"``, is no verdict.
    source : str, optional
        Their source; the name of the file when not given.

    Returns
    -------
    InspectionFile
        ``log.merge(file.labels)`` appends them. Such files tell no time, and neither do the labels: they count as older
        than all that was said in the log, and one of an author who has a word for the object there is left out.

    Raises
    ------
    DataError
        When there is no such file, it is no CSV, or has no column ``TARGETID``.
    """

    path = Path(path)
    try:
        table = read_texts(path)
    except (OSError, ValueError) as exc:
        raise DataError(message("path", expected="a CSV file of visual inspections", got=f"{path} ({exc})")) from exc
    names = [str(name).strip().upper() for name in table.columns]
    upper = dict(zip(names, table.columns, strict=True))
    again = {name for name in names if names.count(name) > 1} & {"TARGETID", *(one.upper() for one in SAID)}
    if "TARGETID" not in upper or again:
        raise DataError(message("path", expected=f"one column {', '.join(again) or 'TARGETID'}",
                                got=f"columns {', '.join(map(str, table))}"))
    columns = {name: table[upper[name.upper()]].tolist() if name.upper() in upper else [""] * len(table)
               for name in ("TARGETID", *SAID)}
    where = path.name if source is None else source
    labels, skipped = [], []
    for row, cells in enumerate(zip(*columns.values(), strict=True), start=1):
        try:
            found = _label(dict(zip(columns, cells, strict=True)))
        except (ArgumentError, ValueError) as exc:
            skipped.append((row, str(exc)))
            continue
        labels.append(Label(found[0], label, "", found[1], where, "", {"inspection": found[2].to_dict()}))
    return InspectionFile(tuple(labels), tuple(skipped))


def _label(row: dict[str, str]) -> tuple[str, str, Inspection]:
    texts = row
    if not texts["TARGETID"]:
        raise ValueError("no TARGETID")
    if _FLOAT.fullmatch(texts["TARGETID"]) and float(texts["TARGETID"]) >= EXACT:
        raise ValueError(f"TARGETID {texts['TARGETID']} has lost digits")
    issues = tuple(one for one in texts["VI_issue"].upper() if one.isalpha())
    return texts["TARGETID"], texts["VI_scanner"].strip(), Inspection(
        _number(texts["VI_quality"]), issues, texts["VI_spectype"].strip().upper(), _number(texts["VI_z"]),
        texts["VI_comment"])


def _number(cell: str) -> float | None:
    """Return a number; None where there is none, or -1, which stands for none."""
    found = math.nan if cell.strip().lower() in MISSING else float(cell)
    return None if math.isnan(found) or found == -1 else found
