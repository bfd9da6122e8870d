"""The cases of a yardstick as they are put to a stack of the other tree. Pure.

What a case asks is the yardstick's own as far as it fits that stack; what does not fit, because a
variable or a tool's argument is called otherwise there, is asked as the stack's own tree asks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tetrad.canonical import Json, canonical_json
from tetrad.errors import BadRequest, ToolFailed
from tetrad.model import Case, RecordedCall, Stack, Suite
from tetrad.plan.recordings import Tools, asked_of, lost_calls, recorded_otherwise
from tetrad.results.exchange import ToolCall
from tetrad.results.trace import Called
from tetrad.runtime.request_variables import Variables
from tetrad.tools.contract import check_result, tool_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Posed:
    """A suite whose cases are those that can be put to a stack; the others with the reason.

    `edited` are those that are asked as the stack's own tree asks them, with more in it than other
    names of variables, tools and arguments.
    """

    suite: Suite
    unfit: Mapping[str, str]
    edited: Mapping[str, str]

    @property
    def faithful(self) -> Suite:
        """The suite with what is asked as it asks it, under whatever names."""
        cases = self.suite.golden.cases
        return with_cases(self.suite, [case for case in cases if case.id not in self.edited])


def posed(suite: Suite, on: Stack, of: Stack, own: Mapping[str, Case]) -> Posed:
    """A suite of one tree as it is put to the other's stack.

    `of` is the stack in the suite's own tree; `own` are the other tree's cases, by the id of the
    suite's case that each is a partner of.
    """
    there, here = _Takes(on), _Takes(of)
    cases: list[Case] = []
    unfit: dict[str, str] = {}
    edited: dict[str, str] = {}
    for case in suite.golden.cases:
        asked = _asked(case, own.get(case.id), there, here)
        if not isinstance(asked, Case):
            unfit[case.id] = asked
            continue
        cases.append(asked)
        rerecorded = recorded_otherwise(case.tools, asked.tools, here.tools, there.tools)
        names = [*_edited(case, asked, there, here), *rerecorded]
        if names:
            edited[case.id] = f"{', '.join(names)}: the change asks something else here"
    return Posed(suite=with_cases(suite, cases), unfit=unfit, edited=edited)


def with_cases(suite: Suite, cases: list[Case]) -> Suite:
    """The suite with other cases; what it is called and its digests stay."""
    return replace(suite, golden=suite.golden.with_cases(cases))


def _asked(case: Case, own: Case | None, there: _Takes, here: _Takes) -> Case | str:
    """The case as it is put to the stack there; a text says why it cannot be. A stack that refuses what
    its own tree asks is put that all the same, and gives no result.
    """
    tools = tuple(there.answerable(case, own))
    problem = there.problem(case.vars)
    if case.turns and there.prompt.why_no_history is not None:
        return f"{there.prompt.ref} takes no earlier turns: {there.prompt.why_no_history}"
    if own is None:
        return problem or _unrecorded(case, tools, there, here) or replace(case, tools=tools)
    if not problem and not there.drops(case, here):
        return replace(case, tools=tools)
    # What the prompt does not declare is read by assertions alone, which are the yardstick's.
    owned = {name: value for name, value in own.vars.items() if name in there.declared}
    asked = {**owned, **case.vars}
    if there.problem(asked):
        asked = {**case.vars, **owned}
    return replace(case, vars=asked, tools=tools)


def _edited(case: Case, asked: Case, there: _Takes, here: _Takes) -> Iterator[str]:
    """The variables whose values are not the case's own, under this name or one that is gone."""
    if asked.vars is case.vars:
        return
    kept = there.declared & here.declared
    left = [
        (canonical_json(value), name)
        for name, value in case.vars.items()
        if name in here.declared and name not in there.declared
    ]
    for name in sorted(there.declared & asked.vars.keys()):
        value = canonical_json(asked.vars[name])
        if name in kept and name in case.vars:
            if value != canonical_json(case.vars[name]):
                yield name
        elif same := next((one for one in left if one[0] == value), None):
            left.remove(same)
        else:
            yield name
    if there.takes_more(asked, here):
        yield from (name for _, name in left)


def _unrecorded(case: Case, recorded: Sequence[RecordedCall], there: _Takes, here: _Takes) -> str:
    """Why a case that nothing stands for any more cannot be put: a call would get no answer."""
    lost = lost_calls(case.tools, recorded, here.tools, there.tools)
    return f"{lost[0].tool}: a recorded call does not fit the tools of the stack" if lost else ""


class _Takes:
    """What a stack takes: the variables of its prompt, and the answers of its tools."""

    def __init__(self, stack: Stack) -> None:
        self.prompt = stack.prompt
        self.declared = frozenset(stack.prompt.variables)
        self._variables = Variables(stack.prompt, filled=stack.filled)
        self._filled = frozenset(stack.filled)
        self.tools: Tools = {tool.name: tool for tool in stack.tools}

    def problem(self, given: Mapping[str, Json]) -> str:
        """Why the stack does not take the variables; empty where it does."""
        try:
            self._variables.values(given)
        except BadRequest as error:
            return str(error)
        return ""

    def drops(self, case: Case, here: _Takes) -> bool:
        """Whether something that the case asks at home would not be asked on this stack."""
        return any(name in here.declared - self.declared for name in case.vars)

    def takes_more(self, asked: Case, here: _Takes) -> bool:
        """Whether a variable that the stack at home does not have is left to its default."""
        new = self.declared - here.declared - self._filled
        return not new <= asked.vars.keys()

    def answerable(self, case: Case, own: Case | None) -> Iterator[RecordedCall]:
        """The case's recorded calls that fit the tools, then the own ones that it does not answer."""
        fitting = [call for call in case.tools if self._fits(call)]
        yield from fitting
        answered = {asked_of(call) for call in fitting}
        yield from (call for call in (own.tools if own else ()) if asked_of(call) not in answered)

    def _fits(self, recorded: RecordedCall) -> bool:
        tool = self.tools.get(recorded.tool)
        if tool is None:
            return False
        if recorded.arguments is not None:
            call = ToolCall(id="", name=recorded.tool, arguments=recorded.arguments)
            if isinstance(tool_for(call, self.tools), Called):
                return False
        try:
            if recorded.error is None:
                check_result(tool, recorded.result)
        except ToolFailed:
            return False
        return True
