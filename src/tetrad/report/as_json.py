"""The report as JSON, in the shape that its dataclasses give it, and back.

Invisible and hostile characters are written as JSON's own escapes, so that the text is inert on a
terminal and in a CI log and still means the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from tetrad.canonical import Digest, Json, read_json
from tetrad.errors import UsageError
from tetrad.identity import read_identity, written_identity
from tetrad.model import Turn
from tetrad.report.contracts import contract
from tetrad.report.means import means
from tetrad.results.codec import Codec, Reader, ShapeError, fields_reader
from tetrad.results.gate_report import (
    BaseDecision,
    CaseReport,
    ComponentChange,
    Flip,
    Report,
    RequirementResult,
    StackReport,
    SuiteReport,
)
from tetrad.results.outcome import Calls, CaseOutcome, Sample
from tetrad.text import json_escaped

if TYPE_CHECKING:
    from cattrs import Converter

VERSION = 2

# Made once: json.dumps with options makes an encoder at each call.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=dict)
_plain = Codec()


class _OneLine(str):
    """JSON that is written already."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """A case as it is written: both sides' outcomes have all but their samples in common.

    `flaky`, `metrics` and `output` say in short what `samples` say in full.
    """

    id: str
    flip: Flip
    flaky: bool
    waived: str | None
    line: int
    group: str | None
    tags: tuple[str, ...]
    vars: Mapping[str, Json]
    turns: tuple[Turn, ...]
    metrics: Mapping[str, float]
    base_metrics: Mapping[str, float] | None
    output: str | None
    base_output: str | None
    samples: tuple[Sample, ...]
    base_samples: tuple[Sample, ...] | None


# Written with every field, and read only so: a key that is missing is not its default.
_WHOLE = (
    Calls, RequirementResult, ComponentChange, _Case, SuiteReport, BaseDecision, StackReport, Report,
)  # fmt: skip


def dump_report(report: Report) -> str:
    document = {"kind": "report", "version": VERSION, **_CODEC.dump(report)}
    return f"{_lines(document)}\n"


def load_report(text: str, *, origin: str = "report") -> Report:
    """Read what `dump_report` wrote; UsageError with file and JSON path for anything else."""
    try:
        document = read_json(text)
        _expect_report(document, origin)
        return _CODEC.load(Report, document)
    except ValueError as error:
        raise UsageError(
            f"{origin}: not a report: {error}\n  help: `tetrad gate --format json` writes one"
        ) from error


def _expect_report(document: Any, origin: str) -> None:
    if not isinstance(document, dict):
        raise ShapeError("must be an object")
    if document.get("kind") != "report":
        raise ShapeError("must be report", ".kind")
    version = document.get("version")
    if type(version) is not int:
        raise ShapeError("must be a number", ".version")
    if version != VERSION:
        help_ = (
            "upgrade tetrad"
            if version > VERSION
            else "run `tetrad gate` again: answers that were kept are not asked anew"
        )
        raise UsageError(
            f"{origin}: unsupported report version {version}, expected {VERSION}\n  help: {help_}"
        )


def _configure(converter: Converter) -> None:
    """The shapes of a report's types: those inside others first."""
    from cattrs.gen import make_dict_unstructure_fn, override

    identity = override(unstruct_hook=_dump_identity, struct_hook=_load_identity)
    for kind in _WHOLE:
        identities: dict[str, Any] = {
            f.name: identity for f in fields(kind) if f.name.endswith("identity")
        }
        write = make_dict_unstructure_fn(kind, converter, **identities)
        read = fields_reader(converter, kind, whole=True, **identities)
        if kind is _Case:
            converter.register_unstructure_hook(CaseReport, _dump_case(write))
            converter.register_structure_hook(CaseReport, _load_case(read))
        else:
            is_suite = kind is SuiteReport
            converter.register_unstructure_hook(kind, _dump_suite(write) if is_suite else write)
            converter.register_structure_hook(kind, read)


_CODEC = Codec(_configure)


def _dump_suite(write: Callable[[SuiteReport], dict[str, Any]]) -> Callable[[SuiteReport], Any]:
    def dump(suite: SuiteReport) -> Mapping[str, Any]:
        document = write(suite)
        cases = document.pop("cases")
        found = {"means": _plain.dump(means(suite)), "contract": _plain.dump(contract(suite))}
        return {**document, **found, "cases": cases}

    return dump


def _dump_case(write: Callable[[_Case], dict[str, Any]]) -> Callable[[CaseReport], _OneLine]:
    def dump(case: CaseReport) -> _OneLine:
        now, before = case.candidate, case.base
        written = _Case(
            id=case.id,
            flip=case.flip,
            flaky=case.flaky,
            waived=case.waived,
            line=now.line,
            group=now.group,
            tags=now.tags,
            vars=case.vars,
            turns=case.turns,
            metrics=now.metrics,
            base_metrics=None if before is None else before.metrics,
            output=_output(now),
            base_output=None if before is None else _output(before),
            samples=now.samples,
            base_samples=None if before is None else before.samples,
        )
        document = write(written)
        if not case.turns:  # so are the reports of earlier releases
            del document["turns"]
        return _OneLine(_encode(document))

    return dump


def _load_case(read: Reader) -> Reader:
    def load(value: Any, _: Any) -> CaseReport:
        case: _Case = read({"turns": [], **value} if isinstance(value, dict) else value, _Case)

        def outcome(samples: tuple[Sample, ...]) -> CaseOutcome:
            return CaseOutcome(
                id=case.id, group=case.group, tags=case.tags, line=case.line, samples=samples
            )

        return CaseReport(
            id=case.id,
            flip=case.flip,
            waived=case.waived,
            vars=case.vars,
            turns=case.turns,
            candidate=outcome(case.samples),
            base=None if case.base_samples is None else outcome(case.base_samples),
        )

    return load


def _output(outcome: CaseOutcome) -> str | None:
    return outcome.samples[0].output if outcome.samples else None


def _dump_identity(identity: Digest | None) -> str | None:
    return None if identity is None else written_identity(identity)


def _load_identity(written: Any, hint: Any) -> Digest | None:
    if written is None and hint is not Digest:
        return None
    try:
        return read_identity(written)
    except (TypeError, ValueError) as error:
        message = f"{written!r} is not an identity, tetrad: and 64 hexadecimal digits"
        raise ShapeError(message) from error


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
    if value and isinstance(value, (list, tuple)):
        return f"[{deeper}{f',{deeper}'.join(_lines(item, deeper) for item in value)}{indent}]"
    return _encode(value)


def _encode(value: Any) -> str:
    return json_escaped(_ENCODER.encode(value))
