"""How fast SDSS files are read, beside astropy.io.fits reading the same columns, in one run on one thread.

    python benchmarks/read.py [--files 200] [--plates FOLDER] [--repeats 5] [--json PATH]

Spec files are copies of the real ones that are kept with the tests, a sky fibre among three; `open` is what it costs
to get flux, wavelength, ivar, mask and the pipeline's values of one file as arrays, `iterate` the same through
``specanom.read`` as Spectrum objects, `blocks` as SpectrumSets. A plate is simulated unless a folder of spPlate files
is given; its rows are counted as read and as preprocessed. The aims: spec files 10 times faster than astropy, 3000
preprocessed rows a second.
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
from specanom.surveys.files import Opener

REAL = Path(__file__).resolve().parent.parent / "tests" / "data"
ROW = ("PLATE", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC", "Z", "Z_ERR", "Z_NOQSO", "ZWARNING", "CLASS", "SUBCLASS",
       "SN_MEDIAN_ALL")
AIM, AIM_ROWS = 10.0, 3000.0


def by_astropy(path: str) -> list[Any]:
    """Read what specanom reads, as a careful user of astropy would."""
    with fits.open(path) as hdus:
        table, row = hdus[1].data, hdus[2].data[0]
        names = {name.lower(): name for name in hdus[1].columns.names}
        arrays = [np.array(table[names[name]]) for name in ("flux", "ivar", "and_mask", "wdisp")]
        wave = 10.0 ** np.array(table[names["loglam"]], np.float64)
        return [wave, *(a.astype(a.dtype.newbyteorder("=")) for a in arrays), *(row[name] for name in ROW)]


def by_specanom(path: str) -> list[Any]:
    """Read the same with the package's reader, into arrays of the machine's byte order."""
    source = Opener([path]).open(path)
    (entry,), pixels = source.entries(), source.pixels([0])
    arrays = [np.array(pixels.flux[0], np.float32), np.array(pixels.ivar[0], np.float32),
              np.array(pixels.mask[0], np.uint32)]
    return [pixels.wave, *arrays, entry.meta]


def fastest(work: Callable[[], Any], repeats: int) -> float:
    """Return the shortest CPU time of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def copies(folder: Path, count: int) -> list[str]:
    """Copy the real lite files until there are `count`, each with a fibre number of its own."""
    lite = sorted(REAL.glob("spec-*.fits"))
    made = []
    for i in range(count):
        path = folder / f"{i:05d}.fits"
        path.write_bytes(lite[i % len(lite)].read_bytes())
        with fits.open(path, mode="update") as hdus:
            hdus[2].data["FIBERID"][:] = i + 1
        made.append(str(path))
    return made


def spec_files(count: int, repeats: int) -> dict[str, float]:
    """Time spec files; all in milliseconds a file, and how many times faster than astropy."""
    with tempfile.TemporaryDirectory() as folder:
        files = copies(Path(folder), count)
        few = files[: max(3, count // 10)]
        slow = fastest(lambda: [by_astropy(path) for path in few], repeats) / len(few)
        fast = fastest(lambda: [by_specanom(path) for path in files], repeats) / count
        survey = sa.read(folder)
        through = fastest(lambda: sum(1 for _ in survey), repeats) / count
        blocks = fastest(lambda: sum(len(block) for block in survey.blocks()), repeats) / count
    return {"astropy_ms": 1e3 * slow, "open_ms": 1e3 * fast, "iterate_ms": 1e3 * through, "blocks_ms": 1e3 * blocks,
            "ratio": slow / fast}


def plates(folder: str | None, repeats: int) -> dict[str, float]:
    """Time plates; rows a second as read and as preprocessed."""
    with tempfile.TemporaryDirectory() as made:
        if folder is None:
            sa.surveys.mock(n=1280, seed=1).write(made, layout="plate")
        survey = sa.read(folder or made, target="galaxy")
        rows = len(survey)
        read = fastest(lambda: [len(block) for block in survey.blocks()], repeats)
        preprocess = fastest(lambda: sa.Preprocessor().fit_transform(survey), min(repeats, 3))
    return {"rows": rows, "read_rows_per_s": rows / read, "preprocessed_rows_per_s": rows / preprocess}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--plates", help="folder of spPlate and spZbest files")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    result = {"spec": spec_files(args.files, args.repeats), "plates": plates(args.plates, args.repeats)}
    spec, plate = result["spec"], result["plates"]
    print(f"spec files: astropy {spec['astropy_ms']:.2f} ms, specanom {spec['open_ms']:.3f} ms: "
          f"{spec['ratio']:.0f} times faster (aim {AIM:.0f}); through read() {spec['iterate_ms']:.3f} ms, "
          f"in blocks {spec['blocks_ms']:.3f} ms")
    print(f"plates: {plate['read_rows_per_s']:.0f} rows/s read, {plate['preprocessed_rows_per_s']:.0f} rows/s "
          f"preprocessed (aim {AIM_ROWS:.0f})")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
