"""The lock, and the commands that write and show identities."""

from __future__ import annotations

import hashlib
import subprocess
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

import pytest
from identity.conftest import FORMATS

from tetrad.canonical import digest_of
from tetrad.cli import lock as lock_command
from tetrad.cli import schema as schema_command
from tetrad.cli import show as show_command
from tetrad.errors import ExitCode, SpecError, UsageError
from tetrad.identity import (
    RUNTIME,
    component_digest,
    identity_of,
    read_identity,
    settings_of,
    written_identity,
)
from tetrad.identity.lock import dump_lock, is_lock, load_lock, lock_of, path_of
from tetrad.loading.repositories import load_repository

REPOSITORY = load_repository(FORMATS)
TRIAGE = dump_lock(lock_of(REPOSITORY.stacks["stacks/triage"], []))


@pytest.mark.parametrize("ref", REPOSITORY.stacks)
def test_a_lock_survives_a_round_trip(ref: str) -> None:
    lock = lock_of(REPOSITORY.stacks[ref], REPOSITORY.suites.values())

    assert lock == load_lock(dump_lock(lock), "a.lock")


def test_a_lock_says_what_the_stack_was() -> None:
    stack = REPOSITORY.stacks["stacks/handbook-qa"]

    lock = lock_of(stack, REPOSITORY.suites.values())

    assert path_of(stack) == "stacks/handbook-qa.lock"
    assert identity_of(stack) == lock.identity
    assert stack.retrieval is not None
    assert lock.prompt == {"prompts/handbook-qa": component_digest(stack.prompt)}
    assert lock.model == {stack.model.ref: component_digest(stack.model)}
    assert lock.corpus == {"stacks/corpora/handbook": component_digest(stack.retrieval.corpus)}
    assert lock.tools == {tool.ref: component_digest(tool) for tool in stack.tools}
    assert list(lock.goldens) == ["evals/handbook-qa"]


def test_the_text_of_a_lock_has_a_line_for_each_digest() -> None:
    stack = REPOSITORY.stacks["stacks/order-desk"]
    suites = {ref: s for ref, s in REPOSITORY.suites.items() if stack in s.stacks}

    text = dump_lock(lock_of(stack, reversed(list(REPOSITORY.suites.values()))))

    head, rest = text.split("kind: lock\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert rest == (
        "version: 1\n"
        "stack: stacks/order-desk\n"
        f"identity: {written_identity(identity_of(stack))}\n"
        f"runtime: {RUNTIME}\n"
        f"prompt:\n  {stack.prompt.ref}: {component_digest(stack.prompt)}\n"
        f"model:\n  {stack.model.ref}: {component_digest(stack.model)}\n"
        "corpus: {}\n"
        "tools:\n"
        + "".join(f"  {tool.ref}: {component_digest(tool)}\n" for tool in stack.tools)
        + "goldens:\n"
        + "".join(f"  {ref}: {suites[ref].golden.digest}\n" for ref in sorted(suites))
        + f"settings: {digest_of(settings_of(stack))}\n"
    )
    assert len(stack.tools) == 3
    assert len(suites) == 2


def test_a_lock_of_another_runtime_says_so() -> None:
    lock = replace(lock_of(REPOSITORY.stacks["stacks/triage"], []), runtime=RUNTIME - 1)

    assert load_lock(dump_lock(lock), "a.lock").runtime == RUNTIME - 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (TRIAGE.encode(), True),
        (TRIAGE.encode().partition(b";")[0] + b", which will be worded otherwise.\n", True),
        (TRIAGE.encode().replace(b"kind", b"<<<<<<<"), True),
        (b"version = 1\n", False),
        (b"kind: lock\n", False),
        (b"", False),
    ],
)
def test_a_lock_is_known_by_its_first_words(data: bytes, expected: bool) -> None:
    assert is_lock(data) is expected


@pytest.mark.parametrize("text", ["", "tetrad", "tetrad:", f"sha256:{'0' * 64}", "0" * 64])
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"64 (lower-case )?hexadecimal digits"):
        read_identity(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "kind: lock",
        "kind: lock\nversion: 2\n",
        "<<<<<<< HEAD\nkind: lock\n=======\n>>>>>>> theirs\n",
        TRIAGE.replace("sha256", "md5"),
        TRIAGE.replace("tools: {}", "tools: 1"),
        TRIAGE.replace("version: 1", "version: 2"),
        TRIAGE.replace("tetrad:", "sha256:"),
        TRIAGE.replace("kind: lock", "kind: stack"),
    ],
)
def test_what_is_no_lock_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"^a\.lock:"):
        load_lock(text, "a.lock")


def test_what_to_do_about_yaml_that_is_no_lock_is_said() -> None:
    with pytest.raises(SpecError) as refused:
        load_lock("kind: lock", "a.lock")

    (issue,) = refused.value.issues
    assert (issue.location.file, issue.code, issue.message, issue.hint) == (
        "a.lock",
        "COR952",
        "not a lock file written by `tetrad lock`",
        "run `tetrad lock`",
    )


def arguments(command: object, root: Path, *given: str) -> Namespace:
    parser = ArgumentParser()
    parser.add_argument("--root", type=Path)
    command.add_arguments(parser)  # type: ignore[attr-defined]
    return parser.parse_args(["--root", str(root), *given])


