"""Explanations as records: readable, frozen, saved and opened bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import DataError, GridError
from specanom.explain import Skipped

P = 300
WAVE = np.linspace(4000.0, 7000.0, P)


def mse(flux: np.ndarray) -> np.ndarray:
    return ((flux - 1) ** 2).mean(axis=1)


def _sample(n: int = 5, p: int = P) -> sa.SpectrumSet:
    rng = np.random.default_rng(0)
    flux = 1 + 0.1 * rng.normal(size=(n, p)) + 2 * np.exp(-0.5 * ((WAVE[:p] - 6564.6) / 8) ** 2)
    ids = [f"0266-51602-{i:04d}" for i in range(n)]
    table = pd.DataFrame({"id": ids, "z": 0.05, "instrument": "SDSS", "lsf": 70.0})
    return sa.SpectrumSet(WAVE[:p], flux, table=table)


@pytest.fixture(scope="module")
def es() -> sa.ExplanationSet:
    return sa.Explainer(mse, sa.Uniform(25), method=sa.Lime(300)).explain_many(_sample())


def test_an_explanation_reads_as_a_sentence(es: sa.ExplanationSet) -> None:
    one = es[0]
    assert "0266-51602-0000" in repr(one)
    assert "Hα" in repr(one)
    assert "trusted" in repr(one)
    assert "ExplanationSet: 5 explanations x 25 segments (5 trusted)" in repr(es)
    assert "<table" in es._repr_html_()


def test_as_list_is_sorted_by_size_as_in_lime(es: sa.ExplanationSet) -> None:
    pairs = es[0].as_list()
    sizes = [abs(weight) for _, weight in pairs]
    assert len(pairs) == 25
    assert sizes == sorted(sizes, reverse=True)
    assert pairs[0][0].startswith("Hα")
    assert es[0].as_list(3) == pairs[:3]
    assert es[0].as_list(0) == []


@pytest.mark.parametrize("n", [-3, 2.5, True, "3"])
def test_as_list_refuses_what_is_no_count(es: sa.ExplanationSet, n: Any) -> None:
    with pytest.raises(sa.ArgumentError, match=r"n: expected how many segments.*Try: as_list\(3\)"):
        es[0].as_list(n)


def test_segments_of_one_name_are_told_apart_by_their_wavelengths(es: sa.ExplanationSet) -> None:
    one = es[0]
    context = replace(one.context, names=("OH forest", "OH forest", *one.names[2:]))
    told = dict(replace(one, context=context).as_list())
    assert len(told) == one.n_segments
    for k in (0, 1):
        low, high = one.intervals[k][0]
        assert told[f"OH forest, {low:.0f}–{high:.0f}"] == one.weights[k]
    assert told[one.names[10]] == one.weights[10]


def test_the_probability_of_an_artefact_is_read_off_the_record_and_its_context(es: sa.ExplanationSet) -> None:
    one = es[0]
    context = replace(one.context, artefact=0.125)
    assert replace(one, context=context).artefact == 0.125
    assert "probability of an artefact 0.12" in repr(context)
    assert "probability" not in repr(replace(one.context, artefact=float("nan")))


def test_frames_have_a_row_a_segment_and_a_row_a_spectrum(es: sa.ExplanationSet) -> None:
    frame = es[1].to_frame()
    assert list(frame.columns) == ["segment", "name", "lo", "hi", "weight", "error", "lower", "upper", "narrow"]
    np.testing.assert_allclose(frame["lo"].to_numpy()[1:], frame["hi"].to_numpy()[:-1])
    assert ((frame["lower"] <= frame["weight"]) & (frame["weight"] <= frame["upper"])).all()
    table = es.to_frame()
    assert table["id"].tolist() == es.ids
    assert table["leading"].str.startswith("Hα").all()
    assert list(es.context.columns) == ["id", "lines", "imputed", "sky", "telluric", "join", "continuum", "narrow"]
    np.testing.assert_allclose(es.context.iloc[:, 1:7].sum(axis=1), 1)


def test_records_are_frozen(es: sa.ExplanationSet) -> None:
    with pytest.raises(ValueError, match="read-only"):
        es.weights[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        es[0].weights[0] = 1
    with pytest.raises(AttributeError):
        es[0].r2 = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        es[0].settings["seed"] = 2  # type: ignore[index]


def test_edges_and_pixels(es: sa.ExplanationSet) -> None:
    assert es[0].edges is not None
    assert es[0].edges.shape == (26,)
    assert np.array_equal(es[0].edges, es.edges)
    assert np.array_equal(es[0].per_pixel(), es.per_pixel()[0])
    assert es[0].flux is not None
    assert es[0].frame == "rest"


def test_slices_masks_iteration_and_ids(es: sa.ExplanationSet) -> None:
    assert len(es) == len(list(es)) == 5
    assert es[1:3].ids == es.ids[1:3]
    assert es[np.array([True, False, False, False, True])].ids == [es.ids[0], es.ids[4]]
    assert es[[3, 1]].ids == [es.ids[3], es.ids[1]]
    assert es[-1].id == es.ids[-1]
    assert es.by_id(es.ids[2]).id == es.ids[2]
    assert np.array_equal(es[[3, 1]].weights, es.weights[[3, 1]])
    with pytest.raises(IndexError):
        es[5]
    with pytest.raises(DataError, match="id of this set"):
        es.by_id("nobody")


def test_saved_and_opened_it_is_the_same(es: sa.ExplanationSet, tmp_path: Path) -> None:
    with_skipped = es.replace(skipped=(Skipped("x", "no flux: ä"),))
    path = with_skipped.save(tmp_path / "explanations.zarr")
    back = sa.ExplanationSet.open(path)
    for name in ("weights", "interval", "segments", "wave", "scores", "intercepts", "r2", "ess", "shares", "narrow",
                 "flux"):
        assert np.array_equal(getattr(back, name), getattr(es, name), equal_nan=name != "narrow"), name
    for name in ("ids", "grades", "reasons", "paths", "names", "frame", "skipped"):
        assert getattr(back, name) == getattr(with_skipped, name), name
    assert dict(back.settings) == dict(es.settings)
    assert back.segments.dtype == np.intp
    assert [p.name for p in tmp_path.iterdir()] == ["explanations.zarr"]
    assert repr(back[0]) == repr(es[0])


def test_many_rows_are_sharded(es: sa.ExplanationSet, tmp_path: Path) -> None:
    many = es[np.arange(200) % 5].replace(flux=None)
    back = sa.ExplanationSet.open(many.save(tmp_path / "many.zarr"))
    assert np.array_equal(back.weights, many.weights)
    assert back.flux is None
    assert back.ids == many.ids


def test_a_save_that_fails_leaves_the_old_set_whole(
    es: sa.ExplanationSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = es.save(tmp_path / "e.zarr")

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("specanom.explain.writer.write_json", full)
    with pytest.raises(OSError, match="a disk that takes no more"):
        es[:2].save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["e.zarr"]
    assert len(sa.ExplanationSet.open(path)) == 5


def test_what_is_not_a_finished_set_of_this_version_is_refused(es: sa.ExplanationSet, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="finished set of explanations"):
        sa.ExplanationSet.open(tmp_path / "nothing")
    path = es.save(tmp_path / "e.zarr")
    with pytest.raises(DataError, match="overwrite"):
        es.save(path, overwrite=False)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"version": 99}))
    with pytest.raises(DataError, match="version 99"):
        sa.ExplanationSet.open(path)
    manifest["arrays"]["weights"] = [7, 25]
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=r"arrays.weights: expected .5, 25., got .7, 25."):
        sa.ExplanationSet.open(path)


def test_sets_of_one_explainer_join(es: sa.ExplanationSet, tmp_path: Path) -> None:
    back = sa.ExplanationSet.open(es[2:].save(tmp_path / "e.zarr"))
    joined = sa.ExplanationSet.concatenate([es[:2], back])
    assert joined.ids == es.ids
    assert np.array_equal(joined.weights, es.weights)
    other = sa.Explainer(mse, sa.Uniform(24), method=sa.Lime(300)).explain_many(_sample())
    with pytest.raises(DataError, match="equal settings"):
        sa.ExplanationSet.concatenate([es, other])
    short = sa.Explainer(mse, sa.Uniform(25), method=sa.Lime(300)).explain_many(_sample(p=P - 1))
    with pytest.raises(GridError):
        sa.ExplanationSet.concatenate([es, short])


def test_what_are_no_explanations_is_never_replaced(es: sa.ExplanationSet, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("years of work")
    with pytest.raises(DataError, match=r"specanom explanations.*Try: another path"):
        es.save(tmp_path / "thesis")
    es[:1].save(tmp_path / "e.zarr")
    es[:2].save(tmp_path / "e.zarr")
    assert len(sa.ExplanationSet.open(tmp_path / "e.zarr")) == 2
    assert (tmp_path / "thesis" / "chapter").read_text() == "years of work"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["e.zarr", "thesis"]
