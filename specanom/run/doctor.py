"""Is everything here that specanom needs?"""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ..models.memory import free_memory
from .manifest import versions
from .parameters import STAGES, notebook

LEAST_FREE = 2_000_000_000
"""Bytes that a run of some thousand spectra may take with all its passing files."""
LEAST_MEMORY = 2_000_000_000
"""Bytes of memory that each process of a run may take."""

EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
"""What JupyterLab, Notebook 7 and Voilà load to show a widget."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    optional: bool = False


def check_installation() -> list[Check]:
    """Look at Python, packages, notebooks, the kernel, the device, cores, memory, free disk and what is optional."""
    found = [Check("Python", sys.version_info >= (3, 11), sys.version.split()[0], "Python 3.11 or newer")]
    found += [Check(name, text != "not installed", text, f"pip install {name}") for name, text in versions().items()
              if name != "python"]
    found += [Check(f"notebook {stage}", notebook(stage).is_file(), str(notebook(stage)), "install specanom again")
              for stage in STAGES]
    found += [_kernel(), _device(), _cores(), _memory(), _disk(Path.cwd())]
    found += [_optional(module, extra) for module, extra in (("lime", "explain"), ("skimage", "explain"),
                                                            ("ipywidgets", "widgets"), ("anywidget", "widgets"),
                                                            ("notebook", "widgets"), ("jupyterlab", "widgets"),
                                                            ("voila", "widgets"), ("umap", "maps"),
                                                            ("specutils", "specutils"), ("distributed", "dask"),
                                                            ("dustmaps", "dust"), ("faiss", "retrieve"),
                                                            ("numba", "fast"), ("shap", "exchange"),
                                                            ("xarray", "exchange"), ("sparcl", "desi"))]
    found += [_widgets(place, package) for place, package in (("JupyterLab", "jupyterlab"), ("Notebook", "notebook"),
                                                              ("Voilà", "voila"))]
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    return [*found, Check("browser for the tests", browser is not None, browser or "none", "apt-get install chromium",
                          optional=True)]


def _kernel() -> Check:
    from jupyter_client.kernelspec import KernelSpecManager

    names = sorted(KernelSpecManager().find_kernel_specs())
    return Check("Jupyter kernel", "python3" in names, ", ".join(names) or "none", "python -m ipykernel install --user")


def _device() -> Check:
    """Tell what networks are trained on."""
    try:
        import torch
    except ImportError as exc:
        return Check("device", False, f"not known without torch ({exc})", "pip install torch")

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    return Check("device", True, torch.cuda.get_device_name(0) if cuda else "Apple GPU" if mps else "CPU")


def _cores() -> Check:
    """Tell how many processes are worth starting."""
    there = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    told = f"{usable}" if usable == there else f"{usable} of {there} may be used"
    return Check("cores", True, f"{told} (--executor processes:{usable} works on as many partitions at a time)")


def _memory() -> Check:
    """Tell how much memory may be taken, and how many processes it bears."""
    free = free_memory()
    if math.isinf(free):
        return Check("free memory", True, "not told by this system")
    bears = max(int(free / LEAST_MEMORY), 1)
    told = f"{free / 1e9:.1f} GB (enough for {bears} process{'es' * (bears != 1)} at a time)"
    return Check("free memory", free >= LEAST_MEMORY, told, f"free at least {LEAST_MEMORY / 1e9:.0f} GB", optional=True)


def _disk(folder: Path) -> Check:
    """Tell how much room there is for a run here."""
    free = shutil.disk_usage(folder).free
    return Check("free disk", free >= LEAST_FREE, f"{free / 1e9:.1f} GB in {folder}",
                 f"free at least {LEAST_FREE / 1e9:.0f} GB, or give a --run-dir elsewhere", optional=True)


def _optional(module: str, extra: str) -> Check:
    there = importlib.util.find_spec(module) is not None
    return Check(f"{module} (optional)", there, "installed" if there else "not installed",
                 f"pip install 'specanom[{extra}]'", optional=True)


def _widgets(place: str, package: str) -> Check:
    """Tell whether the dashboards can show in a frontend: it, both packages and the extensions they bring to it."""
    missing = [name for name in (package, "ipywidgets", "anywidget") if importlib.util.find_spec(name) is None]
    if not missing:
        missing = [f"its extension {name}" for name in EXTENSIONS if not _has_extension(name)]
    told = (f"without {' and '.join(missing)}" if missing else
            f"{version(package)} with ipywidgets {version('ipywidgets')}")
    broken = missing and missing[0].startswith("its")
    mend = "--force-reinstall --no-deps jupyterlab_widgets anywidget" if broken else "'specanom[widgets]'"
    return Check(f"widgets in {place}", not missing, told, f"pip install {mend}", optional=True)


def _has_extension(name: str) -> bool:
    from jupyter_core.paths import jupyter_path

    return any((Path(folder) / name / "package.json").is_file() for folder in jupyter_path("labextensions"))
