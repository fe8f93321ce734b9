from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError, DataError
from specanom.triage.quality import Taxonomy, write_default

RULES = """
[[rule]]
name = "bits"
class = "flagged"
why = "a warning"
when = { zwarning = "& 4" }

[[rule]]
name = "near or far"
class = "odd redshift"
any = [ { z = "< 0.01" }, { z = "> 1", class = ["GALAXY", "STAR"] } ]
unless = { note = "known" }

[[rule]]
name = "rest"
class = "flagged"
when = { snr = "missing" }
"""


def table() -> pd.DataFrame:
    return pd.DataFrame({
        "id": ["39633345008634465", "b", "c", "d", "e", "f"], "zwarning": [4, 0, 0, 0, 5, 0],
        "z": [0.001, 0.001, 1.5, 1.5, np.nan, 0.001], "class": ["GALAXY", "GALAXY", "GALAXY", "QSO", "STAR", "STAR"],
        "note": [None, None, None, None, None, "seen"], "snr": [5.0, 5.0, 5.0, np.nan, 5.0, 5.0],
    })


@pytest.fixture
def rules(tmp_path) -> Taxonomy:
    (tmp_path / "mine.toml").write_text(RULES)
    return Taxonomy.read(tmp_path / "mine.toml")


def test_the_first_rule_that_holds_decides_and_the_rest_is_counted(rules):
    made = rules(table())
    assert made.table["rule"].tolist() == ["bits", "near or far", "near or far", "rest", "bits", ""]
    assert made.table["class"].tolist() == ["flagged", "odd redshift", "odd redshift", "flagged", "flagged",
                                            "unclassified"]
    assert made.table["id"][0] == "39633345008634465"
    assert dict(made.counts) == {"flagged": 3, "odd redshift": 2, "unclassified": 1}
    assert made.unmatched == 1
    assert repr(made) == "Classified: 6 objects; 3 flagged, 2 odd redshift, 1 unclassified"


def test_order_matters(rules):
    turned = Taxonomy(rules.rules[::-1])
    assert turned(table()).table["rule"][0] == "near or far"


def test_json_says_the_same(tmp_path, rules):
    import tomllib

    (tmp_path / "mine.json").write_text(json.dumps(tomllib.loads(RULES)))
    pd.testing.assert_frame_equal(Taxonomy.read(tmp_path / "mine.json")(table()).table, rules(table()).table)


def test_a_missing_column_names_rule_and_column_or_is_skipped(rules):
    short = table().drop(columns="note")
    with pytest.raises(ArgumentError, match=r"rule 'near or far': .*note"):
        rules(short)
    made = rules(short, missing="skip")
    assert made.skipped == {"near or far": "note"}
    assert "rule 'near or far' was not tried: no column note" in repr(made)
    assert made.table["rule"].tolist() == ["bits", "", "", "rest", "bits", ""]


def test_a_column_of_the_wrong_kind_names_the_rule(rules):
    with pytest.raises(ArgumentError, match=r"rule 'bits'.*a column of numbers"):
        rules(table().assign(zwarning="x"))


@pytest.mark.parametrize(("text", "said"), [
    ('[[rule]]\nname = "a"\nclass = "b"\nwhen = { z = "> x" }', "rule 'a': z: expected a number after >"),
    ('[[rule]]\nname = "a"\nclass = "b"', "rule 'a': expected conditions under when or any"),
    ('[[rule]]\nname = "a"\nwhen = { z = "> 1" }', "rule 'a', class: expected text"),
    ('[[rule]]\nclass = "a"\nwhen = { z = "> 1" }', "rule 1, name: expected text"),
    ('[[rule]]\nname = "a"\nclass = "b"\nwhne = { z = "> 1" }', "rule 'a', key.*did you mean 'when'"),
    ('[[rule]]\nname = "a"\nclass = "b"\nany = { z = "> 1" }', "rule 'a'"),
    ('[[rule]]\nname = "a"\nclass = "b"\nwhen = { z = "> 1" }\n' * 2, "a name of its own for each, got a"),
])
def test_a_rule_that_cannot_be_understood_is_named(tmp_path, text, said):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(ArgumentError, match=said):
        Taxonomy.read(tmp_path / "bad.toml")


