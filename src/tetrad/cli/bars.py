"""The columns of a bar, for work that is counted, weighed in bytes, or not measured at all."""

from __future__ import annotations

from datetime import timedelta

from rich.filesize import decimal
from rich.progress import BarColumn, ProgressColumn, Task
from rich.table import Column
from rich.text import Text

_BYTES = 100_000  # totals above this are bytes; tensors, chunks and cases are fewer


def columns() -> tuple[ProgressColumn, ...]:
    return (
        _Label(table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        BarColumn(bar_width=20),
        _Amount(table_column=Column(no_wrap=True)),
        _Time(table_column=Column(no_wrap=True)),
        _Tally(table_column=Column(no_wrap=True, overflow="ellipsis")),
    )


class _Label(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.description)


class _Tally(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.fields["tally"], style="yellow")


class _Amount(ProgressColumn):
    """How much of it is done."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text()
        if task.total > _BYTES:
            return Text(f"{decimal(int(task.completed))} of {decimal(int(task.total))}")
        return Text(f"{int(task.completed):,} of {int(task.total):,}")


class _Time(ProgressColumn):
    """How long is left, at the pace of the whole: work that stands still has ever more left. How
    long it took, of what is done or has no end.
    """

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        elapsed = (task.finished_time if task.finished else task.elapsed) or 0.0
        if task.total is None or task.finished:
            return Text(_clock(elapsed), style="dim")
        if not task.completed:
            return Text("", style="dim")
        left = elapsed * (task.total - task.completed) / task.completed
        return Text(f"{_clock(left)} left", style="dim")


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
