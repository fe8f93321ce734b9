"""`mock`: a simulated SDSS survey, made from physics alone, with known anomalies.

The fibres are written as plates by the one writer of SDSS files into a temporary folder and read back by the reader of
SDSS files, plate by plate, when they are asked for.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from specanom.errors import ArgumentError, choice, message
from specanom.folders import write_whole
from specanom.surveys.columns import sdss_id
from specanom.surveys.files import Opener
from specanom.surveys.simulate.fibres import KINDS, Fibres, simulate
from specanom.surveys.survey import Log, Source, Survey
from specanom.surveys.write import TRUTH_COLUMNS, write_fibres

#: Fibres of a plate, the first plate's number, and the fibres that are computed at a time.
PLATE_FIBRES, FIRST_PLATE, BLOCK = 640, 7001, 64
#: Plates that are kept on disk at a time, about 60 MB each.
KEPT_PLATES = 12


def mock(n: int = 2000, seed: int = 1, *, anomaly_share: float = 0.06,
         kinds: Sequence[str] | None = None) -> MockSurvey:
    """Simulate an SDSS survey.

    Stellar populations from model atmospheres, gas on the diagnostic diagrams, redshifts and S/N of the published
    sample (Ortiz & Boquien 2025, Table 1), foreground dust, the noise of the spectrograph and of the night sky, the sky
    fibres, stars and quasars of a plate, and known anomalies of 24 kinds.

    Parameters
    ----------
    n : int
        Number of fibres; sky, stars and quasars count.
    seed : int
        The same seed gives the same bytes, and fibre i is the same whatever `n` is.
    anomaly_share : float
        Share of the galaxies that carry an anomaly. With 0 each is what it would have been without.
    kinds : sequence of str, optional
        Kinds to choose from; all of ``specanom.surveys.mock_survey.KINDS`` by default.

    Returns
    -------
    MockSurvey
        With ``.truth`` and ``.write(folder, layout=)`` beside the face of every survey.

    Raises
    ------
    ArgumentError
        When `n` is below 1, `anomaly_share` is outside 0–1, `seed` is negative or a kind is unknown.
    """
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise ArgumentError(message("n", expected="a number of fibres, 1 or more", got=repr(n)))
    if isinstance(seed, bool) or int(seed) != seed or seed < 0:
        raise ArgumentError(message("seed", expected="an integer, 0 or more", got=repr(seed)))
    if not 0 <= anomaly_share <= 1:
        raise ArgumentError(message("anomaly_share", expected="a share between 0 and 1", got=repr(anomaly_share)))
    chosen = tuple(choice("kinds", kind, KINDS) for kind in (KINDS if kinds is None else kinds))
    return MockSurvey(int(n), int(seed), anomaly_share=float(anomaly_share), kinds=chosen)


class MockSurvey(Survey):
    """A simulated survey: the face of `Survey`, and the truth.

    Parameters
    ----------
    n, seed, anomaly_share, kinds
        See `mock`.
    """

    def __init__(self, n: int, seed: int, *, anomaly_share: float, kinds: tuple[str, ...]) -> None:
        self.n, self.seed, self.anomaly_share, self.kinds = n, seed, anomaly_share, kinds
        self.plates = Plates(n, seed, anomaly_share=anomaly_share, kinds=kinds)
        super().__init__(self.plates.sources, name="mock")

    @property
    def truth(self) -> pd.DataFrame:  # type: ignore[override]
        """What is in each fibre: one row a fibre, `intervals_rest` where it is odd, as ``"3700.0-4000.0;4080.1-…"``.

        Intervals are in Å in the rest frame of `z_catalogue`. Plates that have not been read yet are simulated first.
        """
        return pd.concat([self.plates.truth(plate) for plate in range(len(self.plates))], ignore_index=True)

    def fibres(self, plate: int) -> Iterator[Fibres]:
        """Simulate the fibres of one plate (from 0) in blocks, without going through a file."""
        return self.plates.simulate(plate)

    def write(self, folder: str | Path, layout: str = "plate") -> Path:
        """Write the survey as SDSS files and its truth as ``truth.csv``.

        Parameters
        ----------
        folder : path-like
            Made when it is not there.
        layout : {"plate", "spec"}
            Whole plates (spPlate and spZbest), or one spec file a fibre.

        Returns
        -------
        Path
            The folder. The survey is whole once ``truth.csv`` is there.
        """
        choice("layout", layout, ("plate", "spec"))
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        tables = []
        for plate in range(len(self.plates)):
            fibres = join(list(self.fibres(plate)))
            tables.append(truth_of(fibres))
            write_fibres(fibres, target, layout)
        truth = pd.concat(tables, ignore_index=True)
        write_whole(target / "truth.csv", lambda part: truth.to_csv(part, index=False, float_format="%.6g"))
        return target


class Plates:
    """The plates of a simulated survey, made when they are asked for and kept as files in a folder of their own.

    Parameters
    ----------
    n, seed, anomaly_share, kinds
        See `mock`.
    """

    def __init__(self, n: int, seed: int, *, anomaly_share: float, kinds: tuple[str, ...]) -> None:
        self._n, self._seed, self._share, self._kinds = n, seed, anomaly_share, kinds
        self._folder = tempfile.TemporaryDirectory(prefix="specanom-mock-", ignore_cleanup_errors=True)
        self._finalizer = weakref.finalize(self, self._folder.cleanup)
        self._tables: dict[int, pd.DataFrame] = {}
        self._files: dict[int, list[Path]] = {}

    @property
    def folder(self) -> Path:
        """Where the plates lie while the survey is in use; it goes with the survey."""
        return Path(self._folder.name)

    def __len__(self) -> int:
        return -(-self._n // PLATE_FIBRES)

    def simulate(self, plate: int) -> Iterator[Fibres]:
        """Yield the fibres of one plate in blocks; the last plate may hold fewer than 640."""
        ids = self.ids(plate)
        for start in range(0, len(ids), BLOCK):
            some = ids[start : start + BLOCK]
            yield simulate(some, ids[0].rpartition("-")[0], seed=self._seed, anomaly_share=self._share,
                           kinds=self._kinds)

    def ids(self, plate: int) -> list[str]:
        """Return the ids of the fibres of one plate, which need not be simulated for that."""
        number, mjd = FIRST_PLATE + plate, 52000 + (self._seed * 13 + plate) % 3000
        return [sdss_id(number, mjd, i + 1) for i in range(min(PLATE_FIBRES, self._n - plate * PLATE_FIBRES))]

    def truth(self, plate: int) -> pd.DataFrame:
        """Return the truth of one plate."""
        if plate not in self._tables:
            self._write(plate)
        return self._tables[plate]

    def sources(self, log: Log) -> Iterator[Source]:
        """Yield each plate as the reader of SDSS files opens it."""
        for plate in range(len(self)):
            files = self._files.get(plate) or self._write(plate)
            yield Opener([str(path) for path in files]).open(str(files[-1]))

    def _write(self, plate: int) -> list[Path]:
        while len(self._files) >= KEPT_PLATES:
            for path in self._files.pop(next(iter(self._files))):
                path.unlink(missing_ok=True)
        fibres = join(list(self.simulate(plate)))
        self._tables[plate] = truth_of(fibres)
        self._files[plate] = write_fibres(fibres, self.folder)
        return self._files[plate]


def truth_of(fibres: Fibres) -> pd.DataFrame:
    """The truth table of some fibres."""
    return pd.DataFrame(fibres.rows)[list(TRUTH_COLUMNS)]


def join(blocks: Sequence[Fibres]) -> Fibres:
    """Blocks of one plate as one."""
    stacked = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in ("flux", "ivar", "mask", "sky", "wdisp", "clean")
    }
    return Fibres([i for block in blocks for i in block.ids], rows=[row for block in blocks for row in block.rows],
                  **stacked)
