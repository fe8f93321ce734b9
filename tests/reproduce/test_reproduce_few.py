"""Too few spectra, another survey, no spectra: the page says what cannot be told, or the command why there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specanom import surveys
from specanom.reproduce import filters, making, reproduce
from specanom.reproduce import page as page_of
from specanom.reproduce.making import PAGE
from specanom.reproduce.numbers import ITEMS
from specanom.reproduce.page import RECIPES
from specanom.reproduce.reasons import reasons_of
from specanom.reproduce.sides import Made
from specanom.reproduce.verdicts import AGREES, DIFFERS, OPEN
from specanom.run.failure import StageFailed

pytestmark = pytest.mark.xdist_group("reproduce")
DATA = Path("tests/data")
NOTHING = Made({}, missing="this cannot be computed: too few")


def test_every_figure_and_table_takes_runs_that_have_nothing_to_show() -> None:
    for item in ITEMS:
        recipe = RECIPES[item.key]
        verdict = recipe.judge(NOTHING, NOTHING)
        assert set(verdict.told.values()) == {OPEN}, item.title
        assert all("too few" in said for said in verdict.said.values()), item.title
        rows = recipe.beside(NOTHING, NOTHING).rows
        assert all(cell == "–" for row in rows for cell in row[2:]), item.title


def test_a_run_that_stops_for_want_of_spectra_is_shown_as_far_as_it_got(tmp_path: Path, without_kernels: None) -> None:
    surveys.mock(n=16, seed=3).write(tmp_path / "survey")
    page = reproduce(tmp_path / "out", {"survey": "sdss", "path": str(tmp_path / "survey"), "bins": 4})
    text = page.read_text(encoding="utf-8")
    assert text.count("the run stopped at 03_train: sample: expected at least 8") == 2
    items = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["items"]
    told = {key: {one["paper"], one["defaults"]} for key, one in items.items()}
    assert told["table-B.1"] == {AGREES, DIFFERS}
    assert OPEN not in told["table-1"]
    assert all(verdicts == {OPEN} for key, verdicts in told.items() if key not in ("table-1", "table-B.1"))
    assert "The spectra are simulated" not in text
    assert "not those of the paper" in text


def test_spectra_of_desi_without_redshifts_are_refused_with_what_to_try(tmp_path: Path, without_kernels: None) -> None:
    (tmp_path / "tree").mkdir()
    shutil.copy(DATA / "coadd-4-80613-thru20210324.fits", tmp_path / "tree")
    with pytest.raises(StageFailed, match=r"no redshift and class.*redrock"):
        reproduce(tmp_path / "out", {"survey": "desi", "path": str(tmp_path / "tree")})
    assert not (tmp_path / "out" / PAGE).exists()


def test_of_a_survey_that_the_papers_cuts_refuse_the_defaults_are_shown_alone(
    reproduction: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(place: Path, parameters: dict[str, Any], **_: object) -> None:
        shutil.copytree(reproduction / place.name, place)
        if parameters["preset"]:
            reason = "DataError: survey: expected at least one spectrum, got none (4 left out: instrument DESI)."
            raise StageFailed("02_preprocess", place, reason, kind="DataError")

    monkeypatch.setattr(making, "run_pipeline", run)
    monkeypatch.setattr(page_of, "ITEMS", ITEMS[:2])
    page = reproduce(tmp_path, {"survey": "desi", "path": "tree"})
    assert "the run stopped at 02_preprocess: survey: expected" in page.read_text(encoding="utf-8")
    record = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert list(record["stopped"]) == ["paper"]
    assert "instrument DESI" in record["stopped"]["paper"]
    for one in record["items"].values():
        assert one["paper"] == OPEN != one["defaults"]
        assert "stopped at 02_preprocess" in one["said"]["paper"]


def test_without_a_survey_two_thousand_fibres_are_simulated_for_both_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def note(place: Path, parameters: dict[str, Any], **_: object) -> None:
        asked.append(parameters)

    monkeypatch.setattr(making, "run_pipeline", note)
    monkeypatch.setattr(making, "_side", lambda *_: None)
    monkeypatch.setattr(making, "write_page", lambda path, *_, **__: path)
    assert reproduce(tmp_path) == tmp_path / PAGE
    assert asked == [{"top": 60, "survey": "mock", "preset": preset} for preset in ("paper", "")]


def test_a_failure_that_is_no_want_of_spectra_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for stage, kind in (("05_explain", "KeyError"), ("01_acquire", "DataError"), ("02_preprocess", "DataError")):
        def fail(*_: object, stage: str = stage, kind: str = kind, **__: object) -> None:
            raise StageFailed(stage, tmp_path, f"{kind}: broken", kind=kind)

        monkeypatch.setattr(making, "run_pipeline", fail)
        with pytest.raises(StageFailed, match="broken"):
            reproduce(tmp_path)


def test_reasons_speak_of_the_spectra_at_hand() -> None:
    of: Callable[..., tuple[str, ...]] = reasons_of
    assert of(("simulated", "few"), simulated=True, survey="mock") == ("simulated", "few")
    assert of(("simulated", "few"), simulated=False, survey="sdss") == ("others", "few")
    assert of(("few", "simulated"), simulated=False, survey="desi") == ("few", "others", "desi")


def test_the_lines_of_the_filter_are_the_papers_in_air_and_ours_in_vacuum() -> None:
    waves = dict(zip(filters.LISTED, filters.PAPER_FILTER_AIR, strict=True))
    ours = dict(zip(filters.FILTER_LINES, filters.filter_waves(), strict=True))
    verdict = filters.judge_b1(*(Made({"waves": some, "half width": 250.0}) for some in (waves, ours)))
    assert verdict.told == {"paper": AGREES, "defaults": DIFFERS}
    assert "82 to 85 km/s to the red" in verdict.said["defaults"]
    assert "[O II] 3730" in verdict.said["defaults"]
