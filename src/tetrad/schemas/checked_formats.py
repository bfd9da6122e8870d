"""Which `format` names of a JSON Schema are checked, and where one names another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tetrad.schemas.nearest import did_you_mean, is_near
from tetrad.schemas.subschemas import subschemas
from tetrad.schemas.violations import Problem
from tetrad.yamldoc.document import Path

_MISSPELT = 0.75  # how much alike a name and the one that it is taken for are
UNCHECKED = "OUT705"  # the rule that reports it

# Those of draft 2020-12, section 7.3 of its validation vocabulary: whatever draft a schema names,
# `json_answer` and `compile_schema` check all of them.
FORMATS = (
    "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6",
    "iri", "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri",
    "uri-reference", "uri-template", "uuid",
)  # fmt: skip


def unchecked_formats(schema: object, path: Path = ()) -> Iterator[Problem]:
    """A problem for each format that nothing checks, so that every text has it."""
    if not isinstance(schema, Mapping):
        return
    name = schema.get("format")
    if isinstance(name, str) and name not in FORMATS:
        known = f"formats are {', '.join(FORMATS)}; or write a pattern"
        hint = did_you_mean(name, FORMATS, known) if is_near(name, FORMATS, _MISSPELT) else known
        yield Problem((*path, "format"), f"the format {name!r} is not checked", hint)
    for step, child in subschemas(schema):
        yield from unchecked_formats(child, (*path, *step))
