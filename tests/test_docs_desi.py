"""What the guide to DESI shows runs as shown, and its tables say what the code does."""

from __future__ import annotations

import re

from specanom.surveys.desi_gate import is_bad
from specanom.surveys.desi_releases import release_of, releases
from specanom.surveys.gate import FATAL_BITS
from tests.guides import Guide

PAGE = Guide("docs/desi.md")


def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    assert [one.z for one in names["survey"]] == [0.123]
    said = capsys.readouterr().out
    assert "class QSO, not GALAXY" in said
    assert "iron/healpix/main/dark/272/27247/coadd-main-dark-27247.fits" in said
    assert len(names["sample"]) >= 2
    assert "left out: 1 BAL_PROB > 0.5" in said


def test_its_tables_say_what_the_code_does() -> None:
    row = re.search(r"\| ZWARN \| (.*) \| (.*) \|", PAGE.text)
    assert tuple(int(bit) for bit in re.findall(r"\d+", row[2])) == FATAL_BITS
    assert not set(re.findall(r"\d+", row[1])) & {str(bit) for bit in FATAL_BITS}
    row = re.search(r"\| COADD_FIBERSTATUS \| (.*) \| (.*) \|", PAGE.text)
    passing = [int(bit) for bit in re.findall(r"(\d+) [A-Z]+", row[1])]
    assert passing == [bit for bit in range(32) if not is_bad(1 << bit)]
    for name in releases():
        assert f"| `{name}` | {release_of(name)['specprod']}" in PAGE.text


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
