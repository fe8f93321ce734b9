"""No tier is given where it would mean nothing: scores nobody calibrated, or no more above than chance expects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from specanom.triage.catalogue import Catalogue, Parts, Tiers

IDS = [f"o-{i}" for i in range(12)]
CAL = [9.0, 8.0, 6.0, 4.0, 3.5, *np.linspace(-1, 1, 7)]


def catalogue(tiers: Tiers, **more: list) -> Catalogue:
    objects = pd.DataFrame({"id": IDS, "ra": 1.0, "dec": 2.0})
    told = pd.DataFrame({"id": IDS[:6], "grade": "trusted", "artefact": 0.1} | more)
    return Catalogue.of(Parts(objects, pd.DataFrame({"id": IDS, "chi2_ivar_cal": CAL}), explanations=told), tiers=tiers)


def tiers_of(made: Catalogue) -> list[str]:
    return made.table.set_index("id")["tier"][IDS].tolist()


def reasons_of(made: Catalogue) -> list[str]:
    return made.table.set_index("id")["tier_reason"][IDS].tolist()


@pytest.mark.parametrize(("expected", "withheld"), [
    ({"gold": 1.0, "silver": 4.0}, []), ({"gold": 3.0, "silver": 4.9}, ["gold"]), ({}, []),
    ({"gold": 1.0, "silver": 5.0}, ["silver"]), ({"gold": 3.0, "silver": 10.0}, ["gold", "silver"]),
])
def test_a_tier_asks_for_more_objects_above_than_chance_expects(expected, withheld) -> None:
    made = catalogue(Tiers(expected=expected))
    second = "" if "silver" in withheld else "silver"
    first = second if "gold" in withheld else "gold"
    assert tiers_of(made) == [first] * 3 + [second] * 2 + [""] * 7
    assert list(made.meta["tiers"]["withheld"]) == withheld
    assert made.meta["tiers"]["found"] == {"gold": 3, "silver": 5}


def test_it_is_said_which_tier_is_not_given_and_why() -> None:
    made = catalogue(Tiers(expected={"gold": 1.0, "silver": 10.0}))
    assert reasons_of(made)[:3] == [""] * 3
    why = "no silver below 5 is given: 5 of 12 objects reach 3, no more than the 10 ordinary ones that chance expects"
    assert reasons_of(made)[3:5] == [why] * 2
    assert reasons_of(made)[5] == "chi2_ivar_cal below 3"
    for text in (made.summary(), made.meta["tiers"]["sentence"]):
        assert f"{why[0].upper()}{why[1:]}." in text
        assert "gold: chi2_ivar_cal at least 5 (about 1 ordinary spectrum expected above, 3 found)" in text
    none = catalogue(Tiers(expected={"gold": 3.0, "silver": 4.0}))
    assert reasons_of(none)[:3] == ["no gold is given: 3 of 12 objects reach 5, no more than the 3 ordinary ones that "
                                    "chance expects"] * 3


def test_no_tier_is_given_of_scores_that_are_refused_and_it_is_said() -> None:
    why = "the scores of 12 spectra are compared with their median alone"
    made = catalogue(Tiers(refused=why, expected={"gold": 1.0, "silver": 4.0}))
    assert tiers_of(made) == [""] * 12
    assert set(reasons_of(made)) == {f"no tiers are given: {why}"}
    assert made.meta["tiers"]["withheld"] == dict.fromkeys(("gold", "silver"), f"no tiers are given: {why}")
    assert made.meta["tiers"]["sentence"].startswith(f"No tiers are given: {why}.")
    assert f"No tiers are given: {why}." in made.summary()
    assert (made.meta["tiers"]["score"], made.meta["tiers"]["silver"]) == ("chi2_ivar_cal", 3.0)


def test_what_reaches_gold_is_silver_where_too_few_do_so_below() -> None:
    made = catalogue(Tiers(expected={"gold": 1.0, "silver": 10.0}), grade=["trusted", "unstable", *["trusted"] * 4])
    assert tiers_of(made)[:4] == ["gold", "silver", "gold", ""]
    assert reasons_of(made)[1] == "explanation not trusted"


def test_other_reasons_stand_where_an_object_lacks_more_than_a_tier(tmp_path) -> None:
    made = catalogue(Tiers(expected={"gold": 3.0, "silver": 4.0}), grade=["unstable", *["trusted"] * 5])
    assert reasons_of(made)[0] == "explanation not trusted"
    made = catalogue(Tiers(expected={"gold": 1.0, "silver": 10.0}), artefact=[0.7, *[0.1] * 5])
    assert (tiers_of(made)[0], reasons_of(made)[0]) == ("", "probability of an artefact at least 0.5")
    again = Catalogue.read(made.write(tmp_path / "odd.parquet"))
    assert (tiers_of(again), again.meta["tiers"]) == (tiers_of(made), made.meta["tiers"])
