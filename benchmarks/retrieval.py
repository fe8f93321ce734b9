"""Retrieval: what kin tell of a survey, of line ratios, and how long it takes to find them.

    python -m benchmarks.retrieval tasks BASE TEST             # two folders of spPlate files with truth.csv
    python -m benchmarks.retrieval ratios TABLE                # emission-line fluxes of RESOLVE galaxies (FITS)
    OMP_NUM_THREADS=1 python -m benchmarks.retrieval speed [--members 500000] [--graph 100000] [--json PATH]

*tasks*: the spectra of BASE are known, those of TEST are searched; nothing was fitted on TEST. Labels are the truth of
the simulation: the column ``kind``, and where ``type`` holds the class on the diagram of Baldwin, Phillips & Terlevich,
LINERs among the spectra without an anomaly. *speed*: CPU time of a query, as a ratio to faiss's flat search and
scikit-learn's brute force in the same run; clusters of 300 Gaussians, 10 intrinsic dimensions.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import specanom as sa
from specanom.retrieve import Evaluator, Found, Reasons, reasons
from specanom.run.acquire import truth_beside

PUBLISHED = {"LINER": 0.9079, "background emitter": 0.9701, "outlier": 0.9053}
"""F1 of GalSpecEncoder-KB, table 4: other spectra and labels, and sampled by class."""
COMMON = 0.2
"""A prevalence at which targets are common, as in test sets that are sampled by class."""
SEGMENTS = 77
QUERIES = 200
BPT = {  # Kewley et al. 2001, equations 6 and 7: star formation lies below
    "sii": (0.72, 0.32, 1.30), "oi": (0.73, -0.59, 1.33)}


# -- tasks on spectra --------------------------------------------------------------------------------------------------


def vectors_of(base: sa.SpectrumSet, test: sa.SpectrumSet) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield a name and the vectors of both samples; models are fitted on the base alone."""
    fluxes = np.asarray(base.flux), np.asarray(test.flux)
    for size in (12, 64):
        pca = sa.PCAModel(size).fit(base)
        first, second = (pca.encode(flux) for flux in fluxes)
        yield f"PCA ({size})", first, second
    scale = np.sqrt(first.std(axis=0))
    yield f"PCA ({size}), scaled", first / scale, second / scale
    vae = sa.VAEModel(folds=2, seed=0).fit(base)
    yield "VAE latent (12)", *(vae.encode(flux) for flux in fluxes)
    explainer = sa.Explainer(sa.Scorer(vae, "chi2_ivar"), segments=sa.Uniform(SEGMENTS), perturbation=sa.Typical(),
                             method=sa.Lime(n_samples=1000), seed=0)
    found: list[Reasons] = [reasons(explainer.explain_many(sample)) for sample in (base, test)]
    for sample, one in zip((base, test), found, strict=True):
        assert list(sample.ids) == one.ids
    yield f"explanation weights ({SEGMENTS})", found[0].vectors, found[1].vectors


def truth_of(folder: Path, sample: sa.SpectrumSet) -> pd.DataFrame:
    """Return the truth of each spectrum."""
    truth = truth_beside(str(folder))
    if truth is None:
        raise SystemExit(f"{folder} has no truth.csv with plate, mjd, fiber and kind")
    return truth.set_index("id").loc[list(sample.ids)]


def kind_of(folder: Path, sample: sa.SpectrumSet) -> np.ndarray:
    """Return the kind of anomaly of each spectrum, empty for none."""
    return truth_of(folder, sample)["kind"].to_numpy(dtype=str)


def labels_of(folder: Path, sample: sa.SpectrumSet) -> dict[str, np.ndarray]:
    """Return by task the label of each spectrum: the target, or something else."""
    truth, kind = truth_of(folder, sample), kind_of(folder, sample)
    tasks = {"post-starburst": np.where(kind == "post_starburst", "post-starburst", "other"),
             "background emitter": np.where(kind == "background_emitter", "background emitter", "other"),
             "outlier": np.where(kind == "", "ordinary", "outlier")}
    classes = truth["type"].to_numpy(dtype=str)
    if "LINER" in classes:
        tasks["LINER"] = np.where(kind == "", classes, "")
    return tasks


