"""Sets of spectra, in memory and on disk."""

from __future__ import annotations

import json
import os
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
from specanom.errors import DataError, GridError, ShapeError
from specanom.store import SHARD, SpectrumWriter, StoredRows

WAVE = np.linspace(4000, 4100, 7)


def make(n: int = 6, *, ids: bool = True, seed: int = 0) -> sa.SpectrumSet:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"id": [f"{i:04d}" for i in range(n)], "z": rng.uniform(0, 1, n), "plate": np.arange(n)})
    return sa.SpectrumSet(WAVE, rng.normal(size=(n, 7)), rng.uniform(1, 2, (n, 7)), table if ids else None,
                          imputed=rng.random((n, 7)) < 0.1, mask=rng.integers(0, 9, (n, 7)), provenance={"seed": seed})


def equal(a: sa.SpectrumSet, b: sa.SpectrumSet) -> None:
    for name in ("wave", "flux", "ivar", "mask", "imputed"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    pd.testing.assert_frame_equal(a.table, b.table)
    assert (a.frame, a.scale, dict(a.provenance)) == (b.frame, b.scale, dict(b.provenance))


def test_rows_slices_masks_and_iteration_agree() -> None:
    s = make()
    assert s[2].id == "0002"
    assert s[-1].id == "0005"
    np.testing.assert_array_equal(s[np.array([True, False] * 3)].flux, s.flux[::2])
    np.testing.assert_array_equal(s[[4, 1]].flux, s.flux[[4, 1]])
    assert [one.id for one in s] == s.ids
    np.testing.assert_array_equal(np.concatenate([b.flux for b in s.blocks(4)]), s.flux)
    one = s[3]
    assert (one.z, one.meta["plate"], one.frame, one.scale) == (s.table["z"][3], 3, "rest", "normalised")


def test_equal_rows_of_plain_arrays_stay() -> None:
    s = sa.SpectrumSet(WAVE, np.ones((3, 7)))
    assert len(s) == 3
    assert len(set(s.ids)) == 1


def test_ids_that_lost_digits_are_refused() -> None:
    with pytest.raises(DataError, match="lose digits"):
        sa.SpectrumSet(WAVE, np.ones((1, 7)), table=pd.DataFrame({"id": [3.9633345008634465e16]}))
    big = sa.SpectrumSet(WAVE, np.ones((1, 7)), table=pd.DataFrame({"id": [39633345008634465]}))
    assert big.ids == ["39633345008634465"]


@pytest.mark.parametrize("bad", [{"flux": np.ones(7)}, {"flux": np.ones((2, 6))}, {"ivar": np.ones((3, 7))},
                                 {"table": pd.DataFrame({"id": ["a"]})}])
def test_wrong_shapes_are_refused(bad) -> None:
    with pytest.raises(ShapeError, match="expected"):
        sa.SpectrumSet(**{"wave": WAVE, "flux": np.ones((2, 7)), **bad})


def test_save_and_open(tmp_path) -> None:
    s = make(9)
    s.save(tmp_path / "x.zarr")
    equal(sa.SpectrumSet.open(tmp_path / "x.zarr"), s)
    assert not list(tmp_path.glob("*.part"))


def test_what_is_opened_is_read_when_touched(tmp_path) -> None:
    make(9).save(tmp_path / "x.zarr")
    lazy = sa.SpectrumSet.open(tmp_path / "x.zarr")
    part = lazy[[7, 2]]
    assert lazy.shape == (9, 7)
    assert not isinstance(lazy._arrays["flux"], np.ndarray)
    np.testing.assert_array_equal(part.flux, make(9).flux[[7, 2]])
    assert not isinstance(lazy._arrays["flux"], np.ndarray)  # only the part was read


def test_neighbours_on_disk_are_read_once_and_hold_no_more_than_themselves(tmp_path, monkeypatch) -> None:
    s = make(70)
    lazy = sa.SpectrumSet.open(s.save(tmp_path / "x.zarr"))
    some = lazy[np.array([69, 3, 5, 66])]
    reads: list[int] = []
    plain = type(lazy._arrays["flux"]._array).__getitem__
    monkeypatch.setattr(type(lazy._arrays["flux"]._array), "__getitem__",
                        lambda self, key: reads.append(key.start) or plain(self, key))
    for index in (0, 5, 63):
        np.testing.assert_array_equal(lazy[index].flux, s.flux[index])
    assert reads == [0] * 4  # flux, ivar, mask and imputed, once each
    np.testing.assert_array_equal(lazy[-1].ivar, s.ivar[69])
    assert reads == [0] * 4 + [64] * 4
    found = [one.id for one in (some[0], some[1], some[2], some[3])]
    assert found == ["0069", "0003", "0005", "0066"]
    np.testing.assert_array_equal(some[3].mask, s.mask[66])
    flux = lazy[7].flux
    assert flux.base is None or flux.base.size == flux.size
    assert not flux.flags.writeable


@given(st.lists(st.integers(0, 8), max_size=12))
def test_any_rows_come_from_disk_as_from_memory(tmp_path_factory, rows: list[int]) -> None:
    folder = tmp_path_factory.getbasetemp() / "shared.zarr"
    s = make(9)
    if not folder.exists():
        s.save(folder)
    picked = np.array(rows, dtype=int)
    np.testing.assert_array_equal(sa.SpectrumSet.open(folder)[picked].flux, s.flux[picked])


def test_blocks_make_whole_shards(tmp_path) -> None:
    n = SHARD + 50
    table = pd.DataFrame({"id": [str(i) for i in range(n)]})
    flux = np.arange(n * 7, dtype=np.float32).reshape(n, 7)
    with SpectrumWriter(tmp_path / "x.zarr", WAVE, ["flux"]) as writer:
        for start in range(0, n, 1000):
            writer.append(table[start : start + 1000], {"flux": flux[start : start + 1000]})
    s = sa.SpectrumSet.open(tmp_path / "x.zarr")
    np.testing.assert_array_equal(s.flux, flux)
    assert s.ids == list(table["id"])
    manifest = json.loads((tmp_path / "x.zarr" / "manifest.json").read_text())
    assert [shard["rows"] for shard in manifest["shards"]] == [SHARD, 50]


def test_an_unfinished_write_leaves_nothing(tmp_path) -> None:
    def write_and_fail() -> None:
        with SpectrumWriter(tmp_path / "x.zarr", WAVE, ["flux"]) as writer:
            writer.append(pd.DataFrame({"id": ["a"]}), {"flux": np.ones((1, 7), np.float32)})
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_without_its_manifest_a_set_does_not_exist(tmp_path) -> None:
    make().save(tmp_path / "x.zarr")
    (tmp_path / "x.zarr" / "manifest.json").unlink()
    with pytest.raises(DataError, match="finished set"):
        sa.SpectrumSet.open(tmp_path / "x.zarr")


@pytest.mark.parametrize(("change", "what"), [({"version": 99}, "version 99"), ({"rows": 5}, "shape"),
                                              ({"wave": "0"}, "wavelengths")])
def test_a_manifest_that_does_not_fit_is_refused(tmp_path, change, what) -> None:
    make().save(tmp_path / "x.zarr")
    path = tmp_path / "x.zarr" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=what):
        sa.SpectrumSet.open(tmp_path / "x.zarr")


