"""What makes the pictures of the README keeps their colours and times, and plays what the README shows."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_small_badge_keeps_its_colour_beside_large_gradients(pictures: ModuleType, tmp_path: Path) -> None:
    film = pictures.Film(None)
    badges = [(4, 120, 87), (180, 83, 9), (0, 114, 178)]
    for colour in badges:
        frame = Image.linear_gradient("L").resize((300, 200)).convert("RGB")
        ImageDraw.Draw(frame).rectangle((20, 20, 60, 32), fill=colour)
        film.frames.append(frame)
    film.times = [500, 300, 1200]
    with Image.open(film.save(tmp_path / "film.gif")) as made:
        assert made.n_frames == 3
        for row, (colour, time) in enumerate(zip(badges, film.times, strict=True)):
            made.seek(row)
            assert made.info["duration"] == time
            shown = made.convert("RGB").getpixel((40, 26))
            assert max(abs(a - b) for a, b in zip(shown, colour, strict=True)) < 12


def test_it_plays_the_lines_of_the_readme(pictures: ModuleType) -> None:
    code = pictures.ten_lines()
    assert code in (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"score", "oddest", "sample"} <= set(compile(code, "README.md", "exec").co_names)
