"""RowTable without a page: order, filter, focus, picks, and what is sent."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from specanom.widgets.base.expressions import matching
from specanom.widgets.base.table import RowTable

from specanom.errors import ArgumentError, DataError
from specanom.plots.cells import default_format, encoded, parsed_format, values_of
from specanom.scores import ranks

HOSTILE = "<img src=x onerror=alert(1)>"


def galaxies(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame({
        "score": np.where(np.arange(n) % 17 == 3, np.nan, np.round(rng.lognormal(size=n), 1)),
        "id": [f"{i * 7919 % n:04d}-52367-{i % 640:04d}" for i in range(n)],
        "z": rng.uniform(0, 0.4, n), "snr": rng.uniform(1, 50, n), "plate": np.arange(n) + 266,
        "mark": np.where(np.arange(n) % 5 == 0, "artefact", ""), "seen": np.arange(n) % 2 == 0,
    })


def sent(table: RowTable, name: str) -> Any:
    return table.get_state([name])[name]


# -- order -------------------------------------------------------------------------------------------------------------


def test_the_order_is_that_of_the_ranks_of_scores() -> None:
    data = galaxies()
    table = RowTable(data)
    rank = ranks(data["score"], data["id"])
    assert list(rank[table.order]) == list(range(1, len(data) + 1))
    assert np.isnan(table.view()["score"].to_numpy()[-12:]).all()


def test_missing_values_come_last_in_both_directions() -> None:
    table = RowTable(galaxies(), sort=("score", "ascending"))
    shown = table.view()["score"].to_numpy()
    known = shown[np.isfinite(shown)]
    assert np.isnan(shown[len(known) :]).all()
    assert (np.diff(known) >= 0).all()
    table.sort = ("mark", "descending")
    assert list(table.view()["mark"][:40]) == ["artefact"] * 40
    assert not table.view()["mark"][40:].any()
    table.sort = ("mark", "ascending")
    assert list(table.view()["mark"][:40]) == ["artefact"] * 40


def test_ties_go_by_key_whatever_the_order_of_the_rows() -> None:
    data = pd.DataFrame({"id": ["c", "a", "B", "b"], "score": [1, 1, 1, 2]})
    for direction, first in (("descending", ["b", "B", "a", "c"]), ("ascending", ["B", "a", "c", "b"])):
        assert list(RowTable(data, sort=("score", direction)).view()["id"]) == first
        assert list(RowTable(data[::-1], sort=("score", direction)).view()["id"]) == first


def test_sorting_by_the_key_and_by_a_column_that_is_not_there() -> None:
    data = galaxies(30)
    table = RowTable(data, sort=("no such column", "descending"))
    assert table.sort == ()
    assert list(table.view()["id"]) == list(data["id"])
    table.sort = ("id", "descending")
    assert list(table.view()["id"]) == sorted(data["id"], reverse=True)
    with pytest.raises(ArgumentError, match="did you mean 'score'"):
        table.sort = ("scor", "descending")
    with pytest.raises(ArgumentError, match="ascending"):
        table.sort = ("score", "upwards")


# -- filter ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "query"), [
    ("z > 0.1 and snr < 20 and mark == 'artefact'", "z > 0.1 and snr < 20 and mark == 'artefact'"),
    ("0.1 < z <= 0.2 or not snr < 40", "0.1 < z <= 0.2 or not snr < 40"),
    ("(z > 0.1) & ((snr < 20) | (plate == 300))", "(z > 0.1) & ((snr < 20) | (plate == 300))"),
    ("snr / z > 100 and plate % 2 == 1 and -z < -0.2", "snr / z > 100 and plate % 2 == 1 and -z < -0.2"),
    ("mark in ('artefact', 'known')", "mark in ('artefact', 'known')"),
    ("plate not in [270, 271]", "plate not in [270, 271]"),
    ("score == score", "score == score"),
    ("seen and z > 0.3", "seen and z > 0.3"),
    ("SNR > 25", "snr > 25"),
    ("`snr` > 25", "snr > 25"),
])
def test_expressions_mean_what_they_mean_in_pandas(text: str, query: str) -> None:
    data = galaxies()
    table = RowTable(data)
    table.filter = text
    assert table.error == ""
    assert set(table.view()["id"]) == set(data.query(query)["id"])
    assert 0 < table.shown < len(data)


def test_columns_with_names_that_are_no_names_of_python() -> None:
    data = pd.DataFrame({"id": ["a", "b"], "S/N": [3.0, 30.0], "[O III]": [1.0, 2.0]})
    table = RowTable(data)
    table.filter = "`S/N` > 10 and `[O III]` == 2"
    assert list(table.view()["id"]) == ["b"]


def test_plain_text_is_a_piece_of_an_id_in_any_case() -> None:
    data = pd.DataFrame({"id": ["SDSS J0811", "sdss-7", HOSTILE, "x=="], "score": [1, 2, 3, 4]})
    table = RowTable(data)
    for text, found in (("sdss", {"SDSS J0811", "sdss-7"}), ("<img", {HOSTILE}), ("x==", {"x=="}),
                        ("", set(data["id"])), ("nothing like it", set())):
        table.filter = text
        assert set(table.view()["id"]) == found
        assert table.error == ""


def test_powers_of_powers_take_no_time() -> None:
    assert not matching("9**9**9**9 < z", {"z": np.array([1.0])}).any()


def test_a_piece_of_a_text_column() -> None:
    table = RowTable(galaxies())
    table.filter = "'ARTE' in mark"
    assert set(table.view()["mark"]) == {"artefact"}


@pytest.mark.parametrize(("text", "why"), [
    ("snr < 20 and", "a complete expression"),
    ("snrr < 20", "did you mean 'snr'"),
    ("z > 0.1 & snr < 20", "in brackets"),
    ("mark == artefact", "expected one of"),
    ("mark > 3", "texts go in quotes"),
    ("z + 1 and snr > 1", "comparisons beside"),
    ("mark * 9999999999 == 'a'", "numbers to compute with"),
    ("__import__('os').system('true') == 0", "a call of a function"),
    ("z.__class__ == 1", "a dot"),
    ("z[0] > 1", "brackets"),
    ("[z for z in z] == 1", "comparisons, and, or"),
    ("(lambda: 1) == 1", "comparisons, and, or"),
    ("z is 1 and z > 0", "in"),
    ("snr" + " + 1" * 400 + " > 0", "at most 1000"),
    ("(" * 300 + "z" + ")" * 300 + " > 0", "complete"),
])
def test_a_filter_that_cannot_be_read_says_why_and_leaves_the_rows(text: str, why: str) -> None:
    table = RowTable(galaxies())
    table.filter = "z > 0.2"
    before = list(table.order)
    table.filter = text
    assert why in table.error
    assert list(table.order) == before
    table.sort = ("z", "ascending")
    assert set(table.order) == set(before)
    assert (np.diff(table.view()["z"]) > 0).all()
    table.filter = "z > 0.3"
    assert table.error == ""


@given(st.text(alphabet="z snr<>=!and()'\"0123456789.+-*/%&|~`[]{},:lambdimport_", max_size=40))
def test_whatever_is_typed_gives_rows_or_a_refusal(text: str) -> None:
    columns = {"z": np.array([0.1, np.nan]), "snr": np.array([3, 4])}
    try:
        made = matching(text, columns)
    except ArgumentError:
        return
    assert made.shape == (2,)
    assert made.dtype == np.bool_


# -- focus and picks ---------------------------------------------------------------------------------------------------


def test_next_moves_through_the_rows_shown_and_stays_at_the_ends() -> None:
    table = RowTable(pd.DataFrame({"id": list("abcd"), "score": [4, 3, 2, 1]}))
    seen = []
    for step in (1, 1, 1, 1, 1, -1, -5):
        table.next(step)
        seen.append(table.selected)
    assert seen == ["a", "b", "c", "d", "d", "c", "a"]


def test_a_row_that_is_marked_away_is_followed_by_the_one_that_took_its_place() -> None:
    table = RowTable(pd.DataFrame({"id": list("abcde"), "score": [5, 4, 3, 2, 1], "mark": ""}))
    table.filter = "mark == ''"
    table.selected = "b"
    table.set_column("mark", ["", "artefact", "", "", ""])
    assert list(table.view()["id"]) == ["a", "c", "d", "e"]
    assert table.selected == "b"
    table.next()
    assert table.selected == "c"
    table.set_column("mark", ["", "artefact", "artefact", "", ""])
    table.next(-1)
    assert table.selected == "a"


def test_the_page_and_python_share_one_focus() -> None:
    table = RowTable(galaxies(20))
    edition, _ = table._focus
    table.set_state({"_focus": [edition, 7]})
    assert table.selected == galaxies(20)["id"][7]
    table.selected = galaxies(20)["id"][3]
    assert table._focus == (edition, 3)
    table.selected = "not among them"
    assert table._focus == (edition, -1)
    assert table.selected == "not among them"
    table.set_state({"_focus": [edition, 2000]})
    table.set_state({"_focus": [edition - 1, 2]})
    assert table.selected == "not among them"


def test_picks_of_a_page_come_in_the_order_shown() -> None:
    data = galaxies(50)
    table = RowTable(data)
    rows = np.sort(table.order[3:9]).astype(np.int32)
    table._handle_custom_msg({"kind": "choose", "edition": table._edition, "view": "v", "press": 5}, [rows.tobytes()])
    assert table.chosen == tuple(table.view()["id"][3:9])
    back = sent(table, "_picked")
    assert np.frombuffer(back["rows"], np.int32).tolist() == table.order[3:9].tolist()
    assert (back["view"], back["press"]) == ("v", 5)
    table._handle_custom_msg({"kind": "choose", "edition": table._edition - 1}, [rows[:1].tobytes()])
    table._handle_custom_msg({"kind": "choose", "edition": table._edition}, [np.array([70], np.int32).tobytes()])
    assert len(table.chosen) == 6
    table.chosen = (data["id"][0], "gone")
    assert table.chosen == (data["id"][0],)


def test_other_rows_keep_focus_and_picks_where_they_can() -> None:
    table = RowTable(galaxies(60))
    kept, lost = galaxies(60)["id"][10], galaxies(60)["id"][50]
    table.selected, table.chosen, table.filter = kept, (kept, lost), "z > 0.1"
    table.set_table(galaxies(60)[:40].assign(extra=1.0))
    assert table.selected == kept
    assert table.chosen == (kept,)
    assert table._focus == (table._edition, 10)
    assert (table.view()["z"] > 0.1).all()
    assert [one["name"] for one in table._columns][-1] == "extra"
    table.set_table(galaxies(60)[20:].drop(columns="score"))
    assert table.selected == ""
    assert table.sort == ()
    assert sent(table, "_column_7") is None


# -- what is sent ------------------------------------------------------------------------------------------------------


def decoded(column: dict[str, Any]) -> list[Any]:
    if column["kind"] != "text":
        return list(np.frombuffer(column["data"], column["type"]).tolist())
    edges = np.frombuffer(column["offsets"], np.int32)
    texts = [column["blob"][a:b].decode() for a, b in pairwise(edges.tolist())]
    return [texts[i] for i in np.frombuffer(column["codes"], np.int32)] if "codes" in column else texts


def test_every_column_is_sent_as_it_is() -> None:
    data = galaxies()
    data["id"] = data["id"].astype(object)
    data.loc[5, "id"] = HOSTILE
    data.loc[6, "id"] = "z≈0.2 \udcff"
    table = RowTable(data)
    for number, column in enumerate(table._columns):
        made, wanted = decoded(sent(table, f"_column_{number}")), data[column["name"]]
        if column["kind"] == "number":
            np.testing.assert_allclose(made, wanted, rtol=1e-7)
        elif column["name"] == "id":
            assert made == [one.replace("\udcff", "?") for one in wanted]
        else:
            assert made == wanted.tolist()
    assert table._columns[0]["name"] == "id"
    assert "codes" in sent(table, "_column_5")
    assert len(sent(table, "_column_5")["blob"]) == len("artefact")


def test_hidden_columns_are_not_sent_until_they_are_shown() -> None:
    table = RowTable(galaxies(), columns={"z": "redshift", "score": "oddness"})
    assert [one["heading"] for one in table._columns[:3]] == ["id", "redshift", "oddness"]
    assert set(table.hidden) == {"snr", "plate", "mark", "seen"}
    number = [one["name"] for one in table._columns].index("snr")
    assert sent(table, f"_column_{number}") is None
    table.hidden = ("plate", "id", "no such")
    assert table.hidden == ("plate",)
    assert len(decoded(sent(table, f"_column_{number}"))) == 200


def test_one_column_is_sent_alone_and_may_be_new() -> None:
    table = RowTable(galaxies(), sort=("score", "descending"))
    said: list[list[str]] = []
    table.send_state = lambda key=None: said.append([key])  # type: ignore[method-assign]
    before = table.order
    table.set_column("z", np.zeros(200))
    assert ["_order"] not in said
    assert table.order is before
    table.set_column("score", np.arange(200))
    assert ["_order"] in said
    assert table.order[0] == 199
    table.set_column("rank", 3)
    assert table.view()["rank"].tolist() == [3] * 200
    assert decoded(sent(table, "_column_7")) == [3] * 200
    with pytest.raises(DataError, match="200 values"):
        table.set_column("rank", [1, 2])
    with pytest.raises(ArgumentError, match="set_table"):
        table.set_column("id", ["a"] * 200)


def test_nothing_of_the_data_is_kept_in_traits() -> None:
    table = RowTable(galaxies(5000))
    held = {name: value for name, value in table._trait_values.items() if name not in ("_esm", "_css")}
    assert len(repr(held)) < 8000


def test_keys_must_differ() -> None:
    with pytest.raises(DataError, match="'a' 2 times"):
        RowTable(pd.DataFrame({"id": ["a", "b", "a"]}))
    with pytest.raises(ArgumentError, match="key"):
        RowTable(pd.DataFrame({"name": ["a"]}))
    numbers = RowTable(pd.DataFrame({"id": [10, 9], "score": [1.0, 2.0]}))
    numbers.next()
    assert numbers.selected == "9"


def test_an_empty_table_is_a_table() -> None:
    table = RowTable(pd.DataFrame({"id": [], "score": []}))
    table.next()
    table.filter = "score > 1"
    assert (table.shown, table.selected, table.error) == (0, "", "")


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_formats_of_columns() -> None:
    rng = np.random.default_rng(1)
    assert default_format("z", rng.random(9)) == ".4f"
    assert default_format("mjd", np.arange(9)) == "d"
    assert default_format("mean", rng.lognormal(1, 1, 999)) == ".3f"
    assert default_format("score", rng.lognormal(1, 1, 999)) == ".2f", "what is high is read, and lines up"
    assert default_format("score", rng.lognormal(-6, 1, 999)) == ".5f"
    assert default_format("flux", rng.lognormal(-37, 3, 999)) == ".4g"
    assert default_format("count", np.array([1.0, np.nan, 3.0])) == ".0f"
    assert default_format("none", np.full(3, np.nan)) == ".4g"
    assert parsed_format("a", "+,.2f") == {"style": "f", "digits": 2, "comma": True, "plus": True}
    with pytest.raises(ArgumentError, match=r"'\.2q' for 'a'"):
        RowTable(pd.DataFrame({"id": ["a"], "a": [1.0]}), formats={"a": ".2q"})


@pytest.mark.parametrize(("values", "spec", "kind"), [
    ([1.5, 2.5], ".3f", "float32"), ([359.123456], ".5f", "float64"), ([1, 2**40], "d", "float64"),
    ([1, 2**30], "d", "int32"), ([1.0, np.inf], ".4g", "float32"), ([1e300], ".4g", "float64"),
])
def test_single_precision_is_sent_where_no_digit_needs_more(values: list[float], spec: str, kind: str) -> None:
    series = values_of("a", values, len(values))
    assert encoded(series, parsed_format("a", spec))["type"] == kind


def test_odd_columns_become_texts_or_numbers() -> None:
    assert values_of("a", pd.array([1, None], dtype="Int64"), 2).isna().tolist() == [False, True]
    assert values_of("a", pd.array([True, None], dtype="boolean"), 2).dtype in (object, np.float64)
    assert values_of("a", [None, "x"], 2).tolist() == ["", "x"]
    assert values_of("a", pd.to_datetime(["2026-01-02", None]), 2).tolist() == ["2026-01-02 00:00:00", ""]
    assert values_of("a", pd.Categorical(["x", None]), 2).tolist() == ["x", ""]


LIMIT = st.floats(-2, 2).map(lambda value: round(value, 3))


@given(low=LIMIT, high=LIMIT, step=st.sampled_from(["<", "<=", ">", ">="]), joint=st.sampled_from(["and", "or"]))
def test_a_filter_keeps_the_rows_that_numpy_keeps(low, high, step, joint):
    rng = np.random.default_rng(3)
    z, snr = rng.normal(size=60), rng.normal(size=60)
    z[::7] = np.nan
    compare = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[step]
    join = {"and": np.logical_and, "or": np.logical_or}[joint]
    table = RowTable(pd.DataFrame({"id": [f"{i:02d}" for i in range(60)], "z": z, "snr": snr}), sort=())
    table.filter = f"z {step} {low} {joint} not (snr > {high})"
    assert table.error == ""
    assert table.order.tolist() == np.flatnonzero(join(compare(z, low), ~(snr > high))).tolist()