def test_lock_writes_what_check_misses(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock_command.run(arguments(lock_command, tree, "--check")) == ExitCode.REFUSED
    assert capsys.readouterr().out.splitlines()[0] == (
        "stacks/corpora/handbook.yaml: the corpus digest is stale"
    )

    assert lock_command.run(arguments(lock_command, tree)) == ExitCode.PASSED
    assert lock_command.run(arguments(lock_command, tree, "--check")) == ExitCode.PASSED
    for ref, stack in load_repository(tree).stacks.items():
        written = (tree / f"{ref}.lock").read_text()
        assert written_identity(identity_of(stack)) in written


def test_lock_mends_a_corpus_digest_and_keeps_its_comment(tree: Path) -> None:
    lock_command.run(arguments(lock_command, tree))

    corpus = load_repository(tree).corpora["stacks/corpora/handbook"]

    assert corpus.written_digest == corpus.digest
    text = (tree / "stacks/corpora/handbook.yaml").read_text()
    assert f"digest: {corpus.digest}            # Merkle root (RFC 6962)\n" in text


def test_lock_removes_the_lock_of_a_stack_that_is_gone(tree: Path) -> None:
    lock_command.run(arguments(lock_command, tree))
    (tree / "stacks/triage.lock").rename(tree / "stacks/gone.lock")

    lock_command.run(arguments(lock_command, tree))

    assert not (tree / "stacks/gone.lock").exists()


def test_a_lock_with_windows_line_ends_is_not_stale(tree: Path) -> None:
    lock_command.run(arguments(lock_command, tree))
    path = tree / "stacks/triage.lock"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert lock_command.run(arguments(lock_command, tree, "--check")) == ExitCode.PASSED


def test_lock_leaves_other_programs_locks_alone(tree: Path) -> None:
    lock_command.run(arguments(lock_command, tree))
    (tree / "stacks/tools/uv.lock").write_text("version = 1\n")

    assert lock_command.run(arguments(lock_command, tree)) == ExitCode.PASSED
    assert lock_command.run(arguments(lock_command, tree, "--check")) == ExitCode.PASSED
    assert (tree / "stacks/tools/uv.lock").read_text() == "version = 1\n"


def test_a_behavioural_edit_makes_the_lock_stale(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock_command.run(arguments(lock_command, tree))
    capsys.readouterr()
    prompt = tree / "prompts/handbook-qa.yaml"
    prompt.write_text(prompt.read_text().replace("Answer from", "Answer only from"))

    assert lock_command.run(arguments(lock_command, tree, "--check")) == ExitCode.REFUSED
    assert "stacks/handbook-qa.lock: the lock is stale" in capsys.readouterr().out


def test_a_golden_set_that_moved_is_not_told_as_another_identity(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock_command.run(arguments(lock_command, tree))
    capsys.readouterr()
    golden = next(tree.glob("evals/handbook-qa/golden.*"))
    golden.write_text(golden.read_text() + "- id: one-more\n  vars: {question: Is tea free?}\n")

    assert lock_command.run(arguments(lock_command, tree, "--check")) == ExitCode.REFUSED
    assert "the lock is stale, the identity is still " in capsys.readouterr().out


def test_two_changes_to_one_stack_conflict_in_its_lock(tree: Path) -> None:
    def git(*args: str) -> subprocess.CompletedProcess[str]:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        command = ["git", *identity, *args]
        return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)

    def change(branch: str, file: str, old: str, new: str) -> None:
        git("checkout", "-q", "-b", branch, "main")
        path = tree / file
        path.write_text(path.read_text().replace(old, new))
        lock_command.run(arguments(lock_command, tree))
        git("commit", "-qam", branch)

    lock_command.run(arguments(lock_command, tree))
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "start")
    change("prompt", "prompts/handbook-qa.yaml", "Answer from", "Answer only from")
    change("corpus", "stacks/corpora/handbook/leave.md", "25", "26")

    merged = git("merge", "prompt")

    assert merged.returncode == 1
    assert "stacks/handbook-qa.lock" in merged.stdout


def test_show_prints_the_exact_bytes_of_the_identity(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    show_command.run(arguments(show_command, FORMATS, "handbook-qa", "--identity-json"))

    digest = hashlib.sha256(capfdbinary.readouterr().out).hexdigest()

    assert digest == identity_of(REPOSITORY.stacks["stacks/handbook-qa"]).hex


def test_show_says_what_a_stack_is_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    show_command.run(arguments(show_command, FORMATS, "order-desk"))

    lines = capsys.readouterr().out.splitlines()

    assert lines[0] == "stacks/order-desk"
    assert [line.split()[0] for line in lines[1:]] == [
        "identity",
        "prompt",
        "model",
        "tool",
        "tool",
        "tool",
        "settings",
        "suite",
        "suite",
    ]
    assert "evals/shop/rows (1 case)" in lines[-1]


def test_show_is_inert_whatever_a_description_holds(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tree / "stacks/handbook-qa.yaml"
    text = path.read_text()
    path.write_text(text.replace("description: ", 'description: "\\e[31m\\u202e" #'))

    show_command.run(arguments(show_command, tree, "handbook-qa"))

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_schema_prints_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    schema_command.run(arguments(schema_command, FORMATS, "suite"))

    assert '"title": "A suite' in capsys.readouterr().out


def test_schema_corrects_a_kind_that_is_none() -> None:
    with pytest.raises(UsageError, match=r"did you mean suite\?"):
        schema_command.run(arguments(schema_command, FORMATS, "siute"))
