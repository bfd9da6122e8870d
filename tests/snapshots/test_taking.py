"""What a snapshot holds, and that a repository made of it has the same identity."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from trees import Tree, add_clock, scripted_tree

from tetrad import git
from tetrad.canonical import digest_bytes
from tetrad.errors import ArtifactError, SpecError, UsageError
from tetrad.identity import identity_of
from tetrad.loading.repositories import load_repository
from tetrad.snapshots import Snapshot, check_snapshot, take_snapshot, unpack
from tetrad.trees import WorkingTree

EXAMPLES = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return scripted_tree(tmp_path / "repository")


def taken(tree: Tree, name: str = "feedback") -> Snapshot:
    return take_snapshot(WorkingTree(tree.root), name)


def assert_answers_again(root: Path, ref: str, into: Path) -> None:
    """Unpacked, the snapshot of a stack is a repository in which it has its identity."""
    snapshot = take_snapshot(WorkingTree(root), ref)
    unpack(snapshot, into)
    whole = load_repository(into)

    assert identity_of(whole.stacks[ref]) == identity_of(load_repository(root).stacks[ref])
    assert snapshot.identity == identity_of(whole.stacks[ref])
    assert take_snapshot(WorkingTree(into), ref) == snapshot


@pytest.mark.parametrize("name", ["triage", "handbook-qa", "order-desk"])
def test_an_example_stack_has_its_identity_where_it_is_unpacked(name: str, tmp_path: Path) -> None:
    assert_answers_again(EXAMPLES, f"stacks/{name}", tmp_path / "out")


def with_includes(tree: Tree) -> None:
    tree.write(
        "prompts/feedback.yaml",
        "kind: prompt\nextends: prompts/shared/polite\nvariables:\n"
        "  message: {type: string, trust: untrusted}\n",
    )
    tree.write(
        "prompts/shared/polite.yaml",
        "kind: prompt\nvariables:\n  message: {type: string, trust: untrusted}\nmessages:\n"
        "  - {role: system, content: \"{% include 'rules.md' %}\"}\n"
        '  - {role: user, content: "{{ message }}"}\n',
    )
    tree.write("prompts/shared/rules.md", "Be brief.\n{% include 'tone.md' %}\n")
    tree.write("prompts/shared/tone.md", "Be kind.\n")


def with_text_file(tree: Tree) -> None:
    tree.write(
        "prompts/feedback.yaml",
        "kind: prompt\nvariables:\n  message: {type: string, trust: untrusted}\n"
        "messages:\n  - {role: user, content: file://feedback.md}\n"
        "examples: {from: ./more/shots.jsonl}\n",
    )
    tree.write("prompts/feedback.md", "{% include 'more/rules.md' %}\n{{ message }}\n")
    tree.write("prompts/more/rules.md", "Be brief.\n")
    tree.write("prompts/more/shots.jsonl", '{"vars": {"message": "a"}, "output": "b"}\n')


def with_tool(tree: Tree) -> None:
    add_clock(tree)
    tree.write("stacks/tools/clock.py", "from stacks.tools.zones import hour\nimport shared\n")
    tree.append("stacks/tools/clock.py", "def now():\n    return {'hour': hour()}\n")
    tree.write(
        "stacks/tools/zones/__init__.py", "from .table import HOUR\ndef hour(): return HOUR\n"
    )
    tree.write("stacks/tools/zones/table.py", "HOUR = 12\n")
    tree.write("shared.py", "")


def with_fallback(tree: Tree) -> None:
    text = (tree.root / "stacks/feedback.yaml").read_text()
    tree.write("stacks/plain.yaml", text)
    tree.append("stacks/feedback.yaml", "serving: {fallback: ./plain, environments: [staging]}\n")
    tree.append("stacks/plain.yaml", "serving: {fallback: stacks/feedback}\n")
    tree.write("infra/environments/staging.yaml", "kind: environment\ntarget: local\n")


def with_links(tree: Tree) -> None:
    (tree.root / "shared").mkdir()
    prompt = tree.root / "prompts/feedback.yaml"
    prompt.rename(tree.root / "shared/feedback.yaml")
    prompt.symlink_to("../shared/feedback.yaml")


def with_crlf(tree: Tree) -> None:
    for path in ("prompts/feedback.yaml", "stacks/feedback.yaml"):
        data = (tree.root / path).read_bytes()
        (tree.root / path).write_bytes(data.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    "change",
    [with_includes, with_text_file, with_tool, with_fallback, with_links, with_crlf],
    ids=lambda c: c.__name__,
)
def test_a_stack_has_its_identity_where_it_is_unpacked(
    change: object, tree: Tree, tmp_path: Path
) -> None:
    assert callable(change)
    change(tree)

    assert_answers_again(tree.root, "stacks/feedback", tmp_path / "out")


def test_it_holds_what_the_identity_comes_from_and_nothing_else(tree: Tree) -> None:
    with_tool(tree)
    with_fallback(tree)
    tree.write("stacks/tools/unused.py", "SECRET = 1\n")

    assert sorted(taken(tree).files) == [
        "prompts/feedback.yaml",
        "shared.py",
        "stacks/feedback.yaml",
        "stacks/models/scripted.answers.yaml",
        "stacks/models/scripted.yaml",
        "stacks/plain.yaml",
        "stacks/tools/clock.py",
        "stacks/tools/clock.yaml",
        "stacks/tools/zones/__init__.py",
        "stacks/tools/zones/table.py",
    ]


@pytest.mark.parametrize(
    "written",
    ['kind: "{kind}"\n{rest}', "kind: '{kind}'\n{rest}", '{{\n  "kind": "{kind}",\n  {flow}\n}}\n'],
    ids=["double quotes", "single quotes", "JSON"],
)
def test_a_stack_whose_kind_is_quoted_is_taken_without_others(written: str, tree: Tree) -> None:
    rest = "prompt: prompts/feedback\nmodel: stacks/models/scripted\n"
    flow = '"prompt": "prompts/feedback",\n  "model": "stacks/models/scripted"'
    tree.write("stacks/feedback.yaml", written.format(kind="stack", rest=rest, flow=flow))
    tree.write("stacks/other.yaml", f"kind: stack\n{rest}")

    assert "stacks/other.yaml" not in taken(tree).files


def test_a_commit_gives_the_same_snapshot_as_its_checkout(tree: Tree, tmp_path: Path) -> None:
    with_links(tree)
    with_crlf(tree)
    tree.commit()
    (tmp_path / "laid-out").mkdir()
    commit = git.CommitTree(tree.root, git.head(tree.root), tmp_path / "laid-out")
    with closing(commit):
        assert take_snapshot(commit, "feedback") == taken(tree)


def test_what_judges_a_stack_or_describes_its_place_moves_no_snapshot(tree: Tree) -> None:
    before = taken(tree).digest
    tree.append("evals/feedback/golden.yaml", "# another comment\n")
    tree.write("README.md", "text\n")

    assert taken(tree).digest == before


def test_every_file_that_is_held_moves_the_digest(tree: Tree) -> None:
    with_tool(tree)
    before = taken(tree)
    for path in before.files:
        comment = "#" if path.endswith((".py", ".yaml")) else "\n"
        tree.append(path, f"{comment}\n")
        assert taken(tree).digest != before.digest, path
        (tree.root / path).write_bytes(before.files[path])

    assert taken(tree) == before


def test_the_manifest_names_every_file_and_is_what_the_digest_is_of(tree: Tree) -> None:
    snapshot = taken(tree)
    manifest = json.loads(snapshot.manifest)

    assert snapshot.digest == digest_bytes(snapshot.manifest)
    assert manifest["identity"] == f"tetrad:{snapshot.identity.hex}"
    assert manifest["runtime"] == snapshot.document["runtime"]
    assert {f["path"]: f["size"] for f in manifest["files"]} == {
        path: len(data) for path, data in snapshot.files.items()
    }


def test_a_link_out_of_the_repository_is_not_followed(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text((tree.root / "prompts/feedback.yaml").read_text())
    (tree.root / "prompts/feedback.yaml").unlink()
    (tree.root / "prompts/feedback.yaml").symlink_to(tmp_path / "secret.yaml")

    with pytest.raises(SpecError, match="symbolic link out of the repository"):
        taken(tree)


def test_nothing_is_unpacked_over_what_is_there(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")

    with pytest.raises(UsageError, match="is not an empty folder"):
        unpack(taken(tree), tmp_path / "out")


def test_files_that_make_another_identity_are_refused(tree: Tree) -> None:
    snapshot = taken(tree)
    prompt = snapshot.files["prompts/feedback.yaml"]
    other = {
        **snapshot.files,
        "prompts/feedback.yaml": prompt.replace(b"role: user", b"role: system"),
    }

    with pytest.raises(ArtifactError, match="make another identity"):
        check_snapshot(replace(snapshot, files=other), "x.tar")


@pytest.mark.parametrize(
    "path", ["conftest.py", "stacks/other.yml", "evals/x/suite.yaml", "waivers.yaml"]
)
def test_a_file_that_the_identity_does_not_come_from_is_refused(path: str, tree: Tree) -> None:
    snapshot = taken(tree)
    data = snapshot.files["stacks/feedback.yaml"]

    with pytest.raises(ArtifactError, match=f"does not come from {path}"):
        check_snapshot(replace(snapshot, files={**snapshot.files, path: data}), "x.tar")


def test_a_file_that_is_missing_is_told(tree: Tree) -> None:
    snapshot = taken(tree)
    files = {p: d for p, d in snapshot.files.items() if p != "prompts/feedback.yaml"}

    with pytest.raises(ArtifactError, match=r"stack does not load:\n  stacks/feedback.yaml:\d"):
        check_snapshot(replace(snapshot, files=files), "x.tar")


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        ("feedback", "'feedback' is not the reference of stacks/feedback"),
        ("stacks/other", "does not load:\n  there is nothing named 'stacks/other'"),
        ("", "does not load:\n  there is nothing named ''"),
        ("../feedback", "does not load:\n  there is nothing named"),
    ],
)
def test_a_snapshot_of_a_stack_that_is_not_in_it_is_refused(
    stack: str, said: str, tree: Tree
) -> None:
    with pytest.raises(ArtifactError, match=said):
        check_snapshot(replace(taken(tree), stack=stack), "x.tar")


def test_a_snapshot_of_another_runtime_names_the_release_that_took_it(tree: Tree) -> None:
    snapshot = taken(tree)
    older = replace(snapshot, document={**snapshot.document, "runtime": 1}, release="0.0.9")

    with pytest.raises(ArtifactError, match=r"runtime 1, (.|\n)*help: use Tetrad 0\.0\.9"):
        check_snapshot(older, "x.tar")
