"""Zarr groups of strangers: a few hundred bytes of metadata can promise any number of fill values.

An array of Zarr that lacks a chunk shows fill values there. So the arrays that say how much there is (the `filled`
ones) have to be on the disk, and others may not have more rows than these.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, message
from ..visible import visible
from .arrays import room
from .forms import Anything, Either, Flag, ListOf, MapOf, Maybe, Number, Record, Text, Whole, check
from .reading import damaged, read_json, regular

TYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
         "float64")
CODECS = ("bytes", "blosc", "zstd", "gzip", "crc32c", "transpose", "sharding_indexed")
"""Codecs of numbers that unpack; none of them makes objects."""
_LARGEST = 2**48
PACKERS = ("blosc", "zstd", "gzip")
_CHUNK, _SMALL = 2**30, 2**25  # bytes of what is unpacked at a time, and of what any array may have
_FILES = 1_000_000
_AXES = ListOf(Whole(0, _LARGEST), most=4)
_CODECS = ListOf(Record({"name": Text(among=CODECS)}, more=True), least=1, most=8)
ARRAY = Record(
    {"zarr_format": Whole(3, 3), "node_type": Text(among=("array",)), "shape": _AXES, "data_type": Text(among=TYPES),
     "chunk_grid": Record({"name": Text(among=("regular",)),
                           "configuration": Record({"chunk_shape": ListOf(Whole(1, _LARGEST), most=4)})}),
     "chunk_key_encoding": Record({"name": Text(among=("default",))},
                                  {"configuration": Record({"separator": Text(among=("/",))})}),
     "fill_value": Either(Either(Number(open=True), Flag()), Text(among=("NaN", "Infinity", "-Infinity"))),
     "codecs": _CODECS},
    {"attributes": MapOf(Anything(), most=1000), "storage_transformers": ListOf(Anything(), most=0),
     "dimension_names": Maybe(ListOf(Maybe(Text()), most=4))})
GROUP = Record({"zarr_format": Whole(3, 3), "node_type": Text(among=("group",))}, more=True)
_SHARD = Record({"chunk_shape": ListOf(Whole(1, _LARGEST), most=4), "codecs": _CODECS},
                {"index_codecs": _CODECS, "index_location": Text(among=("start", "end"))})


@dataclass(frozen=True)
class _Held:
    """What the metadata of an array promise, and what lies on the disk."""

    shape: tuple[int, ...]
    kind: str
    bytes: int
    disk: int


def open_arrays(folder: str | Path, what: str, *, arrays: Collection[str], filled: Collection[str],
                kinds: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Open the arrays of a Zarr group for reading, after a look at their metadata; no chunk unpacks to more.

    Parameters
    ----------
    folder : path-like
    what : str
        What is expected there, for the error.
    arrays : collection of str
        Those that will be read.
    filled : collection of str
        Those of them that have no chunk left out: what they hold is compared with the bytes on the disk.
    kinds : mapping of str to str, optional
        Kinds of numbers an array may have, as letters of numpy's ``dtype.kind``: ``{"wave": "f"}``.

    Returns
    -------
    dict of str to zarr.Array

    Raises
    ------
    DataError
        When an array is missing, is no array of plain numbers, has chunks that cannot be held in memory, promises
        more than its files can hold, or has a device or a pipe for a file.
    """
    import zarr

    base = Path(folder)
    check(read_json(base / "zarr.json", what), GROUP, base / "zarr.json")
    for name in arrays:
        place = base / name / "zarr.json"
        held = _held(base / name, place, what)
        if name in filled and held.bytes > room(held.disk):
            raise DataError(message(f"{visible(str(place))}, shape",
                                    expected=f"what {held.disk} bytes on the disk can hold",
                                    got=f"{list(held.shape)}, {held.bytes} bytes", hint="copy the folder again"))
        if kinds and held.kind not in kinds.get(name, held.kind):
            raise DataError(message(f"{visible(str(place))}, data_type", expected=f"a kind of {kinds[name]!r}",
                                    got=held.kind))
    bounded = importlib.import_module(f"{__package__}.codecs").bounded  # imports zarr
    with damaged(base, what), bounded():
        # What other writers consolidate may differ from what was just looked at; format 2 knows pickled objects.
        group: Any = zarr.open_group(str(base), mode="r", zarr_format=3, use_consolidated=False)
        made = {name: group[name] for name in arrays}
        for name, array in made.items():
            if not isinstance(array, zarr.Array):
                raise ValueError(f"{name} is no array")
        return made