def test_overwriting_can_be_refused(tmp_path) -> None:
    make().save(tmp_path / "x.zarr")
    with pytest.raises(DataError, match="exists"):
        make().save(tmp_path / "x.zarr", overwrite=False)
    make(3).save(tmp_path / "x.zarr")
    assert len(sa.SpectrumSet.open(tmp_path / "x.zarr")) == 3


def test_an_empty_set_survives_the_disk(tmp_path) -> None:
    make()[:0].save(tmp_path / "x.zarr")
    assert len(sa.SpectrumSet.open(tmp_path / "x.zarr")) == 0


def test_concatenate_joins_and_refuses_other_grids() -> None:
    a, b = make(3), make(2, seed=1)
    joined = sa.SpectrumSet.concatenate([a, b])
    np.testing.assert_array_equal(joined.flux, np.concatenate([a.flux, b.flux]))
    assert joined.ids == a.ids + b.ids
    with pytest.raises(GridError, match="one grid"):
        sa.SpectrumSet.concatenate([a, sa.SpectrumSet(WAVE + 1, np.ones((1, 7)))])
    with pytest.raises(GridError, match="frame"):
        sa.SpectrumSet.concatenate([a, a.replace(frame="observed")])


def test_concatenate_keeps_the_noise_of_the_parts_that_have_it() -> None:
    full = make(3)
    imputed = np.zeros((2, 7), bool)
    imputed[1, 4] = True
    some = sa.SpectrumSet(WAVE, np.ones((2, 7)), table=pd.DataFrame({"id": ["a", "b"]}), imputed=imputed)
    bare = sa.SpectrumSet(WAVE, np.ones((1, 7)))
    joined = sa.SpectrumSet.concatenate([bare, full, some])
    np.testing.assert_array_equal(joined.ivar[1:4], full.ivar)
    assert np.isnan(joined.ivar[0]).all()
    np.testing.assert_array_equal(joined.ivar[4:], np.where(imputed, 0, np.nan))  # unknown, and 0 where imputed
    np.testing.assert_array_equal(joined.mask, np.concatenate([np.zeros((1, 7)), full.mask, np.zeros((2, 7))]))
    np.testing.assert_array_equal(joined.imputed[1:4], full.imputed)
    np.testing.assert_array_equal(joined.imputed[4:], imputed)
    assert not joined.imputed[0].any()
    assert joined.imputed.dtype == bool
    both_bare = sa.SpectrumSet.concatenate([bare, bare])
    assert both_bare.ivar is both_bare.mask is both_bare.imputed is None


