"""Waits until a Dask cluster has workers: ``python -m specanom.deploy.wait ADDRESS --workers N --gpus M``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from ..errors import DataError, SpecanomError, message
from ..parallel import workers

EVERY = 2.0
"""Seconds between two looks."""


def wait_for(address: str, *, n: int = 1, gpus: int = 0, patience: float = 86_400.0) -> None:
    """Return when a Dask scheduler has workers; a run that began before the GPUs are there would do without them.

    Parameters
    ----------
    address : str
        Of the scheduler, which need not answer yet.
    n : int
        Workers in all.
    gpus : int
        Of these with the resource ``GPU``.
    patience : float
        Seconds.

    Raises
    ------
    DataError
        When they are not there by then.
    """
    last = time.monotonic() + patience
    found = "no answer"
    while True:
        try:
            with workers(f"dask:{address}") as crew:
                assert hasattr(crew, "count")  # of Dask, as the address says
                while True:
                    there = crew.count(), crew.count({"GPU": 1})
                    if there[0] >= n and there[1] >= gpus:
                        return
                    found = f"{there[0]} workers, {there[1]} of them with a GPU"
                    _sleep(last)
        except _Late:
            wanted = f"{n} workers, {gpus} of them with a GPU, at {address} within {patience:.0f} s"
            raise DataError(message("workers", expected=wanted, got=found)) from None
        except (DataError, OSError):  # the scheduler is not there yet, or no longer
            found = "no answer"
            if time.monotonic() > last:
                raise


class _Late(Exception):
    """Patience has ended."""


def _sleep(last: float) -> None:
    if time.monotonic() > last:
        raise _Late
    time.sleep(EVERY)


def main(argv: Sequence[str] | None = None) -> int:
    """Wait as told on the command line; returns 0, or 3 when there are no workers."""
    parser = argparse.ArgumentParser(prog="python -m specanom.deploy.wait", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--patience", type=float, default=86_400.0)
    given = parser.parse_args(argv)
    try:
        wait_for(given.address, n=given.workers, gpus=given.gpus, patience=given.patience)
    except SpecanomError as exc:
        sys.stderr.write(f"{exc}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
