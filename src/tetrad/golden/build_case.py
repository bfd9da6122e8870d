"""One raw case becomes a value: assertions, sets, recorded calls, and an id where there is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from tetrad.assertions.table import TYPES
from tetrad.assertions.types.json_answer import CONTAINS_JSON, IS_JSON, formats_unchecked_in
from tetrad.canonical import Digest, digest_of
from tetrad.errors import Issue, Location
from tetrad.model import Assertion, AssertionSet, Case, RecordedCall, Turn
from tetrad.model.defaults import picked
from tetrad.promptfoo.raw import Report
from tetrad.promptfoo.unsupported import IN_ITS_PLACE, NOT_YET
from tetrad.schemas.check import issue_at
from tetrad.schemas.checked_formats import UNCHECKED
from tetrad.schemas.nearest import did_you_mean
from tetrad.yamldoc.parse import Path

Locate: TypeAlias = Callable[[Path], Location]

_WITH_SCHEMA = frozenset({IS_JSON.name, CONTAINS_JSON.name})
_ASSERTION_KEYS = frozenset({
    "type", "value", "threshold", "weight", "metric", "transform", "judge", "config", "source"
})  # fmt: skip


def build_case(raw: Mapping[str, Any], locate: Locate, report: Report) -> Case:
    """The case that a checked mapping means; unknown assertion types are reported."""
    builder = _Assertions(locate, report)
    return Case(
        id=raw.get("id") or derived_id(raw),
        derived="id" not in raw,
        vars=raw.get("vars", {}),
        turns=tuple(Turn(**turn) for turn in raw.get("turns", ())),
        assertions=tuple(builder.all(raw.get("assert", ()), ("assert",))),
        tags=tuple(raw.get("tags", ())),
        tools=tuple(
            _call(call, locate(("tools", number)))
            for number, call in enumerate(raw.get("tools", ()))
        ),
        variants={name: tuple(texts) for name, texts in raw.get("variants", {}).items()},
        transform=raw.get("options", {}).get("transform"),
        source=_source(raw),
        location=locate(()),
        **picked(raw, "threshold", "group", "repeats", "description", "metadata"),
    )


def _source(raw: Mapping[str, Any]) -> Digest | None:
    """The digest of the code that a case or an assertion names by `file://`."""
    written = raw.get("source")
    return Digest.parse(written) if written else None


def derived_id(raw: Mapping[str, Any]) -> str:
    """A slug of the description, or the digest of the vars, and of the turns where it has some."""
    plain = unicodedata.normalize("NFKD", raw.get("description", "")).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-")
    if cut := slug[:80].rstrip("-"):
        return cut
    asked = raw.get("vars", {})
    return digest_of([asked, raw["turns"]] if "turns" in raw else asked).hex[:12]


def _weight(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float(weight) for key, weight in picked(raw, "weight").items()}


def _call(raw: Mapping[str, Any], location: Location) -> RecordedCall:
    return RecordedCall(
        tool=raw["tool"],
        arguments=raw.get("arguments"),
        result=raw.get("result"),
        error=raw.get("error"),
        location=location,
    )


class _Assertions:
    """Builds assertions and reports the types that do not exist."""

    def __init__(self, locate: Locate, report: Report) -> None:
        self._locate = locate
        self._report = report

    def all(self, raws: Any, path: Path) -> Iterator[Assertion | AssertionSet]:
        for number, raw in enumerate(raws):
            place = (*path, number)
            yield self._set(raw, place) if raw["type"] == "assert-set" else self._one(raw, place)

    def _set(self, raw: Mapping[str, Any], path: Path) -> AssertionSet:
        inherited = raw.get("config", {})
        return AssertionSet(
            assertions=tuple(
                self._one({**inner, "config": {**inherited, **inner.get("config", {})}}, place)
                for number, inner in enumerate(raw["assert"])
                for place in [(*path, "assert", number)]
            ),
            location=self._locate(path),
            **picked(raw, "threshold", "metric"),
            **_weight(raw),
        )

    def _one(self, raw: Mapping[str, Any], path: Path) -> Assertion:
        written: str = raw["type"]
        name = written.removeprefix("not-")
        if name not in TYPES:
            self._unknown_type(written, name, path)
        elif name in _WITH_SCHEMA:
            self._unchecked_formats(raw.get("value"), (*path, "value"))
        further = {key: raw[key] for key in raw if key not in _ASSERTION_KEYS}
        return Assertion(
            type=name,
            negated=name != written,
            config={**raw.get("config", {}), **further},
            source=_source(raw),
            location=self._locate(path),
            **picked(raw, "value", "threshold", "metric", "transform", "judge"),
            **_weight(raw),
        )

    def _unchecked_formats(self, value: Any, path: Path) -> None:
        for problem in formats_unchecked_in(value):
            issue = issue_at(self._locate((*path, *problem.path)), problem, ())
            self._report(replace(issue, code=UNCHECKED, blocks="nothing"))

    def _unknown_type(self, written: str, name: str, path: Path) -> None:
        known = "types are " + ", ".join(TYPES)
        if name in NOT_YET or name.startswith("promptfoo:"):
            message, hint = f"promptfoo's assertion {written!r} is not supported yet", known
            if name in IN_ITS_PLACE:
                hint = f"{IN_ITS_PLACE[name]} can take its place"
        else:
            message = f"unknown assertion type {written!r}"
            hint = did_you_mean(written, [*TYPES, *(f"not-{type_}" for type_ in TYPES)], known)
        location = self._locate((*path, "type"))
        self._report(Issue(location=location, message=message, hint=hint))
