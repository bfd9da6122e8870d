"""Follow a page as its reader would: write its files, make its edits, type its commands.

A page marks what is to be done: `<!-- file: PATH -->` before a block that is a file's content,
`<!-- edit: PATH -->` before a diff of one place, `<!-- not run -->` before a block that only shows.
In `console` blocks a line that begins with `$ ` is typed; what follows it is what the reader sees,
with `…` where lines or ends of lines are left out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
# What differs from one run to the next.
_VARYING = (
    (re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{7,64}\b"), "<digest>"),
    (re.compile(r"\b\d+(\.\d+)? (ms|s)\b"), "<time>"),
    (re.compile(r"\bin \d+\.\d+s\b"), "in <time>"),
)
_DONE = "@@walkthrough-done"


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block, what is said of it, and the line at which it begins."""

    mark: str
    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Typed:
    """A command and the lines that the page shows after it."""

    command: str
    shown: tuple[str, ...]


def blocks(page: str) -> Iterator[Block]:
    for match in _FENCE.finditer(page):
        yield Block(
            mark=match["mark"] or "",
            language=match["language"],
            text=match["text"],
            line=page.count("\n", 0, match.start("language")) + 1,
        )


def typed(block: Block) -> Iterator[Typed]:
    """The commands of a console block; a backslash at a line's end continues it."""
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if command.endswith("\\"):
            command += "\n" + line
        elif line.startswith("$ "):
            if command:
                yield Typed(command, tuple(shown))
            command, shown = line.removeprefix("$ "), []
        else:
            shown.append(line)
    if command:
        yield Typed(command, tuple(shown))


def lacking(shown: tuple[str, ...], output: str) -> str | None:
    """The first line of the page that does not come, in order, in the output."""
    came = iter([_settled(line) for line in output.splitlines()])
    for line in shown:
        wanted = _settled(line)
        if wanted in {"", "…"}:
            continue
        start, elided, _ = wanted.partition("…")
        if not any(seen.startswith(start) if elided else seen == wanted for seen in came):
            return line
    return None


def _settled(line: str) -> str:
    for pattern, instead in _VARYING:
        line = pattern.sub(instead, line)
    return " ".join(line.split())


def edited(text: str, diff: str) -> str:
    """The text with the one place changed that a diff without a header shows."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    if text.count(old) != 1:
        raise AssertionError(f"the place of this edit is not there once:\n{diff}")
    return text.replace(old, new)


class Shell:
    """One bash for a whole page, so what a command exports is there for the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bash.communicate()

    def type(self, command: str) -> str:
        """What the command prints, standard error included; `$?` stays for the next one."""
        entrance, exit_ = _pipes(self._bash)
        entrance.write(f"{command}\n{{ __rc=$?; echo; echo {_DONE}; (exit $__rc); }}\n")
        entrance.flush()
        lines = iter(exit_.readline, "")
        return "".join(_until_done(lines))


def _until_done(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.strip() == _DONE:
            return
        yield line
    raise AssertionError("the shell went away")


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def follow(page: str, folder: Path, shell: Shell) -> Iterator[tuple[Block, Typed, str]]:
    """Do what the page says, in order; each command with what it printed."""
    for block in blocks(page):
        if block.mark.startswith("file: "):
            path = folder / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.mark.startswith("edit: "):
            path = folder / block.mark.removeprefix("edit: ")
            text = path.read_text(encoding="utf-8")
            path.write_text(edited(text, block.text), encoding="utf-8")
        elif block.language == "console" and block.mark != "not run":
            for one in typed(block):
                yield block, one, shell.type(one.command)
