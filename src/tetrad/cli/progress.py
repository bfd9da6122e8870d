"""Bars on standard error for work that takes its time; nothing where nobody watches."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tetrad.artifacts.progress import Progress, Unwatched
from tetrad.text import for_log, one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn, TaskID

_BYTES = 100_000  # totals above this are bytes; tensors, chunks and cases are fewer


def progress_bars() -> Progress:
    """Bars on a terminal; in CI and in pipes only what there is to know."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        return Notes()
    return Bars()


class Notes(Unwatched):
    """Progress that is not drawn."""

    def note(self, text: str) -> None:
        sys.stderr.write(f"{for_log(one_line(text))}\n")
        sys.stderr.flush()


class Bars:
    """One bar a piece of work, which stays when it is done."""

    def __init__(self) -> None:
        self._shown: tuple[RichProgress, TaskID] | None = None

    def start(self, total: int | None, label: str) -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import Progress as RichProgress

        self.finish()
        if total == 0:
            return
        # a spinner has nothing to say once it is over
        shown = RichProgress(
            *_columns(total), console=Console(stderr=True), transient=total is None
        )
        self._shown = shown, shown.add_task(escape(label), total=total)
        shown.start()

    def advance(self, n: int) -> None:
        if self._shown is not None:
            shown, task = self._shown
            shown.advance(task, n)

    def note(self, text: str) -> None:
        from rich.text import Text

        line = for_log(one_line(text))
        if self._shown is None:
            sys.stderr.write(f"{line}\n")
        else:
            self._shown[0].console.print(Text(line))

    def finish(self) -> None:
        if self._shown is not None:
            self._shown[0].stop()
            self._shown = None


def _columns(total: int | None) -> list[ProgressColumn]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    label = TextColumn("{task.description}")
    if total is None:
        return [SpinnerColumn(), label]
    if total > _BYTES:
        return [label, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
    return [label, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
