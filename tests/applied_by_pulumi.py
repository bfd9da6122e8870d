"""A program of its own: applies a repository's environment by the Automation API, and prints what changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pulumi
from pulumi import automation

import tetrad
from gathered import gather
from nodes import look
from program import provision


def main(command: str, root: str, state: str) -> int:
    """`up` or `preview`; the counts of changes as JSON. An identity without evidence: exit code 1."""
    try:
        desired = gather(Path(root), "production")
    except tetrad.TetradError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    stack = automation.create_or_select_stack(
        stack_name="production",
        project_name="tetrad",
        program=lambda: provision(desired, look(desired.cluster, pulumi.log.warn)),
        opts=automation.LocalWorkspaceOptions(
            work_dir=state,
            project_settings=automation.ProjectSettings(
                name="tetrad",
                runtime="python",
                backend=automation.ProjectBackend(url=f"file://{state}"),
            ),
        ),
    )
    run = stack.up if command == "up" else stack.preview
    result: Any = run(refresh=True, on_output=sys.stderr.write)
    changes = result.summary.resource_changes if command == "up" else result.change_summary
    sys.stdout.write(json.dumps({str(getattr(k, "value", k)): n for k, n in changes.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
