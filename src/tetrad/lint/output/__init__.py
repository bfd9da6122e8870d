"""Findings as text for people and for machines; every renderer is a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tetrad.lint.output.github import render_github
from tetrad.lint.output.json import render_json
from tetrad.lint.output.sarif import render_sarif
from tetrad.lint.output.text import render_text
from tetrad.lint.rule import Finding
from tetrad.lint.tree import Tree

RENDERERS: Mapping[str, Callable[[Sequence[Finding], Tree], str]] = {
    "text": render_text,
    "json": render_json,
    "sarif": render_sarif,
    "github": render_github,
}

__all__ = ["RENDERERS", "render_text"]
