"""Scripts of a repository's infrastructure program that load while nobody knows yet what they are to do."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tetrad.cli.infra_program import waiting_script
from tetrad.errors import ExitCode, UsageError

WAITS = """\
import json, os, pathlib, sys
reading = int(sys.argv[sys.argv.index("--stacks-from") + 1])
with os.fdopen(reading) as told:
    given = json.loads(told.read() or "null")
here = pathlib.Path(__file__).parent
(here / "given.json").write_text(json.dumps([sys.argv[1], given]))
sys.exit(3)
"""


def program(root: Path, text: str = WAITS) -> Path:
    (root / "infra").mkdir()
    (root / "infra/apply.py").write_text(text)
    return root


def test_a_script_is_run_with_the_stacks_that_it_is_given(tmp_path: Path) -> None:
    with waiting_script(program(tmp_path), "apply.py", "production") as run:
        assert run(["stacks/a@sha256:1", "stacks/b@sha256:2"]) is ExitCode.INCONCLUSIVE

    found = json.loads((tmp_path / "infra/given.json").read_text())
    assert found == ["production", ["stacks/a@sha256:1", "stacks/b@sha256:2"]]


def test_a_script_that_is_given_nothing_does_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), waiting_script(program(tmp_path), "apply.py"):
        raise RuntimeError

    assert not (tmp_path / "infra/given.json").exists()


def test_an_interruption_that_does_not_wait_leaves_a_script_to_end_what_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tetrad.cli.infra_program._end_of", interrupted)
    with (
        pytest.raises(KeyboardInterrupt),
        waiting_script(program(tmp_path), "apply.py", "production") as run,
    ):
        run(["stacks/a@sha256:1"])

    until = time.monotonic() + 60
    while not (tmp_path / "infra/given.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert (tmp_path / "infra/given.json").exists()


def test_a_script_that_ends_before_it_is_given_stacks_says_why_by_its_code(tmp_path: Path) -> None:
    root = program(tmp_path, "import sys\nsys.exit(2)\n")
    with waiting_script(root, "apply.py") as run:
        many = ["stacks/a" * 1_000] * 100  # more than a pipe holds

        assert run(many) is ExitCode.MISUSE


def test_a_code_that_is_none_of_tetrad_is_an_error(tmp_path: Path) -> None:
    root = program(tmp_path, "import sys\nsys.exit(77)\n")
    with (
        waiting_script(root, "apply.py") as run,
        pytest.raises(UsageError, match=r"infra/apply\.py exited with 77"),
    ):
        run([])


def test_a_repository_without_the_program_is_told_where_it_is(tmp_path: Path) -> None:
    with (
        pytest.raises(
            UsageError, match=r"there is no infra/apply\.py\n  help: run `tetrad init --deploy`"
        ),
        waiting_script(tmp_path, "apply.py"),
    ):
        pass
