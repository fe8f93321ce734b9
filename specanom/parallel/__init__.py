"""Work in blocks and in partitions: here, in threads, in processes, on Dask, or on anything with ``.submit``."""

from __future__ import annotations

from .blocks import map_blocks
from .crew import Workers
from .executors import workers
from .partition import SIZE, Partition, partitions
from .partitioned import Outcome, Partitioned

__all__ = ["SIZE", "Outcome", "Partition", "Partitioned", "Workers", "map_blocks", "partitions", "workers"]


def __dir__() -> list[str]:
    return sorted(__all__)
