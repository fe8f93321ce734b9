"""Which columns a sample has, and what they hold, does not depend on who was read together with whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import specanom as sa
from specanom.preprocess.columns import BLANK, NUMBER, OTHER, TEXT, WHOLE, completed, kinds_of
from specanom.surveys.parted import PartedSurvey

LEAST = 12.0


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index whose spectra have columns of their own: ``lost`` and ``seen`` are of spectra alone that are dropped."""
    made = tmp_path_factory.mktemp("some")
    sa.surveys.mock(n=20, seed=3).write(made / "raw", layout="spec")
    parted = PartedSurvey.of(sa.read(made / "raw"), made / "index")
    first = sa.Preprocessor(min_snr=LEAST)
    first.fit(parted.select(parted.ids(parted.partitions()[0])))
    dropped = {id for cut in first.report.waterfall for id in cut.ids}
    assert 2 < len(dropped) < 18
    known = pq.read_table(made / "index" / "known.parquet")
    spectra = pd.read_parquet(made / "index" / "spectra.parquet")
    names = dict(zip(zip(spectra["key"], spectra["check"], strict=True), spectra["id"], strict=True))
    ids = [names[one] for one in zip(*known.select(["key", "check"]).to_pydict().values(), strict=True)]
    more = [json.dumps({"lost": "far", "seen": 3, "mass": 2.5, "flag": 1, "word": 7}
                       if id in dropped else {"mass": 2, "flag": 2**60 + 1, "word": "Ha"} if i % 3 else {})
            for i, id in enumerate(ids)]
    place = known.schema.get_field_index("more")
    pq.write_table(known.set_column(place, "more", pa.array(more)), made / "index" / "known.parquet")
    return made / "index"


def test_a_column_of_spectra_that_are_dropped_is_there_however_they_are_read(index: Path, tmp_path: Path) -> None:
    whole = PartedSurvey(index)
    survey = whole.select(whole.ids(whole.partitions()[0]))
    made = {f"in parts of {size}": sa.Preprocessor(min_snr=LEAST).fit_transform(
        PartedSurvey(index, size), store=tmp_path / f"{size}.zarr") for size in (1, 7, 20)}
    made["one drawn of each part"] = sa.Preprocessor(min_snr=LEAST).fit_transform(
        PartedSurvey(index, 7), store=tmp_path / "only.zarr", only=len(made["in parts of 1"]))
    for block in (1, 6, 512):
        plain = sa.Preprocessor(min_snr=LEAST, block=block)
        made[f"in blocks of {block}"] = plain.fit_transform(survey)
        made[f"in blocks of {block}, stored"] = plain.fit_transform(survey, store=tmp_path / f"block-{block}.zarr")
        made[f"another time in blocks of {block}"] = plain.transform(survey)
        made[f"so and stored, {block}"] = plain.transform(survey, store=tmp_path / f"again-{block}.zarr")
    first = made["in parts of 1"].table
    assert list(first)[-5:] == ["flag", "lost", "mass", "seen", "word"]
    assert list(first.dtypes.astype(str))[-5:] == ["Int64", "str", "float64", "float64", "str"]
    assert first["lost"].eq("").all()
    assert first["seen"].isna().all()
    assert set(first["flag"].dropna()) == {2**60 + 1}
    assert set(first["word"]) == {"", "Ha"}
    for how, sample in made.items():
        pd.testing.assert_frame_equal(sample.table, first, obj=how)


@pytest.mark.parametrize(("values", "kind"), [
    ([1, 2], WHOLE), (pd.array([1, None], "Int64"), WHOLE), (pd.array([None, None], "Int64"), BLANK),
    ([1.0, 2.0], NUMBER), ([np.nan, np.nan], NUMBER), (["a", ""], TEXT), (np.array(["a", None], object), TEXT),
    (np.array([None, None], object), BLANK), (np.array([1, None], object), WHOLE), ([True, False], OTHER),
    (np.array([1.5, "a"], object), TEXT), (pd.to_datetime(["2026-01-01", "2026-01-02"]), OTHER),
])
def test_what_a_column_holds_is_told(values: Any, kind: int) -> None:
    assert kinds_of(pd.DataFrame({"id": ["a", "b"], "x": values, "z": 0.1})) == {"x": kind}


def test_tables_are_completed_without_a_digit_lost() -> None:
    tables = [pd.DataFrame({"id": ["a"], "x": [2**62 + 1]}), pd.DataFrame({"id": ["b"]}),
              pd.DataFrame({"id": ["c"], "x": pd.array([None], "Int64"), "y": [True]})]
    made = completed(tables, {"x": WHOLE, "y": OTHER, "t": TEXT, "n": BLANK})
    assert list(made) == ["id", "n", "t", "x", "y"]
    assert made["x"].tolist() == [2**62 + 1, pd.NA, pd.NA]
    assert made["t"].tolist() == [""] * 3
