"""One thread a task: the same bits wherever it runs, and no two workers that fight for the cores."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def single_threaded() -> Iterator[None]:
    """Keep BLAS, OpenMP and torch to one thread.

    How a product of matrices is summed depends on the number of threads; a result that does not may be compared byte
    by byte between a laptop and a cluster. Several workers bring the cores back.
    """
    from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch is not None else 0
    if torch is not None:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        if torch is not None:
            torch.set_num_threads(before)
