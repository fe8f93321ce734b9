"""What must hold of every input of the fuzzer, and whether it does."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._fuzz_files import Files, seeds
from benchmarks._fuzz_kept import kept

SECONDS, MEGABYTES, WARNINGS = 2.0, 200, 3


class Fault(AssertionError):
    """An input broke one of the promises."""


class Judge:
    """Gives files to the readers and tells whether the promises hold; counts what happened.

    Parameters
    ----------
    folder : path-like
        Where files are written and read; in memory, if there is such a place.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.counts: Counter[str] = Counter()
        self.slowest, self.seconds = 0.0, 0.0
        self.grown = 0.0
        self.warm_up()
        self.first = resident()[0]

    def warm_up(self) -> None:
        """Read every whole survey, so that what is loaded once is loaded."""
        from specanom.surveys import fits_full  # noqa: F401

        for files in (*seeds().values(), *kept().values()):
            self._read(self._written(files))
        self.counts.clear()

    def __call__(self, files: Files) -> None:
        """Read files.

        Raises
        ------
        Fault
            When a promise is broken.
        """
        written = self._written(files)
        _forget_peak()
        before, start = resident()[0], time.process_time()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                self._read(written)
            except Fault:
                raise
            except Exception as exc:
                raise Fault(f"{type(exc).__name__}: {exc}") from exc
        took = time.process_time() - start
        self.seconds += took
        self.slowest = max(self.slowest, took)
        self.counts["inputs"] += 1
        if took > SECONDS:
            raise Fault(f"{took:.1f} s")
        if len(said) > WARNINGS:
            raise Fault(f"{len(said)} warnings: {said[0].message}")
        grown = resident()[1] - before
        self.grown = max(self.grown, grown)
        if grown > MEGABYTES:
            raise Fault(f"{grown:.0f} MB more than before")

    def _written(self, files: Files) -> list[str]:
        for old in os.scandir(self.folder):
            if old.is_dir():
                shutil.rmtree(old.path)
            else:
                os.unlink(old.path)
        for name, content in files.items():
            if "/" in name:
                os.makedirs(self.folder / os.path.dirname(name), exist_ok=True)
            with open(self.folder / name, "wb", buffering=0) as handle:
                handle.write(content)
        return [str(self.folder / name) for name in dict.fromkeys(name.partition("/")[0] for name in files)]

    def _read(self, paths: list[str]) -> None:
        import specanom as sa
        from specanom.errors import SpecanomError

        others = [path for path in paths if path.endswith(tuple(OPENERS))]
        for path in others:
            self._open(path)
        if all(path.endswith(BESIDE) for path in paths):
            return
        named = [path for path in paths if path.endswith(("csv", "parquet"))]
        try:
            survey = sa.read(named or str(self.folder))
        except SpecanomError as exc:
            self.counts["refused"] += 1
            check_text(str(exc), 5000)
        else:
            self._check(survey)
        for path in paths:
            try:
                check_spectrum(sa.Spectrum.read(path, row=0), valid=False)
            except SpecanomError as exc:
                check_text(str(exc), 5000)

    def _open(self, path: str) -> None:
        """Open what is no spectra, or a table that need not be of spectra."""
        from specanom.errors import SpecanomError

        try:
            OPENERS[os.path.splitext(path)[1]](path)
        except SpecanomError as exc:
            self.counts["others refused"] += 1
            check_text(str(exc), 5000)
        else:
            self.counts["others opened"] += 1

    def _check(self, survey: Any) -> None:
        count = 0
        for spectrum in survey:
            count += 1
            check_spectrum(spectrum)
        rows = 0
        for block in survey.blocks(16):
            rows += len(block)
            check_block(block)
        if rows != count or len(survey) != count:
            raise Fault(f"{count} spectra one by one, {rows} in blocks")
        for one in survey.skipped:
            check_text("".join(one), 2000)
        for note in survey.notes:
            check_text("".join(note), 2000)
        survey.waterfall()
        self.counts["spectra"] += count
        self.counts["skipped"] += len(survey.skipped)
        if not count and not survey.skipped:
            raise Fault("a survey of nothing, of which nothing was skipped")


