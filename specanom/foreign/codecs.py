"""Codecs of Zarr that unpack no more than a chunk: what a frame says of its size is compared before it is unpacked.

A frame of a few dozen bytes may claim, and be, gigabytes; the codecs of zarr take memory for what it says. This module
imports zarr: :mod:`.groups` loads it when a group is opened.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, ZstdCodec
from zarr.registry import register_codec

from ..errors import DataError, SpecanomError

SPARE = 64
"""Bytes that a frame may have beyond its chunk: a checksum."""
_ZSTD, _HEAD = b"\x28\xb5\x2f\xfd", 32


def blosc_size(head: bytes) -> int | None:
    """Return the bytes that a frame of Blosc says it unpacks to, None when it does not."""
    return int(struct.unpack_from("<I", head, 4)[0]) if len(head) >= 16 else None


def zstd_size(head: bytes) -> int | None:
    """Return the bytes that a frame of Zstandard says it unpacks to (RFC 8878, 3.1.1.1), None when it does not."""
    if head[:4] != _ZSTD or len(head) < 6:
        return None
    flags = head[4]
    kind, single = flags >> 6, flags >> 5 & 1
    at, width = 5 + (1 - single) + (0, 1, 2, 4)[flags & 3], (single, 2, 4, 8)[kind]
    if not width or len(head) < at + width:
        return None
    return int.from_bytes(head[at : at + width], "little") + (256 if kind == 1 else 0)


def gzip_size(raw: bytes, most: int) -> int | None:
    """Return the bytes that gzip unpacks to, or a number above `most`; None when it cannot be unpacked."""
    size = 0
    try:
        with GzipFile(fileobj=io.BytesIO(raw)) as file:
            while size <= most and (piece := file.read(1 << 16)):
                size += len(piece)
    except (OSError, EOFError, zlib.error):
        return None
    return size


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except SpecanomError:
        raise
    except Exception as exc:  # the libraries raise whatever damaged bytes lead them to
        raise DataError(f"a chunk cannot be read ({what}): it is damaged, copy the folder again") from exc


def _check_frame(name: str, raw: Any, spec: Any) -> None:
    """Compare a frame with the chunk that it should be."""
    chunk = math.prod(spec.shape) * int(spec.dtype.to_native_dtype().itemsize)
    held = raw.as_numpy_array().view(np.uint8)
    if name == "gzip":
        size = gzip_size(held.tobytes(), chunk + SPARE)
    else:
        size = (blosc_size if name == "blosc" else zstd_size)(held[:_HEAD].tobytes())
    if size is None or size > chunk + SPARE:
        raise DataError(f"a chunk of {chunk} bytes whose frame of {held.size} ({name}) has "
                        f"{'no size' if size is None else f'{size} or more'}: it is damaged, copy the folder again")


class Blosc(BloscCodec):
    """Blosc with a bound."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        with _told("blosc"):
            _check_frame("blosc", chunk_bytes, chunk_spec)
            return super()._decode_sync(chunk_bytes, chunk_spec)


class Zstd(ZstdCodec):
    """Zstandard with a bound."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        with _told("zstd"):
            _check_frame("zstd", chunk_bytes, chunk_spec)
            return super()._decode_sync(chunk_bytes, chunk_spec)


class Gzip(GzipCodec):
    """gzip with a bound."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        with _told("gzip"):
            _check_frame("gzip", chunk_bytes, chunk_spec)
            return super()._decode_sync(chunk_bytes, chunk_spec)


class Plain(BytesCodec):
    """Numbers as they are, which have to be as many as the chunk has."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        with _told("bytes"):
            return super()._decode_sync(chunk_bytes, chunk_spec)


class Summed(Crc32cCodec):
    """Bytes with a checksum, which has to be right."""

    def _decode_sync(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        with _told("checksum"):
            return super()._decode_sync(chunk_bytes, chunk_spec)


class Sharded(ShardingCodec):
    """A shard whose codecs keep their bounds in other processes too."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        with bounded():
            super().__setstate__(state)


_KINDS: dict[str, Any] = {"blosc": Blosc, "zstd": Zstd, "gzip": Gzip, "bytes": Plain, "crc32c": Summed,
                          "sharding_indexed": Sharded}
for _name, _kind in _KINDS.items():
    register_codec(_name, _kind)


@contextmanager
def bounded() -> Iterator[None]:
    """Let arrays that are opened here unpack with bounds, wherever they are taken afterwards."""
    names = {f"codecs.{name}": f"{kind.__module__}.{kind.__qualname__}" for name, kind in _KINDS.items()}
    with zarr.config.set(names):
        yield
