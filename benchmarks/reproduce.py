"""The verdicts of a finished ``specanom reproduce``, written into docs/reproduce.md.

``specanom reproduce --out runs/reproduction`` and then ``python -m benchmarks.reproduce runs/reproduction``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

RESULTS, PAGE = Path("docs/reproduce.json"), Path("docs/reproduce.md")
BEGIN, END = "<!-- verdicts -->\n", "<!-- end of verdicts -->\n"
COLUMNS = ("paper", "defaults")


def table(record: dict[str, Any]) -> str:
    """Return the verdicts as a table of MyST, with a line of how many there are of each."""
    rows = [f"| {one['title']} | {one['name']} | {one['paper']} | {one['defaults']} |"
            for one in record["items"].values()]
    counts = []
    for column, called in zip(COLUMNS, ('`preset="paper"`', "the defaults"), strict=True):
        told = [one[column] for one in record["items"].values()]
        said = ", ".join(f"{verdict} {told.count(verdict)}" for verdict in sorted(set(told)))
        counts.append(f"with {called} {said}")
    head = '| | what | `preset="paper"` | defaults |\n|---|---|---|---|\n'
    return f"{head}{chr(10).join(rows)}\n\nOf {len(rows)}: {'; '.join(counts)}.\n"


def written(page: str, record: dict[str, Any]) -> str:
    """Return a page with the verdicts of a record between its marks."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{table(record)}{END}{rest.partition(END)[2]}"


def main() -> None:
    """Copy the record of a finished folder and write its verdicts into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    record = json.loads((parser.parse_args().folder / "reproduction.json").read_text(encoding="utf-8"))
    RESULTS.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


if __name__ == "__main__":
    main()
