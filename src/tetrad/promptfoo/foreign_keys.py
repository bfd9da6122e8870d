"""What promptfoo's files can say and we do not do: refused in its words, each with a way out.

What would change a case is here. What only says who answers or where results go is in the schema,
as keys that are not looked at. https://www.promptfoo.dev/docs/configuration/reference
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from tetrad.schemas.check import schema_of
from tetrad.schemas.nearest import is_near
from tetrad.schemas.violations import Problem

_MISSPELT = 0.75  # how much alike a key and the one that it is taken for are
_OF_A_STACK = "a suite names the stacks that answer: put such tests into a golden set of its own"
_OF_THE_PROMPT = "write it into the stack's prompt, or into one of the test's vars"

_ROWS = ("promptfoo puts the rows of another file in here", "write the rows under config")
# Keys that the schema does not have, by their name alone: none means two things.
_UNKNOWN: Mapping[str, tuple[str, str]] = {
    "prefix": ("promptfoo puts this before the prompt of this test", _OF_THE_PROMPT),
    "suffix": ("promptfoo puts this after the prompt of this test", _OF_THE_PROMPT),
    "providerOutput": (
        "promptfoo takes this for the answer and asks no model",
        "leave it out, or let a stack whose engine is scripted answer",
    ),
    "assertScoringFunction": (
        "promptfoo lets this program make one score of a test's assertions",
        "write weights and a threshold, or one assertion of type python",
    ),
    "storeOutputAs": (
        "promptfoo hands the answer on to later tests, and here no case depends on another",
        "write what the answer would be into the vars of the later test",
    ),
    "transformVars": (
        "promptfoo changes the vars by this program",
        "write the vars as the prompt takes them",
    ),
    "postprocess": ("promptfoo calls this transform today", "name it transform"),
    "rubricPrompt": (
        "promptfoo grades with this prompt",
        "give a judge of the suite a prompt:, and leave this out",
    ),
    "contextTransform": (
        "promptfoo takes the context from the answer by this program",
        "the context is what the stack retrieves, or the variable context",
    ),
    "path": (
        "promptfoo lets this program make the tests, and it is not run",
        "let it write them to a .jsonl file, and name that",
    ),
    "config": (
        "promptfoo hands this to a program that makes the tests",
        "leave it out, and name the file that the program writes",
    ),
    "$values": _ROWS,
    "$expand": _ROWS,
    "$ref": (
        "a $ref stands for an assertion, and for nothing else",
        "write the keys themselves, or use a YAML anchor",
    ),
}
# Keys that decide something, elsewhere: of a test, and of a suite.
_ELSEWHERE = (
    "assert", "group", "id", "options", "repeats", "threshold", "tools", "transform", "turns", "vars", "variants",
    "gate", "golden", "judges", "metrics", "stacks",
)  # fmt: skip
_NOT_LOOKED_AT = "Not looked at."  # what the schema says of a key that decides nothing
_OF_RUNS = ("evaluateOptions", "commandLineOptions")
_HOLDERS = frozenset({"", "options", *_OF_RUNS})  # what has keys that decide nothing here
_WHO_ANSWERS: Mapping[str, str] = {
    "provider": "promptfoo asks this provider instead, for this test alone",
    "providers": "promptfoo runs this test on these providers alone",
    "prompts": "promptfoo runs this test with these prompts alone",
}

_CHOOSES = ("promptfoo chooses tests by this", "delete those that must not run; they all would")
_COMMAND: Mapping[str, tuple[str, str]] = {
    "assertions": ("promptfoo lays these assertions under every test", "write them in defaultTest"),
    "config": ("promptfoo reads these configs too", "name them under tests: in one config"),
    "extension": (
        "promptfoo runs this code around every test, which it may change",
        "write what it does into the tests, then leave extension out",
    ),
    "modelOutputs": _UNKNOWN["providerOutput"],
    "promptPrefix": ("promptfoo puts this before every prompt", "write it into the stack's prompt"),
    "promptSuffix": ("promptfoo puts this after every prompt", "write it into the stack's prompt"),
    "tests": ("promptfoo takes its tests from here", "name the file under tests:"),
    "var": ("promptfoo lays these vars under every test", "write them in defaultTest"),
    "vars": ("promptfoo takes its tests from here", "name the file under tests:"),
}


def refusal(key: str) -> tuple[str, str]:
    """What a key of promptfoo's does there, and what to write instead."""
    return _UNKNOWN[key]


