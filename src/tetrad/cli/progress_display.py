"""What goes on, on standard error: bars on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING

from tetrad.artifacts.progress import UNSEEN, Progress, Work
from tetrad.text import for_log, one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_EVERY_S = 20.0


def progress_bars() -> Progress:
    """Bars on a terminal; lines in CI and in pipes."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        return ProgressLines()
    return Bars()


class ProgressLines:
    """A line now and then while work goes on; none of what is soon done."""

    def __init__(self, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._open: list[_Line] = []
        self._over = threading.Event()

    def start(self, total: int | None, label: str) -> Work:
        line = _Line(self, total, one_line(label))
        with self._lock:
            self._open.append(line)
            if len(self._open) == 1:
                self._over = threading.Event()
                threading.Thread(
                    target=self._print_now_and_then, args=[self._over], daemon=True
                ).start()
        return line

    def note(self, text: str) -> None:
        _print(text)

    def ended(self, line: _Line) -> None:
        with self._lock:
            if line in self._open:
                self._open.remove(line)
                if line.is_told:
                    _print(line.at_the_end())
            if not self._open:
                self._over.set()

    def _print_now_and_then(self, over: threading.Event) -> None:
        while not over.wait(self._every_s):
            with self._lock:
                for line in self._open:
                    line.is_told = True
                if self._open:
                    _print("; ".join(map(str, self._open)))


class _Line:
    def __init__(self, lines: ProgressLines, total: int | None, label: str) -> None:
        self.is_told = False
        self._lines = lines
        self._total = total
        self._label = label
        self._done = 0
        self._tally = ""

    def __str__(self) -> str:
        share = "" if self._total is None else f" {self._done:,} of {self._total:,}"
        return f"{self._label}{share}{self._tally and f', {self._tally}'}"

    def at_the_end(self) -> str:
        return f"{self}: done" if self._total is None else str(self)

    def advance(self, n: int) -> None:
        self._done += n

    def tally(self, text: str) -> None:
        self._tally = one_line(text)

    def finish(self) -> None:
        self._lines.ended(self)


class Bars:
    """One bar a piece of work, beside those that go on; it stays when it is done."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._shown: RichProgress | None = None
        self._open: set[TaskID] = set()

    def start(self, total: int | None, label: str) -> Work:
        if total == 0:
            return UNSEEN
        with self._lock:
            if self._shown is None:
                self._shown = _drawn()
                atexit.register(self._stop)  # a terminal whose cursor is hidden stays so
            task = self._shown.add_task(one_line(label), total=total, tally="")
            self._open.add(task)
            return _Bar(self, self._shown, task)

    def note(self, text: str) -> None:
        from rich.text import Text

        with self._lock:
            if self._shown is None:
                _print(text)
            else:
                self._shown.console.print(Text(for_log(one_line(text))))

    def ended(self, task: TaskID, shown: RichProgress) -> None:
        with self._lock:
            if task not in self._open:
                return
            self._open.remove(task)
            shown.stop_task(task)
            if shown.tasks[shown.task_ids.index(task)].total is None:
                shown.remove_task(task)  # it has nothing to say once it is over
            if not self._open:
                self._stop()

    def _stop(self) -> None:
        with self._lock:
            if self._shown is not None:
                self._shown.stop()
                self._shown = None
                self._open.clear()
                atexit.unregister(self._stop)


class _Bar:
    def __init__(self, bars: Bars, shown: RichProgress, task: TaskID) -> None:
        self._bars = bars
        self._shown = shown
        self._task = task

    def advance(self, n: int) -> None:
        self._shown.advance(self._task, n)

    def tally(self, text: str) -> None:
        self._shown.update(self._task, tally=one_line(text))

    def finish(self) -> None:
        self._bars.ended(self._task, self._shown)


def _drawn() -> RichProgress:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    from tetrad.cli.bars import columns

    shown = RichProgress(*columns(), console=Console(stderr=True))
    shown.start()
    return shown


def _print(text: str) -> None:
    sys.stderr.write(f"{for_log(one_line(text))}\n")
    sys.stderr.flush()
