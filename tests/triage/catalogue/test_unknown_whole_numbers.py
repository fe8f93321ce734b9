"""A whole number or flag that is not known is blank in a catalogue, in its files, and to conditions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table

from specanom.errors import ArgumentError
from specanom.explorer.tabular import rows_of
from specanom.triage import Condition
from specanom.triage.catalogue import Catalogue, Parts
from specanom.triage.quality.bins import binned

IDS = ["39633345008634465", "39633345008634466", "39633345008634467"]
LONG = [39633345008634465, None, -(2**63)]
ENDINGS = (".parquet", ".ecsv", ".fits", ".vot")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    objects = pd.DataFrame({
        "id": IDS, "ra": [10.0, 20.0, 30.0], "dec": [0.0, 1.0, 2.0],
        "FLAG": pd.array([4, 0, None], dtype="Int64"), "count": pd.array([2, None, 0], dtype="UInt8"),
        "LONG": pd.array(LONG, dtype="Int64"), "sure": pd.array([True, None, False], dtype="boolean"),
        "said": pd.Series([True, None, False], dtype=object), "nothing": pd.array([None] * 3, dtype="Int64"),
        "HUGE": pd.array([2**64 - 1, None, 12345678901234567890], dtype="UInt64"),
        "petal": pd.array([3, None, 0], dtype="Int64"), "tile": pd.array([80605, None, 1], dtype="Int64"),
    })  # fmt: skip
    votes = pd.DataFrame({"id": IDS[:2], "vote": ["lens", ""], "far": [False, True]})
    more = pd.DataFrame({"id": IDS[:1], "N_CIV_450": [1], "BITS": [2**60 + 1]})
    return Catalogue.of(Parts(objects, votes=votes, more=more))


def test_what_is_not_known_is_no_number(catalogue) -> None:
    rows = catalogue.table.set_index("id").loc[IDS]
    names = ("FLAG", "count", "LONG", "sure", "said", "nothing", "kin_far", "N_CIV_450", "BITS")
    blank = {name: rows[name].isna().tolist() for name in names}
    assert blank == {"FLAG": [False, False, True], "count": [False, True, False], "LONG": [False, True, False],
                     "sure": [False, True, False], "said": [False, True, False], "nothing": [True] * 3,
                     "kin_far": [False, False, True], "N_CIV_450": [False, True, True], "BITS": [False, True, True]}
    assert rows["BITS"].iloc[0] == 2**60 + 1
    assert rows["HUGE"].tolist() == ["18446744073709551615", "", "12345678901234567890"]
    assert rows["petal"].tolist() == [3, -1, 0]
    assert rows["tile"].tolist() == [80605, -1, 1]
    assert rows["petal"].dtype == np.int64


@pytest.mark.parametrize("ending", ENDINGS)
def test_conditions_after_every_format(ending, catalogue, tmp_path) -> None:
    table = Catalogue.read(catalogue.write(tmp_path / f"odd{ending}")).table.set_index("id").loc[IDS].reset_index()

    def held(column: str, text: str) -> list[bool]:
        return Condition.of(column, text).holds(table).tolist()

    assert held("FLAG", "& 4") == [True, False, False]
    assert held("FLAG", "< 1") == [False, True, False]
    assert held("FLAG", "missing") == [False, False, True]
    assert held("FLAG", "!= 4") == [False, True, False]
    assert held("N_CIV_450", "< 1") == [False, False, False]
    assert held("N_CIV_450", "missing") == [False, True, True]
    assert held("LONG", "== 39633345008634465") == [True, False, False]
    assert held("sure", "< 1") == [False, False, True]


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_holds_blanks_and_every_digit(ending, catalogue, tmp_path) -> None:
    again = Catalogue.read(catalogue.write(tmp_path / f"odd{ending}"))
    pd.testing.assert_frame_equal(again.table, catalogue.table, check_exact=True)
    assert again.columns == catalogue.columns
    assert [None if pd.isna(one) else int(one) for one in again.table.set_index("id").loc[IDS, "LONG"]] == LONG


def test_other_tools_see_the_blanks(catalogue, tmp_path) -> None:
    place = catalogue.table["id"].tolist().index(IDS[2])
    with fits.open(catalogue.write(tmp_path / "odd.fits"), checksum=True) as hdus:
        hdus.verify("exception")
        header = hdus["CATALOGUE"].header
        names = {header[f"TTYPE{i}"]: f"TNULL{i}" in header for i in range(1, header["TFIELDS"] + 1)}
        assert names["FLAG"]
        assert not names["petal"]
        assert bool(Table.read(hdus["CATALOGUE"])["FLAG"].mask[place])
    votable = parse_single_table(catalogue.write(tmp_path / "odd.vot")).to_table()
    assert bool(votable["FLAG"].mask[place])
    assert bool(Table.read(catalogue.write(tmp_path / "odd.ecsv"), format="ascii.ecsv")["FLAG"].mask[place])
    assert pd.read_parquet(catalogue.write(tmp_path / "odd.parquet"))["FLAG"].isna().tolist()[place]
    folder = catalogue.write_hats(tmp_path / "odd.hats")
    found = pd.concat([pd.read_parquet(path) for path in folder.rglob("Npix=*.parquet")])
    assert int(found["FLAG"].isna().sum()) == 1


def test_bits_are_asked_of_whole_floats_and_of_nothing_else() -> None:
    table = pd.DataFrame({"FLAG": [4.0, np.nan, 3.0], "part": [4.5, 4.0, np.nan], "far": [4.0, np.inf, np.nan]})
    assert Condition.of("FLAG", "& 4").holds(table).tolist() == [True, False, False]
    for name in ("part", "far"):
        with pytest.raises(ArgumentError, match=f"{name} & 4: expected a column of whole numbers"):
            Condition.of(name, "& 4").holds(table)


def test_blanks_reach_pages_and_rates_as_blanks(catalogue) -> None:
    rows = catalogue.table.set_index("id").loc[IDS].reset_index()
    shown = rows_of(rows)
    assert shown["FLAG"].isna().tolist() == [False, False, True]
    assert shown["LONG"].tolist() == ["39633345008634465", "", "-9223372036854775808"]
    assert binned(rows, "FLAG", bins=3, nside=1).places.tolist() == [1, 0, -1]
    assert catalogue.describe().set_index("name").loc[["FLAG", "petal"], "type"].tolist() == ["int64", "int64"]
