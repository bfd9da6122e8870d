"""The variables that cases give, held against those that the prompts of their stacks take."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from tetrad.assertions.needs import assertions_of
from tetrad.errors import Location
from tetrad.lint.unheeded import Unheeded
from tetrad.model import Case, Prompt, Suite
from tetrad.schemas.nearest import nearest

_KEYS = frozenset({"assert", "tags", "tools"})  # of a case, that a slip indents under vars
_ALIKE = 0.8  # a variable that only assertions read may have any other name


def lacking_variables(suite: Suite) -> Iterator[Unheeded]:
    """Cases that cannot be asked of every stack of their suite; of a file of CSV its columns."""
    required = _required(suite)
    columns: dict[tuple[str, str], Unheeded] = {}
    for case in suite.golden.cases:
        for name in sorted(required.keys() - case.vars.keys()):
            prompt = required[name]
            near = nearest(name, [given for given in case.vars if given not in prompt.variables])
            rename = f"rename {near!r} to it" if near else ""
            if case.location.file.endswith(".csv"):
                message = f"no column is named {name!r}, which {prompt.ref} requires"
                hint = rename or "the first row names the variables"
                told = Unheeded(Location(case.location.file), message, hint)
                columns.setdefault((case.location.file, name), told)
            else:
                message = f"the case {case.id!r} gives no {name!r}, which {prompt.ref} requires"
                yield Unheeded(case.location, message, rename or "give it in the case's vars")
    yield from columns.values()


def _required(suite: Suite) -> Mapping[str, Prompt]:
    """The variables that a request must give, each with a prompt that requires it."""
    return {
        name: stack.prompt
        for stack in suite.stacks
        for name, variable in stack.prompt.variables.items()
        if variable.required and (stack.retrieval is None or stack.retrieval.into != name)
    }


def keys_among_variables(suite: Suite) -> Iterator[Unheeded]:
    """Keys of a case that are indented as if they were variables."""
    declared = {name for stack in suite.stacks for name in stack.prompt.variables}
    for case in suite.golden.cases:
        for name in sorted(_KEYS & case.vars.keys() - declared):
            message = f"the case {case.id!r} has {name!r} among its vars, where nothing reads it"
            yield Unheeded(case.location, message, f"indent {name}: as far as vars:")


def misspelt_variables(suite: Suite) -> Iterator[Unheeded]:
    """Variables of cases that nothing reads, where a prompt has an optional one of such a name."""
    declared = {n: v for stack in suite.stacks for n, v in stack.prompt.variables.items()}
    filled = {stack.retrieval.into for stack in suite.stacks if stack.retrieval is not None}
    optional = [name for name, variable in declared.items() if not variable.required]
    for case in suite.golden.cases:
        free = [name for name in optional if name not in case.vars]
        for name in case.vars if free else ():
            near = difflib.get_close_matches(name, free, n=1, cutoff=_ALIKE)
            if name in declared or name in filled or not near or _is_read(name, case):
                continue
            yield Unheeded(
                case.location,
                f"the case {case.id!r} gives {name!r}, which no prompt of its stacks takes",
                f"did you mean {near[0]}?",
            )


def _is_read(name: str, case: Case) -> bool:
    """Whether an assertion may read a variable of the case."""
    written = [item.value for item in assertions_of(case)]
    return any(name in str(text) for text in (*written, case.transform))
