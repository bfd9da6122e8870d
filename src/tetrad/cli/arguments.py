"""Argparse in our words: what is wrong, then the nearest name or where all of them are told."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from tetrad.errors import UsageError


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know as everything else does, by a `UsageError`."""

    def __init__(self, **settings: Any) -> None:
        # An abbreviation that works today would mean something else with the next option.
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings
        )
        self._parses = False

    def error(self, message: str) -> NoReturn:
        told = message.removeprefix("argument ")
        self._refuse(told.replace("the following arguments are required:", "missing:"))

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuses the rest here, where the command's own options are known."""
        if self._parses:
            return super().parse_known_args(args, namespace)
        found, rest = self._parsed(args, namespace)
        if rest and rest[0].startswith("-"):
            option = rest[0].partition("=")[0]
            self._refuse(f"unknown option {option!r}", option, self._option_string_actions)
        if rest:
            self._refuse(f"unexpected argument {rest[0]!r}")
        return found, rest

    def _parsed(
        self, args: Sequence[str] | None, namespace: Any
    ) -> tuple[argparse.Namespace, list[str]]:
        """An argument that may be left out can stand behind an option, too: `rollback ENV --to ID STACK`."""
        nargs = [action.nargs for action in self._get_positional_actions()]
        if argparse.PARSER in nargs or len(nargs) < 2 or nargs[-1] not in {"*", "?"}:
            return super().parse_known_args(args, namespace)
        self._parses = True
        try:
            return super().parse_known_intermixed_args(args, namespace)
        finally:
            self._parses = False

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no other name
            self._refuse(f"unknown command {value!r}", value, known)
        self._refuse(
            f"{'/'.join(action.option_strings)}: invalid choice {value!r}",
            value,
            known,
            otherwise=f"choose from {', '.join(known)}",
        )

    def _refuse(
        self, problem: str, word: str = "", known: Sequence[str] | Any = (), otherwise: str = ""
    ) -> NoReturn:
        from tetrad.schemas.nearest import did_you_mean

        hint = did_you_mean(word, known, otherwise or f"`{self.prog} --help` lists them")
        raise UsageError(f"{self.prog}: {problem}\n  help: {hint}")