def _held(folder: Path, place: Path, what: str) -> _Held:
    told = read_json(place, what)
    check(told, ARRAY, place)
    shape, chunk = told["shape"], told["chunk_grid"]["configuration"]["chunk_shape"]
    dtype = np.dtype(told["data_type"])
    inner = _inner(told["codecs"], chunk, place)
    if len(chunk) != len(shape) or len(inner) != len(shape) or any(a % b for a, b in zip(chunk, inner, strict=True)):
        raise DataError(message(f"{visible(str(place))}, chunk_shape",
                                expected=f"{len(shape)} axes, shards of whole chunks", got=f"{chunk} of {inner}"))
    disk, files, smallest = _disk(folder, what)
    held = math.prod(shape) * dtype.itemsize
    most = min(_CHUNK, max(_SMALL, min(held, room(disk))))
    if math.prod(inner) * dtype.itemsize > most:
        raise DataError(message(f"{visible(str(place))}, chunk_shape", expected=f"chunks of at most {most} bytes",
                                got=f"{inner} of {dtype}"))
    index = 16 * math.prod(a // b for a, b in zip(chunk, inner, strict=True)) if inner is not chunk else 0
    if files and index > max(smallest, 2**20):
        raise DataError(message(f"{visible(str(place))}, chunk_shape", expected="shards that hold their own index",
                                got=f"an index of {index} bytes, a file of {smallest}"))
    return _Held(tuple(shape), dtype.kind, held, disk)


def _inner(codecs: list[dict[str, Any]], chunk: list[int], place: Path) -> list[int]:
    """Return the shape of what is unpacked at a time; raise where that is packed more than once.

    A frame tells its size, which is compared with the chunk's; one within another would tell nothing.
    """
    inner, packed, indexed = chunk, 0, 0
    for codec in codecs:
        if codec["name"] == "sharding_indexed":
            check(codec.get("configuration"), _SHARD, f"{place}, sharding_indexed")
            inner, indexed = codec["configuration"]["chunk_shape"], indexed + 1
            within = codec["configuration"]["codecs"]
            indexed += sum(one["name"] == "sharding_indexed" for one in within)
            packed += _packers(within)
            packed += 2 * _packers(codec["configuration"].get("index_codecs", []))
        else:
            check(codec.get("configuration", {}), Anything(), place)
    outer = _packers(codecs)
    if packed + outer > 1 or indexed > 1 or (indexed and outer):
        raise DataError(message(f"{visible(str(place))}, codecs", expected="chunks that are packed once",
                                got=", ".join(codec["name"] for codec in codecs)))
    return inner


def _packers(codecs: list[dict[str, Any]]) -> int:
    return sum(codec["name"] in PACKERS for codec in codecs)


def _disk(folder: Path, what: str) -> tuple[int, int, int]:
    """Return bytes, files and the smallest file of an array; raise where one is no file."""
    total, count, smallest = 0, 0, 2**63
    with damaged(folder, what):
        for place, folders, names in os.walk(folder / "c"):
            folders.sort()
            for name in names:
                size = regular(os.path.join(place, name))
                total, count, smallest = total + size, count + 1, min(smallest, size)
                if count > _FILES:
                    raise ValueError(f"more than {_FILES} files")
    return total, count, smallest
