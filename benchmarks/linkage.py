"""How fast an id is found among a million: ``python -m benchmarks.linkage [ROWS]``.

The index is of DESI-like ids (17 digits, 700 to a file) in the order in which the sky is read, so that the ids of a
file are anything but sorted. Looking up is compared with what one would write without an index: reading the table of
ids and paths with pandas, and choosing rows.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from specanom.surveys import Survey
from specanom.surveys.blocks import Pixels
from specanom.surveys.columns import blank_meta
from specanom.surveys.locate import SpectrumIndex
from specanom.surveys.survey import Entry, Log, Source

KNOWN = ("z", "z_err", "ebv", "deltachi2", "ra", "dec")
PER_FILE, ASKED, REPEATS = 700, 1000, 7


class Targets:
    """A file's targets without its pixels."""

    def __init__(self, path: str, ids: np.ndarray) -> None:
        self.path, self._ids = path, ids

    def entries(self) -> list[Entry]:
        base = blank_meta(self.path) | {"survey": "desi", "objtype": "TGT", "class": "GALAXY"}
        known = np.random.default_rng(self._ids[0]).uniform(size=(len(self._ids), len(KNOWN)))
        return [Entry(row, {**base, "id": str(id), "row": row, **dict(zip(KNOWN, known[row].tolist(), strict=True))})
                for row, id in enumerate(self._ids)]

    def pixels(self, rows: Any) -> Pixels:
        raise NotImplementedError

    def details(self, row: int) -> dict[str, Any]:
        return {}


def survey_of(folder: Path, ids: np.ndarray) -> Survey:
    def sources(log: Log) -> Iterator[Source]:
        for number, start in enumerate(range(0, len(ids), PER_FILE)):
            path = folder / f"coadd-main-dark-{number}.fits"
            path.touch()
            yield Targets(str(path), ids[start : start + PER_FILE])

    return Survey(sources, name="desi")


def median(run: Callable[[], object]) -> float:
    """Return the median of the CPU seconds of several runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def main(rows: int) -> None:
    """Print JSON."""
    rng = np.random.default_rng(0)
    ids = 39_600_000_000_000_000 + rng.choice(10**14, rows, replace=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.process_time()
        index = SpectrumIndex.build(survey_of(folder, ids), folder / "index")
        build = time.process_time() - start
        plain = folder / "plain.parquet"
        numbers = np.arange(rows)
        pd.DataFrame({"id": ids.astype(str), "path": [f"coadd-main-dark-{i}.fits" for i in numbers // PER_FILE],
                      "row": numbers % PER_FILE}).to_parquet(plain, index=False)
        asked = [str(id) for id in rng.choice(ids, ASKED, replace=False)]

        def scan(some: list[str]) -> Any:
            table = pd.read_parquet(plain)
            return table[table["id"].isin(some)]

        found = index.locate(asked)
        assert found["id"].tolist() == asked
        assert set(found["state"]) == {"ok"}
        result = {
            "rows": rows, "files": -(-rows // PER_FILE), "build s": build,
            "index MB": sum(one.stat().st_size for one in index.path.iterdir()) / 1e6,
            f"locate {ASKED} ms": 1e3 * median(lambda: index.locate(asked)),
            "locate 1 ms": 1e3 * median(lambda: index.locate(asked[0])),
            "what is known of 1 ms": 1e3 * median(lambda: index._known(asked[:1])),
            f"what is known of {ASKED} ms": 1e3 * median(lambda: index._known(asked)),
            "pandas scan ms": 1e3 * median(lambda: scan(asked)),
            "pandas scan of 1 ms": 1e3 * median(lambda: scan(asked[:1])),
        }
        result["ratio"] = result["pandas scan ms"] / result[f"locate {ASKED} ms"]
        result["ratio of 1"] = result["pandas scan of 1 ms"] / result["locate 1 ms"]
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
