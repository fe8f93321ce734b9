"""Matrices in files, of which rows are read when they are asked for: training data that need not fit into memory.

Rows are read into new arrays and not mapped: what was looked at does not stay in the process, so its size does not
depend on that of the file. The system still keeps in its cache what it has room for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message

BLOCK = 1024
"""Rows that are worked on together."""


class OnDisk:
    """A float32 matrix in a file, with as much of the face of an array as training asks for.

    Parameters
    ----------
    file : binary file
        Open, unbuffered; it is this object's own.
    shape : (n, p)
        Rows and columns.
    offset : int
        Where the first row begins in the file, bytes.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, file: BinaryIO, shape: tuple[int, int], offset: int = 0) -> None:
        self._file, self.shape, self._offset = file, shape, offset
        self._size = shape[1] * self.dtype.itemsize

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a float32 matrix in a ``.npy`` file.

        Raises
        ------
        DataError
            When there is no such file, or it is shorter than it says.
        """
        try:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as exc:
            raise DataError(message("scratch", expected=f"a whole {path.name}", got=f"{path}: {exc}",
                                    hint="remove the folder, it is made again")) from exc
        if mapped.ndim != 2 or mapped.dtype != cls.dtype or not mapped.flags.c_contiguous:
            raise DataError(message("scratch", expected=f"a float32 matrix in {path.name}",
                                    got=f"{mapped.dtype} of shape {mapped.shape}"))
        return cls(open(path, "rb", buffering=0), (int(mapped.shape[0]), int(mapped.shape[1])), int(mapped.offset))

    @classmethod
    def temporary(cls, shape: tuple[int, int], folder: Path | None) -> Self:
        """Make one that is to be filled by :meth:`put`; its file has no name and is gone when the process is."""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        file: Any = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with this object
        return cls(file, shape)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: int | slice | NDArray[np.intp]) -> NDArray[np.float32]:
        """Read one row, or some rows in the order asked for."""
        if isinstance(key, (int, np.integer)):
            found: NDArray[np.float32] = self[np.array([key])][0]
            return found
        rows = np.arange(self.shape[0])[key]
        made = np.empty((len(rows), self.shape[1]), dtype=self.dtype)
        ends = np.flatnonzero(np.diff(rows) != 1) + 1  # neighbours are read at once
        for start, stop in zip([0, *ends], [*ends, len(rows)], strict=True):
            if stop > start:
                self._read(int(rows[start]), made[start:stop])
        return made

    def put(self, start: int, rows: NDArray[np.float32]) -> None:
        """Write rows from `start` on."""
        self._file.seek(self._offset + start * self._size)
        left = _bytes(np.ascontiguousarray(rows, dtype=self.dtype))
        while left:
            left = left[self._file.write(left) :]

    def _read(self, row: int, into: NDArray[np.float32]) -> None:
        self._file.seek(self._offset + row * self._size)
        left = _bytes(into)
        while left:
            count = self._file.readinto(left)  # type: ignore[attr-defined]
            if not count:
                raise DataError(message("scratch", expected=f"{self.shape[0]} rows", got="a file that was cut short",
                                        hint="remove the folder, it is made again"))
            left = left[count:]


class NpyWriter:
    """Writes a float32 ``.npy`` file block by block; it is on the disk when it is closed."""

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by close()
        header = {"descr": OnDisk.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, rows: NDArray[np.float32]) -> None:
        """Write the next rows."""
        self._file.write(_bytes(np.ascontiguousarray(rows, dtype=OnDisk.dtype)))

    def close(self) -> None:
        """Finish the file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _bytes(rows: NDArray[np.float32]) -> memoryview:
    """Return the memory of rows without gaps, also when there are none."""
    return memoryview(rows.reshape(-1).view(np.uint8))  # type: ignore[arg-type]


def blocks_of(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Yield indices of rows, :data:`BLOCK` at a time."""
    for start in range(0, len(rows), BLOCK):
        yield rows[start : start + BLOCK]
