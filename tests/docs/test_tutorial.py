"""The tutorial is followed to the letter: its files, its edits, its commands and what they print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.walkthrough import Shell, edited, follow, lacking

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def endpoint() -> Iterator[str]:
    """The stand-in that readers without a model server run."""
    command = [sys.executable, str(DOCS / "tutorial" / "endpoint.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().removeprefix("listening on ").strip()
        server.kill()


def test_the_tutorial_is_true(endpoint: str, tmp_path: Path) -> None:
    folder = tmp_path / "help-desk"
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main", folder], check=True)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("TETRAD_", "PYTEST_"))},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TETRAD_CACHE": str(tmp_path / "cache"),
        "LLM_URL": endpoint,
        "LLM_KEY": "",
        "COLUMNS": "80",
    }
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")

    with Shell(folder, environment) as shell:
        untrue = [
            f"docs/tutorial.md:{block.line}: `{one.command}` does not print {line!r} but\n{output}"
            for block, one, output in follow(page, folder, shell)
            if (line := lacking(one.shown, output)) is not None
        ]

    assert untrue == []


def test_a_line_that_does_not_come_is_found() -> None:
    assert lacking(("a", "…", "c"), "a\nb\nc\n") is None
    assert lacking(("c", "a"), "a\nb\nc\n") == "a"
    assert lacking(("took 0.31 s", "report: …"), "took 0.02 s\nreport: /x/y.html\n") is None
    assert lacking(("passed",), "failed\n") == "passed"


def test_an_edit_whose_place_is_not_there_is_refused() -> None:
    assert edited("a: 1\nb: 2\n", "-a: 1\n+a: 3\n b: 2\n") == "a: 3\nb: 2\n"
    with pytest.raises(AssertionError, match="not there once"):
        edited("b: 2\n", "-a: 1\n+a: 3\n")
