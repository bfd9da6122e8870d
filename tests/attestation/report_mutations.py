"""What somebody can do to a report, by accident or to have a bad candidate signed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from evidence.mutations import changed_bytes, changed_document

Report = dict[str, Any]
Mutate = Callable[[Report, Random], None]


def suite_of(report: Report) -> Any:
    return report["stacks"][0]["suites"][0]


def case_of(report: Report, random: Random) -> Any:
    by_base = report["stacks"][0]["by_base"][0]["cases"]
    return random.choice([*suite_of(report)["cases"], *by_base])


def sample_of(report: Report, random: Random) -> Any:
    case = case_of(report, random)
    return random.choice([*case["samples"], *(case["base_samples"] or ())])


def moved_item(report: Report, random: Random) -> None:
    """An item of a list elsewhere in it, in another, twice or not at all."""
    lists = [value for value in _lists(report) if value]
    taken, given = random.choice(lists), random.choice(lists)
    place = random.randrange(len(taken))
    match random.randrange(4):
        case 0:
            taken.insert(random.randrange(len(taken)), taken.pop(place))
        case 1:
            taken.append(json.loads(json.dumps(taken[place])))
        case 2:
            del taken[place]
        case _:
            given[random.randrange(len(given))] = json.loads(json.dumps(taken[place]))


def _lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        yield value
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            yield from _lists(item)


def other_answer(report: Report, random: Random) -> None:
    """Another answer, in all or in some of the places that have it."""
    sample, text = sample_of(report, random), random.choice(("positive", "negative", "other", ""))
    sample["output"] = text
    if "trace" in sample and random.random() < 0.7:
        sample["trace"]["output"] = text
        if random.random() < 0.7:
            sample["trace"]["steps"][-1]["completion"]["text"] = text


def other_grade(report: Report, random: Random) -> None:
    """Another grade of an answer, with what follows from it as far as that is easy."""
    case = case_of(report, random)
    sample = random.choice([*case["samples"], *(case["base_samples"] or ())])
    passed = random.random() < 0.5
    sample["passed"] = passed
    for result in sample.get("assertions", ()):
        if random.random() < 0.8:
            result.update(passed=passed, score=float(passed))
    if random.random() < 0.8:
        sample["metrics"] = {name: float(passed) for name in sample["metrics"]}
    if random.random() < 0.5:
        case["metrics"] = {name: float(passed) for name in case["metrics"]}


def judged_otherwise(report: Report, random: Random) -> None:
    """What only the judge knows, with all that follows from it."""
    case = next(case for case in suite_of(report)["cases"] if case["id"] == "polite")
    sample = case["samples"][0]
    result = sample["assertions"][0]
    score = random.choice((0.0, 0.5, 1.0))
    result.update(score=score, passed=random.random() < 0.5)
    if random.random() < 0.5:
        sample["metrics"] = {**sample["metrics"], "style": score}
        case["metrics"] = dict(sample["metrics"])
        sample["passed"] = all(one["passed"] for one in sample["assertions"])


def other_decision(report: Report, random: Random) -> None:
    """Another decision, here or everywhere."""
    decision = random.choice(("PASSED", "FAILED", "INCONCLUSIVE", "NOT_APPLICABLE"))
    stack = report["stacks"][0]
    deciding = [report, *stack["suites"], *stack["by_base"]]
    deciding += [r for by in (*stack["suites"], *stack["by_base"]) for r in by["requirements"]]
    for one in deciding if random.random() < 0.3 else random.sample(deciding, 1):
        one["decision"] = decision


def other_measure(report: Report, random: Random) -> None:
    """Tokens or seconds that agree in all of a sample, or that do not."""
    sample = sample_of(report, random)
    value = random.choice((0, 1, 10**6))
    name = random.choice(("usage", "latency_s"))
    new: Any = {"input_tokens": value, "output_tokens": 1} if name == "usage" else float(value)
    sample[name] = new
    if "trace" in sample and random.random() < 0.5:
        sample["trace"]["steps"][-1]["completion"][name] = new


def nudged(report: Report, random: Random) -> None:
    """A figure of a requirement, or a score, that is a little larger or smaller."""
    suite = suite_of(report)
    figures = [one for one in suite["requirements"] if isinstance(one["value"], int | float)]
    metrics = [sample["metrics"] for case in suite["cases"] for sample in case["samples"]]
    found = random.choice([(one, "value") for one in figures] + [(m, "answer") for m in metrics])
    where, name = found
    share = random.choice((1, -1)) * 10 ** -random.uniform(3, 8)
    where[name] = (where[name] or 1e-6) * (1 + share)


def less(report: Report, random: Random) -> None:
    """A suite, a yardstick, a case, a repeat, a requirement or a trace that is left out."""
    stack = report["stacks"][0]
    cases, sample = suite_of(report)["cases"], sample_of(report, random)
    match random.randrange(9):
        case 0:
            del stack["suites"][random.randrange(len(stack["suites"]))]
        case 1:
            del cases[random.randrange(len(cases))]
        case 2:
            case_of(report, random)["samples"].pop()
        case 3:
            case_of(report, random)["base_samples"] = random.choice((None, []))
        case 4:
            suite_of(report)["requirements"].pop()
        case 5:
            sample.pop("trace", None)
        case 6:
            sample.pop("assertions", None)
        case _:
            random.choice((stack["helpers"], stack["by_base"], report["stacks"])).clear()


def of_the_base(report: Report, random: Random) -> None:
    """The base's answers for the candidate's, or the other way around."""
    case = random.choice([case for case in suite_of(report)["cases"] if case["base_samples"]])
    one, other = random.sample(("samples", "base_samples"), 2)
    case[one] = json.loads(json.dumps(case[other]))


EDITS: Mapping[str, Mutate] = {
    "moved items": moved_item,
    "other answers": other_answer,
    "other grades": other_grade,
    "other judgments": judged_otherwise,
    "other decisions": other_decision,
    "other measures": other_measure,
    "nudged figures": nudged,
    "left out": less,
    "sides swapped": of_the_base,
}
ANY = ("changed documents", "changed headings", "damaged bytes")
KINDS = (*EDITS, *ANY)


def mutant(kind: str, text: str, random: Random) -> bytes:
    if kind == "damaged bytes":
        return changed_bytes(text.encode(), random)
    report = json.loads(text)
    if kind == "changed documents":
        report = changed_document(report, random)
    elif kind == "changed headings":  # everything but what was asked and answered
        answers = [_take(case) for case in _all_cases(report)]
        report = changed_document(report, random)
        _give_back(report, answers)
    else:
        EDITS[kind](report, random)
    return json.dumps(report).encode()


def _all_cases(report: Report) -> Iterator[Any]:
    stack = report["stacks"][0]
    for by in (*stack["suites"], *stack["by_base"]):
        yield from by["cases"]


_SIDES = ("samples", "base_samples")


def _take(case: Any) -> list[Any]:
    """The samples, with a mark left in their place."""
    taken = [case[side] for side in _SIDES]
    for side in _SIDES:
        case[side] = f"{side} of {case['id']}"
    return taken


def _give_back(report: Any, answers: list[list[Any]]) -> None:
    """The samples to the cases that still stand where they stood."""
    try:
        cases = list(_all_cases(report))
    except (KeyError, TypeError, IndexError):
        return
    for case, taken in zip(cases, answers, strict=False):
        if isinstance(case, dict):
            for side, samples in zip(_SIDES, taken, strict=True):
                if str(case.get(side)).startswith(f"{side} of "):
                    case[side] = samples
