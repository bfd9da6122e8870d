"""What a report says for its readers alone has to be so, too, or it is not signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attestation.gated import Gated

from tetrad.errors import TetradError

Json = Any
Edit = Callable[[Json], object]


def suite(report: Json) -> Json:
    return report["stacks"][0]["suites"][0]


def case(report: Json, number: int = 0) -> Json:
    return suite(report)["cases"][number]


def sample(report: Json) -> Json:
    return case(report)["samples"][0]


def by_base(report: Json) -> Json:
    return report["stacks"][0]["by_base"][0]


def with_other_turns(report: Json) -> None:
    sample(report)["trace"]["history"] = [{"role": "user", "content": "Hello."}]


def with_a_breach(report: Json) -> None:
    sample(report)["breaches"] = [{"rule": "output.enum", "detail": "it is not"}]
    suite(report)["contract"]["broken"] = 1


def in_another_order(report: Json) -> None:
    report["stacks"][0]["suites"].reverse()


C = "stacks/feedback: evals/feedback#soft-blanket: "
S = "stacks/feedback: evals/feedback: "
B = "stacks/feedback: the base's evals/feedback: "
PATH = "the report's $.stacks[0].suites[0]"
EDITS: dict[str, tuple[Edit, str]] = {
    "an output": (
        lambda r: case(r).update(output="negative"),
        f'{PATH}.cases[0].output is "negative", expected "positive" by the rest of it',
    ),
    "a case's mean": (
        lambda r: case(r)["metrics"].update(answer=0.5),
        f"{PATH}.cases[0].metrics.answer is 0.5, expected 1.0 by the rest of it",
    ),
    "a mean": (lambda r: suite(r)["means"][0].update(mean=1.0), f"{PATH}.means[0].mean is 1.0"),
    "a count": (lambda r: suite(r)["means"][0].update(n=6), f"{PATH}.means[0].n is 6"),
    "false for a number": (
        lambda r: suite(r)["contract"].update(broken=False),
        f"{PATH}.contract.broken is false, expected 0 by the rest of it",
    ),
    "what breaks the contract": (
        lambda r: suite(r)["contract"].update(broken=1),
        f"{PATH}.contract.broken is 1",
    ),
    "a flaky case": (lambda r: case(r).update(flaky=True), f"{PATH}.cases[0].flaky is true"),
    "a key more": (
        lambda r: case(r).update(reviewed=True),
        f"{PATH}.cases[0].reviewed is not a key that a gate writes",
    ),
    "a key less": (lambda r: suite(r).pop("means"), f"{PATH}.means is missing"),
    "another file": (
        lambda r: suite(r).update(file="evals/easy.yaml"),
        f"{S}the golden set is evals/feedback/golden.yaml, not evals/easy.yaml",
    ),
    "another line": (lambda r: case(r).update(line=7), f"{C}the case is in line 1"),
    "another question": (
        lambda r: case(r)["vars"].update(review="Great!"),
        f"{C}the case asks something else",
    ),
    "a waiver": (
        lambda r: case(r).update(waived="Known. (@lead)"),
        f"{C}its waiver differs from the commit's",
    ),
    "a flip": (
        lambda r: case(r).update(flip="fixed"),
        f"{C}the flip is fixed, but the outcomes give another",
    ),
    "a case that was removed": (
        lambda r: r["stacks"][0]["suites"][1].update(removed=[]),
        "stacks/feedback: evals/other: the removed cases differ",
    ),
    "a part that did not change": (
        lambda r: r["stacks"][0].update(changed=["model"]),
        "stacks/feedback: model reported as changed, found prompt",
    ),
    "another model of the base": (
        lambda r: r["stacks"][0].update(base_model="large"),
        "stacks/feedback: the report's model of the base is large",
    ),
    "no model of the base": (
        lambda r: r["stacks"][0].update(base_model=""),
        "stacks/feedback: the report's model of the base is missing",
    ),
    "another coverage": (
        lambda r: r["coverage"].append(
            {"change": "removed", "kind": "suite", "ref": "evals/x", "others": [], "cases": 3}
        ),
        "the report's coverage differs from that of the commit and its base",
    ),
    "another order of suites": (in_another_order, "stacks/feedback: the suites are not those that"),
    "a smaller change that would be seen": (
        lambda r: suite(r)["requirements"][1].update(mde=0.01),
        f"{S}no_worse_than_base does not follow from the scores",
    ),
    "other suites of the base's cases": (
        lambda r: by_base(r).update(heads=["evals/other"]),
        f"{B}the suites that hold its cases now differ",
    ),
    "cases that score alike": (
        lambda r: by_base(r).update(alike=40),
        f"{B}40 cases reported as scoring alike, found 4",
    ),
    "an answer that the model did not give": (
        lambda r: sample(r)["trace"]["steps"][-1]["completion"].update(text="negative"),
        f"{C}the answer differs from the trace's",
    ),
    "a value that was not asked": (
        lambda r: sample(r)["trace"]["vars"].pop("review"),
        f"{C}it was asked with another value of review",
    ),
    "a variable more": (
        lambda r: sample(r)["trace"]["vars"].update(hint="positive"),
        f"{C}it was asked with hint, which the case does not have",
    ),
    "turns before": (with_other_turns, f"{C}its earlier turns differ"),
    "an error of the trace": (
        lambda r: sample(r)["trace"].update(error="nobody is there"),
        f"{C}the trace ends in an error, but the answer has none",
    ),
    "a breach of the contract": (
        with_a_breach,
        f"{C}its broken contracts differ from the trace's",
    ),
    "no mapping": (
        lambda r: case(r).update(base_metrics=7),
        "report.json: not a report: $.stacks[0].suites[0].cases[0].base_metrics: must be an object",
    ),
}


def refusal_of(gated: Gated, edit: Edit) -> str:
    report = json.loads(gated.text)
    edit(report)
    with pytest.raises(TetradError) as refused:
        gated.attest(json.dumps(report).encode())
    return str(refused.value)


@pytest.mark.parametrize("what", EDITS)
def test_what_a_report_repeats_is_held_against_the_commit(gated: Gated, what: str) -> None:
    edit, message = EDITS[what]

    assert message in refusal_of(gated, edit)


def test_a_report_in_other_spacing_is_the_same(gated: Gated) -> None:
    (one,) = gated.attest(json.dumps(json.loads(gated.text), indent=1).encode())

    assert one.verdict == "PASSED"
    assert not one.incomplete