@pytest.mark.parametrize(("text", "said"), [
    ("[[rule", "expected TOML"), ("version = 1", "at least one"), ("rule = 3", "at least one"),
    ('version = 2\n[[rule]]\nname = "a"\nclass = "b"\nwhen = { z = "> 1" }', "rules of version 1"),
])
def test_a_file_that_holds_no_rules_is_refused(tmp_path, text, said):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(DataError, match=said):
        Taxonomy.read(tmp_path / "bad.toml")
    with pytest.raises(DataError, match="a file of rules"):
        Taxonomy.read(tmp_path / "none.toml")
    with pytest.raises(ArgumentError, match=r"'\.toml', '\.json'"):
        Taxonomy.read(tmp_path / "rules.yaml")


def test_a_condition_is_never_run_as_code(tmp_path):
    (tmp_path / "bad.toml").write_text(
        '[[rule]]\nname = "a"\nclass = "b"\nwhen = { note = "__import__(\'os\').abort()" }')
    assert Taxonomy.read(tmp_path / "bad.toml")(table()).unmatched == 6


def explained() -> pd.DataFrame:
    """What catalogues know of explained objects, one of each kind."""
    rows = {
        "second redshift": {"artefact": 0.1, "z_second": 0.5, "context_lines": 0.8},
        "5577": {"artefact": 0.6, "top_1_from": 5060.0, "top_1_to": 5080.0, "context_sky": 0.6},
        "masked pixels": {"artefact": 0.9, "context_imputed": 0.7},
        "OH forest": {"artefact": 0.9, "context_narrow": 0.6, "top_1_from": 7000.0, "top_1_to": 7050.0},
        "spikes": {"artefact": 0.9, "context_narrow": 0.6},
        "airglow": {"artefact": 0.9, "context_sky": 0.6}, "telluric band": {"artefact": 0.9, "context_telluric": 0.5},
        "arms": {"artefact": 0.9, "context_join": 0.3}, "other artefact": {"artefact": 0.9, "context_lines": 0.8},
        "flagged redshift": {"artefact": 0.1, "zwarning": 4}, "lines": {"artefact": 0.1, "context_lines": 0.8},
        "off the lines": {"artefact": 0.1, "context_continuum": 0.8}, "": {"artefact": np.nan},
    }
    contexts = ("lines", "imputed", "sky", "telluric", "join", "continuum", "narrow")
    usual = {**{f"context_{name}": 0.0 for name in contexts}, "zwarning": 0, "z": 0.1, "z_second": np.nan,
             "top_1_from": 6000.0, "top_1_to": 6050.0}
    return pd.DataFrame([{"id": name, **usual, **row} for name, row in rows.items()])


def test_the_default_rules_tell_one_of_each_kind():
    made = Taxonomy.default()(explained())
    assert made.table["rule"].tolist() == made.table["id"].tolist()
    assert made.unmatched == 1
    assert [rule.name for rule in Taxonomy.default()] == [name for name in explained()["id"] if name] or \
        {rule.name for rule in Taxonomy.default()} == set(explained()["id"]) - {""}
    assert all(rule.why for rule in Taxonomy.default())


def test_the_default_rules_can_be_copied_and_changed(tmp_path):
    path = write_default(tmp_path / "rules.toml")
    assert Taxonomy.read(path).rules == Taxonomy.default().rules
    path.write_text(path.read_text().replace('class = "bad pixels"', 'class = "detector"'))
    assert "detector" in Taxonomy.read(path)(explained()).counts
    with pytest.raises(DataError, match="exists"):
        write_default(path)


def test_rules_print_as_sentences(rules):
    text = repr(rules)
    assert "bits → flagged: zwarning & 4" in text
    assert "near or far → odd redshift: (z < 0.01) or (z > 1 and class in {GALAXY, STAR}) unless note known" in text


def test_a_second_redshift_is_told_of_quasars_too_which_have_no_probability_of_an_artefact():
    table = explained().iloc[[0, 0]].assign(id=["quasar", "artefact"], artefact=[np.nan, 0.9])
    assert Taxonomy.default()(table).table["rule"].tolist() == ["second redshift", "other artefact"]
