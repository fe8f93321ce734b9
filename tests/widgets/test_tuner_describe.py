"""The numbers of an explanation in words: escaped, readable, and with the thresholds they miss."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from specanom.widgets.tuner.describe import CHIPS, chip_colours, contrast, describe, numbers

import specanom as sa
from specanom.explain.grades import GOOD_R2

HOSTILE = "<img src=x onerror=alert(1)>'\" & $$x$$"


def odd(flux: np.ndarray) -> np.ndarray:
    return ((flux - 1.0) ** 2).mean(axis=1)


def explained(method: object = None) -> sa.Explanation:
    flux = np.ones(60)
    flux[30:40] = 3.0
    return sa.Explainer(odd, sa.Uniform(6), method=method or sa.Lime(500)).explain(flux)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_all_that_the_record_knows_is_said() -> None:
    e = explained()
    said = {one.name: one.value for one in numbers(e, 0.0312)}
    assert said == {"odd": f"{e.score:.4g}", "R²": f"{e.r2:.2f}", "effective samples": f"{e.ess:,.0f} of 500",
                    "stability": "100%", "completeness error": f"{e.completeness:.0%}", "artefact": "–",
                    "time": "31 ms", "path": e.path}


def test_methods_that_draw_nothing_have_scores_and_no_samples() -> None:
    said = {one.name: one.value for one in numbers(explained(sa.Occlusion()))}
    assert said["scores"] == "8"
    assert "effective samples" not in said
    assert "time" not in said


@pytest.mark.parametrize(("changes", "name", "warning"), [
    ({"r2": 0.31}, "R²", f"below {GOOD_R2:g}"), ({"stability": 0.4}, "stability", "below 90%"),
    ({"ess": 12.0}, "effective samples", "below 5 × 6 segments"),
])
def test_a_number_below_its_threshold_says_so(changes: dict[str, float], name: str, warning: str) -> None:
    good = {one.name: one for one in numbers(explained())}
    poor = {one.name: one for one in numbers(replace(explained(), **changes))}
    assert good[name].warning == ""
    assert poor[name].warning == warning
    assert warning in describe(replace(explained(), **changes))


@pytest.mark.parametrize("field", ["reason", "path", "grade"])
def test_hostile_words_stay_text(field: str) -> None:
    found = Tags()
    found.feed(describe(replace(explained(), **{field: HOSTILE})))
    assert HOSTILE in found.text
    assert set(found.tags) == {"div", "span", "b"}


def test_a_hostile_score_name_stays_text() -> None:
    found = Tags()
    found.feed(describe(replace(explained(), settings={"score": HOSTILE})))
    assert HOSTILE in found.text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chips_can_be_read_in_both_themes(theme: str) -> None:
    for role, _mark in CHIPS.values():
        assert contrast(*chip_colours(role, theme)) >= 4.5
    shown = describe(replace(explained(), grade="unstable", r2=0.1), theme=theme)
    for ink, ground in re.findall(r"color:(#\w{6});background:(#\w{6})", shown):
        assert contrast(ink, ground) >= 4.5


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
