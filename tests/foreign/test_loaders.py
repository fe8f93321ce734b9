"""Whatever stands in a file of a stranger, opening it works or is a DataError: no crash, no memory, nothing written."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import math
import shutil
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from tests.foreign.kept import JSONS, OPEN, everything, file_of, listing, little_memory

EVERY = [(kind, name) for kind, names in JSONS.items() for name in names]
SECONDS = 20.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    everything(folder)
    return folder


@pytest.fixture
def kept(whole: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "kept"
    shutil.copytree(whole, copied)
    return copied


def refused(kept: Path, kind: str, match: str = "") -> str:
    """Open what must not open; return what is said. Nothing around it may have changed."""
    around, start = listing(kept), time.monotonic()
    with little_memory(), pytest.raises((DataError, ArgumentError), match=match) as told:
        OPEN[kind](kept / kind)
    assert time.monotonic() - start < SECONDS
    assert listing(kept) == around
    return str(told.value)


@pytest.mark.parametrize("kind", OPEN)
def test_what_is_whole_opens(kept: Path, kind: str) -> None:
    OPEN[kind](kept / kind)


@pytest.mark.parametrize(("kind", "name"), EVERY)
@pytest.mark.parametrize("content", [
    b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 100_000, b"null", b"[]", b'"text"', b"1" * 5000, b"NaN",
    b'{"format": 1}', "{\u2028}".encode(),
], ids=["empty", "cut", "not utf-8", "deep lists", "deep mappings", "null", "list", "text", "long number", "nan",
        "other", "separator"])
def test_json_that_is_none_or_something_else_is_refused(kept: Path, kind: str, name: str, content: bytes) -> None:
    file_of(kept / kind, name).write_bytes(content)
    refused(kept, kind)


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_key_that_stands_twice_is_refused(kept: Path, kind: str, name: str) -> None:
    file = file_of(kept / kind, name)
    text = file.read_text(encoding="utf-8").lstrip()
    if not text.startswith("{"):
        pytest.skip("a list")
    key = next(iter(json.loads(text)))
    file.write_text(f"{{{json.dumps(key)}: null, {text[1:]}", encoding="utf-8")
    refused(kept, kind, "twice")


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_device_or_a_pipe_is_no_file(kept: Path, kind: str, name: str) -> None:
    file = file_of(kept / kind, name)
    file.unlink()
    file.symlink_to("/dev/zero")
    refused(kept, kind)


WRONG = [None, True, -1, 0, 10**9, 10**30, 1e308, math.nan, math.inf, "", "text", "../../etc/passwd", "/etc/passwd", [],
         {}, [[[[1]]]], ["x"] * 5, {"a": {"b": 1}}, [10**9], [10**12, 10**12]]


def places(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value, of long lists the first."""
    found = [at] if at else []
    of_list = enumerate(content[:1]) if isinstance(content, list) else ()
    inside = content.items() if isinstance(content, dict) else of_list
    for key, value in inside:
        found += places(value, (*at, key))
    return found


def changed(content: Any, at: tuple[Any, ...], change: str, value: Any) -> Any:
    made = copy.deepcopy(content)
    inside = made
    for key in at[:-1]:
        inside = inside[key]
    if change == "drop":
        del inside[at[-1]]
    elif change == "more" and isinstance(inside, dict):
        inside["one more field"] = value
    else:
        inside[at[-1]] = value
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_field_opens_or_is_a_data_error(whole: Path, tmp_path: Path, data: st.DataObject) -> None:
    kind, name = data.draw(st.sampled_from(EVERY))
    file = file_of(whole / kind, name)
    content = json.loads(file.read_text(encoding="utf-8"))
    at = data.draw(st.sampled_from(places(content)))
    change = data.draw(st.sampled_from(["put", "put", "put", "drop", "more"]))
    value = data.draw(st.sampled_from(WRONG) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5))
    place = tmp_path / "changed"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for one in whole.glob(f"{kind}*"):
        (shutil.copytree if one.is_dir() else shutil.copy)(one, place / one.name)
    file_of(place / kind, name).write_text(json.dumps(changed(content, at, change, value)), encoding="utf-8")
    around, start = listing(place), time.monotonic()
    with little_memory(), contextlib.suppress(DataError, ArgumentError):
        OPEN[kind](place / kind)
    assert time.monotonic() - start < SECONDS
    assert listing(place) == around


