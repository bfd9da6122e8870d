"""Whether an identity may serve an environment, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.admission import Question
    from tetrad.evidence import Verification

# Statements of other types are for other readers, and those on other environments for these.
_NOT_MEANT = frozenset({"predicate-type", "environment"})


def lines_of(found: Verification, asked: Question) -> Iterator[str]:
    """The answer for people: every clause that is not met, and what was set aside."""
    from tetrad.identity import short

    name = f"{asked.stack.name} ({short(found.identity)})"
    may = "may serve" if found.is_yes else "may not serve"
    yield f"{name} {may} {found.environment}"
    if found.is_yes and not found.proven:
        yield "  it was admitted before; on evidence alone, not met today:"
    for unmet in found.unmet:
        yield f"  {unmet.clause:<12}{unmet.message}"
    yield from _help(found, asked)
    aside = [] if found.is_yes else [a for a in found.set_aside if a.clause not in _NOT_MEANT]
    if aside:
        yield "  set aside:"
    for one in aside:
        yield f"    {one.envelope.hex[:12]}  {one.clause}: {one.message}"


def _help(found: Verification, asked: Question) -> Iterator[str]:
    where = f"--env {found.environment}"
    stack, environment = asked.stack, asked.environment
    unmet = {one.clause for one in found.unmet}
    unpinned = [m.ref for m in stack.models if not m.is_pinned]
    for model in sorted(set(unpinned) - environment.unpinned):
        line = f"models: {{{model}: {{unpinned: true}}}}"
        yield f"  help: pin it, or take it as it is with {line} in {environment.location.file}"
    if unmet & {"evidence", "complete"} and environment.name not in stack.environments:
        yield f"  help: name {environment.name} under serving.environments in {stack.location.file}"
    elif unmet & {"evidence", "complete"}:
        yield f"  help: tetrad gate --unproven {where}, then tetrad attest"
    if "withdrawn" in unmet:
        yield f"  help: tetrad release {found.environment} {asked.stack.name}"
    if "approvals" in unmet:
        yield f"  help: tetrad approve {asked.stack.name} {where}"
