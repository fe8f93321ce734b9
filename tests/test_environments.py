"""pyproject.toml, constraints.txt, environment.yml and binder/ say the same."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def lines(path: str) -> list[str]:
    """Return the lines of a file of requirements that are no comments."""
    return [line.split("#")[0].strip() for line in (ROOT / path).read_text().splitlines() if line.split("#")[0].strip()]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PINS = {plain(line.split("==")[0]): Version(line.split("==")[1]) for line in lines("constraints.txt")}
OFFLINE = re.compile(r"NameResolutionError|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|"
                     r"Network is unreachable|Connection refused")
"""What pip says without a network."""
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


def declared(requirements: list[str]) -> Iterator[Requirement]:
    """Yield requirements, those of this package's own extras in place of their names."""
    for text in requirements:
        requirement = Requirement(text)
        if plain(requirement.name) == PROJECT["name"]:
            for extra in sorted(requirement.extras):
                yield from declared(EXTRAS[extra])
        else:
            yield requirement


def everything(requirements: list[str]) -> set[str]:
    """Return the names of what requirements bring with them, as far as it is installed here."""
    waiting = [(found, extra) for found in declared(requirements) for extra in ("", *found.extras)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if (plain(requirement.name), extra) in seen:
            continue
        seen.add((plain(requirement.name), extra))
        try:
            further = [Requirement(text) for text in distribution(requirement.name).requires or []]
        except PackageNotFoundError:
            continue
        wanted = [found for found in further if found.marker is None or found.marker.evaluate({"extra": extra})]
        waiting += [(found, more) for found in wanted for more in ("", *found.extras)]
    return {name for name, _ in seen}


def test_conda_and_binder_install_the_same() -> None:
    of_pip = next(entry["pip"] for entry in CONDA if isinstance(entry, dict))
    of_binder = lines("binder/requirements.txt")
    own = [line for line in of_binder if not line.startswith(("--extra-index-url", "torch"))]
    assert [line.replace("../", "") for line in own] == of_pip
    assert of_pip == ["--constraint constraints.txt", "--editable .[tutorials]"]
    assert (ROOT / "binder" / "../constraints.txt").resolve() == ROOT / "constraints.txt"


def test_all_speak_of_one_python() -> None:
    conda = next(entry for entry in CONDA if isinstance(entry, str) and entry.startswith("python="))
    name, version = (ROOT / "binder" / "runtime.txt").read_text().strip().split("-")
    assert (name, version) == tuple(conda.split("="))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert version == settings["mypy"]["python_version"]
    assert "py" + version.replace(".", "") == settings["ruff"]["target-version"]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)
    assert f"python{version}" in (ROOT / "Makefile").read_text()


def test_torch_on_binder_is_the_pinned_one_for_processors() -> None:
    torch = next(line for line in lines("binder/requirements.txt") if line.startswith("torch"))
    assert torch == f"torch=={PINS['torch']}+cpu"
    assert Requirement("torch==" + str(PINS["torch"])).specifier.contains(torch.split("==")[1])


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_every_direct_dependency_is_pinned_within_its_bounds(extra: str) -> None:
    for requirement in declared(EXTRAS[extra] if extra else PROJECT["dependencies"]):
        assert plain(requirement.name) in PINS, f"{requirement.name} of [{extra}] is not in constraints.txt"
        assert requirement.specifier.contains(PINS[plain(requirement.name)]), requirement


def test_what_they_bring_is_pinned_too() -> None:
    """So that nothing that a checkout installs is a version that nobody tried."""
    brought = everything([*PROJECT["dependencies"], "specanom[test,docs,tutorials,desi]"])
    assert len(brought) > 150
    assert sorted(brought - set(PINS)) == []


def test_pins_are_sorted_and_told_once() -> None:
    names = [plain(line.split("==")[0]) for line in lines("constraints.txt")]
    assert names == sorted(set(names))


def test_what_the_tests_install_holds_what_the_tutorials_use() -> None:
    tutorials = {requirement.name for requirement in declared(EXTRAS["tutorials"])}
    assert tutorials <= {requirement.name for requirement in declared(EXTRAS["test"])}


