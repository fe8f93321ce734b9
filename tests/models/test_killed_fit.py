"""A fit that is killed with ``kill -9``, in a process of its own, goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from specanom import SpectrumSet

FIT = """
import sys, torch
from specanom import SpectrumSet
from specanom.models import VAEModel, Training, running
torch.set_num_threads(1)
running._CHECKPOINT_EVERY = 200
sample = SpectrumSet.open(sys.argv[1])
training = Training(check_every=100, patience=10**6)
model = VAEModel(4, hidden=(32, 16, 16), max_steps=900, folds=1, training=training, device="cpu")
model.fit(sample, checkpoint=sys.argv[2], scratch=sys.argv[3] or None)
print(model.fingerprint)
"""


def start(*arguments: Path | str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", FIT, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                            env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_fit_killed_with_9_goes_on_to_the_same_weights(sample: SpectrumSet, tmp_path: Path) -> None:
    path, scratch = sample.save(tmp_path / "sample.zarr"), tmp_path / "scratch"
    kept = tmp_path / "kept" / "reference-1.safetensors"
    with start(path, tmp_path / "other", "") as whole:
        with start(path, kept.parent, scratch) as process:
            deadline = time.monotonic() + 200
            while not kept.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL, "it was still at it"
        left = kept.stat().st_mtime_ns
        with start(path, kept.parent, scratch) as resumed:
            prints = {one.communicate(timeout=300)[0] for one in (resumed, whole)}
    assert len(prints) == 1, "from disk with a kill as in memory without"
    assert prints != {""}
    assert kept.stat().st_mtime_ns > left
    assert not list(kept.parent.glob("*.part")), "no partial file is left"
