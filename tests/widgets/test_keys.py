"""Keys without a page, and the colours of dashboards: every text can be read on its paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from specanom.widgets.base.keys import Keys

from specanom import plots, widgets
from specanom.errors import ArgumentError
from specanom.plots.palette import THEMES

BASE = Path(widgets.__file__).parent / "base"
PLOTS = Path(plots.__file__).parent
TEXT = ("--sa-ink", "--sa-muted", "--sa-accent", "--sa-wrong")
PAPER = ("--sa-paper", "--sa-raised")


def test_a_press_reaches_every_callback_and_is_answered() -> None:
    keys = Keys({"ArrowDown": "next row", "1": "interesting"})
    pressed: list[str] = []
    answers: list[object] = []
    keys.on_key(pressed.append)
    keys.on_key(pressed.append)
    keys.send = lambda content, buffers=None: answers.append(content)
    keys._handle_custom_msg({"kind": "key", "name": "1", "press": "0-x"}, [])
    keys._handle_custom_msg({"kind": "key", "name": "z", "press": "1-x"}, [])
    keys._handle_custom_msg("nonsense", [])
    assert pressed == ["1", "1"]
    assert answers == [{"kind": "done", "press": "0-x"}, {"kind": "done", "press": "1-x"}]


def test_python_says_that_it_is_there_when_the_page_asks() -> None:
    keys = Keys(("1",))
    answers: list[object] = []
    keys.send = lambda content, buffers=None: answers.append(content)
    keys._handle_custom_msg({"kind": "there?"}, [])
    assert answers == [{"kind": "here"}]


def test_a_callback_that_fails_does_not_mute_the_keyboard() -> None:
    keys = Keys(("1",))
    answers: list[object] = []

    def fail(_name: str) -> None:
        raise ValueError("no")

    keys.on_key(fail)
    keys.send = lambda content, buffers=None: answers.append(content)
    with pytest.raises(ValueError, match="no"):
        keys._receive(keys, {"kind": "key", "name": "1", "press": "0-x"}, [])
    assert answers == [{"kind": "done", "press": "0-x"}]


def test_names_and_words() -> None:
    keys = Keys({"ArrowDown": "next row", " ": "pick"})
    assert keys.names == ("ArrowDown", " ")
    assert keys._help == [["ArrowDown", "↓", "next row"], [" ", "Space", "pick"]]
    assert Keys(["a"]).names == ("a",)
    for wrong in ({"?": "help"}, {"": "x"}, {"a": 3}):
        with pytest.raises(ArgumentError, match="names"):
            Keys(wrong)  # type: ignore[arg-type]


# -- colours -----------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def blend(over: str, under: str, share: float) -> str:
    pairs = [(int(over[i : i + 2], 16), int(under[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def colours(theme: str) -> dict[str, str]:
    text = (BASE / "dashboard.css").read_text(encoding="utf-8")
    selector = {"light": r"^\.specanom-dashboard \{", "dark": r"^\.specanom-dashboard\.specanom-dark \{"}[theme]
    block = re.split(selector, text, maxsplit=1, flags=re.M)[1].partition("}")[0]
    return dict(re.findall(r"(--sa-[a-z-]+): (#[0-9a-f]{6});", block))


def test_contrast_of_black_on_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_its_paper(theme: str) -> None:
    known = colours(theme)
    assert known["--sa-paper"] == THEMES[theme].paper
    for ink in TEXT:
        for paper in PAPER:
            assert contrast(known[ink], known[paper]) >= 4.5, (ink, paper)
    assert contrast(known["--sa-on-accent"], known["--sa-accent"]) >= 4.5
    for ink in ("--sa-ink", "--sa-wrong"):
        assert contrast(known[ink], known["--sa-wrong-paper"]) >= 4.5
    # Outlines of fields, handles and the focus: 3:1.
    for line in ("--sa-field", "--sa-accent"):
        for paper in PAPER:
            assert contrast(known[line], known[paper]) >= 3.0, (line, paper)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_rows_in_focus_and_picked_can_be_read(theme: str) -> None:
    known = colours(theme)
    shares = re.findall(r"color-mix\(in srgb, var\(--sa-accent\) (\d+)%, var\(--sa-paper\)\)",
                        (PLOTS / "table.css").read_text(encoding="utf-8"))
    assert len(shares) == 2
    for share in shares:
        paper = blend(known["--sa-accent"], known["--sa-paper"], int(share) / 100)
        assert contrast(known["--sa-ink"], paper) >= 4.5
        assert contrast(known["--sa-muted"], paper) >= 4.5


def test_style_sheets_fetch_nothing_and_respect_reduced_motion() -> None:
    for path in (BASE / "dashboard.css", PLOTS / "table.css"):
        text = path.read_text(encoding="utf-8")
        assert "@import" not in text
        assert all(address.startswith("data:") for address in re.findall(r'url\("?([^")]*)', text))
    assert "prefers-reduced-motion: reduce" in (BASE / "dashboard.css").read_text(encoding="utf-8")


def test_nothing_from_data_is_written_as_html() -> None:
    for path in (PLOTS / "table.js", BASE / "keys.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