def tasks(base_folder: Path, test_folder: Path) -> None:
    """Print precision, recall and F1 of each task with each kind of vector."""
    preprocessor = sa.Preprocessor()
    base = preprocessor.fit_transform(sa.read(str(base_folder), survey="sdss", target="galaxy"))
    test = preprocessor.transform(sa.read(str(test_folder), survey="sdss", target="galaxy"))
    known, asked = labels_of(base_folder, base), labels_of(test_folder, test)
    kinds = [kind_of(folder, sample) for folder, sample in ((base_folder, base), (test_folder, test))]
    rows, among = [], []
    for name, first, second in vectors_of(base, test):
        among.append(_kinds_row(name, (first, second), kinds))
        for task in known:
            kb = sa.KnowledgeBase.build(first, known[task], base.ids, encoder=name)
            made = Evaluator(labels=[task])(kb, second, asked[task])
            rows.append(_task_row(task, name, made, int((known[task] == task).sum())))
            print(rows[-1], flush=True)
    print(markdown(pd.DataFrame(rows).sort_values("task", kind="stable")))
    print("\nF1 of each kind when only the odd are known and asked for:\n" + markdown(pd.DataFrame(among)))


def _kinds_row(name: str, vectors: tuple[np.ndarray, np.ndarray], kinds: list[np.ndarray]) -> dict[str, str]:
    (base, test), (known, asked) = vectors, kinds
    made = sa.KnowledgeBase.build(base[known != ""], known[known != ""]).evaluate(test[asked != ""], asked[asked != ""])
    table = made.table
    return {"vectors": name, "all": f"{table['hits'].sum() / table['n'].sum():.2f}",
            **{label: f"{f1:.2f}" for label, f1 in zip(table["label"], table["f1"], strict=True)}}


def _task_row(task: str, name: str, made: Any, members: int) -> dict[str, str]:
    row = made.table.iloc[0]
    counts = Found(*(int(row[one]) for one in ("hits", "missed", "false", "passed")))
    best = made.curves.loc[made.curves[made.curves["along"] == "share"]["f1"].idxmax()]
    return {"task": task, "vectors": name, "in base / test": f"{members} / {row['n']}",
            **{one: _interval(row, one) for one in ("precision", "recall", "f1")},
            f"F1 at {COMMON:.0%}": f"{counts.rates(COMMON)['f1']:.3f}",
            "best F1 along share": f"{best['f1']:.3f} at {best['value']:g}",
            "published F1": str(PUBLISHED.get(task, "–"))}


def _interval(row: Mapping[Any, Any], name: str) -> str:
    return f"{row[name]:.3f} ({row[f'{name}_low']:.3f}–{row[f'{name}_high']:.3f})"


# -- line ratios -------------------------------------------------------------------------------------------------------


def ratios(path: Path) -> None:
    """Print how well kin in line ratios tell what lies above the limit of star formation in [S II] or [O I].

    There are no spectra behind this table, so vectors are logarithms of line ratios. All its galaxies form stars by
    [N II]; the classes are those of the other two diagrams.
    """
    from astropy.table import Table

    table = Table.read(path)
    flux = {name: np.asarray(table[f"{column}_flux"], dtype=float) for name, column in {
        "ha": "h_alpha", "hb": "h_beta", "o3": "oiii_5007", "n2": "nii_6584", "s2a": "sii_6717", "s2b": "sii_6731",
        "o1": "oi_6300", "hg": "h_gamma", "ne3": "neiii_3869", "he1": "hei_5876"}.items()}
    with np.errstate(all="ignore"):
        logs = pd.DataFrame({
            "n2": flux["n2"] / flux["ha"], "o3": flux["o3"] / flux["hb"],
            "sii": (flux["s2a"] + flux["s2b"]) / flux["ha"], "oi": flux["o1"] / flux["ha"],
            "balmer": flux["ha"] / flux["hb"], "hg": flux["hg"] / flux["hb"]}).apply(np.log10)
    labels = np.full(len(logs), "", dtype=object)
    seen = np.isfinite(logs[["o3", "sii", "oi"]]).all(axis=1)
    above = {name: _above(logs[name], logs["o3"], BPT[name]) for name in BPT}
    labels[seen] = np.where((above["sii"] | above["oi"])[seen], "above", "star-forming")
    parameter = pd.DataFrame({"logmstar": np.asarray(table["logmstar"], dtype=float)})
    rows = []
    for name, columns in {"all ratios": list(logs), "without [S II] and [O I]": ["n2", "o3", "balmer", "hg"],
                          "[N II] and [O III] alone": ["n2", "o3"]}.items():
        kb = sa.KnowledgeBase.build(logs[columns], labels, np.asarray(table["NAME"]).astype(str), metadata=parameter)
        row = Evaluator(labels=["above"], sizes=(), shares=())(kb).table.iloc[0]
        kin = kb.query(kb.vectors, 10, exclude=kb.ids)
        miss = kin.mean("logmstar") - kb.metadata["logmstar"].to_numpy()
        plain = kb.metadata["logmstar"].std()
        rows.append({"vectors": name, "galaxies": len(kb), "above": int(row["n"]),
                     **{one: _interval(row, one) for one in ("precision", "recall", "f1")},
                     "log stellar mass from 10 kin, scatter / that of the sample": f"{np.nanstd(miss):.2f} / "
                                                                                  f"{plain:.2f} dex"})
    print(markdown(pd.DataFrame(rows)))


