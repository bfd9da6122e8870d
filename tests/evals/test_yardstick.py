"""A change that moves what judges it is judged by the base's yardstick too: pull requests, played."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Asked, OpenAIServer, Reply
from trees import Tree, scripted_tree

from tetrad.answers import KeptRuns, answers_path
from tetrad.errors import ExitCode
from tetrad.report import yardstick_text
from tetrad.results.gate_report import AcceptanceOffer

SUITE = "evals/feedback/suite.yaml"
GOLDEN = "evals/feedback/golden.yaml"
ANSWERS = "stacks/models/scripted.answers.yaml"
PROMPT = "prompts/feedback.yaml"
WORSE = (("{contains: So soft, output: positive}", "{contains: So soft, output: negative}"),)


@pytest.fixture
def tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tree:
    made = scripted_tree(tmp_path / "repository")
    capsys.readouterr()
    return made


Gate = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def gate(tree: Tree, capsys: pytest.CaptureFixture[str]) -> Gate:
    """Judge stacks of the working tree, or all, against the branch main."""

    def run(*named: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = tree.tetrad("gate", *named, "--base", "main", "--format", "json")
        said = capsys.readouterr()
        assert said.out, said.err
        return code, json.loads(said.out)

    return run


def text_of(tree: Tree, capsys: pytest.CaptureFixture[str], fmt: str = "text") -> str:
    capsys.readouterr()
    tree.tetrad("report", "--format", fmt)
    return capsys.readouterr().out


def reword(tree: Tree) -> None:
    """Move the identity, and no answer."""
    tree.edit(PROMPT, "Sort each customer review", "Judge each customer review")


def verdicts(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [by for stack in report["stacks"] for by in stack["by_base"]]


def offers(report: dict[str, Any]) -> list[str]:
    """The lines that would be pasted."""
    found = (offer for by in verdicts(report) for offer in by["offers"])
    return [yardstick_text.offer(AcceptanceOffer(**offer)) for offer in found]


def moved(report: dict[str, Any]) -> dict[str, Any]:
    return {change["kind"]: change for change in report["yardstick"]}


def accept(tree: Tree, *lines: str) -> None:
    """Paste what the gate offers, with a reason."""
    written = "".join(f"  {line}\n" for line in lines).replace("say why", "Agreed.")
    path = tree.root / "waivers.yaml"
    path.write_text(path.read_text().replace("waivers: []\n", "waivers:\n") + written)


# -- what is kept of it


def kept(tree: Tree) -> list[int]:
    """How many results are kept of each run."""
    with KeptRuns.open(answers_path(tree.root)) as runs:
        counts = [len(runs.results(number)) for number in range(1, 30)]
    return [count for count in counts if count]


def test_a_run_of_the_base_suite_without_accepted_cases_replaces_no_whole_run(
    tree: Tree, gate: Gate
) -> None:
    tree.edit(SUITE, "max_flips: 1", "max_flips: 2")
    reword(tree)
    _, report = gate()
    whole = len(report["stacks"][0]["suites"][0]["cases"])
    assert sorted(kept(tree)) == [whole, whole]  # of the candidate and of the base

    accept(
        tree,
        "- {accept: yardstick, suite: evals/feedback, case: irony,"
        ' reason: "say why", owner: "@your-team"}',
    )
    gate()

    assert sorted(kept(tree)) == [whole - 1, whole - 1, whole, whole]


def test_a_run_of_some_cases_replaces_no_whole_run(tree: Tree) -> None:
    tree.tetrad("eval")
    (whole,) = kept(tree)

    tree.tetrad("eval", "-k", "irony")

    assert kept(tree) == [whole, 1]


# -- pull requests


def test_a_wrong_label_is_corrected_together_with_the_prompt(
    tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(SUITE, "max_flips: 1", "max_flips: 0")
    tree.edit(GOLDEN, 'leaks. Well done."}\n  assert: [{type: equals, value: negative}]',
              'leaks. Well done."}\n  assert: [{type: equals, value: positive}]')  # fmt: skip
    tree.edit(
        ANSWERS,
        "- {contains: thank you",
        "- {contains: Wonderful, output: positive}\n- {contains: thank you",
    )
    tree.commit()
    tree.edit(GOLDEN, 'leaks. Well done."}\n  assert: [{type: equals, value: positive}]',
              'leaks. Well done."}\n  assert: [{type: equals, value: negative}]')  # fmt: skip
    tree.edit(ANSWERS, "- {contains: Wonderful, output: positive}\n", "")

    code, report = gate()

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    assert report["stacks"][0]["suites"][0]["decision"] == "PASSED"
    (offer,) = offers(report)
    assert offer == (
        "- {accept: yardstick, suite: evals/feedback, case: irony,"
        ' reason: "say why", owner: "@your-team"}'
    )
    assert offer in text_of(tree, capsys)

    accept(tree, *offers(report))
    code, report = gate()

    assert code == ExitCode.PASSED
    assert verdicts(report)[0]["accepted"] == [
        {
            "suite": "evals/feedback",
            "what": "case irony",
            "reason": "Agreed.",
            "owner": "@your-team",
        }
    ]


def test_a_golden_set_is_split(tree: Tree, gate: Gate) -> None:
    golden = (tree.root / GOLDEN).read_text()
    half = golden.index("- id: never-came")
    (tree.root / "evals/more").mkdir()
    (tree.root / "evals/more/golden.yaml").write_text(golden[half:])
    (tree.root / GOLDEN).write_text(golden[:half])
    (tree.root / "evals/more/suite.yaml").write_text((tree.root / SUITE).read_text())
    reword(tree)

    code, report = gate()

    assert code == ExitCode.PASSED
    assert report["yardstick"] == [
        {
            "kind": "moved",
            "ref": "evals/feedback",
            "after": "evals/more",
            "cases": ["never-came", "not-bad-at-all", "smells", "recommended", "irony"],
        }
    ]
    assert [(by["suite"], by["decision"], by["alike"]) for by in verdicts(report)] == [
        ("evals/feedback", "PASSED", 10)
    ]


@pytest.mark.parametrize("are_renamed", [True, False])
def test_a_suite_is_renamed_and_its_waivers_follow(
    are_renamed: bool, tree: Tree, gate: Gate
) -> None:
    tree.append(SUITE, "  - {must_pass: {case: soft-blanket}}\n")
    (tree.root / "waivers.yaml").write_text(
        "kind: waivers\nwaivers:\n  - {case: evals/feedback#soft-blanket, accept: broken,"
        ' reason: Renamed., owner: "@lead", until: 2999-01-01}\n'
    )
    for edit in WORSE:
        tree.edit(ANSWERS, *edit)
    tree.commit()
    tree.git("mv", "evals/feedback", "evals/reviews")
    if are_renamed:
        tree.edit("waivers.yaml", "evals/feedback#", "evals/reviews#")
    reword(tree)

    code, report = gate()

    assert code == ExitCode.PASSED
    suite = report["stacks"][0]["suites"][0]
    assert (suite["suite"], [w.get("is_new") for w in suite["waived"]]) == ("evals/reviews", [None])
    assert [c["change"] for c in report["coverage"]] == ["moved"]
    assert moved(report)["moved"]["after"] == "evals/reviews"


JUDGE = """\
kind: model
source: file://stacks/models/judge.answers.yaml
engine: {scripted: {answers: ./judge.answers.yaml}}
context_window: 8192
"""
JUDGE_PROMPT = """\
kind: prompt
variables: {task: {trust: trusted}, text: {trust: untrusted}}
messages:
  - {role: user, content: "Grade in a word. {{ task }} {{ text }}"}
