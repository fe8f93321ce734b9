"""What a run remembers, and when it refuses."""

from __future__ import annotations

import json
import re

import pytest

from specanom.errors import DataError
from specanom.run.manifest import Manifest, after, fingerprint, key, listing, versions


def test_a_manifest_comes_back(tmp_path) -> None:
    first = Manifest(tmp_path / "run")
    first.write(parameters={"n": 3}, stage="01_acquire", record=record("u", a="1"))
    again = Manifest(tmp_path / "run")
    assert again.parameters == {"n": 3}
    assert again.stage("01_acquire") == record("u", a="1")
    assert again.stage("02_preprocess") == {}
    assert again.content["versions"] == versions()


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"format": "specanom run", "version": 99}), "\x00"])
def test_another_versions_folder_is_refused(tmp_path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="start in a new folder"):
        Manifest(tmp_path)


@pytest.mark.parametrize(("told", "where"), [
    ({"stages": {"01_data": 7}}, "stages.01_data: expected a mapping"),
    ({"stages": {"01_acquire": {"status": "done"}}}, "stages.01_acquire, outputs: expected a mapping"),
    ({"stages": {"01_acquire": {"outputs": {"../../etc": "x"}}}}, "expected a path inside the folder"),
    ({"stages": {"01_acquire": {"started": 1e300}}}, "started: expected a finite number"),
    ({"parameters": [1]}, "parameters: expected a mapping"), ({"versions": {"specanom": []}}, "versions.specanom"),
    ({"earlier": "/etc"}, "earlier: expected a path inside"), ({"given": 1}, "given: expected a mapping")])
@pytest.mark.parametrize("version", [1, 2])
def test_a_forged_manifest_is_told_by_field(tmp_path, told, where: str, version: int) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "specanom run", "version": version, **told}))
    with pytest.raises(DataError, match=re.escape(where)):
        Manifest(tmp_path)


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a": ' * 200_000, '{"format": "specanom run", "format": "x"}'])
def test_brackets_without_end_and_keys_told_twice_are_refused(tmp_path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="start in a new folder"):
        Manifest(tmp_path)


def test_a_fingerprint_sees_content_and_names(tmp_path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    before = fingerprint(tmp_path / "a")
    assert fingerprint(tmp_path / "a") == before
    (tmp_path / "a" / "x").write_text("2")
    assert fingerprint(tmp_path / "a") != before
    assert fingerprint(tmp_path / "none") == "missing"


def test_a_folder_with_a_manifest_is_known_by_that_and_by_names_and_sizes(tmp_path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "shard").write_text("large")
    before = fingerprint(tmp_path)
    (tmp_path / "shard").write_text("lArge")  # the manifest has its hash; it is not read
    assert fingerprint(tmp_path) == before
    (tmp_path / "shard").write_text("larg")
    assert fingerprint(tmp_path) != before
    (tmp_path / "shard").unlink()
    assert fingerprint(tmp_path) != before


def record(upstream: str, **outputs: str) -> dict:
    return {"status": "done", "upstream": upstream, "outputs": outputs, "counts": {}, "seconds": 1.0}


def test_stages_done_one_from_the_other_are_a_run(tmp_path) -> None:
    manifest = Manifest(tmp_path)
    first = record("input", a="1")
    manifest.write(stage="01_acquire", record=first)
    manifest.write(stage="02_preprocess", record=record(after("input", first), b="2"))
    manifest.require(["01_acquire", "02_preprocess"])
    with pytest.raises(DataError, match="03_train done, got never made"):
        manifest.require(["01_acquire", "02_preprocess", "03_train"])


def test_a_stage_made_from_something_else_is_out_of_date(tmp_path) -> None:
    manifest = Manifest(tmp_path)
    manifest.write(stage="01_acquire", record=record("input", a="1"))
    manifest.write(stage="02_preprocess", record=record(after("input", record("input", a="0")), b="2"))
    with pytest.raises(DataError, match="02_preprocess done, got out of date"):
        manifest.require(["01_acquire", "02_preprocess"])
    manifest.write(stage="01_acquire", record={**record("input"), "status": "failed"})
    with pytest.raises(DataError, match="01_acquire done, got failed"):
        manifest.require(["01_acquire"])


def test_a_listing_sees_size_and_time(tmp_path) -> None:
    path = tmp_path / "x"
    path.write_text("1")
    before = listing([path])
    path.write_text("12")
    assert listing([path]) != before


def test_a_key_does_not_depend_on_order() -> None:
    assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1})
    assert key({"a": 1}) != key({"a": 2})
