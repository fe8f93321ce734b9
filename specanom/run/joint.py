"""Trains the models of a run in several processes of this machine, one a GPU: ``devices`` of stage 03.

Each process is this module run as a program. They end with the process that started them: each waits for the end of
its input, which the system closes also after ``kill -9``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import models
from ..errors import ArgumentError, DataError, choice, message
from ..folders import write_json
from ..foreign import read_json
from ..spectrumset import SpectrumSet
from .training import fit_by_bin

KINDS = ("VAEModel", "TransformerEncoder")
_LOOK = 0.2  # seconds between looks at the processes


def gpus() -> int:
    """Return how many GPUs this machine has, 1 when there are none."""
    import torch

    return max(torch.cuda.device_count(), 1)


def fit_jointly(model: Any, sample: Path, *, processes: int, work: Path, scratch: Path | None = None) -> Any:
    """Fit a model like `model`, or one a bin, in several processes.

    Parameters
    ----------
    model : VAEModel or TransformerEncoder
        Not fitted; its settings are used.
    sample : Path
        Of a saved SpectrumSet with a column ``bin``.
    processes : int
        How many; each takes a GPU where there are any.
    work : Path
        Folder for checkpoints and what the processes say.
    scratch : Path, optional
        As of :meth:`VAEModel.fit`.

    Returns
    -------
    object
        The fitted model.

    Raises
    ------
    ArgumentError
        When there are GPUs, but fewer than processes: two of them cannot train together on one.
    DataError
        When one of the processes fails; the others are ended.
    """
    choice("model", type(model).__name__, KINDS)
    _check_devices(processes, model.device)
    folder = work / "joint"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / "job.json", {
        "kind": type(model).__name__, "settings": model.settings(), "device": model.device, "sample": str(sample),
        "checkpoint": str(work / "kept"), "scratch": None if scratch is None else str(scratch),
        "meeting": str((folder / uuid.uuid4().hex).absolute())})
    started = [_start(folder, rank, processes) for rank in range(processes)]
    try:
        _wait(started, folder)
    finally:
        for process in started:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()
    return models.load(folder / "model", device=model.device)


def _check_devices(processes: int, device: str | None) -> None:
    import torch

    there = torch.cuda.device_count()
    if there and processes > there and device != "cpu":
        raise ArgumentError(message("devices", expected=f"at most {there}, one process a GPU", got=processes,
                                    hint="devices=0 takes as many as there are"))


def _start(folder: Path, rank: int, world: int) -> subprocess.Popen[bytes]:
    threads = str(max((os.cpu_count() or 1) // world, 1))
    environment = {"OMP_NUM_THREADS": threads, **os.environ, "RANK": str(rank), "LOCAL_RANK": str(rank),
                   "WORLD_SIZE": str(world)}
    with open(folder / f"process-{rank}.log", "wb") as log:
        return subprocess.Popen([sys.executable, "-m", "specanom.run.joint", str(folder)], env=environment,
                                stdin=subprocess.PIPE, stdout=log, stderr=log)


def _wait(started: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until all have ended well, or one has not."""
    while True:
        codes = [process.poll() for process in started]
        bad = [rank for rank, code in enumerate(codes) if code not in (None, 0)]
        if bad:
            # The first to fail is the cause; those that only lost it say so.
            time.sleep(_LOOK)
            told = {rank: _last_words(folder, rank) for rank in bad}
            causes = [rank for rank in bad if "ProcessLost" not in told[rank]] or bad
            raise DataError(message("devices", expected="processes that finish their training",
                                    got=f"process {causes[0]} ended with {codes[causes[0]]}: {told[causes[0]]}",
                                    hint=f"{folder}/process-{causes[0]}.log, or devices=1"))
        if None not in codes:
            return
        time.sleep(_LOOK)


def _last_words(folder: Path, rank: int) -> str:
    lines = (folder / f"process-{rank}.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing said"


def _end_with_parent() -> None:
    def watch() -> None:
        os.read(0, 1)  # not sys.stdin, whose lock a thread must not hold when Python ends
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(folder: Path) -> None:
    """Fit this process's share of the job in `folder`; the first process saves the model there."""
    _end_with_parent()
    job = read_json(folder / "job.json", "what the processes are to do")
    kind: Any = getattr(models, choice("kind", job["kind"], KINDS))
    with models.launched(meeting=Path(job["meeting"])) as group:
        fitted = fit_by_bin(lambda: kind.from_settings(job["settings"], job["device"]), SpectrumSet.open(job["sample"]),
                            checkpoint=Path(job["checkpoint"]),
                            scratch=None if job["scratch"] is None else Path(job["scratch"]))
        if group.first:
            fitted.save(folder / "model")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
