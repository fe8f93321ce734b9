"""A run under Kubernetes, on workers that the Dask operator keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import ArgumentError, message
from .call import Call
from .checks import count, image, label, path, resource
from .scripts import Scripts, render
from .sizes import Sizes

VOLUME, RUN = "volume.yaml", "specanom.yaml"
PORT = 8786


@dataclass(frozen=True)
class Kubernetes:
    """What is asked of Kubernetes; calling it renders the manifests.

    Parameters
    ----------
    image : str
        A container image with specanom and its extra ``dask``.
    name : str
        Of everything that is made.
    workers : int
        Workers of one core each.
    gpus : int
        Workers with one GPU each, for what runs a network; 0 for none.
    gpu_resource : str
        What the cluster calls a GPU.
    mount : str
        Where the volume of the survey and the run appears; the run's folder must lie in it.
    storage : int
        Size of that volume, GiB.
    storage_class : str
        Of a volume that many nodes can write to; "" for the cluster's own choice.
    restarts : int
        How often the main process is started again.
    sizes : Sizes
        Of the survey: for the memory of the pods.

    Examples
    --------
    >>> scripts = Kubernetes("registry.org/specanom:0.1", workers=20)(Call("/data/run", path="/data/desi"))
    >>> list(scripts.files)
    ['volume.yaml', 'specanom.yaml']
    """

    image: str
    name: str = "specanom"
    workers: int = 8
    gpus: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    mount: str = "/data"
    storage: int = 500
    storage_class: str = ""
    restarts: int = 20
    sizes: Sizes = field(default_factory=Sizes)

    def __post_init__(self) -> None:
        image(self.image)
        label("name", self.name)
        if self.storage_class:
            label("storage_class", self.storage_class, longest=63)
        for name in ("workers", "storage"):
            count(name, getattr(self, name))
        for name in ("gpus", "restarts"):
            count(name, getattr(self, name), least=0)
        resource(self.gpu_resource)
        path("mount", self.mount)

    def __call__(self, call: Call) -> Scripts:
        """Render the manifests of a run.

        Raises
        ------
        ArgumentError
            When the run's folder, or that of the survey, is not on the volume.
        """
        for name, place in (("run_dir", call.run_dir), ("path", call.path)):
            if place and not place.startswith(self.mount.rstrip("/") + "/"):
                raise ArgumentError(message(name, expected=f"a folder below {self.mount}, where the volume is",
                                            got=repr(place)))
        address = f"tcp://{self.name}-scheduler:{PORT}"
        wait = ["python", "-m", "specanom.deploy.wait", address, "--workers", str(1 + bool(self.gpus)),
                "--gpus", str(int(bool(self.gpus)))]
        command = [_plain(one) for one in ["specanom", *call.words(f"dask:{address}")]]
        files = {VOLUME: render(VOLUME, job=self),
                 RUN: render(RUN, job=self, sizes=self.sizes, wait=wait, command=command)}
        return Scripts(files, f"kubectl apply -f {VOLUME} -f {RUN}\nkubectl logs -f job/{self.name}-run")


def _plain(word: str) -> str:
    """Keep Kubernetes from putting the value of a variable where a command has ``$(NAME)``."""
    return word.replace("$(", "$$(")
