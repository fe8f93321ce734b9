"""A finished run is told words, rules and conditions: only its last stage runs again, and its pages say so."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from specanom.run.pipeline import run_pipeline
from specanom.run.report import write_report
from specanom.triage import LabelLog, WorkList
from specanom.triage.catalogue import Catalogue
from specanom.triage.quality import write_default

from .conftest import TINY

pytestmark = [pytest.mark.slow, pytest.mark.notebook, pytest.mark.xdist_group("run")]


def again(folder: Path, **given: str) -> list[str]:
    """Run the pipeline and return the stages that were not skipped."""
    return [one.stage for one in run_pipeline(folder, {**TINY, **given}) if not one.skipped]


def test_words_re_rank_the_list_and_report_and_explorer_say_whose(run_copy: Path, without_kernels: None) -> None:
    first = WorkList.load(run_copy / "worklist.parquet")
    log = LabelLog(run_copy / "labels.jsonl")
    for place, id in enumerate(first.ids[:6]):
        log.add(id, "interesting" if place % 2 else "artefact", author=["ada", "bob"][place // 3])
    assert again(run_copy) == ["08_catalogue"]
    made = WorkList.load(run_copy / "worklist.parquet")
    assert not set(made.ids) & set(first.ids[:6])
    assert made.table["rank"].is_monotonic_increasing
    assert not made.table["rank_before"].is_monotonic_increasing
    catalogue = Catalogue.read(run_copy / "catalogue.parquet").table
    assert (catalogue["label"] != "").sum() == 6
    told = "re-ranked by verdicts on 6 objects, by 2 people"
    assert told in write_report(run_copy).read_text(encoding="utf-8")
    assert told in json.loads((run_copy / "explorer" / "manifest.json").read_text(encoding="utf-8"))["title"]
    assert again(run_copy) == []


def test_rules_conditions_and_tables_of_the_user_reach_the_catalogue(run_copy: Path, without_kernels: None) -> None:
    rules, table = write_default(run_copy.parent / "rules.toml"), run_copy.parent / "wise.csv"
    rules.write_text('[[rule]]\nname = "mine"\nclass = "my kind"\nwhen = { z = "> 0" }\n'
                     '[[rule]]\nname = "other"\nclass = "BAL"\nwhen = { BAL_PROB = "> 0.5" }\n')
    sample = pd.read_parquet(run_copy / "scores.parquet")
    sample[["ra", "dec"]].assign(w1=14.0, w2=13.0, flag="ok").to_csv(table, index=False)
    assert again(run_copy, rules=str(rules), match=f"{table}[w1,flag]", exclude="z > 0.2") == ["08_catalogue"]
    made = Catalogue.read(run_copy / "catalogue.parquet").table
    explained = made["explanation_grade"] != ""
    assert set(made.loc[explained, "verdict"]) == {"my kind"}
    assert set(made.loc[explained, "wise_flag"]) == {"ok"}
    assert made.loc[explained, "wise_w1"].eq(14.0).all()
    assert "wise_w2" not in made
    shares = made[[name for name in made if name.startswith("share_")]]
    assert shares.shape[1] == 8
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert made["rarity_knn"].notna().all()
    work = WorkList.load(run_copy / "worklist.parquet")
    far = set(made.loc[made["z"] > 0.2, "id"])
    assert far
    assert not far & set(work.ids)
    page = write_report(run_copy).read_text(encoding="utf-8")
    assert "Not tried, because the catalogue lacks their columns: other (BAL_PROB)." in page
    assert "What the latent numbers know" in page
    rules.write_text(rules.read_text().replace("my kind", "another kind"))
    given = {"rules": str(rules), "match": f"{table}[w1,flag]", "exclude": "z > 0.2"}
    assert again(run_copy, **given) == ["08_catalogue"]
    made = Catalogue.read(run_copy / "catalogue.parquet").table
    assert set(made.loc[explained, "verdict"]) == {"another kind"}
