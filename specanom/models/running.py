"""Runs a training loop with a progress bar and a checkpoint, and tells how it went."""

from __future__ import annotations

from typing import Any

from ..parallel.progress import Progress
from .checkpoint import Checkpoint, unpacked
from .distributed import Group
from .loop import Loop

_CHECKPOINT_EVERY = 500  # steps between writes of a running network


def run_kept(trainer: Loop, title: str, kept: Checkpoint | None, name: str, *, progress: bool) -> None:
    """Train to the end, going on from what is kept under `name`.

    Parameters
    ----------
    trainer : Loop
        Ready to run.
    title : str
        Of the bar.
    kept : Checkpoint or None
        Where a running fit is kept; in a group of processes the first one has it.
    name : str
        Of this network in it.
    progress : bool
        Whether the bar is shown.
    """
    group = Group.current()
    found = group.from_first(lambda: kept.load(name) if kept else b"")
    if found:
        trainer.restore(*unpacked(found))
    shown = title if progress and group.first else ""
    with Progress(shown, 0, trainer.most_steps or 0, unit="steps", leave=False) as bar:
        counted = last = trainer.state.step
        bar.done(counted, found=True)

        def on_check(running: Loop) -> None:
            nonlocal counted, last
            state = running.state
            bar.remark(f"val={state.history[-1]['val']:.4g}, best={state.best:.4g}")
            bar.done(state.step - counted)
            counted = state.step
            if kept and (state.finished or state.step - last >= _CHECKPOINT_EVERY):
                kept.save(name, *running.snapshot())
                last = state.step

        trainer.run(on_check)


def history_of(trainer: Loop, fold: str, round: int) -> list[dict[str, Any]]:
    """Return one row per look at the validation data, the best one marked."""
    best = trainer.state.best_step
    return [{"fold": fold, "round": round, **row, "best": row["step"] == best} for row in trainer.state.history]
