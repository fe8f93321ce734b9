"""What rounding stored spectra saves, and what it changes of the scores of a run.

``python -m benchmarks.rounding RUN FOLDER`` for a finished run that stored all spectra.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import specanom as sa
from specanom import models
from specanom.run.scoring import score_table
from specanom.scores.named import CALIBRATED, scorers_of


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def sizes(sample: sa.SpectrumSet, folder: Path) -> dict[str, Path]:
    """Store a sample both ways and print the bytes of each array, as a share of those in memory."""
    stores = {precision: folder / f"{precision}.zarr" for precision in ("full", "rounded")}
    for precision, path in stores.items():
        sample.save(path, precision=precision)
    print("| array | in memory, MB | full | rounded |\n|---|---|---|---|")
    for name in ("flux", "ivar", "imputed"):
        raw = np.asarray(getattr(sample, name)).nbytes
        shares = " | ".join(f"{size(path / name) / raw:.3f}" for path in stores.values())
        print(f"| {name} | {raw / 1e6:.1f} | {shares} |")
    print("| all files |  | " + " | ".join(f"{size(path) / 1e6:.1f} MB" for path in stores.values()) + " |")
    return stores


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sample = sa.SpectrumSet.open(arguments.run / "sample.zarr")
    stores = sizes(sample, arguments.folder)
    model = models.load(arguments.run / "model")
    opened = {precision: sa.SpectrumSet.open(path) for precision, path in stores.items()}
    tables = {precision: score_table(scorers_of(model, one), one)[0] for precision, one in opened.items()}
    top = max(1, round(0.01 * len(sample)))
    print(f"\n| score, of {len(sample)} spectra | ρ of the ranks | of the {top} oddest the same | largest change of a "
          "calibrated score, σ | largest relative change of a raw one |\n|---|---|---|---|---|")
    full, rounded = tables["full"], tables["rounded"]
    for name in scorers_of(model, sample):
        column = name + CALIBRATED
        shared = len(set(full.nlargest(top, column)["id"]) & set(rounded.nlargest(top, column)["id"]))
        change = float((full[column] - rounded[column]).abs().max())
        relative = float(((full[name] - rounded[name]) / full[name]).abs().max())
        rho = float(full[column].corr(rounded[column], method="spearman"))
        print(f"| `{name}` | {rho:.7f} | {shared} | {change:.4f} | {relative:.1e} |")


if __name__ == "__main__":
    main()
