"""One of everything that is kept on disk, small, and how each is opened and looked at."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import specanom as sa
from specanom.explain.artefact import Calibration, shipped
from specanom.retrieve import KnowledgeBase
from specanom.triage.quality import Taxonomy

P = 48
WAVE = np.linspace(4000.0, 7000.0, P)


def sample(n: int = 30) -> sa.SpectrumSet:
    rng = np.random.default_rng(0)
    flux = (1 + 0.1 * rng.normal(size=(n, P))).astype(np.float32)
    table = pd.DataFrame({"id": [f"s{i:05d}" for i in range(n)], "z": 0.05, "instrument": "SDSS", "lsf": 70.0})
    return sa.SpectrumSet(WAVE, flux, np.full((n, P), 100, np.float32), table=table)


def mse(flux: np.ndarray) -> np.ndarray:
    return ((flux - 1) ** 2).mean(axis=1)


def explanations() -> sa.ExplanationSet:
    return sa.Explainer(mse, sa.Uniform(6), method=sa.Lime(60)).explain_many(sample(12))


def write_rules(path: Path) -> None:
    path.write_text('{"version": 1, "rule": [{"name": "a", "class": "odd", "when": {"snr": "> 3"}}]}', encoding="utf-8")


def everything(folder: Path) -> None:
    """Write one of each."""
    sample().save(folder / "spectra.zarr")
    sa.PCAModel(3, folds=2).fit(sample()).save(folder / "pca")
    sa.VAEModel(2, (8,), max_steps=4, folds=1).fit(sample()).save(folder / "vae")
    explained = explanations()
    explained.save(folder / "explained.zarr")
    sa.ExplanationClusterer(2, seed=0).fit(explained).save(folder / "clusters")
    rng = np.random.default_rng(1)
    for kind in ("exact", "hnsw", "ivf"):
        KnowledgeBase.build(rng.normal(size=(80, 4)), ["a", "b"] * 40, index=kind).save(folder / f"kin-{kind}")
    maker = sa.Preprocessor((3800, 4800, 200))
    maker.fit(sa.surveys.mock(n=30, seed=1))
    maker.save(folder / "preprocess")
    shipped().save(folder / "artefact.json")
    write_rules(folder / "rules.json")


OPEN: dict[str, Callable[[Path], Any]] = {
    "spectra.zarr": lambda path: np.asarray(sa.SpectrumSet.open(path).flux).sum(),
    "pca": lambda path: sa.models.load(path).reconstruct(sample().flux),
    "vae": lambda path: sa.models.load(path).reconstruct(sample().flux),
    "explained.zarr": lambda path: [np.asarray(sa.ExplanationSet.open(path).weights), sa.ExplanationSet.open(path)[0]],
    "clusters": lambda path: repr(sa.ExplanationClusterer.load(path)),
    "kin-exact": lambda path: KnowledgeBase.load(path).query(np.zeros((1, 4))),
    "kin-hnsw": lambda path: KnowledgeBase.load(path).query(np.zeros((1, 4))),
    "kin-ivf": lambda path: KnowledgeBase.load(path).query(np.zeros((1, 4))),
    "preprocess": lambda path: repr(sa.Preprocessor.load(path)),
    "artefact.json": Calibration.open,
    "rules.json": Taxonomy.read,
}
JSONS = {
    "spectra.zarr": ("manifest.json", "zarr.json", "flux/zarr.json", "wave/zarr.json"),
    "pca": ("card.json",), "vae": ("card.json",),
    "explained.zarr": ("manifest.json", "names.json", "weights/zarr.json", "names/zarr.json"),
    "clusters": ("clusterer.json",),
    "kin-exact": ("manifest.json",), "kin-hnsw": ("manifest.json",),
    "preprocess": (".json",), "artefact.json": ("",), "rules.json": ("",),
}
"""The JSON files of each: inside its folder, or what its name is followed by."""


def file_of(base: Path, name: str) -> Path:
    """The path of a JSON file of :data:`JSONS`."""
    return base.with_name(base.name + name) if not name or name.startswith(".") else base / name


@contextmanager
def little_memory(most: int = 200 * 2**20) -> Iterator[None]:
    """Fail when resident memory grows by more than `most` at its peak."""
    before = peak()
    yield
    assert peak() - before < most, f"{(peak() - before) / 2**20:.0f} MB"


def peak() -> int:
    """Largest resident memory of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder: size and time."""
    return {os.path.relpath(os.path.join(place, name), folder): (found.st_size, found.st_mtime_ns)
            for place, _, names in os.walk(folder) for name in names
            for found in [os.lstat(os.path.join(place, name))]}
