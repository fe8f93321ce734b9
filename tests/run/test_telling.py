"""What services and people said: counts of the last stage, and sentences of the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError
from specanom.preprocess.report import ExtinctionCount
from specanom.run.cli import main
from specanom.run.closing import _voting
from specanom.run.matching import matchers_of
from specanom.run.telling import label_counts, label_sentence, match_counts, match_sentences
from specanom.triage import LabelLog, agreement
from specanom.triage.crossmatch.matches import FIRST

OFFLINE = "offline: no connection to simbad.cds.unistra.fr"


def matches(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Rows of id, service, status and reason."""
    numbers = ("separation", "z", "ra", "dec", "chance", "coincidence")
    blank = {name: np.nan if name in numbers else "" for name in FIRST}
    return pd.DataFrame([{**blank, "id": id, "service": service, "status": status, "reason": reason, "candidates": 0}
                         for id, service, status, reason in rows])


def test_every_service_is_told_with_its_counts_and_its_reason() -> None:
    table = matches(("a", "simbad", "not_checked", OFFLINE), ("b", "simbad", "not_checked", OFFLINE),
                    ("a", "known", "matched", ""), ("b", "known", "none", ""))
    assert match_counts(table) == {"in simbad": 0, f"not checked by simbad ({OFFLINE})": 2, "in known": 1,
                                   "not in known": 1}
    assert match_sentences(table) == [
        f"simbad: of 2 explained spectra 2 were not checked ({OFFLINE}).",
        "known: of 2 explained spectra 1 have a counterpart, 1 have none."]
    failed = matches(("a", "ned", "failed", "HTTP 503"))
    assert match_counts(failed) == {"in ned": 0, "without an answer of ned (HTTP 503)": 1}
    assert match_sentences(failed) == ["ned: of 1 explained spectra 1 got no answer (HTTP 503)."]


def test_without_a_cross_match_nothing_is_told() -> None:
    assert match_counts(None) == {}
    assert match_sentences(None) == []
    assert match_sentences(matches().reindex(columns=list(FIRST))) == []


def test_lines_that_cannot_be_read_and_ids_of_others_are_counted(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.add("39633345008634465", "lens", author="ada")
    log.add("a", "known", author="ada")
    with open(log.path, "ab") as handle:
        handle.write(b"id,label\na,lens\n")
    assert label_counts(log, ["a", "b"]) == {"lines of labels.jsonl that cannot be read": 2,
                                             "id of labels.jsonl that the run does not have": 1}
    assert label_sentence(log, ["a", "b"], agreement(log)) == (
        "2 lines of labels.jsonl that cannot be read, 1 id of labels.jsonl that the run does not have: of no "
        "use here.")
    assert label_counts(LabelLog(tmp_path / "none.jsonl"), ["a"]) == {}


@pytest.mark.parametrize(("bob", "told"), [("known", "of which 1 not alike; Cohen's κ = 0.50"),
                                           ("lens", "of which 0 not alike; Cohen's κ = 1.00")])
def test_how_far_two_agree_is_told_where_they_judged_the_same(tmp_path: Path, bob: str, told: str) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for id, ada in zip("abcd", ("lens", "lens", "known", "known"), strict=True):
        log.add(id, ada, author="ada")
        log.add(id, bob if id == "a" else ada, author="bob")
    said = label_sentence(log, "abcd", agreement(log, repeats=2))
    assert said.startswith(f"Judged by two or more: 4 spectra, {told}")
    assert said.endswith(".")


def test_a_table_to_match_with_that_is_not_there_is_told_as_absent() -> None:
    with pytest.raises(ArgumentError, match=r"'nosuch\.csv', and there is no such file"):
        matchers_of("simbad, nosuch.csv", 2.0)
    with pytest.raises(ArgumentError, match="which tells name, type and redshift"):
        matchers_of("simbad[w1]", 2.0)


def test_help_has_no_percent_sign_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    said = capsys.readouterr().out
    assert "%" in said
    assert "%%" not in said


def test_advice_on_dust_names_what_can_be_done() -> None:
    assert 'Preprocessor(dust_map="sfd") in Python' in str(ExtinctionCount(True, 2, 16))


def test_the_report_says_whose_words_vote() -> None:
    votes = pd.DataFrame({"vote": ["lens", "AGN", ""], "vote_by": ["people, of 1 of 5", "survey", ""]})
    assert _voting(votes).endswith("these words vote alone: for 1 spectra.")
    assert _voting(votes.tail(2)) == ""
    assert _voting(votes.tail(1)).startswith("All spectra here are of one class")
    assert _voting(votes.head(0)) == "The sample is too small for kin."
