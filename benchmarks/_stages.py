"""The stages of a run one at a time, each in a process of its own: the notebooks that ``specanom run`` executes.

Only the first two stages are not their notebooks but the calls of these, since the plates are never all there.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import specanom as sa
from benchmarks._plates import SimulatedPlates
from specanom.folders import write_json
from specanom.run.acquire import RAW, Files
from specanom.run.folder import RunFolder
from specanom.run.parameters import STAGES, notebook, of_stage
from specanom.run.report import write_report

PREPARE, REPORT = "02_preprocess", "report"
STEPS = (PREPARE, *STAGES[2:], REPORT)
"""What is measured, in order."""
PLATES_OF = "plates"
"""Folder beside a run for plates while they are read."""


def survey_of(run: Path, settings: dict[str, Any]) -> SimulatedPlates:
    """Return the survey of a run."""
    return SimulatedPlates(int(settings["n"]), int(settings["seed"]), run.parent / PLATES_OF)


def prepare(run: RunFolder, settings: dict[str, Any]) -> None:
    """Do what ``01_acquire`` and ``02_preprocess`` do, with plates that are deleted as they are read."""
    survey = survey_of(run.path, settings)
    survey.sweep()
    told = {"run_dir": str(run.path), "survey": "mock", "n": survey.n, "seed": survey.seed}
    (run / RAW).mkdir(exist_ok=True)
    write_json(run / RAW / "manifest.json", {"survey": "mock", "n": survey.n, "seed": survey.seed})
    preprocessor = sa.Preprocessor()
    sample = preprocessor.fit_transform(survey, store=run / "sample.zarr", executor=settings["executor"])
    preprocessor.save(run / "preprocess")
    report = preprocessor.report
    run.write(report.to_frame(), "tables/waterfall")
    truth = survey.truth()
    run.write(truth, "truth")
    plates = len(truth["plate"].unique())
    source = Files(str(run / RAW), "sdss", plates, int((truth["kind"] != "").sum()),
                    ["source.json", RAW, "truth.parquet"])
    source.save(run)
    run.record("01_acquire", {"files": source.files, "known anomalies": source.anomalies}, source.outputs, told)
    counts = {"read": report.n_in, "kept": report.n_out, "pixels": len(sample.wave)}
    outputs = ["sample.zarr", "preprocess.json", "preprocess.npz", "tables/waterfall.parquet"]
    outputs += run.write_tables({"failures_02_preprocess": preprocessor.failures})
    run.record(PREPARE, counts, outputs, {**told, "executor": settings["executor"]})


def execute(stage: str, run: RunFolder, settings: dict[str, Any]) -> None:
    """Execute the notebook of a stage as it is shipped."""
    import papermill

    given = {**settings, "run_dir": str(run.path)}
    parameters = {name: given[name] for name in of_stage(stage) if name in given}
    target = run / "notebooks" / f"{stage}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    papermill.execute_notebook(str(notebook(stage)), str(target), parameters=parameters, kernel_name="python3",
                               progress_bar=False, store_widget_state=False, extra_arguments=["--log-level=50"])


def cells_of(stage: str, run: RunFolder) -> list[dict[str, Any]]:
    """Return the first line of each cell of an executed notebook and the seconds that it took."""
    path = run / "notebooks" / f"{stage}.ipynb"
    if not path.exists():
        return []
    content = json.loads(path.read_text(encoding="utf-8"))
    return [{"cell": "".join(cell["source"]).partition("\n")[0],
             "seconds": cell["metadata"].get("papermill", {}).get("duration")}
            for cell in content["cells"] if cell["cell_type"] == "code"]


def main(step: str, folder: str, told: str) -> None:
    """Do one step of a run."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    run, settings = RunFolder(Path(folder).absolute()), json.loads(told)
    run.path.mkdir(parents=True, exist_ok=True)
    if step == PREPARE:
        prepare(run, settings)
    elif step == REPORT:
        write_report(run.path)
    else:
        execute(step, run, settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
