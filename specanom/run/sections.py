"""The sections of the report on spectra, model, scores and making; each returns what the template shows."""

from __future__ import annotations

import shlex
import time
from typing import Any

import numpy as np
import pandas as pd

from .. import plots, scores
from ..explain.context import ARTEFACTS
from ..rounding import BITS
from ..scores.named import CALIBRATED, RANK
from .acquire import SIMULATED
from .baseline import banner
from .content import Content
from .evaluate import auc_difference
from .tabulate import ShownTable, fixed, grid, number, percent

GATE = (
    "Sky and unplugged fibres are never spectra of anything, and are listed as skipped. Stars and quasars are set "
    "aside when galaxies are the target. Pixels with a fatal mask bit, without noise, or under the airglow line at "
    "5577 Å are missing, not wrong. Redshift warnings 2, 4 and 6 pass with a note, because they sit "
    "on the very objects a search for anomalies is after; the others mean that there is no redshift."
)
PAPER_GATE = (
    "This run uses the published behaviour: redshift warnings of any kind are rejected, pixels below a signal-to-noise "
    "ratio of one are replaced, masks are ignored, and the airglow line at 5577 Å is overwritten by its neighbours, "
    "which can copy an emission line into the window."
)
SCORE_TEXT = (
    "The eight scores of Ortiz & Boquien (2025) are one function with three switches: MSE or χ² by flux, with or "
    "without the emission lines, with or without the worst 3 % of the pixels. Beside them stand χ² by inverse variance "
    "and a multi-scale residual, which know the noise of each pixel. Calibrated, a score says by how many robust "
    "standard deviations a spectrum exceeds those of like S/N and redshift."
)
ALARMS_TEXT = (
    "Expected among ordinary spectra, from the bulk of the calibrated distribution. It errs on the high side, by up to "
    "a factor of two where the truth is known."
)
NO_ALARMS_TEXT = "The ranking score is not calibrated, so its values say nothing about false alarms."


def head(content: Content) -> dict[str, Any]:
    """Title, lead, tiles and summary."""
    stages = content.manifest.content["stages"]
    settings, report = content.settings, content.preprocessing
    what = "a simulated survey" if settings["survey"] in SIMULATED else str(settings["path"])
    seconds = sum(stage.get("seconds", 0.0) for stage in stages.values())
    n_clusters = len(list(content.summary))
    when = time.strftime("%d %B %Y, %H:%M", time.localtime(max(s.get("started", 0) for s in stages.values())))
    tiles = [
        {"name": "spectra read", "value": number(report.n_in)}, {"name": "kept", "value": number(report.n_out)},
        {"name": "pixels, rest frame", "value": number(len(content.sample.wave))},
        {"name": "explained", "value": number(len(content.explanations))},
        {"name": "clusters", "value": number(n_clusters)}, {"name": "time taken", "value": _minutes(seconds)},
    ]
    ranked = describe(content.column, content.against)
    return {"title": f"Unusual spectra in {what}", "lead": f"{when}. Ranked by {ranked}.",
            "banner": banner(content), "tiles": tiles, "summary": _summary(content)}


def describe(column: str, against: str = "spectra of like S/N and redshift") -> str:
    """Say in words what a score column is, and what a calibrated one is in excess of."""
    names = {"mse": "mean squared error", "chi2": "χ² by flux", "chi2_ivar": "χ² by inverse variance",
             "multiscale": "multi-scale residual", "combined": "the largest of all scores"}
    raw = column.removesuffix(CALIBRATED)
    longest_first = sorted(names.items(), key=lambda item: -len(item[0]))
    base = next((text for name, text in longest_first if raw.startswith(name)), raw)
    extra = [word for key, word in (("filtered", "without lines"), ("trimmed", "trimmed")) if key in raw]
    if column.endswith(CALIBRATED):
        extra.append(f"in excess of {against}")
    return ", ".join([base, *extra])


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _summary(content: Content) -> list[str]:
    leads = leading_class(content.explanations.context)
    counts = {name: int((leads == name).sum()) for name in ("lines", "continuum", "artefacts", "unknown")}
    said = [f"Of the {len(leads)} oddest spectra, most of the explanation's weight lies on rest-frame lines in "
            f"{counts['lines']}, on the continuum (or on lines at another redshift) in {counts['continuum']}, and on "
            f"sky lines, telluric bands, masked pixels, spikes or the join of the arms in {counts['artefacts']}."
            + (f" For {counts['unknown']} too little is known to tell." if counts["unknown"] else "")]
    return said + _found_again(content)


