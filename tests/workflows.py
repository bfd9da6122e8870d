"""GitHub workflows played here: the shell of their steps, as a runner gives it to bash.

Actions (`uses:`) are not run: a test makes the checkout, and Tetrad is installed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
_CLAUSE = re.compile(r"(\S+) (==|!=) '([^']*)'")
_FAILURE = "failure()"
_KILLED_S = 60


@dataclass(kw_only=True)
class Job:
    """A job of a workflow on a runner: `context` is what its expressions stand for, by their text."""

    checkout: Path
    workflow: str
    name: str
    context: Mapping[str, str]
    path: str = ""  # folders before those of this machine
    output: list[str] = field(default_factory=list)  # of each step that ran
    told: dict[str, str] = field(default_factory=dict)  # by steps to later ones

    @property
    def summary(self) -> str:
        file = self._file("summary.md")
        return file.read_text() if file.exists() else ""

    @property
    def temporary(self) -> Path:
        """RUNNER_TEMP."""
        return self._file("")

    def play(self) -> int:
        """Run the steps in order to the first that fails, and then those that are for that; its exit
        code, or 0.
        """
        code = 0
        for step in self.steps():
            if not self._holds(step.get("if", ""), has_failed=code != 0):
                continue
            process = self._start(step)
            said, _ = process.communicate(timeout=300)
            self.output.append(said)
            self._hear(step)
            code = code or process.returncode
        return code

    def kill(self, step: str, when: Callable[[], bool]) -> None:
        """Run one step, and kill it with all that it started once something is so."""
        (found,) = [each for each in self.steps() if each.get("name") == step]
        process = self._start(found)
        until = time.monotonic() + _KILLED_S
        while not when():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < until, "it did not come so far"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def steps(self) -> Iterator[Mapping[str, Any]]:
        """The steps that have a shell command, but those that install."""
        for step in self._job["steps"]:
            if "run" in step and "install" not in step["run"]:
                yield step

    @property
    def _job(self) -> Mapping[str, Any]:
        document = yaml.safe_load(
            (self.checkout / f".github/workflows/{self.workflow}.yml").read_text()
        )
        assert document["defaults"] == {"run": {"shell": "bash"}}
        found: Mapping[str, Any] = document["jobs"][self.name]
        return found

    def _holds(self, condition: str, *, has_failed: bool) -> bool:
        """Whether a step's `if` lets it run: comparisons with texts, all of which have to hold. What
        nobody has set is empty, as for a runner.
        """
        clauses = condition.split(" && ") if condition else []
        if has_failed != (_FAILURE in clauses):
            return False
        for clause in clauses:
            if clause == _FAILURE:
                continue
            found = _CLAUSE.fullmatch(clause)
            assert found is not None, f"unknown condition: {clause}"
            name, sign, text = found.groups()
            is_so = {**self.context, **self.told}.get(name, "") == text
            if is_so != (sign == "=="):
                return False
        return True

    def _hear(self, step: Mapping[str, Any]) -> None:
        """What a step wrote to GITHUB_OUTPUT."""
        file = self._file("output.txt")
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        for name, _, value in (line.partition("=") for line in lines):
            self.told[f"steps.{step['id']}.outputs.{name}"] = value

    def _start(self, step: Mapping[str, Any]) -> subprocess.Popen[str]:
        given = {name: self._filled(text) for name, text in step.get("env", {}).items()}
        assert "${{" not in step["run"], "an expression in a script is an injection"
        folders = (self.path, str(Path(sys.executable).parent), os.environ["PATH"])
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.checkout,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("TETRAD_REGISTRY")},
                "PATH": ":".join(folder for folder in folders if folder),
                "RUNNER_TEMP": str(self.temporary),
                "GITHUB_STEP_SUMMARY": str(self._file("summary.md")),
                "GITHUB_OUTPUT": str(self._file("output.txt")),
                **given,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _filled(self, text: str) -> str:
        """A value with its expressions filled in; one that the test does not know is an error."""
        known = {**self.context, **self.told}
        return _EXPRESSION.sub(lambda match: known[match[1]], text)

    def _file(self, name: str) -> Path:
        folder = self.checkout.parent / f"{self.checkout.name}-runner"
        folder.mkdir(exist_ok=True)
        return folder / name