def in_promptfoos_words(problem: Problem, *, of_config: bool = False) -> Problem:
    """A problem of the schema; one with a key that is promptfoo's says what the key does there.

    `of_config`: the value is a whole config, in which anchors need a place.
    """
    name = problem.path[-1] if problem.at_key and problem.path else None
    if name in _UNKNOWN and "tools" not in problem.path:
        message, hint = refusal(str(name))
        return replace(problem, message=message, hint=hint, meant="")
    if of_config and len(problem.path) == 1 and problem.at_key and not problem.meant:
        hint = f"a key of yours, for anchors, begins with x-; {problem.hint}"
        return replace(problem, hint=hint)
    if _names_a_variable(problem):
        hint = f"variables go under vars: {{{name}: …}}"
        return replace(problem, hint=hint if problem.meant else f"{hint}; {problem.hint}", meant="")
    return problem


def is_not_applied(problem: Problem) -> bool:
    """Whether a problem is a key of a config or of its options that decides nothing here.

    promptfoo hands such keys to its command or to the provider. One that is nearly a known key, or
    that would decide something elsewhere, is a mistake.
    """
    *outer, key = problem.path or (None,)
    holder = outer[-1] if outer else ""
    if not (problem.unknown and holder in _HOLDERS and isinstance(key, str)):
        return False
    if problem.hint.startswith("it belongs"):
        return _decides_nothing(key)
    return not is_near(key.lower(), _known_keys(str(holder)), _MISSPELT)


def _decides_nothing(key: str) -> bool:
    """Whether promptfoo takes a key elsewhere, where it would not be looked at either."""
    known = [_properties_of(holder)[key] for holder in _OF_RUNS if key in _properties_of(holder)]
    return bool(known) and all(each["description"] == _NOT_LOOKED_AT for each in known)


def _properties_of(holder: str) -> Mapping[str, Any]:
    """The keys that the schema knows in a config ("") or in one of its mappings of options."""
    golden = schema_of("golden")
    config: Mapping[str, Any] = golden["oneOf"][1]["properties"]
    if holder in _OF_RUNS:
        found: Mapping[str, Any] = config[holder]["properties"]
        return found
    return config if not holder else golden["$defs"]["case"]["properties"]["options"]["properties"]


@cache
def _known_keys(holder: str) -> tuple[str, ...]:
    """The keys, in lower case, that one of a config or of its options may be meant for."""
    config = _properties_of("").items()
    deciding = [name for name, value in config if value.get("description") != _NOT_LOOKED_AT]
    elsewhere = () if holder == "options" else (*_ELSEWHERE, *deciding)
    return tuple(name.lower() for name in (*_properties_of(holder), *elsewhere, *_UNKNOWN))


def not_applied(problem: Problem) -> Problem:
    """The same problem as a warning."""
    message = f"{problem.path[-1]!r} is not applied: the stack decides"
    return replace(
        problem, message=message, hint="leave it out, unless promptfoo reads this file too"
    )


def _is_misspelt(key: str, name: str) -> bool:
    return difflib.SequenceMatcher(None, key.lower(), name.lower()).ratio() >= _MISSPELT


def _names_a_variable(problem: Problem) -> bool:
    """Whether it is about a key of a case that is hardly a misspelt one."""
    *outer, key = problem.path or (None,)
    is_of_case = all(isinstance(step, int) or step == "tests" for step in outer)
    if not (is_of_case and problem.at_key and isinstance(key, str)):
        return False
    if not problem.meant:
        return problem.hint.startswith("known keys")
    return not _is_misspelt(key, problem.meant)


def problems_of_test(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What a test says of who answers it; under `defaultTest` it is said of the whole run."""
    for name, message in _WHO_ANSWERS.items():
        if name in value:
            yield Problem((name,), message, _OF_A_STACK, at_key=True)


def problems_of_config(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What a config says beside its tests that would change them."""
    if value.get("extensions"):
        message = "promptfoo runs this code around every test, which it may change"
        hint = "write what it does into the tests, then leave extensions out"
        yield Problem(("extensions",), message, hint, at_key=True)
    for name in value.get("commandLineOptions", {}):
        known = _CHOOSES if name.startswith("filter") else _COMMAND.get(name)
        if known is not None:
            yield Problem(("commandLineOptions", name), *known, at_key=True)
    if "filterRange" in value.get("evaluateOptions", {}):
        yield Problem(("evaluateOptions", "filterRange"), *_CHOOSES, at_key=True)


def repeats_of(value: Mapping[str, Any]) -> int | None:
    """How often a config asks each case, by the option that promptfoo looks at first."""
    for name in ("commandLineOptions", "evaluateOptions"):
        repeat = value.get(name, {}).get("repeat")
        if repeat is not None:
            return int(repeat)
    return None
