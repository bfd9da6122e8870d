"""The report as JSON, in the shape that formats.md fixes, and back: the codec of `Report`.

Invisible and hostile characters are written as JSON's own escapes, so that the text is inert on a
terminal and in a CI log and still means the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tetrad.canonical import Digest
from tetrad.errors import UsageError
from tetrad.identity import read_identity, written_identity
from tetrad.report.contracts import contract
from tetrad.report.fields import Misfit, dump, load
from tetrad.report.means import means
from tetrad.results.outcome import Calls, CaseOutcome, Sample
from tetrad.results.report import (
    AcceptanceUse,
    BaseVerdict,
    CaseReport,
    ComponentChange,
    Decision,
    Flip,
    Report,
    RequirementResult,
    RosterChange,
    StackReport,
    SuiteReport,
    WaiverUse,
    YardstickChange,
)
from tetrad.text import json_escaped

# Made once: json.dumps with options makes an encoder at each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


class _OneLine(str):
    """JSON that is written already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Reader:
    """A JSON object that is being read, and its path for messages. Further keys are let be, so
    that an older tetrad reads what a newer one adds.
    """

    value: Any
    path: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, dict):
            raise Misfit(self.path, "must be an object")

    def get(self, key: str, hint: Any) -> Any:
        if key not in self.value:
            raise Misfit(f"{self.path}.{key}", "is missing")
        return load(hint, self.value[key], f"{self.path}.{key}")

    def text(self, key: str) -> str:
        return cast("str", self.get(key, str))

    def optional_text(self, key: str) -> str | None:
        return cast("str | None", self.get(key, str | None))

    def texts(self, key: str) -> tuple[str, ...]:
        return cast("tuple[str, ...]", self.get(key, tuple[str, ...]))

    def each(self, key: str) -> Iterator[_Reader]:
        for i, item in enumerate(self.get(key, tuple[object, ...])):
            yield _Reader(item, f"{self.path}.{key}[{i}]")


def dump_report(report: Report) -> str:
    document = {
        "kind": "report",
        "version": 1,
        "decision": report.decision,
        "base": report.base,
        "head": report.head,
        "dirty": report.dirty,
        "created": report.created,
        "harness": report.harness,
        "metadata": None if report.metadata is None else dict(report.metadata),
        "calls": {
            "made": report.calls.made,
            "cached": report.calls.cached,
            "skipped": report.calls.skipped,
        },
        "roster": [dump(change) for change in report.roster],
        "yardstick": [dump(change) for change in report.yardstick],
        "stacks": [_dump_stack(stack) for stack in report.stacks],
    }
    return f"{_lines(document)}\n"


def load_report(text: str, *, origin: str = "report") -> Report:
    """Read what `dump_report` wrote; UsageError with file and JSON path for anything else."""
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_finite)
        return _load_report(document)
    except (ValueError, RecursionError) as error:
        problem = "is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(
            f"{origin}: not a report: {problem}\n  help: `tetrad gate --format json` writes one"
        ) from error


def _dump_stack(stack: StackReport) -> Mapping[str, Any]:
    return {
        "stack": stack.stack,
        "identity": written_identity(stack.identity),
        "base_identity": stack.base_identity and written_identity(stack.base_identity),
        "changed": list(stack.changed),
        "changes": [
            {"component": change.component, "ref": change.ref, "diff": change.diff}
            for change in stack.changes
        ],
        "model": stack.model,
        "engine": stack.engine,
        "build": stack.build,
        "base_model": stack.base_model,
        "base_engine": stack.base_engine,
        "base_build": stack.base_build,
        "preview": stack.preview,
        "note": stack.note,
        "suites": [_dump_suite(suite) for suite in stack.suites],
        "by_base": [_dump_base(verdict) for verdict in stack.by_base],
    }


def _dump_suite(suite: SuiteReport) -> Mapping[str, Any]:
    return {
        "suite": suite.suite,
        "file": suite.file,
        "golden": str(suite.golden),
        "decision": suite.decision,
        "waived": [dump(used) for used in suite.waived],
        "removed": list(suite.removed),
        "requirements": [_dump_requirement(found) for found in suite.requirements],
        "means": [dump(mean) for mean in means(suite)],
        "contract": dump(contract(suite)),
        "cases": [_dump_case(case) for case in suite.cases],
    }


def _dump_base(verdict: BaseVerdict) -> Mapping[str, Any]:
    return {
        "suite": verdict.suite,
        "heads": list(verdict.heads),
        "decision": verdict.decision,
        "binding": verdict.binding,
        "alike": verdict.alike,
        "accepted": [dump(used) for used in verdict.accepted],
        "offers": list(verdict.offers),
        "note": verdict.note,
        "requirements": [_dump_requirement(found) for found in verdict.requirements],
        "cases": [_dump_case(case) for case in verdict.cases],
    }


def _dump_requirement(found: RequirementResult) -> Mapping[str, Any]:
    return {
        "requirement": found.requirement,
        "metric": found.metric,
        "statistic": found.statistic,
        "decision": found.decision,
        "value": found.value,
        "threshold": found.threshold,
        "interval": None if found.interval is None else list(found.interval),
        "mde": found.mde,
        "n": found.n,
        "reason": found.reason,
        "cases": list(found.cases),
    }


