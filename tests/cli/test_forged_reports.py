"""Reports that somebody edited to get a bad candidate signed: what can be derived again is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evidenced import (
    ENVIRONMENT,
    answering,
    attest,
    copied,
    environment_text,
    evidenced_tree,
    key_of,
)
from fakes import Reply
from trees import Tree, scripted_tree

from tetrad.errors import ExitCode

REPORT = ".tetrad/report.json"
GOLDEN = "evals/feedback/golden.yaml"

Json = dict[str, Any]
Forge = Callable[[Json], None]


@pytest.fixture(scope="module")
def regauged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A change that also makes the golden set want what it answers: the base's suite refuses it."""
    folder = tmp_path_factory.mktemp("regauged")
    made = evidenced_tree(folder)
    golden = made.root / GOLDEN
    golden.write_text(golden.read_text().replace("value: negative", "value: positive"))
    made.tetrad("lock")
    made.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    with pytest.MonkeyPatch.context() as patch, answering(patch, lambda _: Reply(text="positive")):
        assert made.tetrad("gate", "--base", "HEAD~1") == ExitCode.REFUSED
    return folder


def attest_forged(folder: Path, into: Path, forge: Forge) -> int:
    tree = copied(folder, into)
    report = json.loads((tree.root / REPORT).read_text())
    forge(report)
    (tree.root / REPORT).write_text(json.dumps(report))
    return attest(tree, "--base", "HEAD~1")


def suite_of(report: Json) -> Json:
    suite: Json = report["stacks"][0]["suites"][0]
    return suite


def base_of(report: Json) -> Json:
    by_base: Json = report["stacks"][0]["by_base"][0]
    return by_base


def without_traces(report: Json) -> None:
    for case in suite_of(report)["cases"]:
        for sample in [*case["samples"], *case["base_samples"]]:
            del sample["trace"]


def fewer_repeats_of_the_base(report: Json) -> None:
    suite_of(report)["cases"][0]["base_samples"].append(
        suite_of(report)["cases"][0]["base_samples"][0]
    )


def other_latency(report: Json) -> None:
    suite_of(report)["cases"][0]["samples"][0]["latency_s"] = 0.0001


def other_usage(report: Json) -> None:
    suite_of(report)["cases"][0]["samples"][0]["usage"] = {"input_tokens": 1, "output_tokens": 1}


def other_cost(report: Json) -> None:
    suite_of(report)["cases"][0]["samples"][0]["cost_usd"] = 0.5


def without_variables(report: Json) -> None:
    suite_of(report)["cases"][0]["samples"][0]["trace"]["vars"] = {"review": "Great!"}


def two_of_a_stack(report: Json) -> None:
    report["stacks"].append(report["stacks"][0])


def two_of_a_suite(report: Json) -> None:
    report["stacks"][0]["suites"].append(suite_of(report))


def another_model(report: Json) -> None:
    report["stacks"][0]["model"] = "large"


def unsignable_engine(report: Json) -> None:
    report["stacks"][0]["engine"] = "small\ud800"


def hostile_build(report: Json) -> None:
    report["stacks"][0]["build"] = "\x1b[31m\n::add-mask::x"


def first_day_of_all(report: Json) -> None:
    report["created"] = "0001-01-01T00:00:00+23:59"


