"""The wheel and the source archive work in an environment that holds nothing but what they ask for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
SOURCES = {"specanom": "specanom", "notebooks": "specanom/notebooks", "widgets": "specanom/widgets"}
"""Folders of the checkout, and where they lie in a wheel."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]


def run(command: list[str], folder: Path, *, limit: int = 300) -> str:
    """Run a command elsewhere, without what points at this checkout; returns what it says."""
    around = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=limit, env=around)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def tracked() -> list[str]:
    """Return the files that belong to the checkout."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("needs a checkout of git")
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, so that nothing is left in it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in tracked():
        if not name.startswith(("tests/data", "docs/images")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def source(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive."""
    target = tmp_path_factory.mktemp("source")
    run([sys.executable, "-c", BUILD, "build_sdist", str(target)], checkout)
    (archive,) = target.iterdir()
    return archive


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the source archive makes."""
    folder, target = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("wheel")
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    run([sys.executable, "-c", BUILD, "build_wheel", str(target)], next(folder.iterdir()))
    (built,) = target.iterdir()
    return built


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    expected = set()
    for name in tracked():
        top, _, rest = name.partition("/")
        if top in SOURCES and rest and not rest.startswith("voila/") and PurePosixPath(rest).name != "README.md":
            expected.add(f"{SOURCES[top]}/{rest}")
    found = names(wheel)
    package = {name for name in found if name.startswith("specanom/") and "/voila/" not in name}
    assert package == expected, package ^ expected
    assert {"specanom/py.typed", "specanom/notebooks/01_acquire.ipynb"} <= package
    rest = {name.split("/")[0] for name in found} - {"specanom"}
    assert all(re.fullmatch(r"specanom-[0-9.]+\.(dist-info|data)", name) for name in rest), rest
    template = [name for name in found if "/share/jupyter/voila/templates/specanom/" in name]
    of_checkout = [name for name in tracked() if name.startswith("widgets/voila/templates/specanom/")]
    assert len(template) == len(of_checkout) > 0


def test_the_source_archive_makes_the_wheel_of_the_checkout(wheel: Path, checkout: Path, tmp_path: Path) -> None:
    target = tmp_path / "wheel"
    run([sys.executable, "-c", BUILD, "build_wheel", str(target)], checkout)
    (other,) = target.iterdir()
    assert other.name == wheel.name
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(other) as two:
        assert sorted(one.namelist()) == sorted(two.namelist())
        assert [name for name in names(wheel) if one.read(name) != two.read(name)] == []


def test_nothing_private_is_in_the_source_archive(source: Path) -> None:
    with tarfile.open(source) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()} - {""}
    allowed = {*SOURCES, "specanom.egg-info", "README.md", "LICENSE", "pyproject.toml", "setup.cfg", "PKG-INFO",
               "MANIFEST.in"}
    assert {name.split("/")[0] for name in found} <= allowed
    assert [name for name in found if "__pycache__" in name or name.endswith((".pyc", ".log"))] == []


def links(site: Path, wheel: Path) -> set[str]:
    """Lend an environment what a wheel asks for, and what that asks for, as links to the packages installed here."""
    with zipfile.ZipFile(wheel) as archive:
        told = archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))).decode()
    waiting = [(Requirement(text), "") for text in re.findall(r"^Requires-Dist: (.*)$", told, flags=re.M)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, of = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": of}):
            continue
        for extra in {"", *requirement.extras} - {extra for name, extra in seen if name == requirement.name}:
            seen.add((requirement.name, extra))
            found = distribution(requirement.name)
            waiting += [(Requirement(text), extra) for text in found.requires or []]
            for top in {file.parts[0] for file in found.files or [] if file.parts[0] != ".."}:
                here, there = Path(str(found.locate_file(top))), site / top
                if here.exists() and not there.exists() and top != "__pycache__":
                    there.symlink_to(here, target_is_directory=here.is_dir())
    return {name for name, _ in seen}


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment with the wheel and its dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    assert {"numpy", "torch", "papermill"} <= links(site, wheel)
    run([sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet", "--no-deps",
         "--no-index", str(wheel)], folder)
    return folder / "bin"


def test_it_is_another_specanom_and_extras_are_not_there(clean: Path, tmp_path: Path) -> None:
    code = "import specanom, importlib.util as i; print(specanom.__file__, i.find_spec('lime'), i.find_spec('pytest'))"
    where, *others = run([str(clean / "python"), "-c", code], tmp_path).split()
    assert Path(where).is_relative_to(clean.parent)
    assert others == ["None", "None"]


def test_the_first_ten_lines_of_the_readme_run_elsewhere(clean: Path, tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S)
    (tmp_path / "ten.py").write_text(block)
    assert "Context(" in run([str(clean / "python"), "ten.py"], tmp_path)


def test_help_and_doctor_work(clean: Path, tmp_path: Path) -> None:
    assert "doctor" in run([str(clean / "specanom"), "--help"], tmp_path)
    told = run([str(clean / "specanom"), "doctor"], tmp_path)
    assert str(clean.parent) in told


def test_what_is_missing_is_told_with_the_command_that_mends_it(clean: Path, tmp_path: Path) -> None:
    code = "import specanom.widgets as w\ntry:\n    w.LimeTuner\nexcept ImportError as wrong:\n    print(wrong)"
    assert "specanom[widgets]" in run([str(clean / "python"), "-c", code], tmp_path)


def test_type_checkers_read_it(clean: Path, tmp_path: Path) -> None:
    """Without py.typed they would call it untyped."""
    (tmp_path / "mine.py").write_text("import specanom as sa\n\nsurvey = sa.surveys.mock(n=10, seed=1)\n")
    command = [sys.executable, "-m", "mypy", "--python-executable", str(clean / "python"), "--follow-imports", "skip",
               "--cache-dir", str(tmp_path / "cache"), "mine.py"]
    assert "Success" in run(command, tmp_path)
