"""A saved knowledge base is the same base, and a damaged or foreign folder is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.errors import DataError
from specanom.retrieve import KnowledgeBase
from specanom.retrieve.archive import FORMAT

TARGETID = 39633345008634465


def made(kind: str = "exact", d: int = 6, dtype=np.float32) -> KnowledgeBase:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, d)).astype(dtype)
    vectors[7] = np.nan
    table = pd.DataFrame({"z": rng.random(300), "targetid": TARGETID + np.arange(300),
                          "name": ["ä", None, "<b>"] * 100})
    ids = [str(TARGETID + i) for i in range(300)]
    return KnowledgeBase.build(vectors, rng.choice(["LINER", "SF", ""], 300), ids[::-1], metadata=table,
                               encoder="vae 12", index=kind)


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_loaded_answers_bit_for_bit_as_what_was_saved(tmp_path, kind, dtype):
    kb = made(kind, d=20, dtype=dtype)
    kb.save(tmp_path / "kb")
    again = KnowledgeBase.load(tmp_path / "kb")
    assert repr(again) == repr(kb)
    assert again.vectors.dtype == dtype
    assert (np.asarray(again.vectors) == kb.vectors).all()
    assert again.tau == kb.tau
    assert again.encoder == "vae 12"
    assert again.skipped == kb.skipped
    assert again.recall == kb.recall
    pd.testing.assert_frame_equal(again.metadata, kb.metadata)
    queries = np.random.default_rng(1).normal(size=(40, 20))
    for k in (1, 3, 15):
        first, second = kb.query(queries, k), again.query(queries, k)
        for name in ("ids", "labels", "distances", "weights", "vote", "quantile", "far", "rows"):
            assert (getattr(first, name) == getattr(second, name)).all(), name
        assert first.threshold == second.threshold


def test_nothing_but_the_manifest_is_read_until_it_is_needed(tmp_path):
    made().save(tmp_path / "kb")
    damage(tmp_path / "kb" / "vectors.npy")
    kb = KnowledgeBase.load(tmp_path / "kb")
    assert "299 x 6" in repr(kb)
    with pytest.raises(DataError, match=r"damaged \(vectors.npy is not what was saved\)"):
        kb.query(np.zeros((1, 6)))


def test_vectors_are_mapped_from_disk(tmp_path):
    made().save(tmp_path / "kb")
    assert isinstance(KnowledgeBase.load(tmp_path / "kb").vectors, np.memmap)


def test_the_folder_holds_no_pickle(tmp_path):
    path = made("hnsw").save(tmp_path / "kb")
    assert {one.name for one in path.iterdir()} == {
        "manifest.json", "vectors.npy", "names.parquet", "metadata.parquet", "arrays.npz", "index.faiss"}
    with np.load(path / "arrays.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {"own", "rows", "centre"}
    np.load(path / "vectors.npy", allow_pickle=False)


def test_a_base_without_metadata_comes_back(tmp_path):
    kb = KnowledgeBase.build(np.eye(5), ["a"] * 5, list("vwxyz"))
    kb.save(tmp_path / "kb")
    again = KnowledgeBase.load(tmp_path / "kb")
    assert again.metadata.shape == (5, 0)
    assert again.query(np.eye(5), 2).to_frame().equals(kb.query(np.eye(5), 2).to_frame())
    assert KnowledgeBase.load(again.save(tmp_path / "kb")).ids.tolist() == list("vwxyz"), "saved over itself"


def test_a_loaded_base_can_grow(tmp_path):
    kb = made()
    again = KnowledgeBase.load(kb.save(tmp_path / "kb")).add(np.ones((1, 6)), ["new"], ["new"])
    assert len(again) == len(kb) + 1
    assert again.query(np.ones((1, 6)), 1).vote.tolist() == ["new"]


def test_metadata_that_parquet_cannot_hold_is_refused_and_leaves_nothing(tmp_path):
    kb = KnowledgeBase.build(np.eye(2), metadata=pd.DataFrame({"mixed": [1, "one"]}))
    with pytest.raises(DataError, match="turn that column into text or numbers"):
        kb.save(tmp_path / "kb")
    assert list(tmp_path.iterdir()) == []


def test_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "thesis.tex").write_text("all of it")
    with pytest.raises(DataError, match="holds something else"):
        made().save(tmp_path / "kb")
    assert (tmp_path / "kb" / "thesis.tex").read_text() == "all of it"


def damage(path):
    content = bytearray(path.read_bytes())
    content[-3] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["names.parquet", "metadata.parquet", "arrays.npz", "index.faiss", "vectors.npy"])
@pytest.mark.parametrize("how", ["changed", "cut", "missing"])
def test_damage_is_found_wherever_it_is(tmp_path, name, how):
    path = made("hnsw").save(tmp_path / "kb") / name
    if how == "changed":
        damage(path)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.unlink()
    with pytest.raises(DataError, match=f"damaged.*{name}.*copy the folder again"):
        KnowledgeBase.load(tmp_path / "kb").query(np.zeros((1, 6)))


@pytest.mark.parametrize(("change", "text"), [
    ({"version": 2}, r"expected version 1.*got 2.*update specanom"),
    ({"format": "specanom spectra"}, "expected a folder of format 'specanom knowledge base'.*'specanom spectra'"),
    ({"settings": {}}, "damaged.*manifest.json"),
    ({"files": None}, "damaged.*manifest.json"),
])
def test_manifests_of_others_and_of_the_future_are_refused(tmp_path, change, text):
    path = made().save(tmp_path / "kb") / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=text):
        KnowledgeBase.load(tmp_path / "kb")


def test_no_folder_and_no_json_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a folder written by KnowledgeBase.save"):
        KnowledgeBase.load(tmp_path / "nowhere")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"a folder written by KnowledgeBase.save"):
        KnowledgeBase.load(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(DataError, match=FORMAT):
        KnowledgeBase.load(tmp_path)


def test_a_base_that_the_first_version_wrote_is_read():
    kb = KnowledgeBase.load(Path(__file__).parent.parent / "data" / "knowledge-base-1")
    assert repr(kb) == ("KnowledgeBase: 3 x 2, 2 labelled in 2 classes, exact search, τ 0.5, vectors of vae 0123; "
                        "1 skipped")
    kin = kb.query([[0.5, 0.0]], 3, encoder="vae 0123")
    assert kin.ids.tolist() == [[str(TARGETID), str(TARGETID + 1), "c"]]
    assert kin.labels.tolist() == [["SF", "LINER", ""]]
    assert kin.mean("z")[0] == pytest.approx(0.15)
    assert kb.skipped[0].id == "d"


@pytest.mark.parametrize("kind", ["exact", "hnsw"])
def test_a_manifest_that_lacks_a_part_is_damaged(tmp_path, kind):
    path = made(kind).save(tmp_path / "kb") / "manifest.json"
    whole = json.loads(path.read_text())
    lacking = [{**whole, "files": {key: value for key, value in whole["files"].items() if key != name}}
               for name in whole["files"]]
    lacking += [{**whole, "files": whole["files"] | {name: {"bytes": one["bytes"]}}}
                for name, one in whole["files"].items()]
    lacking += [{**whole, "settings": {key: value for key, value in whole["settings"].items() if key != name}}
                for name in whole["settings"] if name not in ("skipped", "recall")]
    lacking += [whole | {"settings": whole["settings"] | wrong} for wrong in (
        {"n": None}, {"d": "6"}, {"n": -1}, {"kind": "tree"}, {"tau": None}, {"tau": "1"}, {"encoder": 5}, {"more": 1},
        {"skipped": None}, {"recall": {"k": 3}})]
    if kind == "hnsw":
        lacking += [whole | {"settings": whole["settings"] | {"recall": None}}]
    for manifest in lacking:
        path.write_text(json.dumps(manifest))
        with pytest.raises(DataError, match=r"damaged.*manifest\.json"):
            KnowledgeBase.load(tmp_path / "kb").query(np.zeros((1, 6)))
    path.write_text(json.dumps(whole))
    assert len(KnowledgeBase.load(tmp_path / "kb").query(np.zeros((1, 6)))) == 1