def _dump_case(case: CaseReport) -> _OneLine:
    """`flaky`, `metrics` and `output` say in short what `samples` say in full."""
    now, before = case.candidate, case.base
    document = {
        "id": case.id,
        "flip": case.flip,
        "flaky": case.flaky,
        "waived": case.waived,
        "line": now.line,
        "group": now.group,
        "tags": list(now.tags),
        "vars": case.vars_text,
        "metrics": dict(now.metrics),
        "base_metrics": None if before is None else dict(before.metrics),
        "output": _output(now),
        "base_output": None if before is None else _output(before),
        "samples": [dump(sample) for sample in now.samples],
        "base_samples": None if before is None else [dump(sample) for sample in before.samples],
    }
    return _OneLine(_encode(document))


def _lines(value: Any, indent: str = "\n") -> str:
    """Indented JSON, in which a case is one line: that is a screenful a case less, and many times
    faster than the standard library's indentation.
    """
    if isinstance(value, _OneLine):
        return value
    deeper = f"{indent}  "
    if value and isinstance(value, Mapping):
        items = (f"{_encode(key)}: {_lines(item, deeper)}" for key, item in value.items())
        return f"{{{deeper}{f',{deeper}'.join(items)}{indent}}}"
    if value and isinstance(value, list):
        return f"[{deeper}{f',{deeper}'.join(_lines(item, deeper) for item in value)}{indent}]"
    return _encode(value)


def _encode(value: Any) -> str:
    return json_escaped(_ENCODER.encode(value))


def _output(outcome: CaseOutcome) -> str | None:
    return outcome.samples[0].output if outcome.samples else None


def _load_report(document: Any) -> Report:
    at = _Reader(document, "$")
    if at.text("kind") != "report" or at.get("version", int) != 1:
        raise Misfit("$", "must be of kind report, version 1")
    return Report(
        decision=at.get("decision", Decision),
        base=at.optional_text("base"),
        head=at.optional_text("head"),
        dirty=at.get("dirty", bool),
        calls=at.get("calls", Calls),
        stacks=tuple(_load_stack(stack) for stack in at.each("stacks")),
        roster=tuple(load(RosterChange, change.value, change.path) for change in at.each("roster")),
        yardstick=tuple(
            load(YardstickChange, change.value, change.path) for change in at.each("yardstick")
        ),
        created=at.text("created"),
        harness=at.text("harness"),
        metadata=at.get("metadata", Mapping[str, str] | None),
    )


def _load_stack(at: _Reader) -> StackReport:
    base = at.optional_text("base_identity")
    return StackReport(
        stack=at.text("stack"),
        identity=_identity(at.text("identity"), at.path),
        base_identity=None if base is None else _identity(base, at.path),
        changed=at.texts("changed"),
        changes=tuple(
            load(ComponentChange, change.value, change.path) for change in at.each("changes")
        ),
        suites=tuple(_load_suite(suite) for suite in at.each("suites")),
        model=at.text("model"),
        engine=at.text("engine"),
        build=at.text("build"),
        base_model=at.text("base_model"),
        base_engine=at.text("base_engine"),
        base_build=at.text("base_build"),
        preview=at.get("preview", bool),
        note=at.text("note"),
        by_base=tuple(_load_base(verdict) for verdict in at.each("by_base")),
    )


def _load_suite(at: _Reader) -> SuiteReport:
    return SuiteReport(
        suite=at.text("suite"),
        file=at.text("file"),
        golden=at.get("golden", Digest),
        decision=at.get("decision", Decision),
        requirements=tuple(
            load(RequirementResult, found.value, found.path) for found in at.each("requirements")
        ),
        cases=tuple(_load_case(case) for case in at.each("cases")),
        waived=tuple(load(WaiverUse, used.value, used.path) for used in at.each("waived")),
        removed=at.texts("removed"),
    )


def _load_base(at: _Reader) -> BaseVerdict:
    return BaseVerdict(
        suite=at.text("suite"),
        heads=at.texts("heads"),
        decision=at.get("decision", Decision),
        binding=at.get("binding", bool),
        alike=at.get("alike", int),
        accepted=tuple(load(AcceptanceUse, used.value, used.path) for used in at.each("accepted")),
        offers=at.texts("offers"),
        note=at.text("note"),
        requirements=tuple(
            load(RequirementResult, found.value, found.path) for found in at.each("requirements")
        ),
        cases=tuple(_load_case(case) for case in at.each("cases")),
    )


def _load_case(at: _Reader) -> CaseReport:
    def outcome(samples: str) -> CaseOutcome:
        return CaseOutcome(
            id=at.text("id"),
            group=at.optional_text("group"),
            tags=at.texts("tags"),
            line=at.get("line", int),
            samples=tuple(load(Sample, sample.value, sample.path) for sample in at.each(samples)),
        )

    return CaseReport(
        id=at.text("id"),
        flip=at.get("flip", Flip),
        waived=at.optional_text("waived"),
        candidate=outcome("samples"),
        base=None if at.get("base_samples", object) is None else outcome("base_samples"),
        vars_text=at.text("vars"),
    )


def _identity(text: str, path: str) -> Digest:
    try:
        return read_identity(text)
    except ValueError as error:
        message = f"{text!r} is not an identity, tetrad: and 64 hexadecimal digits"
        raise Misfit(path, message) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is given twice")
    return document


def _finite(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")
