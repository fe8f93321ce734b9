"""A run under Slurm: on one node, or on workers that dask-jobqueue asks for."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field

from ..errors import ArgumentError, message
from .call import Call
from .checks import count, modules, path, seconds, walltime, word
from .scripts import Scripts, render
from .sizes import Sizes

NODE, RUN, CLUSTER, GPU = "node.sbatch", "run.sbatch", "cluster.py", "gpu.sbatch"
WARNING = 300
"""Seconds before the end of its time at which a job is told of it and asks to be started again."""


@dataclass(frozen=True)
class Slurm:
    """What is asked of Slurm; calling it renders the scripts.

    Parameters
    ----------
    name : str
        Of the jobs.
    queue, account, qos : str
        Partition, account and quality of service; "" for those of the site.
    time : str
        Longest time of each job: ``"4:00:00"`` or ``"2-12:00:00"``. The run as a whole may take longer.
    cores : int
        Cores of a job. Each core is one worker.
    jobs : int
        Jobs of workers at a time.
    gpus : int
        Workers with one GPU each, for what runs a network; 0 for none.
    gpu_queue, gpu_type : str
        Partition that has GPUs, and their kind, as in ``--gres=gpu:KIND:1``.
    restarts : int
        How often a job that reaches the end of its time is started again.
    python : str
        The interpreter that specanom and dask-jobqueue are installed for; on a file system that all nodes see.
    scratch : str
        Folder for temporary files on the disk of a node; "" for that of the system.
    modules : tuple of str
        Environment modules that are loaded first.
    interface : str
        Network interface that nodes talk through, such as ``"ib0"``; "" for the usual one.
    sizes : Sizes
        Of the survey: for the memory of the jobs.

    Examples
    --------
    >>> scripts = Slurm(queue="cpu", jobs=8, python="/opt/python")(Call("/data/run", path="/data/desi"))
    >>> sorted(scripts.files)
    ['cluster.py', 'node.sbatch', 'run.sbatch']
    """

    name: str = "specanom"
    queue: str = ""
    account: str = ""
    qos: str = ""
    time: str = "24:00:00"
    cores: int = 8
    jobs: int = 4
    gpus: int = 0
    gpu_queue: str = ""
    gpu_type: str = ""
    restarts: int = 20
    python: str = sys.executable
    scratch: str = ""
    modules: tuple[str, ...] = ()
    interface: str = ""
    sizes: Sizes = field(default_factory=Sizes)

    def __post_init__(self) -> None:
        word("name", self.name)
        for name in ("queue", "account", "qos", "gpu_queue", "gpu_type", "interface"):
            word(name, getattr(self, name), empty=True)
        for name in ("cores", "jobs"):
            count(name, getattr(self, name))
        for name in ("gpus", "restarts"):
            count(name, getattr(self, name), least=0)
        seconds("time", self.time)
        path("python", self.python)
        path("scratch", self.scratch, empty=True)
        modules(self.modules)
        if not self.gpus and (self.gpu_queue or self.gpu_type):
            raise ArgumentError(message("gpus", expected="at least 1 when a partition or a kind of GPU is named",
                                        got="0"))

    def __call__(self, call: Call) -> Scripts:
        """Render the scripts of a run."""
        files = {NODE: self._job(NODE, self.cores, self.sizes.main + self.cores * self.sizes.worker, call),
                 RUN: self._job(RUN, 2, self.sizes.main, call), CLUSTER: self._cluster(call)}
        if self.gpus:
            files[GPU] = render("gpu.sbatch", job=self, time=walltime(self._seconds), life=self._life,
                                memory=self.sizes.worker, setup=self._setup())
        asked = f", and {self.gpus} with a GPU" if self.gpus else ""
        return Scripts(files, f"sbatch {NODE}    # one node\n"
                              f"sbatch {RUN}     # {self.jobs} jobs of {self.cores} workers{asked}")

    @property
    def _seconds(self) -> int:
        return seconds("time", self.time)

    @property
    def _life(self) -> int:
        """Seconds after which a worker leaves by itself, with what it has done, before Slurm ends it."""
        return self._seconds - max(WARNING, self._seconds // 20)

    def _job(self, name: str, cores: int, memory: int, call: Call) -> str:
        return render(name, job=self, time=walltime(self._seconds), warning=WARNING, cores=cores, memory=memory,
                      setup=self._setup(), wait=self._seconds, call=call.words(f"processes:{self.cores}"))

    def _cluster(self, call: Call) -> str:
        directives = [f"--output={self.name}-worker-%j.log", "--open-mode=append",
                      *([f"--qos={self.qos}"] if self.qos else [])]
        options = {"queue": self.queue or None, "account": self.account or None, "walltime": walltime(self._seconds),
                   "cores": self.cores, "processes": self.cores, "memory": f"{self.cores * self.sizes.worker}GiB",
                   "job_name": f"{self.name}-worker", "interface": self.interface or None,
                   # dask-jobqueue writes these two into a shell script as they are.
                   "python": shlex.quote(self.python), "local_directory": shlex.quote(self.scratch or "/tmp"),
                   "job_extra_directives": directives, "job_script_prologue": self._setup(),
                   "worker_extra_args": ["--resources", "CPU=1", "--lifetime", f"{self._life}s",
                                         "--lifetime-stagger", f"{min(240, self._life // 10)}s"]}
        return render(CLUSTER, job=self, options=options, call=call.words("dask:"), gpu=GPU)

    def _setup(self) -> list[str]:
        """Return lines of a shell that come before Python."""
        lines = [f"module load {shlex.quote(one)}" for one in self.modules]
        if self.scratch:
            lines += [f"mkdir -p {shlex.quote(self.scratch)}", f"export TMPDIR={shlex.quote(self.scratch)}"]
        return [*lines, "export OMP_NUM_THREADS=1"]
