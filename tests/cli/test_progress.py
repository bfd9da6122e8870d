"""Bars on standard error."""

from __future__ import annotations

import pytest

from tetrad.artifacts.progress import Unwatched
from tetrad.cli.progress import Bars, progress_bars


def test_nothing_is_drawn_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress_bars(), Unwatched)


def test_what_there_is_to_know_is_told_with_and_without_a_bar(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bars = Bars()
    bars.note("the endpoint\nis busy")
    bars.start(3, "cases")
    bars.note("it is [busy] still")
    bars.finish()
    progress_bars().note("in CI")
    said = capsys.readouterr()

    assert said.out == ""
    assert said.err.startswith("the endpoint ⏎ is busy\n")
    assert "it is [busy] still" in said.err
    assert said.err.endswith("in CI\n")


def test_no_work_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    bars = Bars()
    bars.start(0, "cases")
    bars.finish()

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("total", [None, 300, 98_000_000])
def test_work_is_drawn_on_standard_error_with_its_label(
    total: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    bars = Bars()
    bars.start(total, "model [Q4_1].gguf")
    bars.advance(3)
    bars.finish()
    bars.finish()
    said = capsys.readouterr()

    assert said.out == ""
    assert total is None or "model [Q4_1].gguf" in said.err
