"""What is read of the footer of a Parquet file is what pyarrow finds there; what contradicts itself is refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks._fuzz_parquet import LIES, numbers, with_number
from specanom.foreign import believed
from specanom.foreign.footers import read_footer


def table(rows: int) -> pa.Table:
    return pa.table({"id": [str(39633345008634465 + i) for i in range(rows)], "z": np.linspace(0, 1, rows),
                     "lists": [[float(i)] * (i % 3) for i in range(rows)], "known": [i % 2 == 0 for i in range(rows)],
                     "more": [{"a": i, "b": None} for i in range(rows)]})


@pytest.mark.parametrize("options", [
    {}, {"row_group_size": 7}, {"compression": "none", "use_dictionary": False}, {"data_page_version": "2.0"},
    {"write_statistics": False}, {"write_page_index": True, "store_schema": False}, {"version": "1.0"},
    {"compression": "zstd", "sorting_columns": [pq.SortingColumn(0)], "write_page_checksum": True},
])
@pytest.mark.parametrize("rows", [0, 1, 40])
def test_a_footer_tells_what_pyarrow_finds_in_it(tmp_path: Path, rows: int, options: dict[str, object]) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table(rows), path, **options)
    found, told = read_footer(path), pq.read_metadata(path)
    groups = [told.row_group(place) for place in range(told.num_row_groups)]
    assert found.rows == told.num_rows == rows
    assert found.group_rows == [one.num_rows for one in groups]
    assert found.unpacked == [one.total_byte_size for one in groups]
    assert found.values == [[one.column(place).num_values for place in range(one.num_columns)] for one in groups]
    believed(path)


def test_numbers_that_would_end_the_process_are_an_error(tmp_path: Path) -> None:
    """A histogram of another size than its column has levels: pyarrow's metadata of that column never return."""
    made = io.BytesIO()
    pq.write_table(table(9), made)
    whole, path = made.getvalue(), tmp_path / "t.parquet"
    histograms = [one for one in numbers(whole)[1] if one.kind == "count" and one.path[:4] == (4, 1, 3, 16)]
    said = []
    for one in histograms:
        path.write_bytes(with_number(whole, one, 1 + (whole[one.start] >> 4)))
        try:
            believed(path)
            pq.read_table(path)
        except (OSError, ValueError) as exc:
            said.append(str(exc))
    assert any("histogram size mismatch" in one for one in said), "by what reads, which hands its errors on"


def test_any_other_number_is_believed_or_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    pq.write_table(table(9), made)
    whole, path, refused = made.getvalue(), tmp_path / "t.parquet", 0
    for one in numbers(whole)[1][::5]:
        for value in LIES[::4]:
            path.write_bytes(with_number(whole, one, value))
            try:
                believed(path)
            except (OSError, ValueError):
                refused += 1
    assert refused > 40


@pytest.mark.parametrize(("footer", "said"), [
    (b"", "its end"), (b"\x00", "no rows"), (b"\x26\x02" * 2 + b"\x00", "no rows, or twice"),
    (b"\x19\xfc" + b"\xff" * 9 + b"\x01", "more than 64 bits|a list of"),
    (b"\x1c" * 99 + b"\x00" * 99, "nested more than"), (b"\x19" * 99, "deep"),
    (b"\x1d\x00", "type 13"), (b"\x16", "cut short"), (b"\x18\xff\xff\x7fabc", "cut short"),
])
def test_a_footer_that_is_none_is_told(tmp_path: Path, footer: bytes, said: str) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(ValueError, match=said):
        believed(path)
