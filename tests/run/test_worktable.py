"""The ranking of a run as a table that others open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from specanom.errors import ArgumentError
from specanom.run.folder import RunFolder
from specanom.run.worklisting import learned_ranks, reranker_of, work_list
from specanom.run.worktable import work_table
from specanom.triage import LabelLog
from specanom.triage.catalogue import Catalogue, Parts, Tiers

LONG = "39633345008634465"


def catalogue_of(log: LabelLog | None = None) -> Catalogue:
    rng = np.random.default_rng(0)
    ids, side = [LONG, *(f"{i:03d}" for i in range(39))], np.arange(40) % 2
    objects = pd.DataFrame({"id": ids, "z": 0.1, "ra": np.linspace(10.0, 20.0, 40), "dec": -5.0, "class": "GALAXY"})
    scores = pd.DataFrame({"id": ids, "mse_cal": np.linspace(20.0, 0.0, 40), "latent_0": 10.0 * side,
                           "latent_1": rng.normal(size=40)})
    labels = None if log is None else log.to_frame()
    more = pd.DataFrame({"id": ids, "artefact": 0.0})
    return Catalogue.of(Parts(objects=objects, scores=scores, more=more, labels=labels), tiers=Tiers("mse_cal"))


def test_without_verdicts_the_rank_is_that_of_the_score(tmp_path: Path) -> None:
    catalogue = catalogue_of()
    run = RunFolder(tmp_path)
    made = work_table(run, catalogue, work_list(run, catalogue)).table
    assert made["rank"].tolist() == made["rank_before"].tolist() == list(range(1, 41))
    assert made["id"].iloc[0] == LONG
    assert made["position"].tolist() == list(range(1, 41))


def test_others_open_it_with_ranks_places_and_words(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for id in (LONG, "001", "003"):
        log.add(id, "artefact", author="ada")
    for id in ("000", "002"):
        log.add(id, "lens", author="bob")
    catalogue, run = catalogue_of(log), RunFolder(tmp_path)
    work_table(run, catalogue, work_list(run, catalogue)).write(tmp_path / "worklist.ecsv")
    read = Table.read(tmp_path / "worklist.ecsv", format="ascii.ecsv")
    assert read["rank"].tolist() == list(range(1, 41))
    assert read["rank"].tolist() != read["rank_before"].tolist()
    assert str(read["ra"].unit) == "deg"
    rows = {str(row["id"]): row for row in read}
    assert rows[LONG]["label"] == "artefact"
    assert rows["000"]["label"] == "lens"
    assert rows["000"]["why"] == "labelled lens"
    assert np.ma.is_masked(rows["000"]["position"])
    assert rows[LONG]["rank"] > rows[LONG]["rank_before"]
    assert (tmp_path / "worklist.ecsv").read_text().count(LONG) == 1


@pytest.mark.parametrize(("text", "word", "worth"), [
    ("", "lens", 1.0), ("lens=0.3", "lens", 0.3), ("lens = 0.3, known=1", "known", 1.0), ("*=0", "lens", 0.0),
    ("double:0.3, *: none", "lens", None),
    ("double:0.3", "double", 0.3), ("*=none", "lens", None),
    ("*=none", "artefact", 0.0), ("Double-Peaked=0.7", "double-peaked", 0.7)])
def test_what_words_count_is_set_as_one_writes_it(text: str, word: str, worth: float | None) -> None:
    assert reranker_of(text).worth(word) == worth


@pytest.mark.parametrize("text", ["lens", "lens=much", "lens=2", "=1", "lens=nan"])
def test_what_is_no_worth_of_a_word_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="words: "):
        reranker_of(text)


def test_what_words_count_holds_in_list_table_and_explorer_alike(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for id in (LONG, "001", "003"):
        log.add(id, "double", author="ada")
    catalogue, run = catalogue_of(log), RunFolder(tmp_path)
    work = work_list(run, catalogue, words="double=0")
    assert work.learned["worth"] == {"double": 0.0}
    every = work_table(run, catalogue, work).table.set_index("id")
    ranks = learned_ranks(run, catalogue, work)
    assert ranks is not None
    assert every["rank"].to_dict() == ranks.set_index("id")["rank"].to_dict()
    assert every.loc[LONG, "rank"] > 1
    assert work_table(run, catalogue, work_list(run, catalogue)).table.set_index("id").loc[LONG, "rank"] == 1
    assert work_list(run, catalogue, words="*=none").learned["ignored"]