def _found_again(content: Content) -> list[str]:
    """Say how many anomalies are known beforehand, and how well the ranking finds them."""
    found = content.run.tables("recovery")
    if found is None:
        return []
    row = found[(found["model"] == "VAE") & (found["score"] == content.column) & (found["kind"] == "all")].iloc[0]
    if pd.isna(row["auc"]):
        return ["No anomaly of this sample is known beforehand."] if not row["n"] else []
    return [f"{row['n']} anomalies of this sample are known beforehand. The ranking finds them with an area "
            f"under the ROC curve of {row['auc']:.3f}; {percent(row['purity'])} of its top 5 % are among them."]


def leading_class(context: pd.DataFrame) -> pd.Series:
    """Return where most of each explanation's weight lies: lines, continuum, artefacts, or unknown."""
    groups = pd.DataFrame({"lines": context["lines"], "continuum": context["continuum"],
                           "artefacts": context[list(ARTEFACTS)].sum(axis=1, min_count=1)})
    known = groups.notna().all(axis=1)
    return groups.fillna(-1.0).idxmax(axis=1).where(known, "unknown")


def data_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """What was read, what was dropped and why."""
    report = content.preprocessing
    figures["waterfall"] = plots.waterfall(report)
    table = report.to_frame().assign(example=lambda t: [", ".join(ids[:3]) for ids in t["ids"]])
    columns: dict[str, Any] = {"reason": ("reason", str), "count": ("spectra", number), "remaining": ("left", number),
               "example": ("for example", str)}
    notes = [f"{note.text}: {note.count} spectra." for note in report.notes]
    notes += [f"{report.extinction}.", f"{percent(report.imputed)} of the pixels were missing and have been filled in; "
              "scores leave them out." if not content.settings["preset"] else
              f"{percent(report.imputed)} of the pixels were filled in, and count in the scores."]
    notes += _stored(content)
    return {"gate": PAPER_GATE if content.settings["preset"] == "paper" else GATE, "notes": notes,
            "caption": f"From {number(report.n_in)} spectra to {number(report.n_out)}. Every dropped id is in "
                       "tables/waterfall.parquet.",
            "table": grid(table[table["count"] > 0], columns, text=(0, 3))}


def _stored(content: Content) -> list[str]:
    """Say what a run did not store of its spectra, when that is anything."""
    said, scored, odd = [], len(content.objects), len(content.sample)
    if odd < scored:
        said.append(f"Of {number(scored)} spectra that were scored, the {number(odd)} oddest are stored, and the "
                    f"{number(len(content.trained))} that the models were trained on. The others were read, scored and "
                    "let go; the tables hold them all.")
    if content.trained.precision == "rounded":
        said.append(f"Stored spectra are rounded: {BITS['flux']} bits are kept of flux and {BITS['ivar']} of inverse "
                    "variance, with errors of at most 0.012 % and 0.4 %.")
    return said