@pytest.mark.parametrize(("kind", "name", "at", "value", "said"), [
    ("vae", "card.json", ("settings", "hidden"), [10**9], r"card\.json, settings\.hidden\[0\]: expected a whole"),
    ("vae", "card.json", ("shape", "hidden"), [1] * 10_000, r"card\.json, shape\.hidden: .*got a list of 10000"),
    ("vae", "card.json", ("shape", "n_pixels"), 4_000_000, r""),
    ("vae", "card.json", ("shape", "folds"), 10**9, r"shape\.folds: expected a whole number from 1 to 255"),
    ("vae", "card.json", ("kind",), "os.system", r"kind of the saved model"),
    ("spectra.zarr", "manifest.json", ("rows",), -1, r"manifest\.json, rows: expected a whole number from 0"),
    ("spectra.zarr", "manifest.json", ("arrays",), ["../../x"], r"manifest\.json, arrays\[0\]: expected one of"),
    ("spectra.zarr", "flux/zarr.json", ("shape",), [10**12, 48], r"shape: expected what .* bytes on the disk can hold"),
    ("spectra.zarr", "flux/zarr.json", ("data_type",), "object", r"data_type: expected one of"),
    ("spectra.zarr", "flux/zarr.json", ("codecs", 0, "name"), "numcodecs.pickle", r"codecs\[0\]\.name: expected"),
    ("explained.zarr", "manifest.json", ("arrays", "weights"), [10**12, 6], r"manifest"),
    ("explained.zarr", "names.json", (0,), 5, r"names\.json, \[0\]: expected text"),
    ("kin-exact", "manifest.json", ("settings", "n"), 10**12, r"damaged|manifest"),
    ("kin-exact", "manifest.json", ("files", "../../x"), {"bytes": 1, "hash": "x"}, r"files\.\.\./\.\./x"),
    ("clusters", "clusterer.json", ("settings", "n_clusters"), [1], r"settings\.n_clusters: expected text"),
    ("preprocess", ".json", ("settings", "grid"), [3800, 4800, 1e300], r"preprocess\.json .*a grid of"),
    ("artefact.json", "", ("regressions",), {"x": {"slopes": [math.nan]}}, r"regressions\.x\.mechanisms"),
    ("rules.json", "", ("rule", 0, "when"), ["snr > 3"], r"rule 'a': conditions"),
])
def test_a_lie_is_told_by_file_and_field(kept: Path, kind: str, name: str, at: tuple[Any, ...], value: Any, said: str
                                         ) -> None:
    file = file_of(kept / kind, name)
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(changed(content, at, "put", value)), encoding="utf-8")
    refused(kept, kind, said)


