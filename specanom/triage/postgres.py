"""Asks a PostgreSQL database, and keeps its password out of every message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from ..errors import ArgumentError, DataError, message, require

HIDDEN = "***"
_TABLE = re.compile(r'\s*(?:(\w+)\.)?(\w+)\s*')
_QUERY = re.compile(r"\s*(?:--[^\n]*\n\s*)*\(?\s*(select|with|values|table)\b", re.I)
_INSIDE = re.compile(r"^[^:/?#]+://[^:/@]*:(.*)@")                      # all between user and the last @
_OPTION = re.compile(r"password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&]*)", re.I)


def query_of(query: str) -> str:
    """Return a query as it is, and for the name of a table the query of all of it.

    Raises
    ------
    ArgumentError
        For what is neither.

    Examples
    --------
    >>> query_of("survey.scores")
    'SELECT * FROM "survey"."scores"'
    """
    table = _TABLE.fullmatch(query)
    if table:
        return "SELECT * FROM " + ".".join(f'"{name}"' for name in table.groups() if name)
    if not _QUERY.match(query):
        raise ArgumentError(message("query", expected="the name of a table, or a query that begins with SELECT or WITH",
                                    got=repr(query[:60])))
    return query


def rows_of(uri: str, query: str, parameters: Sequence[Any]) -> Any:
    """Return the answer to a query as an Arrow table.

    Raises
    ------
    MissingDependency
        When adbc-driver-postgresql is not installed.
    DataError
        When the server cannot be reached or refuses; without the password.
    """
    dbapi = require("adbc_driver_postgresql.dbapi", extra="postgres")
    text = ""
    try:
        with dbapi.connect(uri) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(query, parameters or None)
            return cursor.fetch_arrow_table()
    except dbapi.Error as exc:
        text = str(exc)
    # Raised out here: the driver's own error, which may quote the address, is no context of this one.
    raise DataError(message("uri", expected=f"an answer from {address(uri)}", got=_safe(text, uri),
                            hint="psql with the same address and query; the password belongs into ~/.pgpass"))


def address(uri: str) -> str:
    """Return an address without its password.

    Examples
    --------
    >>> address("postgresql://me:secret@host:5432/base")
    'postgresql://me:***@host:5432/base'
    """
    hidden = _INSIDE.sub(lambda found: found[0].replace(f":{found[1]}@", f":{HIDDEN}@"), uri)
    return _OPTION.sub(f"password={HIDDEN}", hidden)


def _safe(text: str, uri: str) -> str:
    """Return what a driver said without the address, the password, or pieces of one that it took for something else."""
    text = text.replace(uri, address(uri))
    given = [*_INSIDE.findall(uri), *(one.strip("'") for one in _OPTION.findall(uri))]
    secrets = {form for one in given for form in (one, unquote(one))}
    pieces = {piece for one in secrets for piece in re.split(r"[@:/?#\[\]]", one) if len(piece) > 2}
    for secret in sorted(secrets | pieces, key=len, reverse=True):
        if secret:
            text = text.replace(secret, HIDDEN)
    return " ".join(text.split())
