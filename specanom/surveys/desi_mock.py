"""`mock_desi`: a simulated DESI survey, quasars with broad absorption among its objects, with known anomalies.

Fibres are written as coadds in a tree of healpix pixels by the writer of DESI files and read back by the reader of
DESI files, file by file, when they are asked for.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from specanom.errors import ArgumentError, choice, message
from specanom.folders import write_whole
from specanom.surveys.desi_write import TRUTH_COLUMNS, Place, write_coadd
from specanom.surveys.files import Opener
from specanom.surveys.simulate.desi_fibres import KINDS, MOST_QUASARS, DesiFibres, DesiPlan, simulate
from specanom.surveys.survey import Log, Source, Survey

#: Fibres of a file; pixels and tiles count from these.
FILE_FIBRES, FIRST_PIXEL, FIRST_TILE = 64, 27200, 20001
#: Files that are kept on disk at a time, about 8 MB each.
KEPT_FILES = 40
_RELEASE, _PROGRAMS = 9011, ("dark", "bright")


def mock_desi(n: int = 1000, seed: int = 1, *, anomaly_share: float = 0.06, kinds: Sequence[str] | None = None,
              quasar_share: float = 0.35, bal_share: float = 0.12) -> MockDesi:
    """Simulate a DESI survey.

    Quasars of redshift 0.8–3.2 with the forest of Lyman α and damped systems, bright, luminous red and emission-line
    galaxies, stars, blank sky and broken fibres, in files of 64 by turns of the dark and the bright programme; the
    noise of each arm in dark and bright time; masked pixels that keep a weight; known anomalies.

    Parameters
    ----------
    n : int
        Number of fibres; sky, stars and broken ones count.
    seed : int
        The same seed gives the same bytes, and fibre i is the same whatever `n` is.
    anomaly_share : float
        Share of the galaxies and quasars that carry an anomaly.
    kinds : sequence of str, optional
        Kinds to choose from; all of ``specanom.surveys.desi_mock.KINDS`` by default. What cannot be seen in an object
        of its class and redshift is not chosen for it.
    quasar_share : float
        Share of the fibres that hold quasars, up to 0.45. All are in dark time, which comes first.
    bal_share : float
        Share of the quasars in whose spectra broad absorption could be seen that have it. Their `kind` is ``"bal"``,
        or ``"lobal"`` for one in seven of them.

    Returns
    -------
    MockDesi
        With ``.truth`` and ``.write(folder)`` beside the face of every survey.

    Raises
    ------
    ArgumentError
        When `n` is below 1, a share is out of range, `seed` is negative or a kind is unknown.
    """
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise ArgumentError(message("n", expected="a number of fibres, 1 or more", got=repr(n)))
    if isinstance(seed, bool) or int(seed) != seed or seed < 0:
        raise ArgumentError(message("seed", expected="an integer, 0 or more", got=repr(seed)))
    for name, share, most in (("anomaly_share", anomaly_share, 1.0), ("quasar_share", quasar_share, MOST_QUASARS),
                              ("bal_share", bal_share, 1.0)):
        if not 0 <= share <= most:
            raise ArgumentError(message(name, expected=f"a share between 0 and {most:g}", got=repr(share)))
    chosen = tuple(choice("kinds", kind, KINDS) for kind in (KINDS if kinds is None else kinds))
    return MockDesi(int(n), int(seed), DesiPlan(float(anomaly_share), chosen, float(quasar_share), float(bal_share)))


class MockDesi(Survey):
    """A simulated DESI survey: the face of `Survey`, and the truth.

    Parameters
    ----------
    n, seed
        See `mock_desi`.
    plan : DesiPlan
        Shares and kinds.
    """

    def __init__(self, n: int, seed: int, plan: DesiPlan) -> None:
        self.n, self.seed, self.plan = n, seed, plan
        self.files = Files(n, seed, plan)
        super().__init__(self.files.sources, name="mock_desi")

    @property
    def truth(self) -> pd.DataFrame:  # type: ignore[override]
        """What is in each fibre: one row a fibre, `id` as text.

        `intervals_rest` says where it is odd, as ``"1500.0-1540.0;…"``: vacuum Å in the rest frame of `z_catalogue`.
        Files that have not been read yet are simulated first.
        """
        return pd.concat([self.files.truth(k) for k in range(len(self.files))], ignore_index=True)

    def fibres(self, file: int) -> DesiFibres:
        """Simulate the fibres of one file (from 0), without going through a file."""
        return self.files.simulate(file)

    def write(self, folder: str | Path) -> Path:
        """Write the survey as a tree of DESI files and its truth as ``truth.csv``.

        Parameters
        ----------
        folder : path-like
            Made when it is not there. Files go to ``healpix/SURVEY/PROGRAM/PIX÷100/PIX/`` below it.

        Returns
        -------
        Path
            The folder. The survey is whole once ``truth.csv`` is there.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        tables = []
        for k in range(len(self.files)):
            fibres, place = self.fibres(k), self.files.place(k)
            tables.append(truth_of(fibres, place))
            write_coadd(fibres, target, place)
        truth = pd.concat(tables, ignore_index=True)
        write_whole(target / "truth.csv", lambda part: truth.to_csv(part, index=False, float_format="%.6g"))
        return target