def _above(x: pd.Series, y: pd.Series, limit: tuple[float, float, float]) -> np.ndarray:
    height, asymptote, offset = limit
    return np.asarray((x >= asymptote) | (y > height / (x - asymptote) + offset))


# -- speed -------------------------------------------------------------------------------------------------------------


def clustered(n: int, d: int, *, seed: int = 0) -> np.ndarray:
    """Return vectors of 300 Gaussians with 10 intrinsic dimensions, float32."""
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(300, 10))[rng.integers(0, 300, n)] + 0.3 * rng.normal(size=(n, 10))
    mixed = place @ rng.normal(size=(10, d)) / np.sqrt(10) + 0.01 * rng.normal(size=(n, d))
    return np.asarray(mixed, dtype=np.float32)


def per_query(work: Callable[[], object], repeat: int = 3) -> float:
    """Return the least CPU milliseconds for each of the queries."""
    best = np.inf
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return 1e3 * best / QUERIES


def speed(members: int, graph: int) -> list[dict[str, str]]:
    """Print and return CPU times of a query beside those of faiss and scikit-learn, with the load of the machine."""
    rows = []
    for n, d, kind in ((members, 12, "exact"), (members, 64, "exact"), (graph, 64, "exact"), (graph, 64, "hnsw"),
                       (graph, 64, "ivf")):
        both = clustered(n + QUERIES, d)
        rows.append(_speed_row(both[:n], both[n:], kind))
        print(rows[-1], flush=True)
    print(markdown(pd.DataFrame(rows)))
    print(f"load average {os.getloadavg()[0]:.1f}, one thread, CPU time")
    return rows


def _speed_row(base: np.ndarray, queries: np.ndarray, kind: str) -> dict[str, str]:
    import faiss
    from sklearn.neighbors import NearestNeighbors

    start = time.process_time()
    kb = sa.KnowledgeBase.build(base, ids=[f"{i:07d}" for i in range(len(base))], index=kind, tau=1.0)
    kb.query(queries[:1])  # quantiles of the base are measured with the first question
    built = time.process_time() - start
    own = per_query(lambda: kb.query(queries))
    single = per_query(lambda: [kb.query(one) for one in queries], 1)
    brute = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(base)
    flat = faiss.IndexFlatL2(base.shape[1])
    flat.add(base)
    times = {"faiss Flat": per_query(lambda: flat.search(queries, 3), 2),
             "scikit-learn brute": per_query(lambda: brute.kneighbors(queries), 2)}
    same = float((brute.kneighbors(queries)[1] == kb.query(queries).rows).mean())
    return {"members": f"{len(base):,} x {base.shape[1]}", "index": kb._index.backend.name, "built, s": f"{built:.1f}",
            "ms a query, 200 at once": f"{own:.3f}", "one by one": f"{single:.3f}",
            **{f"{name}, 200 at once": f"{value:.2f} ({value / own:.1f} x)" for name, value in times.items()},
            "same as brute": f"{same:.4f}"}


def markdown(table: pd.DataFrame) -> str:
    """Return a table for a page of Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main() -> None:
    """Run what is asked for; speed when nothing is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=("tasks", "ratios", "speed"), default="speed")
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--members", type=int, default=500_000)
    parser.add_argument("--graph", type=int, default=100_000)
    parser.add_argument("--json", type=Path, help="where the rows of speed are written too")
    options = parser.parse_args()
    if options.what == "tasks":
        tasks(*options.paths)
    elif options.what == "ratios":
        ratios(*options.paths)
    else:
        rows = speed(options.members, options.graph)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
