"""The work list of a run: conditions in words, and the order that verdicts teach."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError
from specanom.run.closing import listed
from specanom.run.folder import RunFolder
from specanom.run.worklisting import conditions_of, learned_ranks, taught, work_list
from specanom.triage import Condition, LabelLog, WorkList
from specanom.triage.catalogue import Catalogue, Parts, Tiers

N = 400


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Two families of like spectra that take turns in the score: even ones in the one corner of latent space."""
    rng = np.random.default_rng(0)
    ids = [f"{i:03d}" for i in range(N)]
    side = np.arange(N) % 2
    objects = pd.DataFrame({"id": ids, "z": 0.1 + 0.1 * side, "ra": 10.0, "dec": 0.0, "BAL_PROB": side * 0.9,
                            "class": np.array(["GALAXY", "QSO"])[side]})
    scores = pd.DataFrame({"id": ids, "mse_cal": np.linspace(20.0, 0.0, N),
                           "latent_0": 10.0 * side + rng.normal(size=N), "latent_1": rng.normal(size=N)})
    more = pd.DataFrame({"id": ids, "artefact": np.nan})
    return Catalogue.of(Parts(objects=objects, scores=scores, more=more), tiers=Tiers("mse_cal"))


@pytest.mark.parametrize(("text", "made"), [
    ("", []),
    ("BAL_PROB > 0.5", [Condition("BAL_PROB", ">", 0.5)]),
    ("BAL_PROB>0.5, class == STAR", [Condition("BAL_PROB", ">", 0.5), Condition("class", "==", "STAR")]),
    ("class=STAR", [Condition("class", "==", "STAR")]),
    ("subclass == 'BROADLINE AGN'", [Condition("subclass", "==", "BROADLINE AGN")]),
    ("zwarning & 4,ebv missing", [Condition("zwarning", "&", 4), Condition("ebv", "missing")]),
    ("z < 0.1, z > 0.4", [Condition("z", "<", 0.1), Condition("z", ">", 0.4)]),
    ("z 2 .. 3.5", [Condition("z", "between", (2.0, 3.5))]),
])
def test_conditions_are_written_as_one_would_say_them(text: str, made: list[Condition]) -> None:
    assert list(conditions_of(text).values()) == made


@pytest.mark.parametrize("text", ["BAL_PROB", "> 3", "z 3", "BAL_PROB >", "class ==", "z 5 .. 3", "zwarning & x"])
def test_what_is_no_condition_is_refused_at_once(text: str) -> None:
    with pytest.raises(ArgumentError, match="exclude: "):
        conditions_of(text)


def test_what_conditions_say_is_left_out_of_the_list(tmp_path: Path, catalogue: Catalogue) -> None:
    work = work_list(RunFolder(tmp_path), catalogue, exclude="BAL_PROB > 0.5, z > 0.15")
    assert len(work) == 100
    assert work.ids[:3] == ("000", "002", "004")
    assert work.counts["BAL_PROB > 0.5"] == 200
    assert "re-ranked" not in listed(work)
    assert "200 BAL_PROB > 0.5" in listed(work)


def test_a_column_the_catalogue_lacks_is_named_with_those_it_has(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(ArgumentError, match=r"exclude: expected columns of the catalogue \(.*BAL_PROB.*'BAL_PRBO'\."
                                            " Try: did you mean 'BAL_PROB'"):
        work_list(RunFolder(tmp_path), catalogue, exclude="BAL_PRBO > 0.5")
    with pytest.raises(ArgumentError, match="-p columns=AI_CIV"):
        work_list(RunFolder(tmp_path), catalogue, exclude="AI_CIV > 0")


def test_verdicts_bring_their_like_forward_and_the_list_says_whose(tmp_path: Path, catalogue: Catalogue) -> None:
    run, log = RunFolder(tmp_path), LabelLog(tmp_path / "labels.jsonl")
    assert work_list(run, catalogue).ids[:4] == ("000", "001", "002", "003")
    assert learned_ranks(run, catalogue) is None
    for place in range(20):
        log.add(f"{place:03d}", "artefact" if place % 2 else "interesting", author=["ada", "bob"][place // 10])
    log.add("022", "noted", author="eve", note="no word")
    log.add("elsewhere", "interesting", author="cyd")
    work = work_list(run, catalogue)
    even = [int(id) % 2 == 0 for id in work.ids[:40]]
    assert np.mean(even) > 0.85, "like what was called interesting"
    assert work.table["rank"].is_monotonic_increasing
    assert work.table["rank_before"].tolist() == [int(id) + 1 for id in work.ids]
    assert taught(work.learned) == "re-ranked by verdicts on 20 objects, by 2 people"
    assert f"{taught(work.learned)}: 10 artefact (counts 0), 10 interesting (counts 1)." in listed(work)
    again = WorkList.load(work.save(tmp_path / "worklist.parquet"))
    assert (again.ids, taught(again.learned)) == (work.ids, taught(work.learned))
    ranks = learned_ranks(run, catalogue)
    assert ranks is not None
    assert sorted(ranks["rank"]) == sorted(ranks["rank_before"]) == list(range(1, N + 1))
    assert ranks.set_index("id")["rank"].loc[list(work.ids)].tolist() == work.table["rank"].tolist()


def test_objects_and_people_are_counted_and_a_disputed_one_is_no_word(tmp_path: Path, catalogue: Catalogue) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for who, words in {"ada": ("interesting", "artefact"), "bob": ("interesting", "known")}.items():
        for id, word in zip(("000", "001"), words, strict=True):
            log.add(id, word, author=who)
    log.add("elsewhere", "known", author="cyd")
    work = work_list(RunFolder(tmp_path), catalogue)
    assert taught(work.learned) == "re-ranked by verdicts on 2 objects, by 2 people", "cyd's is of another sample"
    assert f"{taught(work.learned)}: 1 interesting (counts 1); on 1 people disagree, and its words" in listed(work)
    log.add("001", "", author="bob")
    log.add("000", "", author="bob")
    log.add("001", "", author="ada")
    work = work_list(RunFolder(tmp_path), catalogue)
    assert taught(work.learned) == "re-ranked by a verdict on 1 object, by 1 person"
