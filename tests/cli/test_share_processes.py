"""A large repository is looked at by several processes, and whatever becomes of them, lint says the same."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from trees import Tree

from tetrad.cli.share_processes import ShareProcess, ShareProcesses

PROMPT = """\
kind: prompt
variables:
  message: {type: string, trust: untrusted, max_chars: 100}
messages:
  - {role: user, content: "Sort it. {{ message }} {{ unknown }}"}
"""
MODEL = "kind: model\nsource: endpoint://e\nengine: {scripted: {answers: a.jsonl}}\n"
SUITE = "kind: suite\nstacks: [stacks/NAME]\ngolden: ./golden.yaml\n"
GOLDEN = "- {id: one, vars: {message: hello}, assert: [{type: contains, value: nine}]}\n"
STARTED = ShareProcesses.started


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    made = Tree(tmp_path / "repository")
    made.write("stacks/models/m.yaml", MODEL)
    made.write("stacks/models/a.jsonl", '{"contains": "", "output": "ok"}\n')
    for n in range(9):
        made.write(f"prompts/p{n}.yaml", PROMPT)
        made.write(
            f"stacks/s{n}.yaml", f"kind: stack\nprompt: prompts/p{n}\nmodel: stacks/models/m\n"
        )
        made.write(f"evals/s{n}/suite.yaml", SUITE.replace("NAME", f"s{n}"))
        made.write(f"evals/s{n}/golden.yaml", GOLDEN)
    monkeypatch.setattr("tetrad.lint.known._SHARE", 4)
    monkeypatch.setattr(ShareProcesses, "most", 2)
    return made


def killed(self: ShareProcesses, number: int) -> Iterator[Sequence[ShareProcess]]:
    with STARTED(self, number) as running:
        for process in running:
            process.child.kill()
            process.child.wait()
        yield running


def of_no_module(self: ShareProcesses, number: int) -> Iterator[Sequence[ShareProcess]]:
    with STARTED(self._replace(module="tetrad.no_module"), number) as running:
        yield running


@pytest.mark.parametrize("fate", ["works", "killed", "no module", "no Python", "one core"])
def test_whatever_becomes_of_a_process_lint_says_the_same(
    fate: str,
    tree: Tree,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def said(cache: str) -> tuple[int, str, str]:
        monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / cache))
        return tree.tetrad("lint"), *capsys.readouterr()

    with monkeypatch.context() as alone:
        alone.setattr(ShareProcesses, "most", 1)
        expected = said("alone")
    if fate == "killed":
        monkeypatch.setattr(ShareProcesses, "started", contextmanager(killed))
    elif fate == "no module":
        monkeypatch.setattr(ShareProcesses, "started", contextmanager(of_no_module))
    elif fate == "no Python":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    elif fate == "one core":
        monkeypatch.setattr(ShareProcesses, "most", 1)

    assert said("shared") == expected
    assert said("shared") == expected


def test_the_found_comes_from_both(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[bytes] = []
    end = ShareProcess.end

    def heard(self: ShareProcess) -> bytes:
        ended.append(end(self))
        return ended[-1]

    monkeypatch.setattr(ShareProcess, "end", heard)
    monkeypatch.setenv("TETRAD_CACHE", str(tmp_path / "cache"))

    tree.tetrad("lint")

    (found,) = ended
    theirs = set(re.findall(rb'"prompts/p\d\.yaml"', found))
    assert 0 < len(theirs) < len(list((tree.root / "prompts").glob("p*.yaml")))
    assert "prompts/p0.yaml:5:" in capsys.readouterr().out


def test_no_process_outlives_an_interruption() -> None:
    with (  # noqa: PT012 - it is to be inside
        pytest.raises(KeyboardInterrupt),
        ShareProcesses("tetrad.cli.lint_share", {}).started(2) as running,
    ):
        children = [process.child for process in running]
        raise KeyboardInterrupt

    assert len(children) == 2
    assert all(child.returncode is not None for child in children)
