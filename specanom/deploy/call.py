"""The command that a cluster runs."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import path, text


@dataclass(frozen=True)
class Call:
    """A call of ``specanom run``.

    Parameters
    ----------
    run_dir : str
        Folder of the run, on a file system that all nodes see.
    survey, path : str
        What is read, as for ``specanom run``; "" leaves it to that.
    preset : str
        As for ``specanom run``.
    parameters : tuple of str
        ``"NAME=VALUE"``.
    """

    run_dir: str
    survey: str = ""
    path: str = ""
    preset: str = ""
    parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        path("run_dir", self.run_dir)
        text("survey", self.survey, empty=True)
        path("path", self.path, empty=True)
        text("preset", self.preset, empty=True)
        for one in self.parameters:
            text("parameters", one)

    def words(self, executor: str) -> list[str]:
        """Return the arguments of ``specanom``, each for itself: whoever writes them quotes them."""
        given = {"--survey": self.survey, "--path": self.path, "--preset": self.preset}
        options = [word for name, value in given.items() if value for word in (name, value)]
        named = [word for one in self.parameters for word in ("-p", one)]
        return ["run", "--run-dir", self.run_dir, *options, *named, "--executor", executor]
