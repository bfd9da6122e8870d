"""What keeps a suite from being executed on a stack, found before anything is asked.

What the loader could see of the suite and its own stacks it has refused. Here it is held against
the stack that really answers: another tree's, or one with another engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from tetrad.assertions.assertion_type import PureAssertion
from tetrad.assertions.checks import issues_on_stack, issues_when_rendered
from tetrad.assertions.table import TYPES
from tetrad.assertions.types.limits import latency_lack
from tetrad.errors import Issue, MissingExtra
from tetrad.model import Budget, Stack, Suite, assertions_of


def problems_of(suite: Suite, stack: Stack) -> Iterator[Issue]:
    """Why cases of the suite could not be graded on the stack; MissingExtra where a library lacks."""
    _check_libraries(suite)
    for requirement in suite.gate:
        if isinstance(requirement, Budget) and requirement.measure == "latency_ms":
            lack = latency_lack(stack)
            if lack is not None:
                yield Issue(location=requirement.location, message=f"latency_ms {lack}")
    yield from issues_on_stack(suite.golden, stack, suite.judges)
    yield from issues_when_rendered(suite.golden)


def _check_libraries(suite: Suite) -> None:
    used = {assertion.type for case in suite.golden.cases for assertion in assertions_of(case)}
    for name in sorted(used):
        type_ = TYPES[name]
        if isinstance(type_, PureAssertion) and type_.library and not find_spec(type_.library):
            raise MissingExtra("metrics", f"the assertion {name}")
