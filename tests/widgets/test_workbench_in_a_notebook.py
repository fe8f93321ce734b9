"""A notebook with the dashboards of a run, executed where nobody looks."""

from __future__ import annotations

import os

import nbformat
import papermill
import pytest

from tests.widgets.finished import linked, small_run


@pytest.mark.notebook
def test_a_notebook_with_all_three_executed_without_a_page_is_small(tmp_path, tmp_path_factory) -> None:
    folder = linked(small_run(tmp_path_factory), tmp_path / "run")
    cells = [f"from specanom.widgets import Workbench\nbench = Workbench.open({str(folder)!r})", "bench.picker",
             "bench.tuner", "bench.inspector"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbformat.write(book, tmp_path / "three.ipynb")
    papermill.execute_notebook(tmp_path / "three.ipynb", tmp_path / "done.ipynb", kernel_name="python3",
                               progress_bar=False, store_widget_state=False)
    done = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    shown = [out["data"] for cell in done.cells for out in cell.outputs]
    assert [data["text/plain"].split("(")[0] for data in shown] == ["ScorePicker", "LimeTuner", "ClusterInspector"]
    assert all("application/vnd.jupyter.widget-view+json" in data for data in shown)
    assert os.path.getsize(tmp_path / "done.ipynb") < 50_000
