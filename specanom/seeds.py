"""Seeds and hashes that are the same on every machine, in every order and in every process."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def object_seed(seed: int, id: str) -> int:
    """Return the seed of one object: blake2b of the run's seed and the object's id, 63 bits.

    Python's ``hash()`` changes from process to process, and a row number changes with the sample; neither may
    decide what an object's random numbers are.
    """
    digest = hashlib.blake2b(f"{seed}\x1f{id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def content_hash(*arrays: NDArray[Any] | str | bytes) -> str:
    """Return 16 hex digits that identify arrays by dtype, shape and bytes."""
    digest = hashlib.blake2b(digest_size=8)
    for item in arrays:
        if isinstance(item, (str, bytes)):
            digest.update(item.encode() if isinstance(item, str) else item)
            continue
        array = np.ascontiguousarray(item)
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """Return 16 hex digits that identify a file by its bytes."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