"""


def with_judge(tree: Tree) -> None:
    """The case soft-blanket is judged by a model as well."""
    (tree.root / "stacks/models/judge.yaml").write_text(JUDGE)
    (tree.root / "stacks/models/judge.answers.yaml").write_text(
        '- {contains: with care, output: \'{"reason": "Cold.", "pass": false, "score": 0}\'}\n'
        '- {contains: "", output: \'{"reason": "Fine.", "pass": true, "score": 1}\'}\n'
    )
    (tree.root / "prompts/grade.yaml").write_text(JUDGE_PROMPT)
    tree.edit(SUITE, "metrics: [answer]", "metrics: [answer, tone]\n"
              "judges: {default: {model: stacks/models/judge, prompt: prompts/grade}}")  # fmt: skip
    tree.edit(SUITE, "max_flips: 1", "max_flips: 0")
    tree.append(SUITE, "  - {metric: tone, min: 0.9}\n")
    tree.edit(
        GOLDEN,
        'sister."}\n  assert: [{type: equals, value: positive}]',
        'sister."}\n  assert:\n    - {type: equals, value: positive}\n'
        "    - {type: llm-rubric, value: is warm, metric: tone}",
    )


def test_a_judge_prompt_becomes_better_and_agrees(tree: Tree, gate: Gate) -> None:
    with_judge(tree)
    tree.commit()
    tree.edit("prompts/grade.yaml", "Grade in a word.", "Grade it in a word.")
    reword(tree)

    code, report = gate()

    assert (code, verdicts(report)[0]["decision"]) == (ExitCode.PASSED, "PASSED")
    assert moved(report)["judge"]["note"] == "same scores on 1 case"


def test_what_computed_for_a_judge_is_named(
    tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    with_judge(tree)
    tree.commit()
    reword(tree)

    _, report = gate()

    (helper,) = report["stacks"][0]["helpers"]
    assert (helper["role"], helper["name"]) == ("judge", "default")
    assert helper["build"].startswith("tetrad scripted-engine")
    for fmt in ("text", "markdown", "html"):
        assert "build of the judge default" in text_of(tree, capsys, fmt), fmt


def test_a_judge_prompt_that_disagrees_takes_one_line_by_metric(tree: Tree, gate: Gate) -> None:
    with_judge(tree)
    tree.edit("prompts/grade.yaml", "Grade in a word.", "Grade with care.")
    tree.edit(SUITE, "{metric: tone, min: 0.9}", "{metric: tone, min: 0.0}")
    tree.commit()
    tree.edit("prompts/grade.yaml", "Grade with care.", "Grade in a word.")
    tree.edit(SUITE, "{metric: tone, min: 0.0}", "{metric: tone, min: 0.9}")
    reword(tree)
    assert gate()[0] == ExitCode.PASSED  # the base's judge refused it before, too

    tree.git("stash", "--quiet")
    tree.edit(SUITE, "{metric: tone, min: 0.0}", "{metric: tone, min: 0.9}")
    tree.commit()
    tree.git("checkout", "--quiet", "stash@{0}", "--", "prompts")

    code, report = gate()

    assert (code, report["stacks"][0]["suites"][0]["decision"]) == (ExitCode.REFUSED, "PASSED")
    (offer,) = offers(report)
    assert "metric: tone" in offer
    accept(tree, offer)
    assert gate()[0] == ExitCode.PASSED


def test_a_threshold_is_raised(tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]) -> None:
    tree.edit(SUITE, "min: 0.7", "min: 0.8")
    reword(tree)

    code, report = gate()

    assert (code, report["yardstick"]) == (ExitCode.PASSED, [])
    assert "yardstick" not in text_of(tree, capsys)


@pytest.mark.parametrize("is_tagged", [True, False])
def test_a_case_is_deleted_with_its_feature(is_tagged: bool, tree: Tree, gate: Gate) -> None:
    tree.edit(SUITE, "max_flips: 1", "max_flips: 0")
    if is_tagged:
        for id_ in ("soft-blanket", "great-sound"):
            tree.edit(GOLDEN, f"- id: {id_}\n", f"- id: {id_}\n  tags: [praise]\n")
    tree.commit()
    golden = (tree.root / GOLDEN).read_text()
    gone = ["soft-blanket", "great-sound"] if is_tagged else ["soft-blanket"]
    for id_ in gone:
        start = golden.index(f"- id: {id_}\n")
        golden = golden[:start] + golden[golden.index("- id:", start + 1) :]
    (tree.root / GOLDEN).write_text(golden)
    for text in ("So soft", "Great sound"):
        tree.edit(
            ANSWERS,
            f"{{contains: {text}, output: positive}}",
            f"{{contains: {text}, output: negative}}",
        )
    if not is_tagged:
        tree.edit(
            ANSWERS,
            "{contains: Great sound, output: negative}",
            "{contains: Great sound, output: positive}",
        )

    code, report = gate()

    assert code == ExitCode.REFUSED
    (offer,) = offers(report)
    assert ("tag: praise" if is_tagged else "case: soft-blanket") in offer
    accept(tree, offer)
    assert gate()[0] == ExitCode.PASSED


def with_orders(tree: Tree, argument: str) -> None:
    """A tool that looks orders up, and a case that records what it answers."""
    (tree.root / "stacks/tools").mkdir(exist_ok=True)
    (tree.root / "stacks/tools/order.yaml").write_text(
        "kind: tool\nname: order\ndescription: Look an order up.\n"
        f"input_schema:\n  type: object\n  properties: {{{argument}: {{type: string}}}}\n"
        f"  required: [{argument}]\n  additionalProperties: false\n"
        'effect: read\nrun: {http: "https://orders.example/"}\nversion: 1\n'
    )
    answers = (tree.root / ANSWERS).read_text().split("# order\n")[-1]
    (tree.root / ANSWERS).write_text(
        '- {contains: "state", output: positive}\n'
        f'- {{contains: Where is, output: "", tool_calls: [{{name: order, arguments: {{{argument}: A1}}}}]}}\n'
        f"# order\n{answers}"
    )
    golden = (tree.root / GOLDEN).read_text().split("- id: where")[0]
    (tree.root / GOLDEN).write_text(
        f'{golden}- id: where\n  vars: {{review: "Where is my order?"}}\n'
        f"  tools: [{{tool: order, arguments: {{{argument}: A1}}, result: {{state: sent}}}}]\n"
        "  assert: [{type: equals, value: positive}]\n"
    )


def test_a_tool_takes_another_argument_and_its_recordings_follow(tree: Tree, gate: Gate) -> None:
    with_orders(tree, "id")
    tree.edit(PROMPT, "style: completion", "style: chat")
    tree.append("stacks/feedback.yaml", "tools: [stacks/tools/order]\n")
    tree.commit()
    with_orders(tree, "number")

    code, report = gate()

    assert code == ExitCode.PASSED
    cases = report["stacks"][0]["suites"][0]["cases"]
    assert [case["flip"] for case in cases] == ["none"] * 11
    assert moved(report)["input"]["cases"] == ["where"]


def test_a_value_that_a_renamed_variable_leaves_out_needs_a_line(tree: Tree, gate: Gate) -> None:
    tree.edit(PROMPT, "variables:\n", "variables:\n  tone: {required: false, max_chars: 9}\n")
    tree.edit(PROMPT, "      {{ review }}\n", "      {{ review }}{{ tone }}\n")
    tree.edit(GOLDEN, '{review: "So soft!', '{tone: dry, review: "So soft!')
    tree.commit()
    for path in (PROMPT, GOLDEN):
        text = (tree.root / path).read_text().replace("{tone: dry, ", "{")
        for before, after in (("review", "text"), ("tone", "mood")):
            text = text.replace(f"{before}: {{", f"{after}: {{").replace(
                f"{{{before}:", f"{{{after}:"
            )
            text = text.replace(f"{{{{ {before} }}}}", f"{{{{ {after} }}}}")
        (tree.root / path).write_text(text)

    code, report = gate()

    assert code == ExitCode.INCONCLUSIVE
    assert "tone: the change asks something else here" in json.dumps(report)


@pytest.mark.parametrize("has_ids", [True, False])
def test_a_variable_is_renamed(has_ids: bool, tree: Tree, gate: Gate) -> None:
    if not has_ids:
        golden = (tree.root / GOLDEN).read_text().splitlines(keepends=True)
        bare = [line for line in golden if not line.startswith("- id")]
        text = "".join(bare).replace("  vars:", "- vars:")
        (tree.root / GOLDEN).write_text(text)
    tree.edit(GOLDEN, 'sister."}\n  assert: [{type: equals, value: positive}]',
              'sister."}\n  assert: [{type: not-contains, value: "{{ review }}"}]')  # fmt: skip
    tree.commit()
    for path in (PROMPT, GOLDEN):
        text = (tree.root / path).read_text()
        (tree.root / path).write_text(
            text.replace("{review:", "{text:").replace("  review: {", "  text: {")
            .replace("{{ review }}", "{{ text }}")
        )  # fmt: skip

    code, report = gate()

    assert code == ExitCode.PASSED
    assert verdicts(report)[0]["decision"] == "PASSED"
    assert len(moved(report)["input"]["cases"]) == 10
    cases = report["stacks"][0]["suites"][0]["cases"]
    assert all(case["base_output"] == case["output"] for case in cases)


def test_the_code_of_an_assertion_is_refactored(tree: Tree, gate: Gate) -> None:
    (tree.root / "evals/feedback/grade.py").write_text(
        "def get_assert(output, context):\n    return output == 'positive'\n"
    )
    tree.edit(GOLDEN, 'sister."}\n  assert: [{type: equals, value: positive}]',
              'sister."}\n  assert: [{type: python, value: "file://grade.py"}]')  # fmt: skip
    tree.commit()
    (tree.root / "evals/feedback/grade.py").write_text(
        "def get_assert(output, context):\n    return output.strip() == 'positive'\n"
    )

    code, report = gate()

    assert code == ExitCode.PASSED
    assert moved(report)["code"]["note"] == "same scores on 1 case"

    reword(tree)

    assert gate()[0] == ExitCode.PASSED


@pytest.fixture
def endpoint(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """A server that counts tokens, in place of the script; what it answers costs $13 a million."""

    def answer(asked: Asked) -> Reply:
        reworded = "Judge each" in json.dumps(asked.body)
        usage = {"prompt_tokens": 8 if reworded else 7, "completion_tokens": 3}
        return Reply(text="positive", usage=usage)

    with OpenAIServer(answer=answer) as server:
        monkeypatch.setenv("LLM_URL_OF_TEST", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        (tree.root / "stacks/models/scripted.yaml").write_text(
            "kind: model\nsource: endpoint://team\ncontext_window: 8192\n"
            "engine: {openai: {model: m, base_url_env: LLM_URL_OF_TEST}}\n"
            "prices: {input: 1, output: 2}\n"
        )
        (tree.root / ANSWERS).unlink()
        tree.edit(SUITE, "min: 0.7", "min: 0.4")
        yield server


@pytest.mark.parametrize("is_reworded", [True, False])
def test_a_price_is_updated(
    is_reworded: bool,
    tree: Tree,
    endpoint: OpenAIServer,
    gate: Gate,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree.append(SUITE, "  - {cost_usd_per_case: {max: 0.01, increase: 0.1}}\n")
    tree.commit()
    tree.edit("stacks/models/scripted.yaml", "{input: 1, output: 2}", "{input: 2, output: 4}")
    if is_reworded:
        reword(tree)

    code, report = gate()

    assert (code, len(endpoint.asked)) == (ExitCode.PASSED, 20 if is_reworded else 10)
    before, now = ("$0.000014", "$0.000028") if is_reworded else ("$0.000013", "$0.000026")
    note = f"an answer costs {before} at the base's prices, {now} now"
    assert moved(report)["prices"]["note"] == note
    assert note in " ".join(text_of(tree, capsys).split())


def test_a_lower_price_does_not_make_room_in_a_budget(
    tree: Tree, endpoint: OpenAIServer, gate: Gate
) -> None:
    tree.append(SUITE, "  - {cost_usd_per_case: {max: 0.0000131}}\n")
    tree.commit()
    tree.edit("stacks/models/scripted.yaml", "{input: 1, output: 2}", "{input: 0.1, output: 0.2}")
    reword(tree)

    code, report = gate()

    assert (code, report["stacks"][0]["suites"][0]["decision"]) == (ExitCode.REFUSED, "PASSED")
    assert "requirement: cost_usd_per_case" in offers(report)[0]
    assert endpoint.asked


MODEL = "stacks/models/scripted.yaml"


@pytest.mark.parametrize("fmt", ["text", "markdown", "html", "json", "junit"])
def test_prices_that_change_with_the_source_are_named(
    fmt: str,
    tree: Tree,
    endpoint: OpenAIServer,
    gate: Gate,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree.append(SUITE, "  - {cost_usd_per_case: {max: 0.01}}\n")
    tree.commit()
    tree.edit(MODEL, "endpoint://team", "endpoint://another")
    tree.edit(MODEL, "{input: 1, output: 2}", "{input: 0.1, output: 0.2}")

    code, report = gate()

    assert (code, offers(report)) == (ExitCode.PASSED, [])
    told = moved(report)["prices"]
    assert (told["before"], told["after"]) == ("$1 in, $2 out", "$0.1 in, $0.2 out")
    note = (
        "of another source, endpoint://another instead of endpoint://team: each has its own prices"
    )
    assert told["note"] == note
    assert note in " ".join(html.unescape(text_of(tree, capsys, fmt)).split())
    assert endpoint.asked


def test_a_model_that_the_base_has_at_the_same_prices_changes_none(
    tree: Tree, endpoint: OpenAIServer, gate: Gate
) -> None:
    written = (tree.root / MODEL).read_text()
    cheaper = written.replace("//team", "//another").replace("{input: 1, ", "{input: 0.1, ")
    (tree.root / "stacks/models/cheaper.yaml").write_text(cheaper)
    tree.commit()
    tree.edit("stacks/feedback.yaml", "models/scripted", "models/cheaper")

    assert (gate()[1]["yardstick"], bool(endpoint.asked)) == ([], True)


# -- changes that loosen what judges them


BROKEN = ("So soft", "Great sound", "Not bad")


def break_three(tree: Tree) -> None:
    for text in BROKEN:
        tree.edit(
            ANSWERS, f"{{contains: {text}, output: positive}}", f"{{contains: {text}, output: x}}"
        )


def loosen_requirements(tree: Tree) -> None:
    text = (tree.root / SUITE).read_text().replace("min: 0.7", "min: 0.1")
    text = text.replace("  - {max_flips: 1}\n", "").replace("base: 0.1", "base: 0.5")
    (tree.root / SUITE).write_text(text)


def edit_expectations(tree: Tree) -> None:
    golden = (tree.root / GOLDEN).read_text().split("- id: ")
    edited = [
        case.replace("value: positive", "value: x") if any(b in case for b in BROKEN) else case
        for case in golden
    ]
    (tree.root / GOLDEN).write_text("- id: ".join(edited))


def remove_cases(tree: Tree) -> None:
    golden = (tree.root / GOLDEN).read_text().split("- id: ")
    kept = [case for case in golden if not any(text in case for text in BROKEN)]
    (tree.root / GOLDEN).write_text("- id: ".join(kept))


def remove_the_suite(tree: Tree) -> None:
    tree.git("rm", "-r", "--quiet", "evals/feedback")


def rename_the_variable(tree: Tree) -> None:
    for path in (PROMPT, GOLDEN):
        text = (tree.root / path).read_text()
        text = text.replace("{review:", "{text:").replace("  review: {", "  text: {")
        (tree.root / path).write_text(text.replace("{{ review }}", "{{ text }}"))


def rename_the_variable_and_remove_cases(tree: Tree) -> None:
    """The base's cases cannot be put to the candidate at all."""
    remove_cases(tree)
    rename_the_variable(tree)


