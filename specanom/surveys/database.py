"""A database for one question: in memory, and where that is short in the folder for temporary files."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any


def database(threads: int | None = None) -> Any:
    """Return a connection to an empty DuckDB; as a context manager it is closed at the end.

    What does not fit into memory goes to a folder among the temporary files, made when needed and deleted with the
    connection: by default it would go to the working directory, which may be read-only or somebody's notebooks.

    Parameters
    ----------
    threads : int, optional
        How many it may use; all there are when not given.
    """
    import duckdb

    config: dict[str, Any] = {"temp_directory": str(Path(tempfile.gettempdir()) / f"specanom-{uuid.uuid4().hex}")}
    if threads is not None:
        config["threads"] = threads
    return duckdb.connect(config=config)
