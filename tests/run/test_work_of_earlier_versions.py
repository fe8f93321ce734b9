"""What a run of an earlier version had done when it was stopped does not stay in its folder for ever."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from specanom.run.folder import RunFolder


def test_work_where_earlier_versions_had_it_goes_when_the_stage_is_done(tmp_path: Path) -> None:
    run, left = RunFolder(tmp_path), tmp_path / "sample.zarr.work" / "prepared"
    left.mkdir(parents=True)
    run.settle("03_train")
    assert left.exists(), "it is of another stage"
    failed = {"partition": [0], "start": [0], "stop": [9], "attempts": [1], "error": ["OSError"], "text": [""]}
    table = run.write(pd.DataFrame(failed), "tables/failures_02_preprocess")
    run.settle("02_preprocess")
    assert left.exists(), "some of it failed"
    table.unlink()
    run.settle("02_preprocess")
    assert not left.parent.exists()