class Files:
    """The files of a simulated survey, made when they are asked for and kept in a folder of their own.

    Parameters
    ----------
    n, seed, plan
        See `MockDesi`.
    """

    def __init__(self, n: int, seed: int, plan: DesiPlan) -> None:
        self._n, self._seed, self._plan = n, seed, plan
        self._folder = tempfile.TemporaryDirectory(prefix="specanom-mock-desi-", ignore_cleanup_errors=True)
        self._finalizer = weakref.finalize(self, self._folder.cleanup)
        self._tables: dict[int, pd.DataFrame] = {}
        self._paths: dict[int, list[Path]] = {}

    def __len__(self) -> int:
        return -(-self._n // FILE_FIBRES)

    def place(self, file: int) -> Place:
        """Return where a file lies in the tree: dark and bright time of one pixel, then of the next."""
        mjd = 59200 + (self._seed * 13 + file) % 900
        return Place("main", _PROGRAMS[file % 2], FIRST_PIXEL + file // 2, FIRST_TILE + file, mjd)

    def ids(self, file: int) -> list[int]:
        """Return the TARGETID of each fibre of a file, built of release, brick and object as DESI does."""
        count = min(FILE_FIBRES, self._n - file * FILE_FIBRES)
        brick = 100_000 + (self._seed * 7919 + file) % 900_000
        return [_RELEASE << 42 | brick << 22 | 65 + 97 * i for i in range(count)]

    def simulate(self, file: int) -> DesiFibres:
        """Return the fibres of one file; the last may hold fewer than 64."""
        return simulate(self.ids(file), self.place(file).program, seed=self._seed, plan=self._plan)

    def truth(self, file: int) -> pd.DataFrame:
        """Return the truth of one file."""
        if file not in self._tables:
            self._write(file)
        return self._tables[file]

    def sources(self, log: Log) -> Iterator[Source]:
        """Yield each file as the reader of DESI files opens it."""
        for file in range(len(self)):
            paths = self._paths.get(file) or self._write(file)
            yield Opener([str(path) for path in paths]).open(str(paths[-1]))

    def _write(self, file: int) -> list[Path]:
        while len(self._paths) >= KEPT_FILES:
            shutil.rmtree(self._paths.pop(next(iter(self._paths)))[0].parent, ignore_errors=True)
        fibres, place = self.simulate(file), self.place(file)
        self._tables[file] = truth_of(fibres, place)
        self._paths[file] = write_coadd(fibres, Path(self._folder.name), place)
        return self._paths[file]


def truth_of(fibres: DesiFibres, place: Place) -> pd.DataFrame:
    """Return the truth table of the fibres of one file."""
    where = {"survey": "desi", "survey_program": f"{place.survey}-{place.program}", "healpix": place.pixel,
             "tile": place.tile}
    return pd.DataFrame([{**row, **where} for row in fibres.rows])[list(TRUTH_COLUMNS)]
