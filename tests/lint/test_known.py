"""What is remembered of a repository, at the dates on which that ends to be true."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from trees import Tree

from tetrad.cli.remembered import kept
from tetrad.lint import Finding
from tetrad.lint.engine import EVERYTHING
from tetrad.lint.known import Known
from tetrad.lint.output import render
from tetrad.lint.tree import bytes_of, nothing_merged

FILES = {
    "stacks/models/retired.yaml": """\
kind: model
source: vendor://openai/gpt-4-0613
engine: {openai: {model: gpt-4-0613, base_url_env: URL, api_key_env: KEY}}
""",
    "stacks/models/waived.yaml": """\
kind: model
source: hf://a/b@1110a243fdf4706b3f48f1d95db1a4f5529b4d41
engine: {torch: {}}
""",
    "waivers.yaml": """\
kind: waivers
waivers:
  - {rule: PIN906, file: stacks/models/waived.yaml, reason: r, owner: "@us", until: "2026-09-01"}
""",
}


def lint_on(root: Path, today: date) -> tuple[str, tuple[Finding, ...]]:
    with kept(root, "lint") as checked:
        known = Known(
            checked,
            asked=(),
            selection=lambda _: EVERYTHING,
            today=today,
            count=bytes_of,
            merged=nothing_merged,
        )
        tree, findings = known.lint()
    return render("text", findings, tree), findings


def test_what_a_date_decides_is_looked_at_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tetrad.lint.known._PART", 0)
    tree = Tree(tmp_path / "repository")
    for path, text in FILES.items():
        tree.write(path, text)
    found: list[frozenset[tuple[str, str]]] = []
    for number, today in enumerate(
        [date(2026, 1, 1), date(2026, 8, 1), date(2026, 11, 1), date(2026, 1, 1)]
    ):
        monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "kept"))
        remembered = lint_on(tree.root, today)
        monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / f"new-{number}"))

        assert remembered == lint_on(tree.root, today)
        found.append(frozenset((f.code, f.severity) for f in remembered[1]))

    assert found[0] == found[3] == frozenset()
    assert ("PIN905", "warning") in found[1]
    assert {("PIN905", "error"), ("PIN906", "warning")} <= found[2]
