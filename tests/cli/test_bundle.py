"""`tetrad bundle` and `tetrad unbundle`, by what a user sees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from trees import Tree, scripted_tree

from tetrad.errors import ExitCode
from tetrad.identity import identity_of
from tetrad.loading.repositories import load_repository
from tetrad.registry import open_ledger, registry_place
from tetrad.snapshots import take_snapshot
from tetrad.snapshots.keeping import keep
from tetrad.trees import WorkingTree


def identity(root: Path) -> str:
    return identity_of(load_repository(root).stacks["stacks/feedback"]).hex


def test_a_bundle_is_unpacked_into_a_repository_of_the_same_identity(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "made" / "feedback.tar", tmp_path / "out"

    assert tree.tetrad("bundle", "feedback", "-o", str(file)) == ExitCode.PASSED
    said = capsys.readouterr().out
    assert tree.tetrad("unbundle", str(file), "-o", str(out)) == ExitCode.PASSED

    assert f"identity tetrad:{identity(tree.root)}\n" in said
    assert capsys.readouterr().out.startswith(said.partition("manifest")[0])
    assert identity(out) == identity(tree.root)


def test_a_bundle_has_the_same_bytes_each_time_and_from_every_place(
    tree: Tree, tmp_path: Path
) -> None:
    digits = identity(tree.root)
    for number, name in enumerate(["feedback", "stacks/feedback", "feedback@HEAD", digits[:12]]):
        assert tree.tetrad("bundle", name, "-o", str(tmp_path / f"{number}.tar")) == ExitCode.PASSED

    assert len({(tmp_path / f"{number}.tar").read_bytes() for number in range(4)}) == 1


def test_an_identity_of_the_past_is_found_by_its_lock(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = identity(tree.root)
    tree.edit("prompts/feedback.yaml", "role: user", "role: system")
    tree.tetrad("lock")
    tree.commit()
    capsys.readouterr()

    assert tree.tetrad("bundle", f"tetrad:{before}") == ExitCode.PASSED
    assert before != identity(tree.root)
    assert f"identity tetrad:{before}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("fedback", "there is nothing named 'fedback'\n  help: did you mean feedback?"),
        ("feedback@nowhere", "unknown revision 'nowhere'"),
        ("0123456789ab", "unknown identity 0123456789ab: no stack of this tree has it"),
        (
            "evals/feedback",
            "evals/feedback is not expected here\n  help: there are stacks/feedback",
        ),
    ],
)
def test_what_names_nothing_is_told(
    subject: str, said: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("bundle", subject) == ExitCode.MISUSE
    assert said in capsys.readouterr().err


def test_a_changed_bundle_is_refused_and_nothing_is_unpacked(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "feedback.tar"
    tree.tetrad("bundle", "feedback", "-o", str(file))
    data = file.read_bytes()
    file.write_bytes(data.replace(b"kind: stack", b"kind: stick"))

    assert tree.tetrad("unbundle", str(file), "-o", str(tmp_path / "out")) == ExitCode.MISUSE
    assert "a blob is not the one that its manifest names" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "said"), [("no.tar", "no.tar cannot be read: No such file"), (".", "cannot be read")]
)
def test_a_bundle_that_cannot_be_read_is_told(
    source: str, said: str, capsys: pytest.CaptureFixture[str], tree: Tree
) -> None:
    assert tree.tetrad("unbundle", source) == ExitCode.MISUSE
    assert said in capsys.readouterr().err


def test_an_identity_is_found_below_the_top_of_a_checkout_and_beside_broken_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = scripted_tree(tmp_path / "whole" / "system")
    (tree.root / ".git").rename(tmp_path / "whole" / ".git")
    tree.commit()
    before = identity(tree.root)
    tree.edit("prompts/feedback.yaml", "temperature: 0", "temperature: 0.5")
    tree.tetrad("lock")
    tree.write("prompts/broken.yaml", "kind: prompt\nnonsense: 1\n")
    capsys.readouterr()

    assert tree.tetrad("bundle", before[:20]) == ExitCode.PASSED
    assert f"identity tetrad:{before}\n" in capsys.readouterr().out


def test_seven_digits_name_an_identity_unless_a_stack_has_that_name(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = identity(tree.root)
    text = (tree.root / "stacks/feedback.yaml").read_text()
    assert tree.tetrad("bundle", digits[:7]) == ExitCode.PASSED
    tree.write(f"stacks/{digits[:7]}.yaml", f"{text}generation: {{max_tokens: 9}}\n")
    capsys.readouterr()

    assert tree.tetrad("bundle", digits[:7]) == ExitCode.PASSED
    assert capsys.readouterr().out.startswith(f"stacks/{digits[:7]}\n")
    assert tree.tetrad("bundle", f"tetrad:{digits[:7]}") == ExitCode.PASSED
    assert capsys.readouterr().out.startswith("stacks/feedback\n")


def test_every_line_but_places_fits_a_terminal_of_eighty_columns(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("bundle", "feedback")

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_a_stack_that_does_not_load_at_a_commit_is_told_with_the_commit(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("stacks/feedback.yaml", "prompt: prompts/feedback", "prompt: prompts/fedback")
    tree.commit()
    tree.git("revert", "--no-edit", "HEAD")

    assert tree.tetrad("bundle", "feedback@HEAD~1") == ExitCode.MISUSE
    commit = tree.git("rev-parse", "--short=12", "HEAD~1").strip()
    said = capsys.readouterr().err
    assert said.startswith(f"feedback does not load at {commit}:\n  stacks/feedback.yaml:5:9: ")


def test_a_lock_that_lies_is_told(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    before = identity(tree.root)
    other = "0123456789ab" + before[12:]
    tree.edit("stacks/feedback.lock", before, other)
    tree.commit()

    assert tree.tetrad("bundle", other) == ExitCode.MISUSE
    assert f"has the identity {before[:12]}, and its lock says" in capsys.readouterr().err


@pytest.mark.parametrize("made", ["a file", "a file above", "a dangling link", "a full folder"])
def test_a_place_that_cannot_take_the_files_is_told_and_left_as_it_was(
    made: str, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "places"
    place.mkdir()
    (place / "file").write_text("")
    (place / "link").symlink_to("nowhere")
    (place / "full").mkdir()
    (place / "full" / "mine").write_text("")
    outputs = {
        "a file": "file", "a file above": "file/x", "a dangling link": "link", "a full folder": "full",
    }  # fmt: skip
    tree.tetrad("bundle", "feedback", "-o", str(tmp_path / "b.tar"))
    before = sorted(place.rglob("*"))

    output = place / outputs[made]
    assert tree.tetrad("unbundle", str(tmp_path / "b.tar"), "-o", str(output)) == ExitCode.MISUSE
    assert str(output) in capsys.readouterr().err
    assert sorted(place.rglob("*")) == before


def test_an_empty_folder_is_filled(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    tree.tetrad("bundle", "feedback", "-o", str(tmp_path / "b.tar"))

    code = tree.tetrad("unbundle", str(tmp_path / "b.tar"), "-o", str(tmp_path / "empty"))

    assert code == ExitCode.PASSED
    assert identity(tmp_path / "empty") == identity(tree.root)


def forgotten(tree: Tree) -> str:
    """The identity of before, whose commit Git no longer has, and whose snapshot the registry keeps."""
    before = identity(tree.root)
    with open_ledger(registry_place(tree.root)) as ledger:
        keep(ledger, take_snapshot(WorkingTree(tree.root), "feedback"))
    tree.edit("prompts/feedback.yaml", "role: user", "role: system")
    tree.tetrad("lock")
    shutil.rmtree(tree.root / ".git")
    tree.git("init", "--quiet")
    tree.commit()
    return before


def test_an_identity_that_git_no_longer_has_is_found_in_the_registry(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("bundle", "feedback", "-o", str(tmp_path / "before.tar"))
    before = forgotten(tree)
    file = tmp_path / "after.tar"

    for written in (before[:7], before, f"tetrad:{before}"):
        assert tree.tetrad("bundle", written, "-o", str(file)) == ExitCode.PASSED
        assert file.read_bytes() == (tmp_path / "before.tar").read_bytes()
    assert tree.tetrad("bom", before) == ExitCode.PASSED
    capsys.readouterr()
    assert tree.tetrad("diff", before, "feedback") == ExitCode.PASSED
    assert f"- {before[:12]}  stacks/feedback (registry)\n" in capsys.readouterr().out


def test_an_identity_that_was_erased_is_told(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    before = forgotten(tree)
    assert tree.tetrad("registry", "erase", f"tetrad:{before}") == ExitCode.PASSED
    capsys.readouterr()

    assert tree.tetrad("bundle", before) == ExitCode.MISUSE
    assert "is missing, or was erased\n  help: " in capsys.readouterr().err
