"""A command line that offers the nearest word for one that it does not know, and help to whoever says nothing."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any

from ..errors import nearest


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors say what to try; its subparsers are of the same class."""

    _typed: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and remember what was typed; without any word on the first level, print the help (exit code 2)."""
        self._typed = list(sys.argv[1:] if args is None else args)
        if not self._typed and " " not in self.prog:
            self.print_help(sys.stderr)
            self.exit(2)
        return super().parse_known_args(args, namespace)

    def _get_formatter(self) -> argparse.HelpFormatter:
        """Leave room for the longest command beside its help; argparse forgets that commands are indented."""
        formatter = super()._get_formatter()
        formatter._action_max_length = 14
        return formatter

    def error(self, message: str) -> Any:
        """Say what is wrong, and the option or command that may have been meant (exit code 2)."""
        hint = self._meant(message)
        super().error(f"{message}. Try: {hint}" if hint else f"{message}. Try: {self.prog} --help")

    def _meant(self, message: str) -> str:
        if found := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            near = nearest(found[1], re.findall(r"[\w-]+", found[2]))
            return f"did you mean {near!r}?" if near else ""
        known = [option for option in self._options() if option.startswith("--")]
        for word in self._typed:
            name = word.partition("=")[0]
            if name.startswith("--") and len(name) > 2 and not any(one.startswith(name) for one in known):
                near = nearest(name, known)
                return f"did you mean {near} instead of {name}?" if near else f"{name} is not an option of {self.prog}"
        if found := re.search(r"unrecognized arguments: (\S+)", message):
            return self._beside(found[1])
        return f"{self.prog} --run-dir runs/mine" if "required: --run-dir" in message else ""

    def _beside(self, word: str) -> str:
        """Return what may have been meant by a word that stands alone: a parameter, or the rest of a name."""
        if "=" in word:
            return f"-p {word}"
        option, before = ["", "", *self._typed][self._typed.index(word):][:2] if word in self._typed else ("", "")
        if option == "-p":
            return f"-p {before}={word}"
        return f"quotes around it, if it is one name: '{before} {word}'" if option.startswith("--") else ""

    def _options(self) -> list[str]:
        """Return the options of this parser and of the commands that were typed after it."""
        found = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found += [option for name, one in action.choices.items() if name in self._typed
                          for option in one._option_string_actions]
        return found