def test_no_address_of_one_machine_is_in_them() -> None:
    texts = [(ROOT / path).read_text() for path in ("constraints.txt", "environment.yml", "pyproject.toml",
                                                   "binder/requirements.txt", "binder/postBuild", "binder/start")]
    addresses = re.findall(r"(?:https?|file)://[^\s\"'\]]+", "\n".join(texts))
    assert addresses == ["https://download.pytorch.org/whl/cpu"]


def test_the_version_is_told_once_more_in_the_citation() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == PROJECT["version"]


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_the_scripts_of_binder_are_scripts(script: str) -> None:
    path = ROOT / "binder" / script
    assert path.stat().st_mode & stat.S_IXUSR
    assert path.read_text().startswith("#!/bin/bash\n")
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_start_hands_over_to_what_it_is_given() -> None:
    command = [str(ROOT / "binder" / "start"), "bash", "-c", 'echo "$OMP_NUM_THREADS $1"', "-", "two words"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "2 two words\n"


def test_repo2docker_accepts_the_folder() -> None:
    """It writes the recipe of an image: the whole checkout, then the requirements, then the scripts."""
    pytest.importorskip("repo2docker")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "--user-id", "1000",
               "--user-name", "someone", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "DOCKER_HOST": ""})
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-2000:]
    python = (ROOT / "binder" / "runtime.txt").read_text().strip().split("-")[1]
    assert f"Building conda environment for python={python}" in told
    recipe = [line for line in told.splitlines() if line.startswith(("COPY", "RUN", "ENV R2D"))]
    order = ["src/ ${REPO_DIR}/", 'pip install --no-cache-dir -r "binder/requirements.txt"', "RUN ./binder/postBuild",
             'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"']
    places = [next(row for row, line in enumerate(recipe) if part in line) for part in order]
    assert places == sorted(places), recipe


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout as far as pip reads it, so that nothing is written into this one."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "MANIFEST.in"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    for name in ("binder", "specanom", "notebooks", "widgets"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def dry(checkout: Path, requirements: str, *options: str, limit: int = 120) -> subprocess.CompletedProcess[str]:
    """Let pip say what it would install."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-color", "--disable-pip-version-check",
               *options, "--requirement", requirements]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=limit,
                          env={**os.environ, "PYTHONPATH": ""})


def would_install(told: str) -> dict[str, Version]:
    """Return versions by name, of what pip says that it would install."""
    (line,) = re.findall(r"^Would install (.*)$", told, flags=re.M)
    pairs = [part.rpartition("-") for part in line.split()]
    return {plain(name): Version(version) for name, _, version in pairs}


def test_what_is_installed_here_is_all_that_binder_asks_for(checkout: Path) -> None:
    """Pip's own reading of the files: constraints, the extra, what it brings. No index is asked."""
    own = [line.replace("../", "") for line in lines("binder/requirements.txt") if not line.startswith("torch")]
    own = [line for line in own if not line.startswith("--extra-index-url")]
    (checkout / "here.txt").write_text("\n".join([*own, f"torch=={PINS['torch']}"]))
    done = dry(checkout, "here.txt", "--no-index", "--no-build-isolation")
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert would_install(done.stdout) == {"specanom": Version(PROJECT["version"])}


@pytest.mark.slow
def test_pip_finds_all_of_it_for_an_empty_environment(checkout: Path) -> None:
    """As on Binder, but that nothing is installed in the end; packages that are no wheels are built for their names."""
    done = dry(checkout, "binder/requirements.txt", "--ignore-installed", "--retries", "0", "--timeout", "15",
               limit=500)
    told = done.stdout + done.stderr
    if done.returncode and OFFLINE.search(told):
        pytest.skip(f"needs the package index: {OFFLINE.search(told)[0]}")
    assert done.returncode == 0, told[-3000:]
    found = would_install(done.stdout)
    assert str(found.pop("torch")) == f"{PINS['torch']}+cpu"
    assert found.pop("specanom") == Version(PROJECT["version"])
    assert {name: version for name, version in found.items() if PINS.get(name) != version} == {}
    assert {plain(one.name) for one in declared(EXTRAS["tutorials"])} <= set(found)
    assert [name for name in found if name.startswith(("nvidia", "triton", "playwright"))] == []
