"""`tetrad gate`, `plan` and `report` on a small repository whose answers are scripted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fakes import OpenAIServer, Reply
from trees import Tree, initial_tree

from tetrad.errors import ExitCode
from tetrad.runtime.conversation import Conversation

ANSWERS = "stacks/models/scripted.answers.yaml"
GOLDEN = "evals/feedback/golden.yaml"
NEW_CASE = """\
- id: slow-but-nice
  vars: {review: "Slow delivery, but I love the lamp."}
  assert: [{type: equals, value: positive}]
"""


def gated(tree: Tree, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    code = tree.tetrad("gate", *options, "--format", "json")
    return code, json.loads(capsys.readouterr().out)


def test_gate_without_a_base_judges_the_candidate_alone(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = gated(tree, capsys)

    assert code == ExitCode.PASSED
    suite = report["stacks"][0]["suites"][0]
    assert {r["requirement"]: r["decision"] for r in suite["requirements"]} == {
        "min": "PASSED",
        "no_worse_than_base": "NOT_APPLICABLE",
        "max_flips": "NOT_APPLICABLE",
    }


def test_a_change_for_the_worse_fails_and_names_the_flipped_cases(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(ANSWERS, "{contains: So soft, output: positive}", "{contains: So soft, output: x}")
    tree.edit(ANSWERS, "{contains: Not bad, output: positive}", "{contains: Not bad, output: x}")

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.REFUSED
    assert report["decision"] == "FAILED"
    cases = report["stacks"][0]["suites"][0]["cases"]
    broken = {
        case["id"]: (case["base_output"], case["output"])
        for case in cases
        if case["flip"] == "broken"
    }
    assert broken == {"soft-blanket": ("positive", "x"), "not-bad-at-all": ("positive", "x")}


def test_answers_that_break_the_output_contract_are_counted_by_gate_and_eval(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(ANSWERS, "{contains: So soft, output: positive}", "{contains: So soft, output: x}")

    tree.tetrad("gate", "--base", "main")
    tree.tetrad("eval")

    gate, _, evaluated = capsys.readouterr().out.partition("evals/feedback on stacks/feedback")
    assert "! 1 of 10 answers breaks the output contract (base: 0): output.enum: 'x' is" in gate
    assert "both sides answered by scripted (a preview: never evidence)" in gate
    assert "; 1 of 10 answers breaks the output contract\n" in evaluated


def test_a_change_of_the_description_runs_nothing_and_says_why(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "description: Tell", "description: Say")

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.PASSED
    assert report["calls"] == {"made": 0, "cached": 0, "skipped": 10}
    assert report["stacks"][0]["changed"] == []
    assert report["stacks"][0]["suites"] == []
    assert report["stacks"][0]["note"] == (
        "prompts/feedback.yaml: only non-behavioural fields changed; identity unchanged"
    )


def test_a_new_case_runs_on_both_identities(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.append(GOLDEN, NEW_CASE)
    tree.edit(
        ANSWERS,
        "{contains: So soft",
        "{contains: Slow delivery, output: positive}\n- {contains: So soft",
    )

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.PASSED
    case = report["stacks"][0]["suites"][0]["cases"][-1]
    assert (case["id"], case["base_output"], case["output"], case["flip"]) == (
        "slow-but-nice", "negative", "positive", "fixed",
    )  # fmt: skip


def test_only_a_new_case_is_a_change_of_the_suite(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.append(GOLDEN, NEW_CASE)

    _, report = gated(tree, capsys, "--base", "main")

    assert report["stacks"][0]["changed"] == ["suite"]


def test_a_gate_renders_each_case_once_a_side(
    tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    messages = Conversation.messages

    def counted(self: Conversation, values: dict[str, Any], *more: Any) -> Any:
        rendered.append(values["review"])
        return messages(self, values, *more)

    monkeypatch.setattr(Conversation, "messages", counted)
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "is it negative or positive?")

    _, report = gated(tree, capsys, "--base", "main")

    cases = len(report["stacks"][0]["suites"][0]["cases"])
    assert (cases, 2 * cases) == (len(set(rendered)), len(rendered))


def test_a_second_gate_asks_nothing(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    gated(tree, capsys)

    _, report = gated(tree, capsys)

    assert (report["calls"]["made"], report["calls"]["cached"]) == (0, 10)


def test_a_waiver_accepts_a_broken_case_by_name(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("evals/feedback/suite.yaml", "  - {metric: answer, no_worse_than_base: 0.1}\n", "")
    tree.commit()
    for name in ("So soft", "Not bad"):
        tree.edit(
            ANSWERS, f"{{contains: {name}, output: positive}}", f"{{contains: {name}, output: x}}"
        )
    tree.edit(
        "waivers.yaml",
        "waivers: []",
        "waivers:\n  - {case: evals/feedback#soft-blanket, accept: broken, reason: Renamed., "
        'owner: "@lead", until: 2999-01-01}',
    )

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.PASSED
    assert report["stacks"][0]["suites"][0]["waived"] == [
        {
            "case": "soft-blanket", "reason": "Renamed.", "owner": "@lead", "until": "2999-01-01",
            "is_new": True,
        }
    ]  # fmt: skip


def test_a_waiver_of_the_base_is_none_of_the_change(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(
        "waivers.yaml",
        "waivers: []",
        "waivers:\n  - {case: evals/feedback#soft-blanket, accept: broken, reason: Renamed., "
        'owner: "@lead", until: 2999-01-01}',
    )
    tree.commit()
    tree.edit(ANSWERS, "{contains: So soft, output: positive}", "{contains: So soft, output: x}")

    _, report = gated(tree, capsys, "--base", "main")

    (used,) = report["stacks"][0]["suites"][0]["waived"]
    assert "is_new" not in used


def test_an_engine_that_cannot_answer_is_inconclusive_not_failed(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(ANSWERS, '- {contains: "", output: negative}\n', "")

    code, report = gated(tree, capsys)

    assert code == ExitCode.INCONCLUSIVE
    assert report["decision"] == "INCONCLUSIVE"


def test_a_base_that_is_not_there_is_misuse(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    code = tree.tetrad("gate", "--base", "mian")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == "unknown revision 'mian'\n  help: did you mean main?\n"


def test_an_unknown_stack_is_misuse(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    code = tree.tetrad("gate", "fedback")

    assert code == ExitCode.MISUSE
    assert "help: did you mean feedback?" in capsys.readouterr().err


def test_the_last_report_can_be_rendered_again(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    shown = capsys.readouterr().out

    code = tree.tetrad("report")

    assert code == ExitCode.PASSED
    assert capsys.readouterr().out == shown
    assert "<html" in (tree.root / ".tetrad" / "report.html").read_text()


def test_report_says_what_to_do_where_there_is_none(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    code = tree.tetrad("report")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == (
        f"{tree.root / '.tetrad' / 'report.json'} cannot be read: No such file or directory\n"
        "  help: `tetrad gate` writes one\n"
    )


def test_plan_names_the_stack_the_part_and_the_cases(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "is it positive or negative?", "positive or negative?")
    tree.append(GOLDEN, NEW_CASE)

    code = tree.tetrad("plan", "--base", "main", "--format", "json")

    assert code == ExitCode.PASSED
    plan = json.loads(capsys.readouterr().out)
    stack = plan["stacks"][0]
    assert stack["changed"] == ["prompt"]
    assert stack["files"] == ["prompts/feedback.yaml", GOLDEN]
    assert {c["why"] for c in stack["suites"][0]["cases_to_run"]} == {"request", "new"}
    assert plan["estimate"]["calls"] == {"least": 22, "most": 22}


def test_plan_counts_no_calls_for_kept_answers(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.tetrad("gate")
    capsys.readouterr()

    tree.tetrad("plan")

    assert "no calls: every answer is kept from earlier" in capsys.readouterr().out


def test_eval_runs_the_cases_whose_id_matches_and_judges_nothing(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(ANSWERS, "{contains: So soft, output: positive}", "{contains: So soft, output: x}")

    code = tree.tetrad("eval", "feedback", "-k", "soft")

    assert code == ExitCode.PASSED
    assert '  failed  soft-blanket: x\n            equals: does not equal "positive"\n' in (
        capsys.readouterr().out
    )


def test_eval_takes_suites_and_stacks_only(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    code = tree.tetrad("eval", "prompts/feedback")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == (
        "prompts/feedback is neither a suite nor a stack\n"
        "  help: there are evals/feedback, stacks/feedback\n"
    )


def test_eval_of_no_case_is_misuse(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    code = tree.tetrad("eval", "-k", "nothing-like-it")

    assert code == ExitCode.MISUSE
    assert "no cases match" in capsys.readouterr().err


@pytest.mark.parametrize("golden", ["[]\n", "tests: []\n"])
def test_a_golden_set_without_cases_is_named(
    tree: Tree, capsys: pytest.CaptureFixture[str], golden: str
) -> None:
    tree.write("evals/feedback/golden.yaml", golden)

    code = tree.tetrad("eval")

    assert code == ExitCode.MISUSE
    assert capsys.readouterr().err == (
        "no cases in evals/feedback/golden.yaml\n  help: write the first one\n"
    )


ENDPOINT = "engine: {openai: {model: m, base_url_env: LLM_URL_OF_NOBODY}}"


def to_an_endpoint(tree: Tree) -> None:
    tree.edit(
        "stacks/models/scripted.yaml",
        "source: file://stacks/models/scripted.answers.yaml",
        "source: endpoint://team",
    )
    tree.edit(
        "stacks/models/scripted.yaml",
        "engine: {scripted: {answers: ./scripted.answers.yaml}}",
        ENDPOINT,
    )
    (tree.root / ANSWERS).unlink()


def test_a_plan_needs_no_endpoint(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    to_an_endpoint(tree)

    assert tree.tetrad("plan", "--base", "main") == ExitCode.PASSED
    assert "changed: model" in capsys.readouterr().out


def test_eval_tells_no_mean_where_no_case_has_a_result(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(GOLDEN, 'vars: {review: "So soft!', 'vars: {rating: "So soft!')

    code = tree.tetrad("eval", "feedback", "-k", "soft-blanket")

    assert code == ExitCode.INCONCLUSIVE
    assert capsys.readouterr().out.endswith("  0 of 1 passed\n\n")


def test_a_gate_that_nothing_moves_needs_no_endpoint(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    to_an_endpoint(tree)
    tree.commit()
    tree.edit("stacks/feedback.yaml", "description: Tells", "description: Sorts")

    code, report = gated(tree, capsys, "--base", "main")

    assert (code, report["stacks"][0]["suites"]) == (ExitCode.PASSED, [])


def test_a_gate_says_which_variable_the_endpoint_needs(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    to_an_endpoint(tree)

    assert tree.tetrad("gate") == ExitCode.MISUSE
    assert "LLM_URL_OF_NOBODY is not set" in capsys.readouterr().err


def test_a_base_that_cannot_answer_is_inconclusive(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = (tree.root / ANSWERS).read_bytes()
    to_an_endpoint(tree)
    tree.commit()
    (tree.root / ANSWERS).write_bytes(answers)
    tree.edit(
        "stacks/models/scripted.yaml",
        ENDPOINT,
        "engine: {scripted: {answers: ./scripted.answers.yaml}}",
    )

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.INCONCLUSIVE
    assert report["decision"] == "INCONCLUSIVE"


def test_a_change_that_no_suite_judges_is_not_called_unchanged(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("rm", "-r", "--quiet", "evals/feedback")
    tree.edit(ANSWERS, "{contains: So soft, output: positive}", "{contains: So soft, output: x}")

    code = tree.tetrad("gate", "--base", "main")

    assert code == ExitCode.PASSED
    assert "no suite names feedback now; what judged it on the base holds" in (
        " ".join(capsys.readouterr().out.split())
    )


def test_a_suite_that_goes_does_not_stand_for_all_suites(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tree.root / "evals/feedback", tree.root / "evals/tone")
    tree.commit("Add a suite")
    tree.git("rm", "-r", "--quiet", "evals/feedback")

    assert tree.tetrad("gate", "--base", "HEAD") == ExitCode.PASSED

    told = " ".join(capsys.readouterr().out.split())
    assert "so nothing ran; this change reduces coverage: evals/feedback" in told
    assert "no longer judged by evals/feedback" in told
    assert "no suite names" not in told


ADDING = """\
kind: prompt
variables: {numbers: {type: string}}
messages: [{role: user, content: "Add up: {{ numbers }}"}]
"""


def test_a_stack_of_another_name_alone_is_unchanged(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    tree.edit("evals/feedback/suite.yaml", "[stacks/feedback]", "[stacks/reviews]")

    _, report = gated(tree, capsys, "--base", "main")

    assert report["stacks"][0]["note"] == "renamed from stacks/feedback; no changes"
    assert (report["decision"], report["stacks"][0]["suites"]) == ("PASSED", [])


def add_another_stack(tree: Tree) -> None:
    tree.write("prompts/add.yaml", ADDING)
    tree.write(
        "stacks/add.yaml", "kind: stack\nprompt: prompts/add\nmodel: stacks/models/scripted\n"
    )


def remove_the_stack(tree: Tree) -> None:
    for path in ("stacks/feedback.yaml", "stacks/feedback.lock", "prompts/feedback.yaml", "evals"):
        tree.git("rm", "-r", "--quiet", path)


def test_a_new_stack_is_judged_by_what_judged_the_one_that_is_gone(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    remove_the_stack(tree)
    add_another_stack(tree)

    code, report = gated(tree, capsys, "--base", "main")

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    assert [(c["change"], c["ref"]) for c in report["coverage"]] == [
        ("removed", "evals/feedback"), ("replaced", "stacks/feedback"),
    ]  # fmt: skip


def test_a_new_stack_is_judged_alone_where_what_is_gone_was_not_judged(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("rm", "-r", "--quiet", "evals")
    tree.commit()
    tree.git("rm", "-r", "--quiet", "stacks/feedback.yaml", "stacks/feedback.lock")
    add_another_stack(tree)

    code, report = gated(tree, capsys, "--base", "HEAD")

    assert (code, report["decision"]) == (ExitCode.PASSED, "PASSED")
    assert report["stacks"][0]["base_identity"] is None
    assert [(c["change"], c["ref"]) for c in report["coverage"]] == [
        ("removed", "stacks/feedback"), ("added", "stacks/add"),
    ]  # fmt: skip


@pytest.mark.parametrize("named", [(), ("add",)])
def test_a_new_stack_is_judged_alone_beside_one_that_is_renamed(
    named: tuple[str, ...], tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    tree.edit("evals/feedback/suite.yaml", "[stacks/feedback]", "[stacks/reviews]")
    add_another_stack(tree)

    _, report = gated(tree, capsys, *named, "--base", "main")

    assert report["decision"] == "PASSED"
    assert report["stacks"][0]["base_identity"] is None
    assert [(c["change"], c["ref"]) for c in report["coverage"]] == [
        ("renamed", "stacks/feedback"), ("added", "stacks/add"),
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["gate", "plan"])
def test_a_base_that_does_not_load_is_named_and_inconclusive(
    command: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit("prompts/feedback.yaml", "messages:", "massages:")
    tree.commit()
    broken = tree.git("rev-parse", "HEAD")
    tree.edit("prompts/feedback.yaml", "massages:", "messages:")
    tree.commit()

    code = tree.tetrad(command, "--base", "HEAD~1")

    said = capsys.readouterr().err
    assert code == ExitCode.INCONCLUSIVE
    assert said.startswith(f"cannot load the base {broken[:12]}:\n")
    assert "\n  prompts/feedback.yaml:" in said
    assert "name a base that loads" in said.splitlines()[-1]


def test_a_case_that_stands_twice_on_the_base_is_told(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = (tree.root / GOLDEN).read_text()
    tree.append(GOLDEN, golden[golden.index("- id: irony") :])
    tree.commit()
    (tree.root / GOLDEN).write_text(golden)
    tree.commit()

    code = tree.tetrad("gate", "--base", "HEAD~1")

    assert code == ExitCode.INCONCLUSIVE
    assert "duplicate id 'irony'" in capsys.readouterr().err


def test_a_base_that_the_suite_cannot_judge_is_inconclusive_and_says_why(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.git("rm", "--quiet", ANSWERS)
    tree.edit(
        "stacks/models/scripted.yaml",
        "engine: {scripted: {answers: ./scripted.answers.yaml}}",
        'engine: {torch: {dtype: float32}}\nfiles: {a.gguf: "sha256:' + 64 * "0" + '"}',
    )
    tree.commit()
    tree.git("checkout", "--quiet", "HEAD~1", "--", "stacks")
    tree.append("evals/feedback/suite.yaml", "  - {latency_ms: {max: 1000}}\n")

    code, report = gated(tree, capsys, "--base", "main")

    assert code == ExitCode.INCONCLUSIVE
    reasons = [r["reason"] for r in report["stacks"][0]["suites"][0]["requirements"]]
    assert reasons[1].startswith("answer cannot be compared: this suite cannot judge the base: ")


def test_a_removed_case_stands_in_the_report(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    golden = (tree.root / GOLDEN).read_text()
    (tree.root / GOLDEN).write_text(golden[: golden.index("- id: irony")])

    code, report = gated(tree, capsys, "--base", "main")

    assert (code, report["stacks"][0]["suites"][0]["removed"]) == (ExitCode.PASSED, ["irony"])
    tree.tetrad("report")
    assert "1 case is gone from the golden set: irony" in capsys.readouterr().out


def test_a_suite_that_asks_for_nothing_is_said_to(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = (tree.root / "evals/feedback/suite.yaml").read_text()
    (tree.root / "evals/feedback/suite.yaml").write_text(suite[: suite.index("gate:")])

    tree.tetrad("gate", "--base", "main")

    assert "no requirement was judged; feedback has no requirement" in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 90])
def test_a_piped_report_is_as_wide_as_columns_says(
    width: int, tree: Tree, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    tree.edit(ANSWERS, "{contains: So soft, output: positive}", "{contains: So soft, output: x}")

    tree.tetrad("gate", "--base", "main")

    lines = capsys.readouterr().out.splitlines()
    assert width - 20 < max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_eval_tells_an_error_that_many_cases_share_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = initial_tree(tmp_path / "team", "--engine", "endpoint", "--endpoint-model", "own")
    capsys.readouterr()
    monkeypatch.setenv("LLM_KEY", "")
    with OpenAIServer(Reply(status=400, error={"message": "no such field"})) as server:
        monkeypatch.setenv("LLM_URL", server.url)

        code = tree.tetrad("eval")

    shown = capsys.readouterr().out
    assert code == ExitCode.INCONCLUSIVE
    assert shown.count("no such field") == 1
    assert (
        "          same error: torn-box, friendly-support, wrong-size, great-sound, never-came and 4 more\n"
        in shown
    )


def test_what_a_script_answered_is_never_evidence(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = gated(tree, capsys)

    assert report["stacks"][0]["preview"]


@pytest.mark.parametrize(
    ("options", "is_preview"),
    [((), False), (("--engine", "openai:another"), True), (("--engine", "openai:own"), True)],
    ids=["its own", "another", "its own, named"],
)
def test_only_what_the_stacks_own_engine_answered_can_be_evidence(
    options: tuple[str, ...],
    is_preview: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tree = initial_tree(tmp_path / "team", "--engine", "endpoint", "--endpoint-model", "own")
    capsys.readouterr()
    monkeypatch.setenv("LLM_KEY", "")
    with OpenAIServer(Reply(text="positive")) as server:
        monkeypatch.setenv("LLM_URL", server.url)

        _, report = gated(tree, capsys, *options)

        assert {asked.body["model"] for asked in server.asked} == {
            "another" if "openai:another" in options else "own"
        }
    assert report["stacks"][0]["preview"] is is_preview


@pytest.mark.parametrize("command", ["plan", "gate"])
def test_a_case_that_cannot_be_judged_is_told_before_anything_runs(
    command: str, tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.append(GOLDEN, "- {id: ill, vars: {review: x}, assert: [{type: regex, value: '('}]}\n")

    code = tree.tetrad(command, "--base", "main")

    assert code == ExitCode.MISUSE
    assert "error[GLD983]: regex is not a valid regular expression" in capsys.readouterr().err


def test_a_change_that_mends_a_case_is_compared_with_the_base_that_holds_it(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    ill = "- {id: ill, vars: {review: x}, assert: [{type: regex, value: '('}]}\n"
    tree.append(GOLDEN, ill)
    tree.commit("Add a case")
    tree.edit(GOLDEN, ill, ill.replace("'('", "'p'"))

    code, report = gated(tree, capsys, "--base", "HEAD")

    assert code != ExitCode.INCONCLUSIVE
    assert report["stacks"][0]["changed"] == ["suite"]