FORGED: dict[str, tuple[Forge, str]] = {
    "answers without traces": (without_traces, "has no trace"),
    "another number of the base's repeats": (fewer_repeats_of_the_base, "2 of 1 repeats on the"),
    "a latency": (other_latency, "its latency differs from the trace's"),
    "a number of tokens": (other_usage, "its usage differs from the trace's"),
    "a cost": (other_cost, "its cost does not match its tokens"),
    "another question": (without_variables, "it was asked with another value of review"),
    "a stack twice": (two_of_a_stack, "stacks/feedback is in the report twice"),
    "a suite twice": (two_of_a_suite, "evals/feedback is in the report twice"),
    "a lone surrogate": (unsignable_engine, "'small\\ud800' cannot be signed"),
    "escape sequences": (hostile_build, "cannot be signed: it is not printable"),
    "a time before time": (first_day_of_all, "is not a time"),
    "a model": (another_model, "the report's model is large"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_report_is_held_against_its_commit_and_its_traces(
    gated: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    forge, problem = FORGED[name]
    assert attest_forged(gated, tmp_path, forge) == ExitCode.REFUSED
    assert problem in capsys.readouterr().err


def test_one_identity_answers_once(
    gated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = copied(gated, tmp_path)
    with answering(monkeypatch):
        tree.tetrad("gate", "--unproven", "--env", "production", "--base", "HEAD")
    report = json.loads((tree.root / REPORT).read_text())
    sample = suite_of(report)["cases"][0]["base_samples"][0]
    sample["output"] = sample["trace"]["output"] = "negative"
    sample["trace"]["steps"][-1]["completion"]["text"] = "negative"
    (tree.root / REPORT).write_text(json.dumps(report))
    assert attest(tree) == ExitCode.REFUSED
    assert "is recorded with the score 1, expected 0" in capsys.readouterr().err
    sample["passed"] = False
    sample["metrics"] = {"answer": 0.0}
    sample["assertions"][0].update(passed=False, score=0.0)
    (tree.root / REPORT).write_text(json.dumps(report))
    assert attest(tree) == ExitCode.REFUSED
    assert "the base has the same identity but other answers" in capsys.readouterr().err


def test_a_script_is_a_preview_whatever_the_report_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = scripted_tree(tmp_path / "repository")
    private = str(tmp_path / "ci.pem")
    tree.tetrad("keys", "new", "ci", "--private", private)
    tree.commit()
    tree.tetrad("gate")
    path = tree.root / REPORT
    report = json.loads(path.read_text())
    assert report["stacks"][0]["preview"]
    report["stacks"][0]["preview"] = False
    path.write_text(json.dumps(report))
    assert tree.tetrad("attest", "--key", f"file:{private}") == ExitCode.REFUSED
    assert "a preview cannot be attested" in capsys.readouterr().err


def pass_by_base(report: Json, **changes: Any) -> None:
    report["decision"] = "PASSED"
    base_of(report).update(decision="PASSED", **changes)


def all_passed(report: Json) -> list[Json]:
    return [
        {**r, "decision": "PASSED", "value": 1.0 if r["metric"] else 0.0}
        for r in base_of(report)["requirements"]
    ]


def not_applicable(report: Json) -> None:
    pass_by_base(report)
    base_of(report).update(decision="NOT_APPLICABLE", requirements=[], cases=[])


def no_requirements(report: Json) -> None:
    pass_by_base(report, requirements=[])


def fewer_requirements(report: Json) -> None:
    kept = [r for r in all_passed(report) if r["requirement"] != "min"]
    pass_by_base(report, requirements=kept)


def passed_requirements(report: Json) -> None:
    pass_by_base(report, requirements=all_passed(report))


def nothing_seen_otherwise(report: Json) -> None:
    pass_by_base(report, requirements=all_passed(report), cases=[], alike=10)


def cases_passed(report: Json) -> None:
    pass_by_base(report, requirements=all_passed(report))
    for case in base_of(report)["cases"]:
        case["metrics"] = {"answer": 1.0}
        for sample in case["samples"]:
            sample.update(passed=True, metrics={"answer": 1.0})


def worse_base(report: Json) -> None:
    """Nothing is worse than a base that failed everything."""
    for case in base_of(report)["cases"]:
        case["base_metrics"] = {"answer": 0.5}
        for sample in case["base_samples"]:
            sample.update(metrics={"answer": 0.5})


def fewer_flips(report: Json) -> None:
    flips = base_of(report)["requirements"][2]
    flips.update(value=flips["value"] + 3)


def better_comparison(report: Json) -> None:
    base_of(report)["requirements"][1].update(value=0.9, interval=[0.8, 1.0])


def accepted(report: Json) -> None:
    not_applicable(report)
    line = {"suite": "evals/feedback", "what": "metric answer", "reason": "new", "owner": "@a"}
    base_of(report)["accepted"] = [line]


def nothing_loosened(report: Json) -> None:
    report["yardstick"] = []


BY_BASE: dict[str, tuple[Forge, str]] = {
    "that it does not apply": (not_applicable, "NOT_APPLICABLE, but it judges the change"),
    "no requirements": (no_requirements, "not every requirement is in the report"),
    "fewer requirements": (fewer_requirements, "not every requirement is in the report"),
    "passed requirements": (passed_requirements, "min does not follow from the scores"),
    "the scores of the change's own suite": (nothing_seen_otherwise, "graded again"),
    "passed cases": (cases_passed, "graded again"),
    "another base": (worse_base, "graded again"),
    "another number of flips": (fewer_flips, "max_flips does not follow from the scores"),
    "a better comparison": (
        better_comparison,
        "no_worse_than_base does not follow from the scores",
    ),
    "an acceptance": (accepted, "what is accepted of it differs from the commit"),
}


@pytest.mark.parametrize("name", BY_BASE)
def test_the_base_s_yardstick_is_applied_again(
    regauged: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    forge, problem = BY_BASE[name]
    assert attest_forged(regauged, tmp_path, forge) == ExitCode.REFUSED
    captured = capsys.readouterr()
    assert problem in captured.err
    assert "signed" not in captured.out


def test_what_the_base_s_yardstick_refuses_is_signed_as_failed(
    regauged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert attest_forged(regauged, tmp_path, nothing_loosened) == ExitCode.REFUSED
    assert "FAILED, 3 envelopes signed" in capsys.readouterr().out
    tree = Tree(tmp_path / "repository")
    tree.tetrad("evidence", "show", "feedback", "--format", "json")
    (said, *_) = [one["statement"]["predicate"] for one in json.loads(capsys.readouterr().out)]
    assert [(moved["kind"], len(moved["cases"])) for moved in said["loosened"]] == [
        ("assertions", 5)
    ]


def test_authors_are_not_looked_for_in_a_part_of_the_history(
    gated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = copied(gated, tmp_path / "full")
    rules = {"evidence": {"signers": ["ci"]}, "approvals": {"count": 1, "not_author": True}}
    tree.write(ENVIRONMENT, environment_text(requires=rules))
    tree.commit()
    shallow = Tree(tmp_path / "shallow")
    tree.git("clone", "--quiet", "--depth", "1", f"file://{tree.root}", str(shallow.root))
    assert shallow.tetrad("verify", "feedback", "--env", "production") == ExitCode.MISUSE
    assert "who wrote the commits is not known in this shallow clone" in capsys.readouterr().err


def test_outside_of_git_nothing_is_half_kept(
    gated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = copied(gated, tmp_path)
    shutil.rmtree(tree.root / ".git")
    approve = ("approve", "feedback", "--env", "production", "--key", key_of(tree, "ada"))
    assert tree.tetrad(*approve) == ExitCode.MISUSE
    tree.tetrad("evidence", "show", "feedback")
    assert "no evidence" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["0", "-1"])
def test_the_log_shows_at_least_one_identity(
    gated: Path, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = Tree(gated / "repository")
    assert tree.tetrad("log", "feedback", "-n", number) == ExitCode.MISUSE
    assert "must be 1 or more" in capsys.readouterr().err