# -- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["weights.safetensors", "arrays.safetensors"])
@pytest.mark.parametrize("lie", ["length", "offsets", "shape", "cut", "json", "empty"])
def test_safetensors_that_lie_are_refused(kept: Path, name: str, lie: str) -> None:
    path = kept / "vae" / name
    whole = path.read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    head, body = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    first = next(key for key in head if key != "__metadata__")
    if lie == "offsets":
        head[first]["data_offsets"] = [0, 2**60]
    if lie == "shape":
        head[first]["shape"] = [2**40]
    made = json.dumps(head).encode()
    path.write_bytes({"length": struct.pack("<Q", 2**60) + whole[8:], "cut": whole[: len(whole) // 2], "empty": b"",
                      "json": struct.pack("<Q", 100_000) + b"[" * 100_000 + body}.get(
                          lie, struct.pack("<Q", len(made)) + made + body))
    refused(kept, "vae", name.replace(".", r"\."))


def test_weights_that_are_not_numbers_are_refused(kept: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = str(kept / "vae" / "weights.safetensors")
    held = load_file(path)
    save_file({name: value * np.float32(np.nan) for name, value in held.items()}, path)
    refused(kept, "vae", "not finite")


def test_tensors_of_another_model_are_refused(kept: Path) -> None:
    shutil.copy(kept / "pca" / "weights.safetensors", kept / "vae" / "weights.safetensors")
    refused(kept, "vae", "weights of network")


def test_folds_that_no_network_has_are_refused(kept: Path) -> None:
    from safetensors.numpy import load_file, save_file

    path = str(kept / "pca" / "arrays.safetensors")
    held = load_file(path)
    save_file(held | {"known.id_folds": held["known.id_folds"] + np.uint8(7)}, path)
    refused(kept, "pca", r"known\.id_folds: expected folds below 2")


@functools.cache
def bomb(name: str, shape: tuple[int, ...], there: int) -> bytes:
    """Return an npz file with an entry whose header promises `shape`, with `there` zero bytes behind it."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (len(head) + 10) % 64) + b"\n"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
        for _ in range(there // 2**20):
            file.write(bytes(2**20))
    return made.getvalue()


@pytest.mark.parametrize(("shape", "there", "said"), [((10**12,), 0, "header"), ((2**25,), 2**28, "unpack")])
@pytest.mark.parametrize(("kind", "name"), [("clusters", "clusters/clusters.npz"), ("preprocess", "preprocess.npz")])
def test_archives_that_promise_or_unpack_to_more_than_they_hold_are_refused(
    kept: Path, kind: str, name: str, shape: tuple[int, ...], there: int, said: str
) -> None:
    (kept / name).write_bytes(bomb("rows.npy", shape, there))  # 0.3 MB that would unpack to 256
    refused(kept, kind, said)


@pytest.mark.parametrize(("kind", "name"), [("clusters", "clusters/clusters.npz"), ("preprocess", "preprocess.npz")])
def test_arrays_of_objects_are_refused(kept: Path, kind: str, name: str) -> None:
    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.write_text, (kept / "ran", "code"))

    made = np.array([Runs()], dtype=object)
    with zipfile.ZipFile(kept / name, "w") as archive, archive.open("rows.npy", "w") as file:
        np.lib.format.write_array(file, made, allow_pickle=True)
    refused(kept, kind, "no plain numbers")
    assert not (kept / "ran").exists()


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
@pytest.mark.parametrize("seed", range(12))
def test_a_forged_graph_is_never_followed_out_of_the_index(kept: Path, kind: str, seed: int) -> None:
    from specanom.retrieve.archive import _digest

    path = kept / f"kin-{kind}" / "index.faiss"
    held, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    for at in rng.integers(30, len(held) - 4, 3):
        held[at : at + 4] = struct.pack("<i", int(rng.choice([2**31 - 1, -(2**31), 10**6, -7])))
    path.write_bytes(held)
    manifest = json.loads((path.parent / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][path.name]["hash"] = _digest(path)
    (path.parent / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with little_memory(), contextlib.suppress(DataError):  # a number of a vector that was changed is one too
        OPEN[f"kin-{kind}"](path.parent)


# -- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bomb", ["rows", "texts"])
def test_tables_that_promise_more_than_they_hold_are_refused(kept: Path, bomb: str) -> None:
    path = kept / "spectra.zarr" / "table.parquet"
    if bomb == "rows":
        zeros = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2**24, np.int32)), pa.array(["s"]))
        pq.write_table(pa.table({"id": zeros, **{f"c{i}": zeros for i in range(20)}}), path, compression="zstd")
    else:
        text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, np.int32)), pa.array(["s" * 10**6]))
        pq.write_table(pa.table({"id": text}), path, compression="zstd")
    assert path.stat().st_size < 2**20
    refused(kept, "spectra.zarr", r"table\.parquet .*(values|texts of more)")


def test_a_table_of_another_length_is_refused(kept: Path) -> None:
    path = kept / "spectra.zarr" / "table.parquet"
    pq.write_table(pq.read_table(path).slice(0, 5), path)
    refused(kept, "spectra.zarr", "30 rows as the manifest says")


def test_metadata_that_a_group_consolidates_is_not_believed(kept: Path) -> None:
    place = kept / "spectra.zarr" / "zarr.json"
    told = json.loads(place.read_text(encoding="utf-8"))
    lie = json.loads((kept / "spectra.zarr" / "flux" / "zarr.json").read_text(encoding="utf-8"))
    told["consolidated_metadata"] = {"kind": "inline", "must_understand": False,
                                     "metadata": {"flux": lie | {"shape": [10**12, 48]}}}
    place.write_text(json.dumps(told), encoding="utf-8")
    assert OPEN["spectra.zarr"](kept / "spectra.zarr") > 0
