"""Say a word about what is in focus: buttons, keys and a note, on disk as soon as they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets
import traitlets

from specanom.errors import SpecanomError, choice
from specanom.triage import NOTED, WORDS, LabelLog
from specanom.triage.label import user

from ..base.locking import LOCK
from .words import in_words, sorry

OnMark = Callable[[str, str], Any]


class MarkBar(ipywidgets.HBox):  # type: ignore[misc]
    """Buttons with words, a note, and what was said before, by whom and when.

    A word is saved when its button is pressed, a note when it is left or Enter is pressed. Pressing the button of the
    word that stands takes it back. Each author has a label of their own: the buttons show one's own, the line below
    them everybody's.

    Parameters
    ----------
    labels : LabelLog
        Where labels are kept.
    words : sequence of str
        What can be said; the first nine have the keys 1 … 9.
    author : str, optional
        Who marks; the name of the user when not given.
    source : str
        Where it is said, kept with each label.

    Attributes
    ----------
    target : str
        Id of what is marked; empty when there is nothing in focus.
    note : str
        Text of the note.
    error : Exception or None
        Why the last mark could not be saved, as it is shown.
    """

    target = traitlets.Unicode("")
    note = traitlets.Unicode("")

    def __init__(self, labels: LabelLog, words: Sequence[str] = WORDS, *, author: str | None = None,
                 source: str = "") -> None:
        self.labels, self.words, self.source = labels, tuple(words), source
        self.author = user() if author is None else author
        self.error: Exception | None = None
        self._callbacks: list[OnMark] = []
        self._showing = False
        self._buttons = {word: self._button(key, word) for key, word in enumerate(self.words, start=1)}
        self._note = ipywidgets.Text(placeholder="note; Enter saves it", description="Note",
                                     continuous_update=False, layout=ipywidgets.Layout(flex="1 1 9em", width="auto"))
        self._note.style.description_width = "auto"
        self._saved = ipywidgets.HTML()  # beside the field: the eyes are there when Enter is pressed
        self._saved.add_class("specanom-mark-saved")
        self._state = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 100%"))
        self._state.add_class("specanom-mark-state")
        super().__init__([*self._buttons.values(), self._note, self._saved, self._state],
                         layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 0.4em"))
        self.add_class("specanom-marks")
        traitlets.link((self, "note"), (self._note, "value"))
        self.observe(self._on_note, "note")
        self.refresh()

    def _button(self, key: int, word: str) -> ipywidgets.ToggleButton:
        made = ipywidgets.ToggleButton(value=False, layout=ipywidgets.Layout(width="auto"))
        made.observe(partial(self._on_button, word), "value")
        made.add_class("specanom-mark")
        made.tooltip = f"Say “{word}” of what is in focus; again takes it back" + (f" (key {key})" if key < 10 else "")
        return made

    # -- using it --------------------------------------------------------------------------------------------------

    def mark(self, word: str) -> bool:
        """Say `word` of the target, with the note; an empty word takes back what was said.

        Returns
        -------
        bool
            Whether it is saved; when not, `error` says why, and so does the widget.
        """
        with LOCK:
            if word:
                choice("word", word, (*self.words, NOTED))
            if not self.target:
                self._show(said=sorry("Nothing is in focus: choose a row or a point first."))
                return False
            return self._save(self.target, word)

    def toggle(self, word: str) -> bool:
        """Say `word`, or take it back when it stands: what the button and the key do."""
        with LOCK:
            again = self.present() == word
            # A note outlives the word it came with.
            return self.mark(word if not again else NOTED if self.note else "")

    def present(self) -> str:
        """Return the author's own word on the target; empty when there is none."""
        try:
            standing = self.labels.standing(self.target)
        except OSError:  # said when the next word cannot be saved either
            return ""
        return next((one.label for one in standing if one.author == self.author), "")

    def on_mark(self, callback: OnMark) -> None:
        """Have ``callback(id, word)`` called after each mark that was saved; the word is empty when taken back."""
        self._callbacks.append(callback)

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], Any]]]:
        """Return what keys do, in the form of :meth:`.Dashboard.shortcuts`."""
        return {str(key): (f"mark “{word}”, or take it back", partial(self.toggle, word))
                for key, word in enumerate(self.words[:9], start=1)}

    def refresh(self) -> None:
        """Read the log and show what it says of the target."""
        with LOCK:
            try:
                standing = self.labels.standing(self.target) if self.target else []
            except OSError as exc:
                self.error = exc
                self._show(said=sorry(f"The labels cannot be read: {exc}"))
                return
            own = next((one for one in standing if one.author == self.author), None)
            self._show(own.label if own else "", own.note if own else "", said=in_words(standing, self.author))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _save(self, id: str, word: str) -> bool:
        try:
            self.labels.add(id, word, note=self.note if word else "", author=self.author, source=self.source)
        except (OSError, SpecanomError) as exc:
            self.error = exc
            self._show(self.present(), self.note, said=sorry(f"Not saved: {exc}", str(self.labels.path)))
            return False
        self.error = None
        self.refresh()
        for callback in self._callbacks:
            callback(id, word)
        return True

    def _show(self, word: str = "", note: str = "", *, said: str) -> None:
        self._saved.value = ""
        with self._quietly():
            for key, (name, button) in enumerate(self._buttons.items(), start=1):
                button.value, button.disabled = name == word, not self.target
                button.description = f"{'✓ ' if name == word else ''}{name}" + (f" ({key})" if key < 10 else "")
            self.note, self._note.disabled = note, not self.target
            self._state.value = said

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before

    def _on_button(self, word: str, _change: Any) -> None:
        if not self._showing:
            self.toggle(word)

    def _on_note(self, _change: Any) -> None:
        if self._showing or not self.target:
            return
        with LOCK:
            word = self.present() or NOTED
            if self._save(self.target, "" if word == NOTED and not self.note else word):
                self._saved.value = f"<span role='status'>✓ note {'saved' if self.note else 'removed'}</span>"

    @traitlets.observe("target")
    def _on_target(self, _change: Any) -> None:
        self.error = None
        self.refresh()