def _catalogue(path: str) -> None:
    from specanom.triage.crossmatch.reading import read_table

    for name in read_table(Path(path)).columns:
        str(name).encode("utf-8", "replace")


def _arrays(path: str) -> None:
    from specanom.foreign import read_arrays

    for array in read_arrays(path, "arrays").values():
        if array.dtype.hasobject:
            raise Fault(f"an array of {array.dtype}")


def _array(path: str) -> None:
    from specanom.foreign import open_npy

    open_npy(path, "an array").sum()


def _spectra(path: str) -> None:
    import specanom as sa

    found = sa.SpectrumSet.open(path)
    if np.asarray(found.flux).shape != (len(found), len(found.wave)) or len(found.table) != len(found):
        raise Fault(f"flux of {np.asarray(found.flux).shape} for {len(found)} spectra")
    np.asarray(found.ivar)


BESIDE = (".vot", ".npz", ".npy", ".zarr")
OPENERS: dict[str, Callable[[str], None]] = {
    ".vot": _catalogue, ".csv": _catalogue, ".ecsv": _catalogue, ".parquet": _catalogue, ".npz": _arrays,
    ".npy": _array, ".zarr": _spectra}
"""What is done with files that may be of something else than spectra, and those that never are spectra."""


def resident() -> tuple[float, float]:
    """Return the memory of this process and its peak since it was forgotten, MB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:                                 # another system than Linux: the peak of the whole run
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
        return peak, peak
    found = dict(re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", status))
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def check_text(text: str, most: int) -> None:
    """Raise when a text cannot be written, is longer than it should be, or has characters that do not print."""
    text.encode()
    if len(text) > most or not text.isprintable():
        raise Fault(f"a text of {len(text)} characters: {text[:200]!r}")


def check_spectrum(spectrum: Any, *, valid: bool = True) -> None:
    """Raise when a spectrum is not what it should be; `valid`: it must have a pixel that can be used."""
    wave, flux, ivar = spectrum.wave, spectrum.flux, spectrum.ivar
    if not (np.isfinite(wave).all() and wave[0] > 0 and (np.diff(wave) > 0).all()):
        raise Fault("wavelengths")
    if ivar is not None and not (np.isfinite(ivar).all() and (ivar >= 0).all()):
        raise Fault(f"ivar {ivar[~(np.isfinite(ivar) & (ivar >= 0))][:3]}")
    seen = flux[spectrum.valid]
    if not np.isfinite(seen).all() or (valid and not seen.size):
        raise Fault("flux")
    if np.isinf(flux).any():
        raise Fault("infinite flux")
    check_text(spectrum.id, 256)
    check_meta(spectrum.meta)
    repr(spectrum)


KIND_OF = {"id": str, "survey": str, "survey_program": str, "instrument": str, "plate": int, "mjd": int, "fiber": int,
           "ra": float, "dec": float, "z": float, "z_err": float, "z_noqso": float, "zwarning": int, "class": str,
           "subclass": str, "objtype": str, "snr": float, "ebv": float, "lsf": float, "row": int, "specobjid": str,
           "petal": int, "tile": int, "healpix": int, "deltachi2": float, "exptime": float}


def check_meta(meta: Any) -> None:
    """Raise when what is known of an object has another type than tables have columns for."""
    for key, kind in KIND_OF.items():
        value = meta[key]
        if type(value) is not kind:
            raise Fault(f"{key} is {value!r} of {type(value).__name__}")
        if kind is str:
            check_text(value, 256)
        if kind is int and not -(2**63) <= value < 2**63:
            raise Fault(f"{key} is {value!r}")


def check_block(block: Any) -> None:
    """Raise when a block is not what it should be."""
    import pyarrow as pa

    if block.ivar is not None and not (np.isfinite(block.ivar).all() and (block.ivar >= 0).all()):
        raise Fault("ivar of a block")
    if np.isinf(block.flux).any():
        raise Fault("infinite flux of a block")
    pa.Table.from_pandas(block.table)
