"""Renderers of a report: pure functions from the one value to text, by the name of a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tetrad.report.as_json import dump_report, load_report
from tetrad.results.gate_report import Report

__all__ = ["FORMATS", "dump_report", "load_report", "render"]


def _text(report: Report) -> str:
    from tetrad.report.as_text import render_text

    return render_text(report)


def _junit(report: Report) -> str:
    from tetrad.report.as_junit import render_junit

    return render_junit(report)


def _markdown(report: Report) -> str:
    from tetrad.report.as_markdown import render_markdown

    return render_markdown(report)


def _html(report: Report) -> str:
    from tetrad.report.as_html import render_html

    return render_html(report)


# Each renderer is imported when it is asked for: most commands need one.
RENDERERS: Mapping[str, Callable[[Report], str]] = {
    "text": _text,
    "json": dump_report,
    "junit": _junit,
    "markdown": _markdown,
    "html": _html,
}
FORMATS = tuple(RENDERERS)


def render(report: Report, fmt: str) -> str:
    """The report in a format of `FORMATS`."""
    return RENDERERS[fmt](report)
