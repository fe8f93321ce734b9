"""A sample is the same however its survey was parted and whoever worked on it."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.parallel import Partition
from specanom.preprocess.fitting import Fitted
from specanom.preprocess.joining import settled
from specanom.preprocess.passes import Judge, Shape
from specanom.preprocess.pieces import Listed, Piece, as_piece
from specanom.surveys.parted import PartedSurvey


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("survey")
    sa.surveys.mock(n=160, seed=3).write(made / "raw", layout="spec")
    return made


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[Any, Any]:
    """Return the preprocessor and the sample of the survey in one part."""
    preprocessor = sa.Preprocessor(bins=2)
    return preprocessor, preprocessor.fit_transform(sa.read(folder / "raw"), store=folder / "whole.zarr")


def parted(folder: Path, size: int) -> PartedSurvey:
    return PartedSurvey.of(sa.read(folder / "raw"), folder / f"index-{size}", size=size)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_parts_of_a_survey_are_the_survey(folder: Path) -> None:
    survey, parts = sa.read(folder / "raw"), parted(folder, 30)
    read = [one for part in parts.partitions() for one in parts.read(part)]
    assert [one.id for one in read] == [one.id for one in survey]
    assert len(parts) == len(read)
    assert [one.z for one in read] == [one.z for one in survey]
    assert {(one.id, one.reason) for one in parts.skipped} == {(one.id, one.reason) for one in survey.skipped}


@pytest.mark.parametrize(("size", "executor"), [(1000, None), (64, "serial"), (30, "threads:2"), (50, "processes:2")])
def test_the_sample_does_not_know_how_it_was_parted(
    size: int, executor: str | None, folder: Path, whole: tuple[Any, Any], tmp_path: Path
) -> None:
    preprocessor = sa.Preprocessor(bins=2)
    sample = preprocessor.fit_transform(parted(folder, size), store=tmp_path / "s.zarr", executor=executor)
    expected = whole[1]
    for name in ("flux", "ivar", "imputed", "mask"):
        np.testing.assert_array_equal(np.asarray(getattr(sample, name)), np.asarray(getattr(expected, name)))
    pd.testing.assert_frame_equal(sample.table, expected.table)
    mine, theirs = files_of(tmp_path / "s.zarr"), files_of(folder / "whole.zarr")
    del mine["table.parquet"], theirs["table.parquet"]  # text is of two widths there
    manifests = [json.loads(files.pop("manifest.json")) for files in (mine, theirs)]
    assert all(manifest.pop("table") for manifest in manifests)
    assert manifests[0] == manifests[1]
    assert mine == theirs
    assert preprocessor.report.to_dict() == whole[0].report.to_dict()
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]  # the pieces are gone


def test_bytes_do_not_depend_on_the_parts(folder: Path, tmp_path: Path) -> None:
    for size in (30, 64):
        sa.Preprocessor().fit_transform(parted(folder, size), store=tmp_path / f"{size}.zarr")
    assert files_of(tmp_path / "30.zarr") == files_of(tmp_path / "64.zarr")


def test_the_manifest_tells_another_table_of_the_same_size(tmp_path: Path) -> None:
    """A run goes by the manifest of a set: what hashes like it need not be made again."""
    ids = pd.DataFrame({"id": list("abc")})
    sample = sa.SpectrumSet(np.arange(4000.0, 4010), np.ones((3, 10), np.float32), table=ids)
    told = [json.loads((sample.replace(table=table).save(tmp_path / f"{name}.zarr") / "manifest.json").read_text())
            for name, table in (("one", sample.table.assign(n=1)), ("two", sample.table.assign(n=2)))]
    assert told[0].pop("table") != told[1].pop("table")
    assert told[0] == told[1]


def test_columns_that_some_spectra_have_do_not_depend_on_the_parts(tmp_path: Path) -> None:
    """Of a catalogue one file has other columns than the next, and a part may be the first to have them."""
    sa.surveys.mock(n=24, seed=3).write(tmp_path / "raw", layout="spec")
    index = tmp_path / "index"
    PartedSurvey.of(sa.read(tmp_path / "raw"), index)
    known = pd.read_parquet(index / "known.parquet")
    some = ['{"mass": 1.5}', None, '{"age": 3, "mass": 2.5}', '{"line": "Ha", "age": null}']
    known["more"] = [some[i % 4] for i in range(len(known))]
    known.to_parquet(index / "known.parquet", index=False)
    for size in (1, 7, 24):
        sa.Preprocessor(max_missing=0.5).fit_transform(PartedSurvey(index, size), store=tmp_path / f"{size}.zarr")
    tables = [(tmp_path / f"{size}.zarr" / "table.parquet").read_bytes() for size in (1, 7, 24)]
    assert tables[0] == tables[1] == tables[2]
    table = pd.read_parquet(tmp_path / "1.zarr" / "table.parquet")
    assert list(table.dtypes[["age", "line", "mass"]].astype(str)) == ["Int64", "str", "float64"]
    assert list(table)[-3:] == ["age", "line", "mass"]


class Interrupted(PartedSurvey):
    """A survey whose third part cannot be read: as if somebody pressed Ctrl-C there, or with another error."""

    error: BaseException = KeyboardInterrupt()

    def read(self, partition: Partition) -> Any:
        if partition.number == 2:
            raise self.error
        return super().read(partition)


def test_what_was_done_before_an_interrupt_is_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = parted(folder, 30)
    with pytest.raises(KeyboardInterrupt):
        sa.Preprocessor().fit_transform(Interrupted(whole.path, 30), store=tmp_path / "s.zarr")
    assert not (tmp_path / "s.zarr").exists()
    read: list[int] = []

    class Counted(PartedSurvey):
        def read(self, partition: Partition) -> Any:
            read.append(partition.number)
            return super().read(partition)

    sa.Preprocessor().fit_transform(Counted(whole.path, 30), store=tmp_path / "s.zarr")
    assert read[:1] == [2]
    sa.Preprocessor().fit_transform(whole, store=tmp_path / "t.zarr")
    assert files_of(tmp_path / "s.zarr") == files_of(tmp_path / "t.zarr")


def test_work_that_somebody_names_stays_until_they_delete_it(folder: Path, tmp_path: Path) -> None:
    whole = parted(folder, 30)
    named = PartedSurvey(whole.path, 30, work=tmp_path / "work")
    first = sa.Preprocessor()
    first.fit_transform(named, store=tmp_path / "s.zarr")
    assert not (tmp_path / "s.zarr.work").exists()
    named.select = None  # type: ignore[method-assign,assignment]  # nothing is read a second time
    shutil.rmtree(tmp_path / "s.zarr")
    again = sa.Preprocessor()
    again.fit_transform(named, store=tmp_path / "s.zarr")
    assert str(again.report) == str(first.report)
    sa.Preprocessor().fit_transform(whole, store=tmp_path / "t.zarr")
    assert files_of(tmp_path / "s.zarr") == files_of(tmp_path / "t.zarr")


def test_what_was_done_with_redshifts_that_were_mended_since_is_not_used(folder: Path, tmp_path: Path) -> None:
    whole = parted(folder, 30)
    index = shutil.copytree(whole.path, tmp_path / "index")
    with pytest.raises(KeyboardInterrupt):
        sa.Preprocessor().fit_transform(Interrupted(index, 30), store=tmp_path / "s.zarr")
    known = pd.read_parquet(index / "known.parquet")
    known.assign(z=known["z"] * 1.001).to_parquet(index / "known.parquet", index=False)
    mended = PartedSurvey(index, 30)
    assert not {part.inputs for part in mended.partitions()} & {part.inputs for part in whole.partitions()}
    sample = sa.Preprocessor().fit_transform(mended, store=tmp_path / "s.zarr")
    before = sa.Preprocessor().fit_transform(whole, store=tmp_path / "t.zarr").table.set_index("id")["z"]
    np.testing.assert_allclose(sample.table["z"], before[sample.ids] * 1.001)


def test_what_was_left_out_is_not_read_before_every_part(folder: Path, tmp_path: Path) -> None:
    survey = parted(folder, 30)
    index = shutil.copytree(survey.path, tmp_path / "index")
    (index / "skipped.parquet").write_bytes(b"not asked for")
    again = PartedSurvey(index, 30)
    assert len(again.read(again.partitions()[0])) == 30
    assert json.loads((index / "parted.json").read_text()).keys() == {"spectra", "gate"}


def test_other_options_do_not_use_it(folder: Path, tmp_path: Path) -> None:
    whole = parted(folder, 30)
    with pytest.raises(KeyboardInterrupt):
        sa.Preprocessor().fit_transform(Interrupted(whole.path, 30), store=tmp_path / "s.zarr")
    sample = sa.Preprocessor(min_snr=10).fit_transform(whole, store=tmp_path / "s.zarr")
    assert sample.table["snr"].min() > 10


def test_the_spectra_of_a_part_that_fails_are_listed(folder: Path, tmp_path: Path) -> None:
    class Broken(Interrupted):
        error = ValueError("a bug in somebody's reader")

    broken = Broken(parted(folder, 30).path, 30)
    preprocessor = sa.Preprocessor()
    sample = preprocessor.fit_transform(broken, store=tmp_path / "s.zarr")
    lost = broken.ids(broken.partitions()[2])
    assert not set(lost) & set(sample.ids)
    assert all("its partition failed" in (preprocessor.report.reason(id) or "") for id in lost)
    assert preprocessor.report.n_in == sa.Preprocessor().fit(sa.read(folder / "raw")).report.n_in
    read: list[int] = []

    class Mended(PartedSurvey):
        def read(self, partition: Partition) -> Any:
            read.append(partition.number)
            return super().read(partition)

    whole = preprocessor.fit_transform(Mended(broken.path, 30), store=tmp_path / "s.zarr")
    assert set(read) == {2}  # the others were read before
    assert set(lost) & set(whole.ids)
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_mixed_extinction_is_told_of_a_survey_in_partitions(folder: Path, tmp_path: Path) -> None:
    survey = parted(folder, 80)
    index = shutil.copytree(survey.path, tmp_path / "index")
    known = pd.read_parquet(index / "known.parquet")
    known.loc[known.index[::2], "ebv"] = np.nan
    known.to_parquet(index / "known.parquet", index=False)
    with pytest.warns(UserWarning, match="do not mix well") as told:
        sa.Preprocessor().fit_transform(PartedSurvey(index, 80), store=tmp_path / "s.zarr")
    assert [one.filename for one in told if "do not mix" in str(one.message)] == [__file__]


def test_a_task_is_small_however_many_parts_there_are(tmp_path: Path) -> None:
    pieces = [Piece({name: tmp_path / f"{name}-{i}" for name in ("flux", "ivar", "has", "table")}) for i in range(500)]
    stay = [np.arange(0, 8 * (i % 3), 2) for i in range(500)]
    listed = Listed.write(tmp_path / "list.json", pieces, stay)
    fitted = Fitted(np.arange(3.0), np.ones(3, bool), np.ones(3, np.float32), np.zeros(0), np.zeros(3), 9)
    for task in (Judge(fitted, listed), Shape(fitted, listed, ("flux",), tmp_path)):
        assert len(pickle.dumps(task)) < 2000
    assert listed.piece(7) == pieces[7]
    found = [(int(piece.files["flux"].name[5:]), row) for start in range(0, 2000, 7)
             for piece, rows in listed.within(start, min(start + 7, 1996)) for row in rows.tolist()]
    assert found == [(i, row) for i, rows in enumerate(stay) for row in rows.tolist()]


def test_a_file_that_was_lost_since_is_listed(tmp_path: Path) -> None:
    sa.surveys.mock(n=40, seed=5).write(tmp_path / "raw", layout="spec")
    survey = PartedSurvey.of(sa.read(tmp_path / "raw"), tmp_path / "index", size=8)
    gone = survey.ids(survey.partitions()[1])[0]
    Path(survey.index.locate([gone])["path"].iloc[0]).unlink()
    preprocessor = sa.Preprocessor()
    sample = preprocessor.fit_transform(survey, store=tmp_path / "s.zarr")
    assert gone not in sample.ids
    assert preprocessor.report.reason(gone) == "no file"


def test_no_spectrum_left_is_told_with_the_waterfall(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="widen the cut"):
        sa.Preprocessor(min_snr=1e9).fit_transform(parted(folder, 30), store=tmp_path / "s.zarr")
    assert not (tmp_path / "s.zarr").exists()


def test_a_store_is_needed(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="store"):
        sa.Preprocessor().fit_transform(parted(folder, 30))


def test_an_index_that_is_not_parted_is_told(folder: Path, tmp_path: Path) -> None:
    sa.surveys.SpectrumIndex.build(folder / "raw", tmp_path / "index")
    with pytest.raises(DataError, match=r"PartedSurvey\.of"):
        PartedSurvey(tmp_path / "index").partitions()


@pytest.mark.parametrize("size", [0, 1.5, True])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(ArgumentError, match="size"):
        PartedSurvey("index", size)


# -- pieces ------------------------------------------------------------------------------------------------------------


def blocks_of(kinds: str) -> Iterator[sa.SpectrumSet]:
    """Yield one block a letter: of flux alone (f), with ivar (i), with mask (m), with both (b)."""
    wave = np.linspace(4000, 5000, 7)
    for k, kind in enumerate(kinds):
        flux = np.full((2, 7), k + 1, dtype=np.float32)
        ivar = flux * 10 if kind in "ib" else None
        mask = np.full(flux.shape, k, dtype=np.uint32) if kind in "mb" else None
        table = pd.DataFrame({"id": [f"{k}a", f"{k}b"], "n": [k, k]})
        yield sa.SpectrumSet(wave, flux, ivar, table, mask=mask, frame="rest", scale="flux")


@pytest.mark.parametrize("kinds", ["f", "i", "bbb", "fi", "bfbm", "mmif"])
def test_a_piece_gives_back_what_each_spectrum_had(kinds: str, tmp_path: Path) -> None:
    wave = np.linspace(4000, 5000, 7)
    made = as_piece(blocks_of(kinds), 100, 7)
    files = {}
    for name, value in made.items():
        files[name] = tmp_path / name
        if name == "table":
            value.to_parquet(files[name])
        else:
            with open(files[name], "wb") as handle:
                np.save(handle, value)
    piece = Piece(files)
    back = [one for block in piece.blocks(wave) for one in block]
    there = [one for block in blocks_of(kinds) for one in block]
    assert [one.id for one in back] == [one.id for one in there]
    for mine, theirs in zip(back, there, strict=True):
        for name in ("flux", "ivar", "mask"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
    some = [one.id for block in piece.blocks(wave, np.array([len(there) - 1, 0])) for one in block]
    assert some == [there[-1].id, there[0].id]
    assert list(piece.blocks(wave, np.array([], dtype=int))) == []


@pytest.mark.parametrize(("parts", "dtype", "values"), [
    ([[1, 2], [3]], "int64", [1, 2, 3]),
    ([pd.array([1, None], "Int64"), [3]], "Int64", [1, pd.NA, 3]),
    ([[None], pd.array([39633345008634465], "Int64")], "Int64", [pd.NA, 39633345008634465]),
    ([[None, None], [None]], "float64", [np.nan] * 3),
    ([[None], ["BAL"]], "str", ["", "BAL"]),
    ([[1.5], [None]], "float64", [1.5, np.nan]),
])
def test_a_column_is_of_what_it_holds(parts: list[Any], dtype: str, values: list[Any]) -> None:
    joined = pd.concat([pd.DataFrame({"x": part}) for part in parts], ignore_index=True)
    expected = pd.DataFrame({"x": pd.Series(values, dtype=dtype)})
    pd.testing.assert_frame_equal(settled(joined), expected)
