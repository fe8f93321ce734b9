"""What the README shows runs as shown, and what it says of the product is so."""

from __future__ import annotations

import io
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from specanom.run.cli import main
from tests.guides import Guide

ROOT = Path(__file__).resolve().parent.parent
PAGE = Guide("README.md")
README = PAGE.text
ONE_LINE = " ".join(README.split())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


@pytest.fixture(scope="module")
def ten() -> dict[str, Any]:
    """What the ten lines leave, and what they print."""
    from contextlib import redirect_stdout

    said = io.StringIO()
    with redirect_stdout(said):
        names = PAGE.run()
    return {**names, "printed": said.getvalue()}


@pytest.mark.slow
def test_the_ten_lines_are_ten_and_run_as_shown(ten: dict[str, Any]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    assert len(code.splitlines()) <= 10
    assert "Context(" in ten["printed"]
    assert len(ten["explanation"].weights) == 77


@pytest.mark.slow
def test_what_is_said_of_the_oddest_is_what_was_put_into_it(ten: dict[str, Any]) -> None:
    assert "prints the galaxy's redshift, then [O III] and Hα at a redshift that is not the galaxy's" in ONE_LINE
    assert float(ten["printed"].split()[0]) == pytest.approx(ten["oddest"].z)
    truth = ten["survey"].truth.set_index("id")
    assert truth.loc[ten["oddest"].id, "kind"] == "background_emitter"
    leading = [name for name, _ in ten["explanation"].as_list(3)]
    (redshift,) = {float(name.rpartition("z = ")[2]) for name in leading}
    assert redshift > ten["oddest"].z + 0.05
    assert {name.split()[0] for name in leading} == {"[O", "Hα"}


@pytest.mark.slow
def test_the_scores_are_ten(ten: dict[str, Any]) -> None:
    from specanom.scores.named import scorers_of

    assert "in ten ways" in README
    assert len(scorers_of(ten["model"], ten["sample"])) == 10


def test_what_it_links_to_exists() -> None:
    assert PAGE.missing() == []


def test_the_badge_invents_no_address() -> None:
    """Binder needs the address of the repository; until pyproject.toml tells one, the badge leads to an explanation."""
    outside = re.findall(r"\]\((https?://[^)]+)\)", README)
    address = next((url for url in PROJECT.get("urls", {}).values() if url.startswith("https://github.com/")), None)
    if address is None:
        assert outside == ["https://mybinder.org/badge_logo.svg"]
        assert "(https://mybinder.org/badge_logo.svg)](binder/README.md)" in README
        told = (ROOT / "binder" / "README.md").read_text(encoding="utf-8")
        assert "mybinder.org/v2/gh/OWNER/REPOSITORY/HEAD?urlpath=lab/tree/tutorials" in told
    else:
        place = address.removeprefix("https://github.com/").strip("/")
        assert f"https://mybinder.org/v2/gh/{place}/HEAD?urlpath=lab/tree/tutorials" in outside


def test_its_pictures_are_small_and_the_first_one_moves() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((docs/[^)]+)\)", README)
    assert sum((ROOT / path).stat().st_size for path in shown) < 1_500_000
    assert all((ROOT / path).stat().st_size < 900_000 for path in shown)
    with Image.open(ROOT / shown[0]) as film:
        assert film.n_frames > 5


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"(?:`|^|\()make ([a-z]+)\b", README, flags=re.M))
    assert {"run", "app", "lab", "test", "tutorials", "docs"} <= named <= targets, named - targets


def test_what_setup_takes_is_told_before_it_is_taken() -> None:
    """Installing is silent for minutes."""
    told = "some minutes and about 3 GB of disk"
    recipe = (ROOT / "Makefile").read_text().partition("$(VENV)/.ready: ")[2].partition("\n\n")[0]
    assert recipe.index(told) < recipe.index("-m venv")
    assert "some minutes, about 3 GB of disk" in ONE_LINE


def test_its_commands_and_their_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = re.findall(r"`specanom ([a-z]+[^`]*)`", README)
    assert {"run", "reproduce", "doctor", "cite"} <= {line.split()[0] for line in told}
    for line in told:
        command, *rest = shlex.split(line)
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
        known = capsys.readouterr().out
        assert all(part in known for part in rest if part.startswith("--")), line


def test_its_extras_are_those_there_are() -> None:
    table = README.partition("| extra | brings |")[2].partition("\n\n")[0]
    assert set(re.findall(r"\| `([a-z]+)` \|", table.replace(" | `", " | | `"))) == set(EXTRAS)
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z]+)` \| (.*) \|$", page, flags=re.M))
    assert set(rows) == set(EXTRAS)
    assert f"specanom[{','.join(re.findall('`([a-z]+)`', rows['tutorials']))}]" in EXTRAS["tutorials"]
    (example,) = re.findall(r"pip install '\.\[([a-z,]+)\]'", README)
    assert set(example.split(",")) <= set(EXTRAS)


def test_the_exit_codes_of_the_doctor_are_those_told(monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    from specanom.run import doctor

    assert "its exit code is 0 when specanom can run, and 4 when something that it needs is missing" in ONE_LINE
    for needed, code in ((False, 0), (True, 4)):
        missing = doctor.Check("something", False, "not installed", "pip install something", optional=not needed)
        monkeypatch.setattr(doctor, "check_installation", lambda missing=missing: [missing])
        assert main(["doctor"]) == code
        assert "pip install something" in capsys.readouterr().out


def test_its_numbers_are_those_measured() -> None:
    measured = (ROOT / "docs/measurements.md").read_text(encoding="utf-8")
    row = re.search(r"^\| `multiscale` \| (.*) \|$", measured, flags=re.M)
    assert row is not None
    cells = row[1].split(" | ")
    assert "2320 galaxies pass, 150 of them anomalous" in measured
    assert "150 anomalies among 2320 galaxies" in ONE_LINE
    assert f"ROC-AUC {cells[1]} for the best single score and {cells[5]} for the same score of a PCA" in ONE_LINE
    kept = json.loads((ROOT / "benchmarks/results/explain_default.json").read_text())["MSE, scale fill, one thread"]
    faster = [one["A/collapse"] for one in kept]
    assert f"{min(faster):.0f} to {max(faster):.0f} times faster" in ONE_LINE
    assert max(one["weights differ"] for one in kept) < 1e-5


def test_its_benchmarks_exist() -> None:
    named = re.findall(r"python -m benchmarks\.([a-z_]+)", README)
    assert named
    assert all((ROOT / "benchmarks" / f"{name}.py").is_file() for name in named)


def test_a_newcomer_reads_it_in_minutes() -> None:
    assert len(re.sub(r"```.*?```", "", README, flags=re.S).split()) < 900
