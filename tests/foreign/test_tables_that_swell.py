"""Tables whose files are small and which are not: each is refused before memory is taken for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from specanom.errors import DataError
from specanom.foreign import believed, check_csv, check_ecsv
from specanom.surveys import read
from specanom.triage.catalogue.formats import read_file
from specanom.triage.crossmatch.reading import read_table
from specanom.triage.table import read_texts

from .kept import little_memory


def laughs(levels: int = 12) -> str:
    """YAML in which each level merges the one before ten times."""
    lines = ["# %ECSV 1.0", "# ---", "# datatype:", "# - {name: wave, datatype: float64}",
             "# - {name: flux, datatype: float64}", "# meta: !!omap", "# - a0: &a0 {x: 1, y: 2}"]
    for level in range(1, levels):
        last = f"*a{level - 1}"
        lines.append(f"# - a{level}: &a{level} {{<<: [{', '.join([last] * 10)}]}}")
    return "\n".join([*lines, "# schema: astropy-2.0", "wave flux", *(f"{4000 + i} 1" for i in range(30)), ""])


def short_rows(columns: int = 19_000, rows: int = 3000) -> str:
    return "id," + ",".join(str(4000 + i) for i in range(columns)) + "\n" + "1\n" * rows


def parquet(array: pa.Array, path: Path) -> Path:
    pq.write_table(pa.table({"id": array}), path, compression="zstd")
    assert path.stat().st_size < 100_000
    return path


LONG = "s" * 10_000
SWELL: dict[str, Callable[[], pa.Array]] = {
    "texts in lists": lambda: pa.array([[LONG]] * 20_000),
    "texts in records": lambda: pa.array([{"a": LONG}] * 20_000),
    "texts in maps": lambda: pa.array([[(LONG, 1)]] * 20_000, pa.map_(pa.string(), pa.int64())),
    "binary of one length": lambda: pa.array([b"s" * 10**5] * 3000, pa.binary(10**5)),
    "binary in lists": lambda: pa.array([[b"s" * 10**5]] * 3000, pa.list_(pa.binary(10**5))),
    "numbers in lists": lambda: pa.array([np.zeros(10**6)] * 12),
    "nothing in binary": lambda: pa.nulls(3000, pa.binary(10**5)),
}


@pytest.mark.parametrize("what", SWELL)
def test_parquet_that_swells_is_refused(tmp_path: Path, what: str) -> None:
    path = parquet(SWELL[what](), tmp_path / "t.parquet")
    start = time.process_time()
    with little_memory(), pytest.raises(ValueError, match="in a file of"):
        believed(path)
    with little_memory(), pytest.raises(DataError, match="in a file of"):
        read(path)
    assert time.process_time() - start < 2


def test_parquet_of_every_honest_type_is_believed(tmp_path: Path) -> None:
    table = pa.table({
        "a": [1, 2], "b": ["x", None], "l": [[1.0], []], "s": [{"a": 1, "b": "x"}, None], "n": pa.nulls(2),
        "m": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "ls": [["x"], None],
        "f": pa.array([b"ab", b"cd"], pa.binary(2)), "d": pa.array(["x", "y"]).dictionary_encode(),
        "t": pa.array([0, 1], pa.timestamp("us")), "e": pa.array([1, 2], pa.decimal128(5)),
        "w": pa.array([[1.0, 2.0]] * 2, pa.list_(pa.float32(), 2)), "y": [True, False],
        "v": pa.array(["x", None], pa.string_view()), "bv": pa.array([b"x", None], pa.binary_view())})
    pq.write_table(table, tmp_path / "t.parquet")
    believed(tmp_path / "t.parquet")


def test_rows_that_are_short_make_no_table_larger_than_their_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(short_rows())
    start = time.process_time()
    with little_memory():
        with pytest.raises(DataError, match="most rows are short"):
            read(path)
        with pytest.raises(ValueError, match="most rows are short"):
            read_texts(path)
        with pytest.raises(DataError, match="most rows are short"):
            read_table(path)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_honest_rows_of_any_end_are_read(tmp_path: Path, end: str) -> None:
    path = tmp_path / "t.csv"
    rows = ["\ufeffa,b,\"c\nd\"", *("1,2,3" for _ in range(200_000)), "4", ""]
    path.write_text(end.join(rows), newline="", encoding="utf-8")
    check_csv(path)
    path.write_text(end.join(["a,b", *["1,2"] * 5, "1,2,3"]), newline="")
    check_csv(path)
    path.write_text(end.join(["# x", "a,b", "1,2,3"]), newline="")
    with pytest.raises(ValueError, match="a row of 3 cells under 2"):
        check_csv(path, comment="#")


def test_a_header_that_hides_behind_a_quoted_line_is_seen(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('"a\nb",' + "c," * 30_000 + "\n1\n")
    with pytest.raises(ValueError, match="columns: at most"):
        check_csv(tmp_path / "t.csv")


def test_a_header_that_laughs_is_refused_by_every_reader_of_ecsv(tmp_path: Path) -> None:
    path = tmp_path / "t.ecsv"
    path.write_text(laughs())
    start = time.process_time()
    with little_memory():
        with pytest.raises(DataError, match="stands for more than it is long"):
            read(path)
        with pytest.raises(DataError, match="stands for more than it is long"):
            read_table(path)
        with pytest.raises(DataError, match="stands for more than it is long"):
            read_file("ecsv", path)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(("header", "said"), [
    ("# - &a [*a]", "not there before"), ("# - " + "[" * 100_000, "deep"), ("# - " + "x" * 2_000_000, "more than"),
    ("# - *nowhere", "not there before"), ("# - [", "no YAML"),
])
def test_a_header_that_cannot_be_read_is_told(tmp_path: Path, header: str, said: str) -> None:
    path = tmp_path / "t.ecsv"
    path.write_text(f"# %ECSV 1.0\n# ---\n{header}\nwave flux\n1 1\n")
    start = time.process_time()
    with pytest.raises(ValueError, match=said):
        check_ecsv(path)
    assert time.process_time() - start < 2


def test_an_honest_header_that_refers_to_units_is_read(tmp_path: Path) -> None:
    from astropy.coordinates import SkyCoord
    from astropy.table import Table

    table = Table({"id": ["a", "b"], "at": SkyCoord([1.0, 2.0], [3.0, 4.0], unit="deg")})
    table.meta["told"] = ["<<", "a & b", "*"]
    table.write(tmp_path / "t.ecsv", format="ascii.ecsv")
    assert "&id001" in (tmp_path / "t.ecsv").read_text()
    assert read_table(tmp_path / "t.ecsv")["ra"].tolist() == [1.0, 2.0]


def votable(field: str = "", table: str = "", data: str = "<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>") -> str:
    return (f'<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE {table}><FIELD name="ra" '
            f'datatype="double" {field}/><DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>')


@pytest.mark.parametrize(("text", "said"), [
    (votable('arraysize="400000000"'), "more than it can hold"), (votable('arraysize="20000x20000x*"'), "more than"),
    (votable(table='nrows="1000000000"'), "more than it can hold"), (votable('arraysize="' + "9" * 99 + '"'), "digits"),
    (votable(data='<BINARY><STREAM href="file:///etc/passwd"/></BINARY>'), "elsewhere"),
    (votable(data='<BINARY><STREAM encoding="gzip"/></BINARY>'), "packed"),
    ('<!DOCTYPE a [<!ENTITY b "c">]>' + votable()[21:], "entity"), (votable()[:-5], "no XML"),
])
def test_a_votable_that_swells_or_points_elsewhere_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.vot"
    path.write_text(text)
    start = time.process_time()
    with little_memory():
        with pytest.raises(DataError, match=said):
            read_table(path)
        with pytest.raises(DataError, match=said):
            read_file("votable", path)
    assert time.process_time() - start < 2


def test_an_honest_votable_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.vot").write_text(votable(table='nrows="1"'))
    assert read_table(tmp_path / "t.vot")["ra"].tolist() == [1.0]


def test_gzip_of_many_empty_parts_is_refused_at_once(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "a.fits.gz").write_bytes(gzip.compress(b"SIMPLE  =".ljust(2880)) + gzip.compress(b"") * 150_000)
    start = time.process_time()
    with pytest.raises(DataError, match=r"cannot unpack: .* parts in"):
        read(tmp_path / "a.fits.gz")
    assert time.process_time() - start < 2


def test_hundreds_of_columns_of_one_name_are_refused_at_once(tmp_path: Path) -> None:
    """Pandas would take minutes for them: it tries every name that is taken for each."""
    path = tmp_path / "t.csv"
    path.write_text("wave,flux," + "a," * 15_000 + "\n" + "1," * 9 + "\n")
    start = time.process_time()
    for reader in (read, read_table):
        with pytest.raises(DataError, match="14,999 columns are called like others"):
            reader(path)
    assert time.process_time() - start < 2
    path.write_text("id," * 3 + "," * 19_000 + "\n1,2,3\n")
    check_csv(path)


def test_types_that_nobody_knows_say_no_word_each(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "t.ecsv"
    header = "".join(f"# - {{name: c{i}, datatype: datetime64}}\n" for i in range(300))
    path.write_text(f"# %ECSV 1.0\n# ---\n# datatype:\n{header}# schema: astropy-2.0\n"
                    + " ".join(f"c{i}" for i in range(300)) + "\n" + "2026-01-01 " * 299 + "2026-01-01\n")
    assert len(read_table(path).columns) == 300
    with pytest.raises(DataError, match="no spectra"):
        read(path)
    assert not recwarn.list


def test_the_reason_why_a_table_cannot_be_read_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "t.ecsv"
    path.write_text("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int8}\na\n" + "1\n" * 9
                    + "\x1b[2J \x1b x " * 999)
    with pytest.raises(DataError) as told:
        read_table(path)
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 800