def test_select_goes_by_id_in_the_order_given() -> None:
    s = make()
    assert s.select(["0004", "0001"]).ids == ["0004", "0001"]
    np.testing.assert_array_equal(s.select(["0004", "0001"]).flux, s.flux[[4, 1]])
    assert len(s.select([])) == 0
    with pytest.raises(DataError, match="1 others, first 'nobody'"):
        s.select(["0001", "nobody"])


def test_by_id_finds_or_says_so() -> None:
    s = make()
    assert s.by_id("0004").z == s.table["z"][4]
    with pytest.raises(DataError, match="an id of this set"):
        s.by_id("nobody")


def test_the_repr_in_a_notebook_escapes_ids() -> None:
    s = sa.SpectrumSet(WAVE, np.ones((1, 7)), table=pd.DataFrame({"id": ["<script>alert(1)</script>"]}))
    assert "<script>" not in s._repr_html_()


def test_a_set_survives_pickling_and_stays_read_only():
    one = sa.SpectrumSet([4000.0, 4001.0], [[1.0, 2.0], [3.0, 4.0]], provenance={"seed": 1})
    back = pickle.loads(pickle.dumps(one))  # noqa: S301
    assert back.ids == one.ids
    assert dict(back.provenance) == {"seed": 1}
    assert np.array_equal(back.flux, one.flux)
    assert not back.flux.flags.writeable


@pytest.mark.parametrize("what", ["folder", "file", "other manifest", "another format"])
def test_what_is_no_set_is_never_replaced(tmp_path, what) -> None:
    path = tmp_path / "thesis"
    if what == "file":
        path.write_text("years of work")
    else:
        path.mkdir()
        (path / "chapter").write_text("years of work")
    if what == "other manifest":
        (path / "manifest.json").write_text("[]")
    if what == "another format":
        (path / "manifest.json").write_text(json.dumps({"format": "specanom explanations", "version": 1}))
    with pytest.raises(DataError, match=r"specanom spectra.*Try: another path, or move"):
        SpectrumWriter(path, WAVE, ["flux"])  # at once, not when hours of work are to be put in their place
    with pytest.raises(DataError, match="thesis"):
        make().save(path)
    assert (path if what == "file" else path / "chapter").read_text() == "years of work"
    assert [one.name for one in tmp_path.iterdir()] == ["thesis"]


def test_an_empty_folder_and_a_set_of_any_version_are_replaced(tmp_path) -> None:
    path = tmp_path / "x.zarr"
    path.mkdir()
    make(2).save(path)
    manifest = path / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": 99}))
    make(3).save(path)
    assert len(sa.SpectrumSet.open(path)) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["x.zarr"]


def test_a_link_to_a_set_stays_a_link(tmp_path) -> None:
    make(2).save(tmp_path / "real.zarr")
    (tmp_path / "link.zarr").symlink_to("real.zarr")
    make(3).save(tmp_path / "link.zarr")
    assert (tmp_path / "link.zarr").is_symlink()
    assert len(sa.SpectrumSet.open(tmp_path / "real.zarr")) == 3


def test_a_set_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch) -> None:
    make(2).save(tmp_path / "x.zarr")
    replace = os.replace

    def fail(source: str, target: str) -> None:
        if str(source).endswith(".part") and str(target).endswith("x.zarr"):
            raise OSError("disk gone")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk gone"):
        make(3).save(tmp_path / "x.zarr")
    assert len(sa.SpectrumSet.open(tmp_path / "x.zarr")) == 2
    assert [one.name for one in tmp_path.iterdir()] == ["x.zarr"]


def test_the_old_set_is_deleted_only_when_the_new_one_is_in_place(tmp_path, monkeypatch) -> None:
    make(2).save(tmp_path / "x.zarr")
    seen = []
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: seen.append(len(sa.SpectrumSet.open(tmp_path / "x.zarr"))))
    make(3).save(tmp_path / "x.zarr")
    assert set(seen) == {3}


def test_some_rows_of_an_array_in_memory_are_pickled_without_the_others() -> None:
    whole = np.arange(40_000, dtype=np.float32).reshape(1000, 40)
    few = StoredRows(whole, np.array([7, 3, 900]))
    sent = pickle.dumps(few)
    assert len(sent) < 2000
    back = pickle.loads(sent)  # noqa: S301 - written above
    assert back.shape == few.shape == (3, 40)
    assert np.array_equal(back.load(), whole[[7, 3, 900]])
    assert np.array_equal(back[1:].load(), whole[[3, 900]])
