"""The cross-match: ``python -m benchmarks.crossmatch [n]``.

A table at hand against astropy alone, and an answer of XMatch of a thousand rows, made in its shape and kept in a
folder, from the file to the table of matches.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import SkyCoord

from specanom.triage.crossmatch import LocalTable, XMatch, crossmatch
from specanom.triage.crossmatch.cache import Question, ResponseCache, now
from specanom.triage.crossmatch.positions import positions_of
from tests.triage.crossmatch.made import xmatch_answer

RADIUS = 1.5


def sky(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return positions spread evenly over the sphere."""
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def cpu_ms(work: Callable[[], object], times: int = 20) -> float:
    """Return the median CPU time of some calls, ms."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - start))
    return float(np.median(spent))


def xmatch(n: int = 1361) -> None:
    """Time what follows an answer of XMatch: reading it, and joining it to the objects that were asked about."""
    ra, dec = sky(n, np.random.default_rng(1))
    here = pd.DataFrame({"id": [str(39633345008634465 + i) for i in range(n)], "ra": ra, "dec": dec})
    service = XMatch("vizier:II/328/allwise", 3.0, columns=["W1mag", "ID"])
    positions, _ = positions_of(here, None)
    raw = xmatch_answer([{"specanom_row": str(i), "specanom_ra": str(ra[i]), "specanom_dec": str(dec[i])}
                         for i in range(n)])
    with tempfile.TemporaryDirectory() as folder:
        ResponseCache(folder).put(Question.of(service, positions), raw, now())
        found = crossmatch(here, service, cache=folder).table
        assert found["candidates"].sum() == 1000
        parsed = cpu_ms(lambda: service.parse(raw, positions))
        whole = cpu_ms(lambda: crossmatch(here, service, cache=Path(folder)))
    print(f"XMatch, {n:,} objects, an answer of 1,000 rows ({len(raw) / 1000:.0f} kB): read {parsed:.0f} ms, "
          f"kept file to table of matches {whole:.0f} ms of CPU")


def main(n: int) -> None:
    xmatch()
    rng = np.random.default_rng(0)
    ra, dec = sky(n, rng)
    half = n // 2
    other = sky(n - half, rng)
    there = pd.DataFrame({"ra": np.r_[ra[:half], other[0]],
                          "dec": np.r_[np.clip(dec[:half] + rng.normal(0, 0.3, half) / 3600, -90, 90), other[1]]})
    here = pd.DataFrame({"id": [str(i) for i in range(n)], "ra": ra, "dec": dec})
    start = time.process_time()
    nearest = SkyCoord(ra, dec, unit="deg").match_to_catalog_sky(SkyCoord(there.ra, there.dec, unit="deg"))[1]
    alone = time.process_time() - start
    start = time.process_time()
    matches = crossmatch(here, LocalTable(there, RADIUS))
    ours = time.process_time() - start
    found = int((matches.table["status"] == "matched").sum())
    assert found == int((nearest < RADIUS * u.arcsec).sum())
    print(f"{n:,} x {n:,}: {found:,} matches; astropy's nearest neighbours {alone:.1f} CPU-s, "
          f"table with chance rate from eight shifts {ours:.1f} CPU-s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