def ask_easier_questions(tree: Tree) -> None:
    golden = (tree.root / GOLDEN).read_text()
    for text in BROKEN:
        golden = golden.replace(text, f"thank you, {text.lower()}")
    (tree.root / GOLDEN).write_text(golden)


@pytest.mark.parametrize(
    "loosen",
    [
        loosen_requirements,
        edit_expectations,
        remove_cases,
        remove_the_suite,
        rename_the_variable_and_remove_cases,
        ask_easier_questions,
    ],
)
def test_a_change_that_loosens_what_judges_it_is_refused(
    loosen: Callable[[Tree], None], tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    break_three(tree)
    loosen(tree)

    code, report = gate()

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    assert [suite["decision"] for suite in report["stacks"][0]["suites"]] in (["PASSED"], [])
    assert [by["decision"] for by in verdicts(report)] == ["FAILED"]
    for fmt in ("text", "markdown", "html", "junit"):
        assert "by the base's yardstick" in html.unescape(text_of(tree, capsys, fmt)), fmt

    accept(tree, *offers(report))

    assert gate()[0] == ExitCode.PASSED


# -- inputs edited under cover of a renamed variable


def test_a_question_that_is_made_easier_with_its_variable_renamed_has_no_result(
    tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.edit(ANSWERS, *WORSE[0])
    tree.edit(GOLDEN, "So soft! I bought", "thank you! I bought")
    rename_the_variable(tree)

    code, report = gate()

    assert (code, report["decision"]) == (ExitCode.INCONCLUSIVE, "INCONCLUSIVE")
    assert report["stacks"][0]["suites"][0]["decision"] == "PASSED"
    (seen,) = verdicts(report)[0]["cases"]
    assert seen["id"] == "soft-blanket"
    said = " ".join(text_of(tree, capsys).split())
    assert "text: the change asks something else here" in said, text_of(tree, capsys)
    tree.tetrad("plan", "--base", "main")
    assert "asked otherwise by the change, so they have no result: soft-blanket" in (
        capsys.readouterr().out
    )

    (line,) = offers(report)
    assert "case: soft-blanket" in line
    accept(tree, line)

    assert gate()[0] == ExitCode.PASSED


def test_what_is_expected_stays_the_bases_where_a_variable_is_renamed(
    tree: Tree, gate: Gate
) -> None:
    tree.edit(SUITE, "max_flips: 1", "max_flips: 0")
    tree.edit(
        GOLDEN,
        'sister."}\n  assert: [{type: equals, value: positive}]',
        'sister.", expected: positive}\n  assert: [{type: equals, value: "{{ expected }}"}]',
    )
    tree.commit()
    tree.edit(ANSWERS, *WORSE[0])
    tree.edit(GOLDEN, "expected: positive}", "expected: negative}")
    rename_the_variable(tree)

    code, report = gate()

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    assert report["stacks"][0]["suites"][0]["decision"] == "PASSED"
    assert [case["id"] for case in verdicts(report)[0]["cases"]] == ["soft-blanket"]


def test_a_variable_that_the_base_does_not_have_brings_nothing_new_to_a_case(
    tree: Tree, gate: Gate
) -> None:
    """Which could be the answer."""
    tree.edit(PROMPT, "  review: {", "  hint: {type: string}\n  review: {")
    tree.edit(PROMPT, "      Sentiment:", "      {{ hint }}\n      Sentiment:")
    prompt = (tree.root / PROMPT).read_text()
    (tree.root / PROMPT).write_text(prompt.replace("vars: {review", "vars: {hint: easy, review"))
    golden = (tree.root / GOLDEN).read_text()
    (tree.root / GOLDEN).write_text(golden.replace('{review: "', '{hint: easy, review: "'))

    code, report = gate()

    assert (code, report["decision"]) == (ExitCode.INCONCLUSIVE, "INCONCLUSIVE")
    assert report["stacks"][0]["suites"][0]["decision"] == "PASSED"


# -- a stack under another name


def rename_the_stack(tree: Tree) -> None:
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    tree.edit(SUITE, "[stacks/feedback]", "[stacks/reviews]")


def rename_the_stack_and_its_prompt(tree: Tree) -> None:
    rename_the_stack(tree)
    tree.git("mv", PROMPT, "prompts/reviews.yaml")
    tree.edit("stacks/reviews.yaml", "prompts/feedback", "prompts/reviews")
    tree.edit("prompts/reviews.yaml", "Sort each customer review", "Judge each customer review")


def rename_the_stack_and_drop_its_suite(tree: Tree) -> None:
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    remove_the_suite(tree)
    tree.edit(PROMPT, "Sort each customer review", "Judge each customer review")


@pytest.mark.parametrize("named", [(), ("reviews",)])
@pytest.mark.parametrize(
    "rename",
    [rename_the_stack, rename_the_stack_and_its_prompt, rename_the_stack_and_drop_its_suite],
)
def test_a_renamed_stack_is_judged_by_what_judged_it(
    rename: Callable[[Tree], None],
    named: tuple[str, ...],
    tree: Tree,
    gate: Gate,
    capsys: pytest.CaptureFixture[str],
) -> None:
    break_three(tree)
    if rename != rename_the_stack_and_drop_its_suite:
        loosen_requirements(tree)
    rename(tree)

    code, report = gate(*named)

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    (stack,) = report["stacks"]
    assert stack["note"].startswith("renamed from stacks/feedback")
    assert stack["base_identity"] not in {None, stack["identity"]}
    assert [by["decision"] for by in stack["by_base"]] == ["FAILED"]
    renamed = {"change": "renamed", "kind": "stack", "ref": "stacks/feedback",
               "others": ["stacks/reviews"]}  # fmt: skip
    assert renamed in report["coverage"]
    tree.tetrad("plan", *named, "--base", "main")
    assert "\nstacks/feedback is renamed to stacks/reviews\n" in capsys.readouterr().out


def rename_everything(tree: Tree) -> None:
    """So that nothing of the stack is alike: not a message of its prompt, not a case that judges it."""
    tree.git("mv", "stacks/feedback.yaml", "stacks/reviews.yaml")
    tree.git("mv", PROMPT, "prompts/reviews.yaml")
    tree.git("mv", "evals/feedback", "evals/reviews")
    tree.edit("stacks/reviews.yaml", "prompts/feedback", "prompts/reviews")
    tree.edit("evals/reviews/suite.yaml", "[stacks/feedback]", "[stacks/reviews]")
    tree.write(
        "prompts/reviews.yaml",
        "kind: prompt\nstyle: completion\nvariables: {review: {type: string, trust: untrusted, max_chars: 1000}}\n"
        'messages: [{role: user, content: "{{ review }} Good or bad?"}]\n',
    )
    golden = (tree.root / "evals/reviews/golden.yaml").read_text()
    golden = golden.replace("- id: ", "- id: new-").replace('{review: "', '{review: "Well: ')
    (tree.root / "evals/reviews/golden.yaml").write_text(golden)


@pytest.mark.parametrize("named", [(), ("reviews",)])
def test_a_stack_of_which_everything_is_renamed_is_judged_by_what_judged_it(
    named: tuple[str, ...], tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    break_three(tree)
    loosen_requirements(tree)
    rename_everything(tree)

    code, report = gate(*named)

    assert (code, report["decision"]) == (ExitCode.REFUSED, "FAILED")
    (stack,) = report["stacks"]
    assert [suite["decision"] for suite in stack["suites"]] == ["PASSED"]
    assert [by["decision"] for by in stack["by_base"]] == ["FAILED"]
    assert stack["note"].startswith("takes the place of stacks/feedback")
    told = "stacks/feedback is gone, and stacks/reviews is judged in its place\n"
    assert told in text_of(tree, capsys)
    accept(tree, *offers(report))

    assert gate(*named)[0] == ExitCode.PASSED


def test_a_must_pass_tag_that_a_case_loses_still_holds(tree: Tree, gate: Gate) -> None:
    tree.append(SUITE, "  - {must_pass: {tag: safety}}\n")
    tree.edit(GOLDEN, "- id: soft-blanket\n", "- id: soft-blanket\n  tags: [safety]\n")
    tree.edit(GOLDEN, "- id: irony\n", "- id: irony\n  tags: [safety]\n")
    tree.commit()
    tree.edit(GOLDEN, "- id: soft-blanket\n  tags: [safety]\n", "- id: soft-blanket\n")
    tree.edit(ANSWERS, *WORSE[0])

    code, report = gate()

    assert (code, moved(report)["tags"]["cases"]) == (ExitCode.REFUSED, ["soft-blanket"])
    assert "soft-blanket" in offers(report)[0]


def test_edited_recordings_fix_nothing(tree: Tree, gate: Gate) -> None:
    with_orders(tree, "id")
    tree.edit(
        ANSWERS, '{contains: "state", output: positive}', '{contains: "sent", output: positive}'
    )
    tree.edit(ANSWERS, "# order\n", '- {contains: "lost", output: negative}\n# order\n')
    tree.edit(PROMPT, "style: completion", "style: chat")
    tree.append("stacks/feedback.yaml", "tools: [stacks/tools/order]\n")
    tree.edit(GOLDEN, "result: {state: sent}", "result: {state: lost}")
    tree.edit(SUITE, "max_flips: 1", "must_pass: {case: where}")
    tree.commit()
    tree.edit(GOLDEN, "result: {state: lost}", "result: {state: sent}")
    reword(tree)

    code, report = gate()

    assert code == ExitCode.REFUSED
    assert moved(report)["input"]["cases"] == ["where"]
    case = report["stacks"][0]["suites"][0]["cases"][-1]
    assert (case["flip"], case["base_output"]) == ("none", "positive")


def test_a_line_that_the_base_has_counts_no_more(tree: Tree, gate: Gate) -> None:
    accept(
        tree,
        "- {accept: yardstick, suite: evals/feedback, requirement: max_flips,"
        ' reason: Once., owner: "@lead"}',
    )
    tree.commit()
    break_three(tree)
    loosen_requirements(tree)

    assert gate()[0] == ExitCode.REFUSED


def test_new_lines_of_waivers_are_named_first(
    tree: Tree, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    line = '- {accept: yardstick, suite: evals/feedback, case: irony, reason: New., owner: "@lead"}'
    accept(tree, line)
    reword(tree)
    capsys.readouterr()

    tree.tetrad("plan", "--base", "main")

    said = capsys.readouterr().out
    assert "evals/feedback: new waiver, case irony of the base's yardstick does not count" in said
    assert moved(gate()[1])["waiver"]["ref"] == "evals/feedback"


def test_a_new_case_that_the_base_cannot_be_asked_stands_alone(tree: Tree, gate: Gate) -> None:
    for path in (PROMPT, GOLDEN):
        text = (tree.root / path).read_text()
        text = text.replace("{review:", "{text:").replace("  review: {", "  text: {")
        (tree.root / path).write_text(text.replace("{{ review }}", "{{ text }}"))
    tree.append(
        GOLDEN,
        "- id: new\n  vars: {text: It broke.}\n  assert: [{type: equals, value: negative}]\n",
    )

    code, report = gate()

    assert code == ExitCode.PASSED
    case = report["stacks"][0]["suites"][0]["cases"][-1]
    assert (case["id"], case["output"], case["base_output"]) == ("new", "negative", None)


def test_a_suite_that_judges_a_stack_no_more_judges_its_change(tree: Tree, gate: Gate) -> None:
    stack = (tree.root / "stacks/feedback.yaml").read_text()
    (tree.root / "stacks/second.yaml").write_text(stack)
    tree.edit(SUITE, "[stacks/feedback]", "[stacks/feedback, stacks/second]")
    tree.commit()
    tree.edit(SUITE, "[stacks/feedback, stacks/second]", "[stacks/feedback]")
    tree.append("stacks/second.yaml", "guardrails: {max_input_chars: 5}\n")

    code, report = gate()

    assert code == ExitCode.REFUSED
    assert {(stack["stack"], by["suite"], by["decision"]) for stack in report["stacks"]
            for by in stack["by_base"]} == {("stacks/second", "evals/feedback", "FAILED")}  # fmt: skip


def test_a_judge_of_the_base_that_cannot_be_asked_is_inconclusive(tree: Tree, gate: Gate) -> None:
    with_judge(tree)
    judge = (tree.root / "stacks/models/judge.yaml").read_text()
    (tree.root / "stacks/models/judge.yaml").write_text(
        "kind: model\nsource: endpoint://team\ncontext_window: 8192\n"
        "engine: {openai: {model: m, base_url_env: LLM_URL_OF_NOBODY}}\n"
    )
    answers = (tree.root / "stacks/models/judge.answers.yaml").read_text()
    (tree.root / "stacks/models/judge.answers.yaml").unlink()
    tree.commit()
    (tree.root / "stacks/models/judge.yaml").write_text(judge)
    (tree.root / "stacks/models/judge.answers.yaml").write_text(answers)
    reword(tree)

    code, report = gate()

    (by_base,) = verdicts(report)
    assert (code, by_base["decision"]) == (ExitCode.INCONCLUSIVE, "INCONCLUSIVE")
    (case,) = by_base["cases"]
    assert "LLM_URL_OF_NOBODY" in case["samples"][0]["error"]
    accept(tree, *offers(report))
    assert gate()[0] == ExitCode.PASSED


def for_any_call(tree: Tree) -> None:
    with_orders(tree, "number")
    tree.edit(GOLDEN, ", arguments: {number: A1}, result: {state: sent}", ", result: {state: lost}")


RECORDED_BY_THE_CHANGE: dict[str, Callable[[Tree], object]] = {
    "of a renamed argument": lambda tree: with_orders(tree, "number"),
    "of a renamed argument, for any call": for_any_call,
    "of arguments that only the new model uses": lambda tree: tree.edit(
        GOLDEN, "tools: [{", "tools: [{tool: order, arguments: {id: B2}, result: {state: sent}}, {"
    ),
}


@pytest.mark.parametrize("case", RECORDED_BY_THE_CHANGE)
def test_results_that_the_change_recorded_itself_need_a_line(
    case: str, tree: Tree, gate: Gate
) -> None:
    with_orders(tree, "id")
    tree.edit(PROMPT, "style: completion", "style: chat")
    tree.append("stacks/feedback.yaml", "tools: [stacks/tools/order]\n")
    tree.edit(GOLDEN, "result: {state: sent}", "result: {state: lost}")
    tree.commit()
    RECORDED_BY_THE_CHANGE[case](tree)
    reword(tree)

    code, report = gate()

    assert code == ExitCode.INCONCLUSIVE
    assert "order: the change asks something else here" in json.dumps(report)
