"""Where a command's data goes: standard output, whoever reads it, and files."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from tetrad.errors import UsageError
from tetrad.writing import make_folder, replace_file


def open_streams() -> None:
    """Make both streams take every text: data is UTF-8 wherever no terminal asks for less, and what
    a terminal cannot show is escaped. A stream that was closed swallows what it is given, and so does
    standard error once its reader is gone.
    """
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    if type(sys.stderr) is TextIOWrapper and sys.stderr is sys.__stderr__:
        sys.stderr = _StandardError(
            sys.stderr.buffer,
            encoding=sys.stderr.encoding,
            errors=sys.stderr.errors,
            line_buffering=True,
        )
    if isinstance(sys.stdout, TextIOWrapper):
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


class _StandardError(TextIOWrapper):
    """Standard error, whose reader may go away early (`2>&1 | head`): that changes no exit code."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            _drop(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            _drop(self)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def in_colour() -> bool:
    """Whether standard output is a terminal that shows colours, and nobody asks for none."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def write_out(text: str) -> None:
    """Write data now, before what is said of it on standard error.

    A reader who goes away early (`| head`) changes no exit code: it is the command's to say.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
    except OSError as error:
        _drop(sys.stdout)
        raise UsageError(f"standard output cannot be written: {error.strerror}") from error


def write_to(file: Path | None, text: str) -> None:
    """Write data to a file, or to standard output where none is named."""
    if file is None:
        write_out(text)
    else:
        write_file(file, text)


def print_status(text: str) -> None:
    """Talk on standard error. Names of files and texts in them can be a stranger's, so a terminal
    and a CI log are given nothing to obey.
    """
    sys.stderr.write(_inactive(text))


def print_text(text: str) -> None:
    """Write data that is a text for people, as inert as talk."""
    write_out(_inactive(text))


def _inactive(text: str) -> str:
    from tetrad.text import for_log, inert

    return for_log(inert(text))


def write_file(path: Path, text: str) -> None:
    """Write a file that a command was asked for, and its folder; UsageError where it cannot be."""
    try:
        make_folder(path.parent)
        replace_file(path, text.encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _drop(stream: TextIO) -> None:
    """Let go of what is not written yet: Python's own flush at exit would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
