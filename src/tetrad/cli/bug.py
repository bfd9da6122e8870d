"""The report that a bug of ours leaves behind."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Sequence

from tetrad import __version__
from tetrad.cli.output import print_status
from tetrad.errors import ExitCode

TRACKER = "https://github.com/tetrad-dev/tetrad/issues"


def report_bug(error: Exception, arguments: Sequence[str]) -> ExitCode:
    """Write the traceback to a file, say where it lies, and return the exit code of a bug."""
    text = "\n".join(
        (
            f"tetrad {__version__} on Python {platform.python_version()}, {platform.platform()}",
            f"arguments: {list(arguments)!r}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    print_status(
        f"this is a bug in tetrad: {type(error).__name__}: {error}\n"
        f"{_kept(text)}\n"
        f"  help: check it for private data, then report it at {TRACKER}\n"
    )
    return ExitCode.BUG


def _kept(text: str) -> str:
    """Where the report lies; the report itself where no file can be written."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="tetrad-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        return text
    return f"  the traceback is in {file.name}"
