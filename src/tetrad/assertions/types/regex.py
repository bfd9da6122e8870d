"""`regex`: a pattern, as JavaScript or Python writes it, matches somewhere in the answer."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tetrad.assertions.answered import Answered
from tetrad.assertions.assertion_type import PureAssertion
from tetrad.assertions.forms import text_problem
from tetrad.assertions.score import Score, binary
from tetrad.assertions.values import as_text, shown
from tetrad.canonical import Json
from tetrad.errors import JudgeFailed
from tetrad.model import Assertion
from tetrad.schemas.patterns import without_control_letters

# A pattern can backtrack for ever on a text that a model was talked into.
TIMEOUT_S = 1.0

_MOST_UNFOLDED = 20_000
# Of a pattern, what means something else in JavaScript; escapes and classes are passed over whole.
_JAVASCRIPT = re.compile(
    r"""\\k<(?P<name>[A-Za-z_$][\w$]*)> | \\. | \[\^?\] | \[(?:\\.|[^\]\\])*+\] | \$""",
    re.VERBOSE | re.DOTALL,
)
_CLASSES = {"[^]": r"[\s\S]", "[]": "(?!)", "$": r"\Z"}
# White space and comments may stand between a part and its count.
_PARTS = re.compile(r"(?P<space>\s|\(\?#[^)]*\))|\{(?P<count>\d+)(?:,\d*)?\}|\\?.", re.DOTALL)
# Texts that have little in common. They are short, so that no pattern takes long on them.
_PROBES = ("", "a", "Zq 7", "\n", "-…", "{}")


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Any:
    import regex

    return regex.compile(_from_javascript(text))


def _from_javascript(pattern: str) -> str:
    """The pattern with what JavaScript writes otherwise: names of groups, control characters, the
    classes of nothing and of everything, and `$`, which stands at the very end alone.
    """
    return _JAVASCRIPT.sub(_in_python, without_control_letters(pattern))


def _in_python(match: re.Match[str]) -> str:
    if match["name"]:
        return f"(?P={match['name']})"
    return _CLASSES.get(match[0], match[0])


def _problem(value: Json, assertion: Assertion) -> str | None:
    if not isinstance(value, str) or not value:
        return text_problem(value, assertion)
    import regex

    if _unfolded(value) > _MOST_UNFOLDED:
        return f"is a regular expression whose counts unfold to more than {_MOST_UNFOLDED:,} parts"
    try:
        _compiled(value)
    except regex.error as error:
        return f"is not a valid regular expression: {error}"
    except RecursionError:
        return "is a regular expression that is nested too deeply"
    return None


def _unfolded(pattern: str) -> int:
    """How many parts a pattern has where a count such as {3,9} is written out at its least: so it is
    compiled, and beyond some 100,000 the process ends.

    What looks like a group in a character class is taken for one, which makes it no fewer.
    """
    outer: list[int] = []
    size = last = 0
    for part in _PARTS.finditer(pattern):
        if part["space"]:
            continue
        if part["count"]:
            size += last * (int(part["count"]) - 1)
            last *= int(part["count"])
        elif part[0] == "(":
            outer.append(size)
            size = 0
        elif part[0] == ")":
            last = max(size, 1)
            size = last + (outer.pop() if outer else 0)
        else:
            last = 1
            size += 1
    return size + sum(outer)


def _cannot_fail(assertion: Assertion) -> str | None:
    value = assertion.value
    is_met = isinstance(value, str) and _fits_all(value)
    return f"the pattern {value!r} fits every text" if is_met else None


def _fits_all(pattern: str) -> bool:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False  # evals report it
    return all(compiled.search(probe) for probe in _PROBES)


def _grade(value: Json, _: Assertion, answered: Answered) -> Score:
    """A pattern that takes too long decides nothing."""
    try:
        # Keeping the interpreter's lock: getting it back costs more than a search.
        matches = _compiled(as_text(value)).search(
            answered.text, timeout=TIMEOUT_S, concurrent=False
        )
    except TimeoutError as error:
        raise JudgeFailed(
            f"the pattern {shown(value)} was still searching after {TIMEOUT_S:g} s\n"
            "  help: nested repetitions such as (a+)+ backtrack; write it without them"
        ) from error
    except MemoryError as error:
        raise JudgeFailed(
            f"the pattern {shown(value)} needs more memory than it may have\n"
            "  help: a group that calls itself, such as (?R), can do so for ever; write it without"
        ) from error
    return binary(
        matches is not None,
        f"{'matches' if matches else 'does not match'} the pattern {shown(value)}",
    )


REGEX = PureAssertion(
    name="regex",
    value="pattern, as JavaScript or Python writes one",
    passes_if="it matches somewhere; `$` is the very end; given up after a second",
    problem=_problem,
    cannot_fail=_cannot_fail,
    compares_text=True,
    grade=_grade,
)
