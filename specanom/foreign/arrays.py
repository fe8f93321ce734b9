"""Arrays of strangers: npz, npy and safetensors, whose headers are compared with the size of the file."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .reading import damaged, regular

if TYPE_CHECKING:
    from torch import Tensor

SPARE = 64 * 2**20
"""Bytes that a file of any size may unpack to."""
UNPACKED = 300
"""Bytes that a byte on disk may unpack to beyond :data:`SPARE`: deflate reaches 1032 and lz4 255 for plain zeros."""
_ENTRIES = 1000
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def room(size: int) -> int:
    """Return how many bytes a file of `size` bytes is believed to hold."""
    return SPARE + UNPACKED * size


def read_arrays(
    path: str | Path, what: str, *, needed: Collection[str] = (), hint: str = ""
) -> dict[str, NDArray[Any]]:
    """Read an npz file of plain arrays.

    Parameters
    ----------
    path : path-like
    what : str
        What is expected there, for the error.
    needed : collection of str
        Arrays that have to be in it.
    hint : str
        What to try, for the error.

    Raises
    ------
    DataError
        When it is missing, no archive, lacks an array, holds Python objects, has a name twice, or an array is not as
        large as its header says, or larger than the file can hold.
    """
    with damaged(path, what, hint=hint):
        most = room(regular(path))
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive, most)
        with np.load(path, allow_pickle=False) as stored:
            names = list(stored.files)
            lacking = [name for name in needed if name not in names]
            if lacking:
                raise ValueError(f"no array {', '.join(lacking)}")
            return {name: stored[name] for name in names}


def open_npy(path: str | Path, what: str, *, mapped: bool = False, hint: str = "") -> NDArray[Any]:
    """Return the array of an npy file, or map it into memory.

    Raises
    ------
    DataError
        When it is missing, holds Python objects, or has another size than its header says.
    """
    with damaged(path, what, hint=hint):
        size = regular(path)
        with open(path, "rb") as file:
            promised = _promised(file, Path(path).name)
            if file.tell() + promised != size:
                raise ValueError(f"its header tells of {promised} bytes, it has {size - file.tell()}")
        made: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        return made


def read_tensors(path: str | Path, what: str, *, torch: bool, hint: str = "") -> dict[str, Any]:
    """Read a safetensors file, as torch tensors or as arrays; its header is checked against its size by the library.

    Raises
    ------
    DataError
        When it is missing, damaged, or holds numbers that are not finite.
    """
    with damaged(path, what, hint=hint):
        regular(path)
        if torch:
            from safetensors.torch import load_file as load_tensors

            tensors: dict[str, Tensor] = load_tensors(str(path))
            for name, tensor in tensors.items():
                if tensor.is_floating_point() and not tensor.isfinite().all():
                    raise ValueError(f"{name} has values that are not finite")
            return tensors
        from safetensors.numpy import load_file as load_arrays

        arrays: dict[str, NDArray[Any]] = load_arrays(str(path))
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{name} has values that are not finite")
        return arrays


def _check_entries(archive: zipfile.ZipFile, most: int) -> None:
    """Raise ValueError unless every entry is an npy file as large as its header says, and all fit into `most`."""
    entries = archive.infolist()
    names = [one.filename for one in entries]
    if len(names) > _ENTRIES or len(set(names)) != len(names):
        raise ValueError(f"{len(names)} entries, {len(set(names))} of them different")
    total = sum(one.file_size for one in entries)
    if total > most:
        raise ValueError(f"it would unpack to {total} bytes, of which {most} are believed")
    for one in entries:
        if not one.filename.endswith(".npy"):
            raise ValueError(f"{one.filename} is no array")
        with archive.open(one) as file:
            promised = _promised(file, one.filename)
            if file.tell() + promised != one.file_size:
                raise ValueError(f"the header of {one.filename} tells of {promised} bytes, "
                                 f"it has {one.file_size - file.tell()}")


def _promised(file: IO[bytes], name: str) -> int:
    """Read the header of an npy file; return how many bytes of plain numbers or text it says there are."""
    read = _HEADERS.get(npy.read_magic(file))
    if read is None:
        raise ValueError(f"{name} is of an npy version that is not written here")
    shape, _, dtype = read(file)
    if dtype.hasobject or dtype.kind not in "biufcSU":
        raise ValueError(f"{name} holds {dtype}, no plain numbers or texts")
    return math.prod(shape) * dtype.itemsize
