"""Importing specanom is light, and its names are those that are listed."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "bokeh", "dask", "ipywidgets", "papermill", "sklearn", "lime", "faiss", "pandas", "astropy.units",
         "zarr")


def loaded_by(code: str) -> set[str]:
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(out.stdout.splitlines()[-1]))


def test_importing_specanom_loads_nothing_heavy() -> None:
    assert not {m for m in HEAVY if m in loaded_by("import specanom")}


def test_a_spectrum_and_its_picture_need_no_bokeh() -> None:
    code = "import specanom as sa; sa.Spectrum([4000.0, 4001.0], [1.0, 2.0], id='a')._repr_html_()"
    assert not {"bokeh", "torch", "sklearn"} & loaded_by(code)


def test_every_public_name_can_be_had() -> None:
    import specanom

    missing = [name for name in specanom.__all__ if not hasattr(specanom, name)]
    assert not missing
    assert set(specanom.__all__) <= set(dir(specanom))


def test_an_unknown_name_is_an_attribute_error() -> None:
    import specanom

    with pytest.raises(AttributeError, match="no attribute 'Scoorer'"):
        specanom.Scoorer  # noqa: B018


def test_widgets_cannot_be_imported_twice() -> None:
    installed = importlib.import_module("specanom.widgets")
    assert installed.__name__ == "specanom.widgets"
    beside = f"{installed.__path__[0]}/.."
    out = subprocess.run([sys.executable, "-c", "import widgets"], capture_output=True, text=True, cwd=beside)
    assert out.returncode != 0
    assert "import specanom.widgets" in out.stderr
