"""What large surveys take on N workers: a straight line a stage as it was measured, and Amdahl's law."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import specanom as sa
from benchmarks._growth import NAMES, Growth, Rows
from specanom.parallel.partition import SIZE

WORKERS = (2, 16, 128, 1024)
SURVEYS = {"SDSS": 1_200_000, "DESI": 22_500_000}
RAW = {"SDSS": 89_000, "DESI": (2751 + 2326 + 2881) * 12}
"""Bytes of a spectrum in its files: a plate by its fibres; flux, ivar and mask of three arms, resolution not read."""
PIXELS = 7781
"""Of a DESI spectrum; the grid of SDSS is that of the growth."""
TOP_SHARE, TRAINED, MOST_STEPS = 0.01, 50_000, 20_000
"""Of ``keep="top"``, and the cap of training."""
STORED = {"full": {"SDSS": 0.65, "DESI": 0.65}, "rounded": {"SDSS": 0.28, "DESI": 0.28}}
"""Share of nine bytes a pixel that a store takes; measured in docs/measurements.md on spectra of SDSS."""
BYTES_OF_PIXEL = 9
FROM_DISK = 0.82e9
"""Bytes that training holds of a sample of any size that is large for memory; docs/measurements.md, 60,000 spectra."""


@dataclass(frozen=True)
class Cost:
    """Processor seconds of a stage: one process's, by itself and for each spectrum, and each spectrum's of a worker."""

    fixed: float
    serial: float
    shared: float

    def seconds(self, n: int, workers: int) -> tuple[float, float]:
        """Return what one process takes, and what the workers take side by side."""
        tasks = -(-n // SIZE)
        return self.fixed + self.serial * n, self.shared * n * -(-tasks // workers) / tasks  # the last round may idle


def costs(rows: Rows, *, pixels: float = 1.0, read: float = 1.0) -> dict[str, Cost]:
    """Return the cost of each stage.

    Parameters
    ----------
    rows : sequence
        Of the growth.
    pixels, read : float
        How much longer work on pixels and reading take than in the survey that was measured.
    """
    sizes = [row["n"] for row in rows]
    made = {}
    for step in rows[-1]["steps"]:
        cells = [row["steps"][step] for row in rows]
        shared = [max(cell["workers"] - cell["simulating"]["cpu"], 0.0) for cell in cells]
        alone = Growth.of(sizes, [max(cell["cpu"] - cell["workers"], 1e-3) for cell in cells])
        apart = Growth.of(sizes, shared) if all(shared) else Growth(0.0, 0.0, 0.0, 0.0)
        factor = {"02_preprocess": read, "04_score": pixels}.get(step, 1.0)
        made[step] = Cost(alone.fixed + apart.fixed, alone.each, apart.each * factor)
    steps = rows[-1]["counts"]["03_train"]["steps"]
    last = rows[-1]["steps"]["03_train"]["cpu"]
    made["03_train"] = Cost(last * pixels * max(1.0, MOST_STEPS / steps), 0.0, 0.0)
    return made


def desi_ratio(folder: Path, n: int) -> dict[str, float]:
    """Measure how much longer a fibre of DESI takes to be read and preprocessed than one of SDSS, on one core.

    Each goes through all of it twice, and the second time counts: what is loaded once is then loaded.
    """
    taken: dict[str, float] = {}
    for name, survey in {"SDSS": sa.surveys.mock(n, 1), "DESI": sa.surveys.mock_desi(n=n, seed=1)}.items():
        raw = folder / f"{name}-{n}"
        if not raw.exists():
            survey.write(raw)
        spectra = sa.read(str(raw), survey=name.lower(), target="galaxy")
        grid = {"grid": (3500.0, 7500.0, PIXELS)} if name == "DESI" else {}
        for _ in range(2):
            start = time.process_time()
            kept = len(sa.Preprocessor(min_snr=0.0, **grid).fit_transform(spectra))  # type: ignore[arg-type]
            taken[name] = (time.process_time() - start) / kept
    return {"SDSS": taken["SDSS"], "DESI": taken["DESI"], "ratio": taken["DESI"] / taken["SDSS"]}


def projection(rows: Rows, desi: Mapping[str, float], *, bandwidth: float) -> dict[str, Any]:
    """Return seconds by survey, what is kept, workers and stage, with what limits each, and bytes.

    With ``keep="top"`` all files are read twice, to learn and to score, and only a sample and the oddest are stored.
    """
    sdss = rows[-1]["counts"]["02_preprocess"]["pixels"]
    found: list[dict[str, Any]] = []
    for survey, n in SURVEYS.items():
        pixels, read = (PIXELS / sdss, desi["ratio"]) if survey == "DESI" else (1.0, 1.0)
        known = costs(rows, pixels=pixels, read=read)
        for keep in ("all", "top"):
            known_here = _streamed(known) if keep == "top" else known
            reading = {"02_preprocess": n * RAW[survey] / bandwidth}
            reading |= {"04_score": reading["02_preprocess"]} if keep == "top" else {}
            for workers in WORKERS:
                stages = {step: _stage(one.seconds(n, workers), reading.get(step, 0.0))
                          for step, one in known_here.items()}
                found.append({"survey": survey, "n": n, "keep": keep, "workers": workers, "stages": stages,
                              "hours": sum(one["seconds"] for one in stages.values()) / 3600})
    return {"desi": dict(desi), "bandwidth": bandwidth, "times": found, "bytes": _bytes(rows), "memory": _memory(rows)}


def _streamed(known: Mapping[str, Cost]) -> dict[str, Cost]:
    """Return the costs when scoring reads the files again instead of the sample."""
    read, score = known["02_preprocess"], known["04_score"]
    return {**known, "04_score": Cost(score.fixed, score.serial, score.shared + read.shared)}


def _stage(seconds: tuple[float, float], reading: float) -> dict[str, Any]:
    """Return what a stage takes when files are read while others are worked on, and what that is limited by."""
    alone, apart = seconds
    beside = max(apart, reading)
    limits = {"one process": alone, "processors": apart, "reading": reading}
    return {"seconds": alone + beside, "limit": max(limits, key=lambda name: limits[name]), **limits}


def _bytes(rows: Rows) -> list[dict[str, Any]]:
    """Return what is stored, by survey, what is kept and precision."""
    last = rows[-1]
    tables = sum(last["bytes"].get(name, 0) for name in ("scores.parquet", "scores_pca.parquet", "catalogue.parquet",
                 "rarities.parquet", "shares.parquet", "residuals.parquet", "knowledge")) / last["n"]
    pixels = {"SDSS": last["counts"]["02_preprocess"]["pixels"], "DESI": PIXELS}
    made = []
    for survey, n in SURVEYS.items():
        for keep in ("all", "top"):
            stored = n if keep == "all" else min(n, TRAINED) + TOP_SHARE * n
            for precision, share in STORED.items():
                made.append({"survey": survey, "keep": keep, "precision": precision, "raw": n * RAW[survey],
                             "spectra": stored * pixels[survey] * BYTES_OF_PIXEL * share[survey],
                             "tables": n * tables})
    return made


def _memory(rows: Rows) -> dict[str, Any]:
    """Return what the largest process of each stage holds, GB, by the line through the two largest surveys.

    Smaller ones are a partition or less, which is all that they hold. Training goes by a copy on disk.
    """
    made: dict[str, Any] = {}
    for step in rows[-1]["steps"]:
        fit = Growth.of([row["n"] for row in rows[-2:]], [row["steps"][step]["largest"] for row in rows[-2:]])
        made[step] = {survey: FROM_DISK / 1e9 if step == "03_train" else fit(n) / 1e9 for survey, n in SURVEYS.items()}
    return made


def table(made: Mapping[str, Any]) -> str:
    """Return Markdown: hours by workers, what limits each stage, bytes and memory."""
    lines = [f"Reading {made['bandwidth'] / 1e9:g} GB/s for all workers together; a DESI spectrum takes "
             f"{made['desi']['ratio']:.1f} times as long to be read and preprocessed as one of SDSS "
             f"({1e3 * made['desi']['DESI']:.1f} against {1e3 * made['desi']['SDSS']:.1f} ms of a core).", "",
             f"| survey | kept | {' | '.join(f'{n:,} workers' for n in WORKERS)} |", "|" + "---|" * (2 + len(WORKERS))]
    for survey in SURVEYS:
        for keep in ("all", "top"):
            some = _of(made["times"], survey, keep)
            lines.append(f"| {survey} {SURVEYS[survey]:,} | {keep} | " + " | ".join(
                f"{one['hours']:,.1f} h" for one in some) + " |")
    lines += ["", "| stage | " + " | ".join(f"{survey}, {n:,} workers" for survey in SURVEYS for n in WORKERS) + " |",
              "|" + "---|" * (1 + len(SURVEYS) * len(WORKERS))]
    for step, name in NAMES.items():
        cells = [one["stages"][step] for survey in SURVEYS for one in _of(made["times"], survey, "top")
                 if step in one["stages"]]
        if cells:
            lines.append(f"| {name} | " + " | ".join(f"{one['seconds'] / 60:,.0f} min: {one['limit']}" for one in cells)
                         + " |")
    lines += ["", "| survey | kept | precision | files read | spectra stored | tables |", "|" + "---|" * 6]
    lines += [f"| {one['survey']} | {one['keep']} | {one['precision']} | {_size(one['raw'])} | {_size(one['spectra'])} "
              f"| {_size(one['tables'])} |" for one in made["bytes"]]
    lines += ["", f"| largest process of | {' | '.join(SURVEYS)} |", "|" + "---|" * (1 + len(SURVEYS))]
    lines += [f"| {NAMES.get(step, step)} | {' | '.join(f'{one[survey]:,.1f} GB' for survey in SURVEYS)} |"
              for step, one in made["memory"].items()]
    return "\n".join(lines)


def _of(times: Sequence[Mapping[str, Any]], survey: str, keep: str) -> list[Mapping[str, Any]]:
    return [one for one in times if (one["survey"], one["keep"]) == (survey, keep)]


def _size(n: float) -> str:
    return f"{n / 1e12:,.2f} TB" if n >= 1e12 else f"{n / 1e9:,.1f} GB"
