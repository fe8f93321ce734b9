"""The services: CDS XMatch, SIMBAD and NED, through astroquery."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArgumentError, message
from .asking import ask, of_pairs
from .found import PAIR, Access, Found
from .local import check_radius
from .nearest import coordinates, pairs_within
from .positions import Positions
from .votables import BadAnswer, check_columns, check_roles, kept, numbers, read_votable, role, texts, write_votable

if TYPE_CHECKING:
    import pandas as pd

XMATCH_RADIUS = 180.0
XMATCH_ROWS = 50_000
CONNECT = 10.0
NEAR = 5.0
"""Arcsec beyond twice the radius: an answer of which nothing lies so near is to another question."""
ROW, RA, DEC = "specanom_row", "specanom_ra", "specanom_dec"


@dataclass(frozen=True, eq=False)
class XMatch:
    """A catalogue of VizieR through the CDS cross-match service: one request after the other, never two at once.

    Attributes
    ----------
    catalogue : str
        ``"vizier:II/328/allwise"``, ``"vizier:I/355/gaiadr3"``, ``"vizier:VII/294/catalog"`` (Milliquas), or
        ``"simbad"``.
    radius : float
        Arcsec, up to 180.
    columns : tuple of str
        More columns of the catalogue to hand on.
    names : mapping
        Columns by role (name, type, z, ra, dec) where they have no usual name.
    chunk : int
        Positions per request, up to 50 000.
    shifted : bool
        Ask a second time at shifted positions for the rate of chance matches, instead of estimating it from the outer
        half of the search circles.
    """

    catalogue: str
    radius: float
    _: KW_ONLY
    columns: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    chunk: int = XMATCH_ROWS
    shifted: bool = False

    gap = 1.0
    limit = 320.0

    def __post_init__(self) -> None:
        check_radius(self.radius, XMATCH_RADIUS)
        check_roles(self.names)
        _check_chunk(self.chunk, XMATCH_ROWS)
        if not (self.catalogue.startswith("vizier:") or self.catalogue == "simbad"):
            raise ArgumentError(message("catalogue", expected="vizier:… or simbad", got=repr(self.catalogue),
                                        hint=f"'vizier:{self.catalogue}'"))
        object.__setattr__(self, "columns", tuple(self.columns))

    @property
    def service(self) -> str:
        """The catalogue: what it is called in tables."""
        return self.catalogue

    @property
    def url(self) -> str:
        """Of the service, from astroquery's settings."""
        return str(_xmatch().conf.url)

    def request(self, positions: Positions) -> bytes:
        """Send the positions in one POST; return the VOTable."""
        from astropy import units as u
        from astropy.table import Table

        client = _xmatch().XMatchClass()
        client.TIMEOUT = (CONNECT, self.limit - CONNECT)
        # The list of all tables is a megabyte that astroquery fetches first; a wrong name is told by the answer too.
        known = [self.catalogue.removeprefix("vizier:")] if self.catalogue != "simbad" else []
        client.get_available_tables = lambda **_: known
        upload = Table({ROW: np.arange(len(positions)), RA: positions.ra, DEC: positions.dec})
        also = {"colRA2": "ra", "colDec2": "dec"} if self.catalogue == "simbad" else {}
        answer = client.query_async(upload, self.catalogue, self.radius * u.arcsec, colRA1=RA, colDec1=DEC,
                                    cache=False, **also)
        return bytes(answer.content)

    def parse(self, raw: bytes, positions: Positions) -> pd.DataFrame:
        """Return the pairs in a VOTable of the service."""
        table = read_votable(raw)
        if not table.colnames:
            raise BadAnswer("the answer holds no table")
        if ROW not in table.colnames or "angDist" not in table.colnames:
            raise BadAnswer(f"the answer lacks {ROW} or angDist: it has {', '.join(table.colnames[:10])}")
        theirs = [name for name in table.colnames if name not in (ROW, RA, DEC, "angDist")]
        rows = np.asarray(table[ROW], dtype=np.int64)
        if rows.size and not (rows.min() >= 0 and rows.max() < len(positions)):
            raise BadAnswer("the answer tells of positions that were not sent")
        sources = _sources(table, theirs, self.columns, self.names)
        return of_pairs(rows, np.arange(len(table)), numbers(table["angDist"]), sources)

    def __call__(self, positions: Positions, access: Access = Access(), /) -> Found:  # noqa: B008 - frozen
        """Return what the catalogue holds around positions."""
        return ask(self, positions, access)


