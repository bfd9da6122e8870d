"""Why cases of a golden set cannot be judged, found before anything is asked.

An answer that cannot be graded was paid for in vain; so every assertion is looked at first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from tetrad.assertions.expressions import is_transform
from tetrad.assertions.forms import is_templated
from tetrad.assertions.table import CODED, JUDGED, TYPES
from tetrad.canonical import Json
from tetrad.errors import Issue, Location, UsageError
from tetrad.model import (
    DEFAULT_JUDGE,
    Assertion,
    AssertionSet,
    Case,
    GoldenSet,
    Stack,
    assertions_of,
)
from tetrad.templates.reading import problems_of

if TYPE_CHECKING:  # it comes with Jinja2, which most values do not need
    from tetrad.templates.allowed import TemplateProblem

INVALID_ASSERTION = "GLD983"  # the rule that reports it

_FILE_OF_CODE = re.compile(r"file://[^:]+\.py(:\w+)?")


def value_problem(assertion: Assertion, value: Json) -> str | None:
    """Why the assertion cannot be evaluated with a value, its own or that with variables filled in."""
    if is_code(assertion.type, value):
        return None  # what it returns is looked at when it is there
    type_ = TYPES.get(assertion.type)
    return None if type_ is None else type_.problem(value, assertion)


def is_code(name: str, value: Json) -> bool:
    """Whether a Python file's function makes the value of an assertion that is no program itself."""
    return (
        name not in CODED and isinstance(value, str) and _FILE_OF_CODE.fullmatch(value) is not None
    )


def why_it_cannot_fail(item: Assertion | AssertionSet) -> str | None:
    """Why an assertion passes whatever the answer is; None where it can fail."""
    if isinstance(item, AssertionSet):
        is_met = item.threshold is not None and item.threshold <= 0
        return "its threshold is 0" if is_met else None
    type_ = TYPES.get(item.type)
    return None if type_ is None or item.negated else type_.cannot_fail(item)


def why_it_cannot_pass(item: Assertion) -> str | None:
    """Why no score can reach what an assertion asks for."""
    type_ = TYPES.get(item.type)
    return None if type_ is None or item.negated else type_.cannot_pass(item)


def issues_as_written(golden: GoldenSet) -> Iterator[Issue]:
    """What is wrong with assertions and transforms whatever they judge.

    Of a value with variables only the template is looked at; the rest is left to
    `issues_when_rendered`.
    """
    for case in golden.cases:
        if case.transform is not None:
            yield from _transform_issues(case.transform, case.location)
        for assertion in assertions_of(case):
            yield from _value_issues(assertion)
            if assertion.transform is not None:
                yield from _transform_issues(assertion.transform, assertion.location)


def _value_issues(assertion: Assertion) -> Iterator[Issue]:
    value = assertion.value
    if is_templated(value):
        for problem in _template_problems(value):
            message = f"has a value that is not a valid template: {problem.message}"
            yield _issue(assertion, message, problem.hint)
    else:
        wrong = value_problem(assertion, value)
        if wrong is not None:
            yield _issue(assertion, wrong)


def _template_problems(value: Json) -> tuple[TemplateProblem, ...]:
    """What keeps a value, or a text of its list, from being a template."""
    texts = [value] if isinstance(value, str) else value if isinstance(value, Sequence) else []
    return tuple(p for text in texts if isinstance(text, str) for p in problems_of(text))


def issues_when_rendered(golden: GoldenSet) -> Iterator[Issue]:
    """What is wrong with values once a case's variables are filled in; `issues_as_written` has told of
    those that are no templates.
    """
    for case in golden.cases:
        for assertion in assertions_of(case):
            if is_templated(assertion.value) and not _template_problems(assertion.value):
                problem = _rendered_problem(assertion, case)
                if problem is not None:
                    yield _issue(assertion, problem)


def _rendered_problem(assertion: Assertion, case: Case) -> str | None:
    from tetrad.templates.render import rendered  # a lint without templates starts without Jinja

    try:
        value = rendered(assertion.value, case.vars)
    except (UsageError, ValueError) as error:
        return f"has a value that cannot be rendered: {error}"
    return value_problem(assertion, value)


def issues_without_judges(golden: GoldenSet, judges: Collection[str], file: str) -> Iterator[Issue]:
    """Assertions that a judge decides, and that none of the suite's can; `file` is the suite's."""
    for case in golden.cases:
        for assertion in assertions_of(case):
            if assertion.type not in JUDGED:
                continue
            if "rubricPrompt" in assertion.config:
                # graded without it, the case would ask its judge something else than it says
                problem = "has a `rubricPrompt`, which is not read"
                yield _issue(assertion, problem, "give a judge a prompt: under judges:")
            elif assertion.judge is None and DEFAULT_JUDGE not in judges:
                problem = f"needs the judge {DEFAULT_JUDGE!r} under `judges:` of {file}"
                yield _issue(assertion, problem)


def issues_on_stack(golden: GoldenSet, stack: Stack, judges: Collection[str]) -> Iterator[Issue]:
    """What a stack lacks that assertions on its answers need; `judges` are the suite's names."""
    for case in golden.cases:
        for assertion in assertions_of(case):
            type_ = TYPES.get(assertion.type)
            lack = None if type_ is None else type_.lack(case, stack, judges)
            if lack is not None:
                yield _issue(assertion, lack)


def _transform_issues(transform: str, location: Location) -> Iterator[Issue]:
    if not is_transform(transform):
        yield Issue(
            location=location,
            code=INVALID_ASSERTION,
            message=f"the transform {transform!r} is JavaScript, which does not run here",
            hint="write a function in a file: transform: file://transform.py:get_transform",
            blocks="judge",
        )


def _issue(assertion: Assertion, problem: str, hint: str = "") -> Issue:
    message = f"{assertion.written} {problem}"
    return Issue(
        location=assertion.location,
        code=INVALID_ASSERTION,
        message=message,
        hint=hint,
        blocks="judge",
    )
