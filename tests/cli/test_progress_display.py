"""Bars on a terminal's standard error, and lines now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from tetrad.cli.progress_display import Bars, ProgressLines, progress_bars


def until(holds: Callable[[], bool]) -> None:
    """Wait as long as it takes: another thread writes."""
    while not holds():
        time.sleep(0.01)


def test_nothing_is_drawn_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    progress = progress_bars()
    work = progress.start(3, "cases")
    work.advance(3)
    work.finish()

    assert isinstance(progress, ProgressLines)
    assert capsys.readouterr().err == ""


def test_what_there_is_to_know_is_told_with_and_without_a_bar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bars = Bars()
    bars.note("the endpoint\nis busy")
    work = bars.start(3, "cases")
    bars.note("it is [busy] still")
    work.finish()
    progress_bars().note("in CI")
    said = capsys.readouterr()

    assert said.out == ""
    assert said.err.startswith("the endpoint ⏎ is busy\n")
    assert "it is [busy] still" in said.err
    assert said.err.endswith("in CI\n")


def test_no_work_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    Bars().start(0, "cases").finish()

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("total", [None, 300, 98_000_000])
def test_work_is_drawn_on_standard_error_with_its_label(
    total: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Bars().start(total, "model [Q4_1].gguf")
    work.advance(3)
    work.finish()
    work.finish()
    said = capsys.readouterr()

    assert said.out == ""
    assert total is None or "model [Q4_1].gguf" in said.err


def test_a_bar_goes_on_when_another_begins_and_ends_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bars = Bars()
    cases = bars.start(216, "cases")
    cases.advance(14)

    def convert() -> None:
        work = bars.start(272, "converting the model, once")
        work.advance(272)
        work.finish()

    other = threading.Thread(target=convert)
    other.start()
    other.join()
    cases.advance(202)
    cases.tally("3 failed")
    cases.finish()
    said = capsys.readouterr().err

    assert "272 of 272" in said
    assert "216 of 216" in said
    assert "3 failed" in said


def test_a_line_is_written_now_and_then_of_all_that_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines, seen = ProgressLines(every_s=0.01), ""

    def said(text: str) -> bool:
        nonlocal seen
        seen += capsys.readouterr().err
        return text in seen

    cases = lines.start(216, "cases")
    loading = lines.start(None, "loading the model")
    until(lambda: said("cases 0 of 216; loading the model\n"))
    loading.finish()
    cases.advance(14)
    cases.tally("2 failed, 1 without result")
    until(lambda: said("\ncases 14 of 216, 2 failed, 1 without result\n"))
    cases.advance(202)
    cases.finish()

    assert said("cases 216 of 216, 2 failed, 1 without result\n")
    assert "\nloading the model: done\n" in seen


def test_names_of_work_are_inert(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(every_s=0.01)
    seen = ""

    def told() -> bool:
        nonlocal seen
        seen += capsys.readouterr().err
        return seen != ""

    work = lines.start(None, "::error::\x1b[31mmodel\u202e\n.gguf")
    until(told)
    work.finish()

    assert seen.splitlines()[0] == "\\::error::model<U+202E> ⏎ .gguf"
