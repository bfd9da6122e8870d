"""Feedback is listed, becomes candidate cases on a branch, and is erased."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from traffic_of import answered, keep, kept, said
from trees import Tree, add_clock, scripted_tree

from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called

GOLDEN = "evals/feedback/golden.yaml"
BRANCH = "feedback/feedback"


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    made = scripted_tree(tmp_path / "repository")
    capsys.readouterr()
    return made


def cases_of(tree: Tree, branch: str = BRANCH) -> list[dict[str, Any]]:
    """The cases that a branch adds."""
    there = yaml.safe_load(tree.git("show", f"{branch}:{GOLDEN}"))
    here = yaml.safe_load(tree.git("show", f"main:{GOLDEN}"))
    assert there[: len(here)] == here
    return there[len(here) :]  # type: ignore[no-any-return]


def test_feedback_is_listed_with_the_answer_that_it_is_about(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = kept(tree, 1, answered("positive", review="It broke,\nwrite to a@example.org"))
    one = said(tree, answer, comment="no \x1b[31mway", correction="negative")
    other = said(tree, kept(tree, 2, answered("negative", review="Fine.")), "good")

    assert tree.tetrad("feedback", "list", "production") == 0

    told = capsys.readouterr()
    assert told.out.splitlines()[1:5] == [
        "  review: It broke, ⏎ write to [mail address]",
        "  answer   positive",
        "  correct  negative",
        "  comment  no way",
    ]
    assert told.out.startswith(f"{one.id}  2026-11-30 12:01  bad   stacks/feedback (")
    assert told.err == "2 ratings\n"
    assert tree.tetrad("feedback", "list", "--rating", "good", "--format", "json") == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert document["id"] == other.id
    assert document["vars"] == {"review": "Fine."}
    assert tree.tetrad("feedback", "list", "staging") == 0
    assert capsys.readouterr().err == "0 ratings\n"


def test_chosen_feedback_becomes_cases_on_a_branch(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree.git("status", "--porcelain", "--branch")
    answer = kept(tree, 1, answered("positive", review="It broke; mail a@example.org"))
    one = said(tree, answer, comment="It is not!", correction="negative")
    said(tree, kept(tree, 2, answered("negative", review="Fine.")), "good")

    assert tree.tetrad("feedback", "to-cases", "feedback", one.id) == 0

    told = capsys.readouterr()
    (case,) = cases_of(tree)
    assert case == {
        "id": case["id"],
        "description": "Rated bad by a user: It is not!",
        "vars": {"review": "It broke; mail [mail address]"},
        "assert": [{"type": "equals", "value": "negative"}],
        "tags": ["feedback"],
        "metadata": {"feedback": one.id, "trace": one.trace, "identity": case["metadata"]["identity"]},
    }  # fmt: skip
    assert case["id"].startswith("feedback-")
    assert told.out == f"{case['id']}  {one.id}\n"
    assert f"1 case on the branch {BRANCH} (" in told.err
    assert f"help: git switch {BRANCH}; " in told.err
    assert tree.git("status", "--porcelain", "--branch") == before
    assert f"Feedback: {one.id}" in tree.git("log", "-1", "--format=%B", BRANCH)


def test_the_branch_loads_and_evaluates(tree: Tree) -> None:
    said(tree, kept(tree, 1, answered("positive", review="It broke.")), correction="negative")
    tree.tetrad("feedback", "to-cases", "feedback")
    tree.git("switch", "--quiet", BRANCH)

    assert tree.tetrad("lock") == 0
    assert tree.tetrad("lint") == 0
    assert tree.tetrad("eval", "feedback", "--tag", "feedback") == 0


def test_the_same_question_never_makes_a_second_case(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "It broke."
    rated = said(tree, kept(tree, 1, answered("positive", review=asked)), "bad")
    corrected = said(tree, kept(tree, 2, answered("positive", review=asked)), correction="negative")
    known = said(
        tree, kept(tree, 3, answered("x", review="Not bad at all, I would buy it again.")), "bad"
    )

    assert tree.tetrad("feedback", "to-cases", "feedback") == 0
    (case,) = cases_of(tree)
    assert case["metadata"]["feedback"] == corrected.id
    told = capsys.readouterr().err
    assert f"{rated.id}: no case: the case {case['id']} asks the same\n" in told
    assert f"{known.id}: no case: the case not-bad-at-all asks the same\n" in told

    tip = tree.git("rev-parse", BRANCH)
    assert tree.tetrad("feedback", "to-cases", "feedback") == 0
    assert capsys.readouterr().err.endswith("no new cases\n")
    assert tree.git("rev-parse", BRANCH) == tip
    more = said(tree, kept(tree, 4, answered("positive", review="Meh.")), correction="negative")
    assert tree.tetrad("feedback", "to-cases", "feedback") == 0
    assert [each["metadata"]["feedback"] for each in cases_of(tree)] == [corrected.id, more.id]


def test_a_good_answer_is_expected_again_and_a_bad_one_is_not(tree: Tree) -> None:
    said(tree, kept(tree, 1, answered("positive", review="One.")), "good")
    said(tree, kept(tree, 2, answered("positive", review="Two.")), "bad")

    tree.tetrad("feedback", "to-cases", "feedback")

    assert [case["assert"] for case in cases_of(tree)] == [
        [{"type": "equals", "value": "positive"}],
        [{"type": "not-equals", "value": "positive"}],
    ]


def test_what_tools_answered_is_recorded(tree: Tree) -> None:
    add_clock(tree)
    tree.edit(
        "stacks/tools/clock.yaml", "additionalProperties: false", "additionalProperties: true"
    )
    tree.commit()
    calls = (
        Called(call=ToolCall(id="1", name="now", arguments={"id": "A-1"}), result={"to": "a@b.example"}),
        Called(call=ToolCall(id="2", name="now", arguments={"id": "A-2"}), error="timeout"),
        Called(call=ToolCall(id="3", name="removed_since", arguments={}), result=1),
    )  # fmt: skip
    said(tree, kept(tree, 1, answered("positive", review="One.", steps=calls)), "good")

    tree.tetrad("feedback", "to-cases", "feedback")

    (case,) = cases_of(tree)
    assert case["tools"] == [
        {"tool": "now", "arguments": {"id": "A-1"}, "result": {"to": "[mail address]"}},
        {"tool": "now", "arguments": {"id": "A-2"}, "error": "timeout"},
    ]


@pytest.mark.parametrize(
    ("review", "correction"),
    [
        ("{{ review }}", "negative"),
        ("{% include 'x' %}", "negative"),
        ("file://../../etc/passwd", "negative"),
        ("fine", "file:///etc/passwd"),
        ("fine", "{{ 7 * 7 }}"),
        ("fine", " file://prompts/feedback.yaml"),
    ],
)
def test_what_a_golden_set_would_read_makes_no_case(
    tree: Tree, capsys: pytest.CaptureFixture[str], review: str, correction: str
) -> None:
    said(tree, kept(tree, 1, answered("positive", review=review)), correction=correction)

    assert tree.tetrad("feedback", "to-cases", "feedback") == 0

    told = capsys.readouterr().err
    assert "no case: its text would be read as a template or as the name of a file" in told
    assert BRANCH not in tree.git("branch")


@pytest.mark.parametrize(
    "review",
    [
        "- id: forged\n  vars: {}\n",
        'a "quoted" text: with # a comment',
        "line\u2028separator \x85 and \ufeff a mark",
        "tabs\tand\r\nlines",
        "no",
        "0x10",
        "日本語 🙂",
        "&anchor *alias",
        "",
    ],
)
@pytest.mark.parametrize("ending", ["yaml", "jsonl"])
def test_texts_stay_what_users_wrote(tree: Tree, review: str, ending: str) -> None:
    if ending == "jsonl":
        whole = yaml.safe_load((tree.root / GOLDEN).read_text())
        (tree.root / GOLDEN).unlink()
        tree.write(GOLDEN.replace("yaml", "jsonl"), "\n".join(map(json.dumps, whole)))
        tree.edit("evals/feedback/suite.yaml", "./golden.yaml", "./golden.jsonl")
        tree.commit()
    said(tree, kept(tree, 1, answered("positive", review=review)), correction="negative")

    assert tree.tetrad("feedback", "to-cases", "feedback") == 0

    shown = tree.git("show", f"{BRANCH}:{GOLDEN.replace('yaml', ending)}")
    last = (
        json.loads(shown.rstrip("\n").split("\n")[-1])
        if ending == "jsonl"
        else yaml.safe_load(shown)[-1]
    )
    assert last["vars"] == {"review": review}


def test_an_answer_that_was_erased_makes_no_case(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = kept(tree, 1, answered("positive", review="One."))
    keep(tree, [answer])
    one = said(tree, answer)

    assert tree.tetrad("feedback", "erase", one.trace) == 0
    assert capsys.readouterr().err == "1 answer and 1 rating erased\n"

    assert tree.tetrad("feedback", "to-cases", "feedback", one.id) == 2
    assert f"unknown feedback {one.id}" in capsys.readouterr().err


def test_everything_before_a_date_is_erased(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        said(tree, kept(tree, number * 60 * 24, answered("positive", review="One.")))

    assert tree.tetrad("feedback", "erase", "--before", "2026-12-02") == 0

    assert capsys.readouterr().err == "2 answers and 2 ratings erased\n"


def test_feedback_on_another_stack_makes_no_case(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    said(tree, kept(tree, 1, answered("positive", review="One."), stack="stacks/other"))

    assert tree.tetrad("feedback", "to-cases", "feedback") == 0

    assert "it is about stacks/other, which the suite does not judge" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["to-cases", "nothing"], "there is nothing named 'nothing'\n  help: there are"),
        (["to-cases", "feedback", "--branch", "main"], "main is checked out\n  help: name another"),
        (["to-cases", "feedback", "--branch", "a b"], "'a b' is not a valid branch name"),
        (
            ["erase"],
            "nothing to erase: neither a trace nor --before is given\n  help: name traces, or --before DATE",
        ),
        (["list", "--since", "yesterday"], "'yesterday' is not a date"),
    ],
)
def test_misuse_is_told_in_one_message(
    tree: Tree, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    said(tree, kept(tree, 1, answered("positive", review="One.")))

    assert tree.tetrad("feedback", *arguments) == 2

    assert told in capsys.readouterr().err


def test_without_a_registry_there_is_no_feedback(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tree.tetrad("feedback", "list") == 2

    assert "no registry\n  help: " in capsys.readouterr().err
