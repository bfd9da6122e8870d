"""What changes traffic, or shows it, is waited for: it imports what it needs and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from deployments import deployable_tree, improve, key_of
from trees import Tree

PROBE = """\
import sys
from pathlib import Path
from tetrad.cli import main
assert main(sys.argv[1:]) == 0
print(*sys.modules, file=sys.stderr)
"""
HEAVY = {
    *("alembic", "httpx2", "jinja2", "numpy", "opentelemetry", "psycopg", "rich", "starlette"),
    *("torch", "transformers", "uvicorn"),
    "sqlalchemy.dialects.postgresql",  # the registry is a file
}
# What builds, evaluates and judges is not asked for.
ELSEWHERE = {
    f"tetrad.{name}"
    for name in (
        *("answers", "artifacts", "assertions", "engines", "evals", "golden", "lint", "plan"),
        *("policy", "promptfoo", "report", "runtime", "templates", "tools"),
        "model.suite",
    )
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An improved prompt is live, and the one before it warm."""
    tree = deployable_tree(tmp_path)
    for _ in range(2):
        assert tree.tetrad("deploy", "production", *key_of(tree)) == 0
        improve(tree)
    return tree


def loaded_by(tree: Tree, *arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "-C", str(tree.root), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


def test_commands_load_nothing_heavy(tree: Tree) -> None:
    for command in (
        ("rollback", "production", *key_of(tree)),
        ("release", "production", "feedback", *key_of(tree)),
        ("history", "production"),
        ("status", "production"),
    ):
        loaded = loaded_by(tree, *command)
        unwanted = loaded & (HEAVY | ELSEWHERE)
        evidence = loaded & {
            "tetrad.evidence.statements",
            "tetrad.snapshots",
            "tetrad.model.prompt",
        }

        assert "tetrad.pointer.pointer_store" in loaded
        assert (command[0], sorted(unwanted)) == (command[0], [])
        assert not evidence or command[0] == "status"  # says who signed for what serves
