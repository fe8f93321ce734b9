"""Gold and silver are thresholds that are told, and each reason for less is too."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.errors import ArgumentError
from specanom.triage.catalogue import Catalogue, Parts, Tiers
from tests.triage.catalogue.parts import IDS, TID, explanations, objects, row, said, scores


def tier_of(catalogue: Catalogue) -> list[str]:
    return catalogue.table.set_index("id")["tier"][IDS].tolist()


def test_gold_asks_for_score_trust_and_a_low_probability_of_an_artefact() -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations()))
    assert tier_of(catalogue) == ["gold", "gold", "silver", ""]
    reasons = catalogue.table.set_index("id")["tier_reason"][IDS].tolist()
    assert reasons == ["", "", "chi2_ivar_cal below 5", "chi2_ivar_cal below 3"], "no score is no high score"
    assert catalogue.tier("gold")["id"].tolist() == IDS[:2]
    assert "gold: chi2_ivar_cal at least 5" in catalogue.summary()
    assert catalogue.meta["tiers"]["gold"] == 5.0


@pytest.mark.parametrize(("change", "tier", "reason"), [
    ({"grade": ["unstable", "trusted"]}, "silver", "explanation not trusted"),
    ({"artefact": [0.3, 0.1]}, "silver", "probability of an artefact at least 0.2"),
    ({"artefact": [np.nan, 0.1]}, "silver", "probability of an artefact not known"),
    ({"artefact": [0.7, 0.1]}, "", "probability of an artefact at least 0.5"),
])
def test_each_reason_not_to_be_gold_is_told(change, tier, reason) -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations(**change)))
    assert (row(catalogue)["tier"], row(catalogue)["tier_reason"]) == (tier, reason)


def test_where_no_probability_is_calibrated_the_other_thresholds_decide_and_that_is_said() -> None:
    note = "not calibrated for quasars"
    told = explanations(artefact=[np.nan, np.nan], artefact_note=[note, ""])
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=told))
    assert tier_of(catalogue) == ["gold", "silver", "silver", ""]
    assert row(catalogue)["artefact_note"] == note
    assert f"Of 1 explained objects the probability of an artefact is not asked: it is {note}." in catalogue.summary()
    poor = explanations(artefact=[np.nan, 0.1], artefact_note=[note, ""], grade=["poor fit", "trusted"])
    assert tier_of(Catalogue.of(Parts(objects(), scores(), explanations=poor)))[:2] == ["silver", "gold"]
    assert "not asked" not in Catalogue.of(Parts(objects(), scores(), explanations=explanations())).summary()


def test_an_inspector_who_says_artefact_takes_the_tier_away() -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations(),
                                   labels=said((TID, "ada", "artefact", ""))))
    assert (row(catalogue)["tier"], row(catalogue)["tier_reason"]) == ("", "labelled artefact")


def test_thresholds_are_parameters() -> None:
    tiers = Tiers("mse_cal", gold=0.9, silver=0.8)
    with pytest.raises(ArgumentError, match="one of 'chi2_ivar_cal', got 'mse_cal'"):
        Catalogue.of(Parts(objects(), scores()), tiers=tiers)
    with pytest.raises(ArgumentError, match="at least the threshold of silver"):
        Tiers(gold=1.0)
    with pytest.raises(ArgumentError, match="a probability"):
        Tiers(gold_artefact=2.0)
    assert tier_of(Catalogue.of(Parts(objects(), scores()), tiers=Tiers(gold=8.0, silver=5.0))) == ["silver"] * 2 + [
        ""] * 2
    assert "tier" not in Catalogue.of(Parts(objects())).table, "no score, no tier"
