"""How many bytes of DESI files are read, and how long reading and joining the arms takes, on one thread.

    python -m benchmarks.desi [--targets 300] [--files FOLDER] [--repeats 3] [--json PATH]

A healpix file of the given size is written as DESI writes it: three arms with flux, inverse variance, mask and
resolution (11 diagonals), a FIBERMAP of 81 columns' width, EXP_FIBERMAP, SCORES, and a redrock file beside it. Bytes
are what the process asked the system for (``rchar`` of ``/proc/self/io``, Linux), redrock included; beside them, what
astropy asks for when it reads the whole file. One target in ten is a quasar. `--files` adds real files.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from astropy.io import fits

import specanom as sa

ARMS = {"B": (3600.0, 2751), "R": (5760.0, 2326), "Z": (7520.0, 2881)}
AIM = 10.0
FIRST = 39633345008634465


def write_files(folder: Path, targets: int) -> Path:
    """Write a coadd and its redrock file; returns the coadd."""
    rng = np.random.default_rng(0)
    ids = FIRST + np.arange(targets)
    fibermap = [fits.Column("TARGETID", "K", array=ids), fits.Column("OBJTYPE", "3A", array=["TGT"] * targets),
                fits.Column("COADD_FIBERSTATUS", "J", array=np.zeros(targets)),
                fits.Column("TARGET_RA", "D", array=np.full(targets, 150.0)),
                fits.Column("TARGET_DEC", "D", array=np.full(targets, 2.0)),
                fits.Column("EBV", "E", array=np.full(targets, 0.02)),
                fits.Column("REST", "340B", array=np.zeros((targets, 340)))]
    exposures = [fits.Column("TARGETID", "K", array=np.repeat(ids, 4)),
                 fits.Column("REST", "190B", array=np.zeros((4 * targets, 190)))]
    scores = [fits.Column("TARGETID", "K", array=ids), fits.Column("REST", "164B", array=np.zeros((targets, 164)))]
    hdus: list[Any] = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(fibermap, name="FIBERMAP"),
                       fits.BinTableHDU.from_columns(exposures, name="EXP_FIBERMAP")]
    for arm, (first, size) in ARMS.items():
        shape = (targets, size)
        mask = (rng.random(shape) < 0.01).astype("i4")
        hdus += [fits.ImageHDU(first + 0.8 * np.arange(size), name=f"{arm}_WAVELENGTH"),
                 fits.ImageHDU(rng.normal(5, 1, shape).astype("f4"), name=f"{arm}_FLUX"),
                 fits.ImageHDU(np.ones(shape, "f4"), name=f"{arm}_IVAR"), fits.ImageHDU(mask, name=f"{arm}_MASK"),
                 fits.ImageHDU(np.zeros((targets, 11, size), "f4"), name=f"{arm}_RESOLUTION")]
    path = folder / "coadd-main-dark-27247.fits"
    fits.HDUList([*hdus, fits.BinTableHDU.from_columns(scores, name="SCORES")]).writeto(path)
    classes = np.where(np.arange(targets) % 10 == 0, "QSO", "GALAXY")
    redshifts = [fits.Column("TARGETID", "K", array=ids), fits.Column("Z", "D", array=rng.uniform(0.1, 1, targets)),
                 fits.Column("ZERR", "D", array=np.full(targets, 1e-5)),
                 fits.Column("ZWARN", "K", array=np.zeros(targets)), fits.Column("SPECTYPE", "6A", array=classes),
                 fits.Column("DELTACHI2", "D", array=np.full(targets, 500.0))]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(redshifts, name="REDSHIFTS")]).writeto(
        folder / "redrock-main-dark-27247.fits")
    return path


def asked_for() -> int:
    """Bytes this process has asked the system for so far; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/io").read_text().split()[1])
    except OSError:
        return 0


def measured(work: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Bytes of one run after a first, and the shortest CPU time of several."""
    work()
    before = asked_for()
    asked_for()
    own = asked_for() - before
    before = asked_for()
    work()
    size = asked_for() - before - own // 2
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return {"bytes": size, "cpu_s": min(times)}


def whole(path: Path) -> int:
    """Read all of a file with astropy; the number of HDUs."""
    with fits.open(path, memmap=False, lazy_load_hdus=False) as hdus:
        return sum(hdu.data is not None for hdu in hdus)


def blocks(path: Path, target: str | None = None) -> int:
    """Read and join the spectra of a file or folder; their number."""
    return sum(len(block) for block in sa.read(path, "desi", target=target).blocks())


def cases(path: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Measure every way to read one file."""
    with fits.open(path) as hdus:
        last = len(hdus["B_FLUX"].data) - 1
    found = {"whole file, astropy": measured(lambda: whole(path), repeats),
             "all targets, arms joined": measured(lambda: blocks(path), repeats)}
    if path.name.startswith("coadd-main"):
        found["quasars only (1 in 10)"] = measured(lambda: blocks(path, "qso"), repeats)
    found["one target"] = measured(lambda: sa.Spectrum.read(path, row=last), repeats)
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=300)
    parser.add_argument("--files", type=Path, help="folder of real coadds")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        path = write_files(Path(folder), args.targets)
        result[f"{args.targets} targets"] = {"file": {"bytes": path.stat().st_size}, **cases(path, args.repeats)}
        for real in sorted(args.files.glob("*coadd*.fits")) if args.files else ():
            result[real.name] = {"file": {"bytes": real.stat().st_size}, **cases(real, args.repeats)}
    for name, rows in result.items():
        size = rows.pop("file")["bytes"]
        print(f"{name}: {size:,} bytes")
        for case, row in rows.items():
            share = size / row["bytes"] if row["bytes"] else float("nan")
            print(f"  {case:26s} {row['bytes']:>13,.0f} bytes, {share:7.1f} times fewer than the file holds "
                  f"(aim {AIM:.0f}), {row['cpu_s']:.3f} s")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