@dataclass(frozen=True, eq=False)
class Simbad:
    """SIMBAD by vectors of positions, a thousand in one query and no more than one query a second.

    SIMBAD's positions are those of J2000. The server shuts out for an hour who asks more than a few times a second.

    Attributes
    ----------
    radius : float
        Arcsec.
    chunk : int
        Positions per query.
    shifted : bool
        See :class:`XMatch`.
    """

    radius: float
    _: KW_ONLY
    chunk: int = 1000
    shifted: bool = False

    service = "simbad"
    gap = 1.0
    limit = 180.0
    columns = ()

    def __post_init__(self) -> None:
        check_radius(self.radius, XMATCH_RADIUS)
        _check_chunk(self.chunk, XMATCH_ROWS)

    @property
    def url(self) -> str:
        """Of the server, from astroquery's settings."""
        from astroquery.simbad import conf

        return f"https://{conf.server}/simbad/sim-tap"

    def request(self, positions: Positions) -> bytes:
        """Ask for all objects around the positions; return the table as a VOTable."""
        from astropy import units as u
        from astroquery.simbad import SimbadClass
        from pyvo.dal.exceptions import DALOverflowWarning

        client = SimbadClass()
        client.add_votable_fields("otype", "rvz_redshift")
        with warnings.catch_warnings():
            warnings.simplefilter("error", DALOverflowWarning)
            try:
                table = client.query_region(coordinates(positions.ra, positions.dec), radius=self.radius * u.arcsec)
            except DALOverflowWarning as exc:
                raise BadAnswer("the answer was cut short: a smaller chunk or radius") from exc
        for name in [name for name in table.colnames if table[name].dtype == object]:
            table[name] = np.array(texts(table[name]), dtype="U")
        return write_votable(table)

    def parse(self, raw: bytes, positions: Positions) -> pd.DataFrame:
        """Return the pairs in an answer."""
        return _by_position(read_votable(raw), positions, self.radius)

    def __call__(self, positions: Positions, access: Access = Access(), /) -> Found:  # noqa: B008 - frozen
        """Return what SIMBAD holds around positions."""
        return ask(self, positions, access)


@dataclass(frozen=True, eq=False)
class Ned:
    """NED, one object at a time, for the first few hundred; sort the table by score first.

    Attributes
    ----------
    radius : float
        Arcsec.
    most : int
        Objects that are asked about, up to 500; the others are not_checked.
    shifted : bool
        See :class:`XMatch`.
    """

    radius: float
    _: KW_ONLY
    most: int = 300
    shifted: bool = False

    service = "ned"
    chunk = 1
    gap = 1.0
    limit = 60.0
    columns = ()

    def __post_init__(self) -> None:
        check_radius(self.radius, XMATCH_RADIUS)
        if not 1 <= self.most <= 500:
            raise ArgumentError(message("most", expected="1 to 500", got=self.most,
                                        hint="NED takes one object at a time; XMatch is for the many"))

    @property
    def url(self) -> str:
        """Of the server, from astroquery's settings."""
        from astroquery.ipac.ned import conf

        return str(conf.server)

    def request(self, positions: Positions) -> bytes:
        """Ask around one position; return the VOTable."""
        from astropy import units as u
        from astroquery.ipac.ned import NedClass

        answer = NedClass().query_region_async(coordinates(positions.ra, positions.dec)[0],
                                               radius=self.radius * u.arcsec)
        if answer.status_code >= 400:
            answer.raise_for_status()
        return bytes(answer.content)

    def parse(self, raw: bytes, positions: Positions) -> pd.DataFrame:
        """Return the pairs in an answer."""
        return _by_position(read_votable(raw), positions, self.radius)

    def __call__(self, positions: Positions, access: Access = Access(), /) -> Found:  # noqa: B008 - frozen
        """Return what NED holds around the first positions."""
        found = ask(self, positions[: self.most], access)
        reason = f"beyond the first {self.most}"
        rest = dict.fromkeys(range(self.most, len(positions)), reason)
        return replace(found, unchecked={**found.unchecked, **rest})


def _xmatch() -> Any:
    """Return astroquery's module, which on its first import prints a remark about a package not needed here."""
    with redirect_stdout(io.StringIO()):
        return importlib.import_module("astroquery.xmatch")


def _by_position(table: Any, positions: Positions, radius: float) -> pd.DataFrame:
    """Give each row of an answer to the positions it lies near."""
    if not table.colnames:
        nothing = np.empty(0, np.intp)
        return of_pairs(nothing, nothing, np.empty(0), {name: np.empty(0) for name in PAIR[2:]})
    sources = _sources(table, table.colnames, (), {})
    good = np.flatnonzero(np.isfinite(sources["ra"]) & np.isfinite(sources["dec"]))
    if len(table) and not good.size:
        raise BadAnswer(f"the answer has rows but no positions; its columns are {', '.join(table.colnames[:10])}")
    here = coordinates(positions.ra, positions.dec)
    i, j, separation = pairs_within(here, coordinates(sources["ra"][good], sources["dec"][good]), 2 * radius + NEAR)
    if good.size and not i.size:
        raise BadAnswer("the answer is about another place of the sky")
    inside = separation <= radius
    return of_pairs(i[inside], good[j[inside]], separation[inside], sources)


def _sources(table: Any, names: list[str], columns: tuple[str, ...], given: Mapping[str, str]) -> dict[str, Any]:
    """Return what is handed on of an answer, by the name it gets."""
    check_columns(names, columns)
    at = {what: role(names, what, given) for what in ("name", "type", "z", "ra", "dec")}
    made: dict[str, Any] = {what: texts(table[at[what]]) if at[what] else [""] * len(table)
                            for what in ("name", "type")}
    made |= {what: numbers(table[at[what]]) if at[what] else np.full(len(table), np.nan)
             for what in ("z", "ra", "dec")}
    return {**made, **{name: kept(table[name]) for name in columns if name not in made}}


def _check_chunk(chunk: int, most: int) -> None:
    if not 1 <= chunk <= most:
        raise ArgumentError(message("chunk", expected=f"1 to {most}", got=chunk))
