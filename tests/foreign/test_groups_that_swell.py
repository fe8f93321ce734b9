"""Arrays of Zarr whose chunks unpack to more than they are."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numcodecs import Blosc, GZip, Zstd

import specanom as sa
from specanom.errors import DataError
from specanom.foreign.codecs import blosc_size, zstd_size

from .kept import little_memory, sample

BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
ZSTD = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
GZIP = {"name": "gzip", "configuration": {"level": 1}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    sample().save(tmp_path / "s.zarr")
    return tmp_path / "s.zarr"


def with_codecs(saved: Path, codecs: list[Any], chunk: bytes, **more: Any) -> None:
    """Give the wavelengths other codecs, and one chunk of these bytes."""
    place = saved / "wave" / "zarr.json"
    told = json.loads(place.read_text())
    told["codecs"] = codecs
    told.update(more)
    place.write_text(json.dumps(told))
    (saved / "wave" / "c" / "0").write_bytes(chunk)


def zeros(megabytes: int) -> bytes:
    return bytes(megabytes << 20)


@pytest.mark.parametrize(("codecs", "make"), [
    ([BYTES, ZSTD, ZSTD], lambda: Zstd().encode(Zstd().encode(zeros(64)))),
    ([BYTES, GZIP, ZSTD], lambda: Zstd().encode(GZip(1).encode(zeros(64)))),
], ids=["zstd in zstd", "gzip in zstd"])
def test_what_is_packed_twice_is_refused(saved: Path, codecs: list[Any], make: Any) -> None:
    with_codecs(saved, codecs, make())
    with little_memory(), pytest.raises(DataError, match=r"wave/zarr\.json, codecs: expected chunks that are packed o"):
        sa.SpectrumSet.open(saved)


def test_a_shard_that_is_packed_again_is_refused(saved: Path) -> None:
    shard = {"name": "sharding_indexed", "configuration": {
        "chunk_shape": [48], "codecs": [BYTES, ZSTD], "index_codecs": [BYTES, {"name": "crc32c"}]}}
    index, within = ({**shard, "configuration": {**shard["configuration"], **more}}  # type: ignore[dict-item]
                     for more in ({"index_codecs": [BYTES, ZSTD]}, {"codecs": [shard]}))
    for codecs in ([shard, ZSTD], [index], [within]):
        with_codecs(saved, codecs, b"")
        with pytest.raises(DataError, match="packed once"):
            sa.SpectrumSet.open(saved)


@pytest.mark.parametrize(("codec", "chunk"), [
    (ZSTD, lambda: Zstd().encode(zeros(64))), (GZIP, lambda: GZip(1).encode(zeros(64))),
    ({"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "noshuffle", "typesize": 8,
                                         "blocksize": 0}}, lambda: Blosc().encode(zeros(64))),
    (ZSTD, lambda: b"rubbish of no kind"), (ZSTD, lambda: Zstd().encode(zeros(0) + bytes(384))[:-3]),
    (GZIP, lambda: b"\x1f\x8b\x08"), (GZIP, lambda: b""), ({"name": "crc32c"}, lambda: b"abc"),
    ({"name": "crc32c"}, lambda: bytes(388)), (None, lambda: bytes(383)),
], ids=["zstd", "gzip", "blosc", "rubbish", "cut", "a beginning", "nothing", "no sum", "a wrong sum",
        "plain and cut"])
def test_a_frame_that_is_more_than_its_chunk_is_refused(saved: Path, codec: Any, chunk: Any) -> None:
    with_codecs(saved, [BYTES, codec] if codec else [BYTES], chunk())
    with little_memory(), pytest.raises(DataError, match="a chunk"):
        sa.SpectrumSet.open(saved)


def test_a_chunk_far_larger_than_the_array_is_refused(saved: Path) -> None:
    told = {"name": "regular", "configuration": {"chunk_shape": [2**27]}}
    with_codecs(saved, [BYTES, ZSTD], Zstd().encode(zeros(64)), chunk_grid=told)
    with little_memory(), pytest.raises(DataError, match="chunk_shape: expected chunks of at most"):
        sa.SpectrumSet.open(saved)


def test_a_forged_chunk_of_flux_is_told_when_it_is_read_here_or_elsewhere(saved: Path) -> None:
    (path,) = [one for one in (saved / "flux" / "c").rglob("*") if one.is_file()]
    held = bytearray(path.read_bytes())
    index = len(held) - 4 - 16 * zarr.open_array(saved / "flux", mode="r").shards[0] // zarr.open_array(
        saved / "flux", mode="r").chunks[0]
    at = struct.unpack_from("<Q", held, index)[0]
    struct.pack_into("<I", held, at + 4, 2**31 - 1)
    path.write_bytes(held)
    opened = sa.SpectrumSet.open(saved)
    with little_memory(), pytest.raises(DataError, match="a chunk of"):
        np.asarray(opened.flux)
    with little_memory(), pytest.raises(DataError, match="a chunk of"):
        np.asarray(pickle.loads(pickle.dumps(opened)).flux)  # noqa: S301 - our own


@pytest.mark.parametrize("size", [1, 200, 300, 70_000, 5_000_000])
def test_frames_of_every_size_tell_it(size: int) -> None:
    rng = np.random.default_rng(0)
    for raw in (bytes(size), rng.bytes(size)):
        assert zstd_size(bytes(Zstd().encode(raw))) == size
        assert blosc_size(bytes(Blosc().encode(raw))) == size