def model_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """How well the network and the PCA reconstruct."""
    quality = content.run.tables("quality")
    history = content.run.tables("history")
    if history is not None and len(history):
        figures["history"] = plots.history(history)
    table = content.scores.sort_values("chi2_ivar")
    table = table[np.isfinite(table["chi2_ivar"]) & table["id"].isin(set(content.trained.ids))]
    good, poor = table["id"].iloc[len(table) // 20], table["id"].iloc[-max(1, len(table) // 50)]
    for name, id in (("good", good), ("poor", poor)):
        one = content.trained.select([id])
        figures[name] = plots.spectrum(one[0], reconstruction=content.model.reconstruct(one)[0])
    chi2 = content.scores.set_index("id")["chi2_ivar"]
    shown = [] if quality is None else list(quality.columns[1:])
    columns: dict[str, Any] = {"model": ("model", str), **{c: (c, number) for c in shown}}
    return {
        "text": _model_text(content, history),
        "table": grid(quality, columns) if quality is not None else None,
        "verdict": _verdict(content, quality),
        "good": f"A good reconstruction: {good}, χ² per pixel {number(chi2[good])}.",
        "poor": f"A poor reconstruction: {poor}, χ² per pixel {number(chi2[poor])}.",
    }


def _model_text(content: Content, history: pd.DataFrame | None) -> str:
    latents = sum(str(name).startswith("latent_") for name in content.scores)
    said = f"A variational autoencoder with {latents} latent numbers, beside a PCA with as many components. "
    folds = 0 if history is None else len(set(history["fold"].astype(str)) - {"reference"})
    bins = content.objects.table["bin"].nunique()
    said += f"There is one model for each of {bins} bins of S/N. " if bins > 1 else ""
    if folds:
        return said + (f"Both are cross-fitted in {folds} folds: each spectrum is reconstructed by a fit that has not "
                       "seen it, so that no anomaly is learnt by heart.")
    return said + ("The autoencoder is not cross-fitted: it judges the spectra it was trained on, as published, and "
                   "may have learnt some of the anomalies by heart. The PCA is cross-fitted.")


def _verdict(content: Content, quality: pd.DataFrame | None) -> str:
    if quality is None:
        return ""
    median = quality.set_index("model")["chi2_ivar median"]
    better = "the PCA" if median["PCA"] < median["VAE"] else "the autoencoder"
    said = [f"By the median χ² per pixel, {better} reconstructs better ({number(median.min())} against "
            f"{number(median.max())}; 1 is the noise)."]
    found = content.run.tables("recovery")
    if found is not None and content.truth is not None and found["auc"].notna().any():
        whole = found[found["kind"] == "all"].set_index(["model", "score"])["auc"]
        vae, pca = whole["VAE", content.column], whole["PCA", content.column]
        tables = {"PCA": content.run.table("scores_pca"), "VAE": content.scores}
        low, high = auc_difference(tables, content.truth, content.column)
        winner = "the PCA is ahead" if low > 0 else "the autoencoder is ahead" if high < 0 else "neither is ahead"
        said.append(f"At finding the known anomalies by the ranking score {winner}: area under the ROC curve {vae:.3f} "
                    f"for the autoencoder, {pca:.3f} for the PCA; 95 % of bootstrap samples put the PCA's lead between "
                    f"{_signed(low)} and {_signed(high)}.")
        said += _where_pca_wins(content, found)
    return " ".join(said)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _where_pca_wins(content: Content, found: pd.DataFrame) -> list[str]:
    """Name the calibrated scores by which the PCA finds more, the kinds behind it, and what was measured there."""
    both = found[found["score"].str.endswith(CALIBRATED)]
    table = both.pivot_table(index=["score", "kind"], columns="model", values="auc").reset_index()
    table["gain"] = table["PCA"] - table["VAE"]
    whole = table[table["kind"] == "all"]
    ahead = whole[whole["gain"] > 0]
    if ahead.empty:
        return ["By none of the calibrated scores is the PCA ahead."]
    names = ", ".join(str(name).removesuffix(CALIBRATED) for name in ahead["score"])
    said = [f"The PCA is ahead by {len(ahead)} of the {len(whole)} calibrated scores ({names})."]
    score = str(ahead.nlargest(1, "gain")["score"].iloc[0])
    kinds = table[(table["score"] == score) & (table["kind"] != "all") & (table["gain"] > 0)].nlargest(2, "gain")
    shown = " and ".join(f"{row['kind'].replace('_', ' ')} ({row['PCA']:.3f} against {row['VAE']:.3f}; there the "
                         f"autoencoder's MSE is {_residual_ratio(content, row['kind']):.2f} of the PCA's)"
                         for row in kinds.to_dict("records"))
    if shown:
        said.append(f"Its lead by {score.removesuffix(CALIBRATED)} is largest for {shown}. A ratio well below 1 says "
                    "that the network reproduces part of the anomaly itself.")
    return said


def _residual_ratio(content: Content, kind: str) -> float:
    """Return the median ratio of the two models' MSE over the anomalies of one kind."""
    assert content.truth is not None
    ids = set(content.truth.loc[content.truth["kind"] == kind, "id"])
    vae, pca = (table.set_index("id")["mse"] for table in (content.scores, content.run.table("scores_pca")))
    of_kind = [id for id in vae.index if id in ids]
    return float((vae.loc[of_kind] / pca.loc[of_kind]).median())


def score_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """What the scores look like, share, depend on and find."""
    run, column = content.run, content.column
    raw = column.removesuffix(CALIBRATED)
    both = [c for c in (raw, raw + CALIBRATED) if c in content.scores]
    figures["histograms"] = plots.histograms(content.scores, both)
    shared = run.tables("overlap")
    if shared is not None:
        figures["overlap"] = plots.overlap(shared)
    for name in both:
        figure = "dependence_cal" if name.endswith(CALIBRATED) else "dependence"
        figures[figure] = plots.dependence(content.scores, name)
    alarms, recovered = run.tables("false_alarms"), run.tables("recovery")
    k = max(1, min(int(content.settings["overlap"]), len(content.objects) // 10))
    eight = list(scores.Scorer.paper(content.model))
    common = [] if shared is None else shared[shared["degree"] == len(eight)]["share"].tolist()
    return {
        "text": SCORE_TEXT,
        "histograms": f"Distribution of {describe(raw)}, raw and calibrated.",
        "overlap": "" if not common else
                   f"Spectra that the top {k} of the eight scores share; {percent(common[0])} are common to all.",
        "dependence": _dependence(run.tables("dependence")),
        "false_alarms_text": ALARMS_TEXT if alarms is not None else NO_ALARMS_TEXT,
        "false_alarms": None if alarms is None else grid(alarms, {
            "threshold": ("threshold, robust σ", fixed(0)), "above": ("spectra above", number),
            "expected": ("by chance, at most", number), "purity": ("real, at least", percent)}),
        **_recovery(recovered, column),
    }


def _dependence(table: pd.DataFrame | None) -> ShownTable | None:
    if table is None:
        return None
    table = table.assign(kind=np.where(table["score"].str.endswith(CALIBRATED), "cal", "raw"),
                         name=table["score"].str.removesuffix(CALIBRATED))
    wide = table[table["model"] == "VAE"].pivot_table(index="name", columns="kind", values=["rho_snr", "rho_z"])
    flat = pd.DataFrame({"name": wide.index, **{"_".join(pair): wide[pair].to_numpy() for pair in wide.columns}})
    order = [n for n in dict.fromkeys(table["name"]) if n in set(flat["name"])]
    flat = flat.set_index("name").loc[order].reset_index()
    columns: dict[str, Any] = {"name": ("score", str), "rho_snr_raw": ("ρ with S/N, raw", fixed(2)),
               "rho_snr_cal": ("calibrated", fixed(2)), "rho_z_raw": ("ρ with z, raw", fixed(2)),
               "rho_z_cal": ("calibrated", fixed(2))}
    return grid(flat, {name: form for name, form in columns.items() if name in flat})


def _recovery(table: pd.DataFrame | None, column: str) -> dict[str, Any]:
    if table is None:
        return {"recovery": None, "kinds": None, "recovery_text": ""}
    whole = table[table["kind"] == "all"].copy()
    whole["name"] = whole["score"].str.removesuffix(CALIBRATED)
    whole["kind"] = np.where(whole["score"].str.endswith(CALIBRATED), "cal", "raw")
    wide = whole.pivot_table(index="name", columns=["model", "kind"], values="auc")
    purity = whole[whole["kind"] == "cal"].pivot_table(index="name", columns="model", values="purity")
    names = [n for n in dict.fromkeys(whole["name"]) if n in wide.index]
    flat = pd.DataFrame({"name": names})
    columns: dict[str, Any] = {"name": ("score", str)}
    for model in [m for m in ("VAE", "PCA") if m in wide.columns.get_level_values(0)]:
        for kind, label in (("raw", f"{model}, raw"), ("cal", "calibrated")):
            flat[f"{model}_{kind}"] = wide[model][kind].loc[names].to_numpy()
            columns[f"{model}_{kind}"] = (label, fixed(3))
        flat[f"{model}_purity"] = purity[model].reindex(names).to_numpy()
        columns[f"{model}_purity"] = ("top 5 % pure", percent)
    best = [i for i, name in enumerate(names) if name == column.removesuffix(CALIBRATED)]
    kinds = table[(table["model"] == "VAE") & (table["score"] == column) & (table["kind"] != "all")]
    kinds = kinds.assign(name=kinds["kind"].str.replace("_", " ")).sort_values("auc", ascending=False)
    return {
        "recovery_text": "Area under the ROC curve: the chance that an anomaly ranks above an ordinary spectrum. 0.5 "
                         "is a coin. The truth was not used for anything but this table.",
        "recovery": grid(flat, columns, best=best),
        "kinds": grid(kinds, {"name": ("kind", str), "n": ("number", number), "auc": ("ROC AUC", fixed(3)),
                              "found": ("in the top 5 %", percent)})}


def made_section(content: Content) -> dict[str, Any]:
    """How the run was made, and how to make it again."""
    settings, stages = content.settings, content.manifest.content["stages"]
    skip = {"run_dir", "survey", "path", "preset"}
    given = content.manifest.content.get("given", {})
    command = ["specanom", "run", "--survey", str(settings["survey"])]
    command += ["--path", str(settings["path"])] if settings["path"] else []
    command += ["--preset", "paper"] if settings["preset"] else []
    for name, value in given.items():
        command += [] if name in skip else ["-p", f"{name}={value}"]
    timing = pd.DataFrame([{"stage": name, "seconds": record.get("seconds", np.nan),
                            "what": ", ".join(f"{v} {k}" for k, v in record.get("counts", {}).items())}
                           for name, record in stages.items()])
    plain = pd.DataFrame([{"name": k, "value": str(v)} for k, v in settings.items() if k != "run_dir"])
    versions = pd.DataFrame([{"name": k, "value": v} for k, v in content.manifest.content["versions"].items()])
    two = {"name": ("name", str), "value": ("value", str)}
    return {"text": "Each stage is a notebook; the executed ones are in notebooks/ of the run folder. The same command "
                    "on the same files gives the same numbers.",
            "command": shlex.join([*command, "--run-dir", "DIR"]),
            "stages": grid(timing, {"stage": ("stage", str), "seconds": ("seconds", fixed(1)), "what": ("counts", str)},
                           text=(0, 2)),
            "parameters": grid(plain, two, text=(0, 1)), "versions": grid(versions, two, text=(0, 1))}


def ranks_of(content: Content, id: str) -> ShownTable:
    """Return the rank and calibrated value of one spectrum by every score."""
    row: dict[str, Any] = dict(content.scores.set_index("id").loc[id])
    names = [str(c).removesuffix(RANK) for c in content.scores.columns if str(c).endswith(RANK)]
    table = pd.DataFrame({"name": names, "rank": [int(row[n + RANK]) for n in names],
                          "value": [row.get(n, np.nan) for n in names], "cal": [row[n + CALIBRATED] for n in names]})
    return grid(table, {"name": ("score", str), "rank": ("rank", number), "value": ("raw", number),
                        "cal": ("calibrated, robust σ", fixed(1))})
