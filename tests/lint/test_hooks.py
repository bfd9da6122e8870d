"""The hooks that this repository offers and uses are ones that pre-commit accepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_config, load_manifest  # type: ignore[import-untyped]

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def offered() -> dict[str, dict[str, Any]]:
    hooks = load_manifest(str(REPOSITORY / ".pre-commit-hooks.yaml"))
    return {hook["id"]: hook for hook in hooks}


def test_the_offered_hooks_are_the_documented_ones(offered: dict[str, dict[str, Any]]) -> None:
    assert set(offered) == {"tetrad-lint", "tetrad-lint-prompty", "tetrad-lock-check"}
    assert {hook["language"] for hook in offered.values()} == {"python"}


@pytest.mark.parametrize(
    ("file", "is_linted"),
    [
        ("prompts/triage.yaml", True),
        ("stacks/models/smollm2-135m.yaml", True),
        ("stacks/corpora/handbook/leave.md", True),
        ("evals/triage/golden.jsonl", True),
        ("infra/environments/production.yaml", True),
        ("waivers.yaml", True),
        ("stacks/triage.lock", False),
        ("src/tetrad/errors.py", False),
        ("docs/prompts/README.md", False),
    ],
)
def test_the_lint_hook_sees_the_files_of_our_kinds(
    offered: dict[str, dict[str, Any]], file: str, is_linted: bool
) -> None:
    hook = offered["tetrad-lint"]
    taken = re.search(hook["files"], file) and not re.search(hook["exclude"], file)

    assert bool(taken) == is_linted


@pytest.mark.parametrize(
    ("file", "is_linted"),
    [("sort.prompty", True), ("app/prompts/sort.prompt", True), ("prompts/a.yaml", False)],
)
def test_the_hook_for_other_tools_files_sees_them_anywhere(
    offered: dict[str, dict[str, Any]], file: str, is_linted: bool
) -> None:
    assert bool(re.search(offered["tetrad-lint-prompty"]["files"], file)) == is_linted


def test_the_lock_is_checked_whatever_changed(offered: dict[str, dict[str, Any]]) -> None:
    """A document of a corpus and the module of a tool may lie anywhere."""
    assert offered["tetrad-lock-check"]["always_run"]


def test_the_hooks_of_this_repository_need_no_network() -> None:
    config = load_config(str(REPOSITORY / ".pre-commit-config.yaml"))

    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    raw = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    hooks = raw["repos"][0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"unsupported"}
    assert all(hook["entry"].startswith(".venv/bin/") for hook in hooks)
