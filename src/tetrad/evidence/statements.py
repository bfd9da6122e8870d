"""Statements by in-toto v1: what is signed about one identity.

A predicate that Tetrad reads is a frozen value, and its JSON is the canonical JSON of that value, in
lower camel case as in-toto asks for. A payload that differs from it by a single byte (an unknown
field, a repeated one, another order) is refused.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tetrad.canonical import Digest, Json, canonical_json, read_json
from tetrad.evidence.refused import Refused
from tetrad.results.codec import Codec, ShapeError, fields_reader
from tetrad.results.gate_report import (
    AcceptanceUse,
    Helper,
    RequirementResult,
    WaiverUse,
    YardstickChange,
)

if TYPE_CHECKING:
    from cattrs import Converter

STATEMENT = "https://in-toto.io/Statement/v1"
PROJECT = "https://github.com/tetrad-dev/tetrad"
VERIFIER = PROJECT  # who decides, in a verification summary

Verdict: TypeAlias = Literal["PASSED", "FAILED"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """Where the evaluated files stand in Git; `base` is what the change was compared with."""

    head: str
    tree: str
    base: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Harness:
    """What ran and graded the cases: the release, and the integers that identities and suites carry."""

    version: str
    runtime: int
    grading: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteEvaluation:
    """What one suite said. Its digest covers all that decides that; three parts of it are named, so
    that a refusal can say which one differs.
    """

    suite: str  # reference
    digest: Digest
    golden: Digest
    policy: Digest
    judges: Digest
    decision: Verdict
    cases: int
    results: Digest  # Merkle root (RFC 6962) over the cases' outcomes
    requirements: tuple[RequirementResult, ...]
    waived: tuple[WaiverUse, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class YardstickEvaluation:
    """What the base's suite said of the candidate, where the change edits what judges it."""

    suite: str
    digest: Digest
    decision: Verdict
    binding: bool = True
    accepted: tuple[AcceptanceUse, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Regraded:
    """How many assertions were graded again by the signer, from the recorded answers."""

    assertions: int
    of: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerHead:
    """The last entry of the signer's ledger: a database that is rewritten later no longer has it.

    `first` is the digest of the first entry, by which a ledger knows its own heads.
    """

    first: Digest
    number: int
    digest: Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A run of suites against one identity, with everything that its verdict rests on."""

    stack: str  # reference
    commit: Commit
    decision: Verdict
    evaluated_on: datetime  # by the report
    attested_on: datetime  # by the signer's clock
    harness: Harness
    model: str
    engine: str
    build: str
    helpers: tuple[Helper, ...] = ()
    report: Digest  # of the report's bytes
    suites: tuple[SuiteEvaluation, ...]
    yardsticks: tuple[YardstickEvaluation, ...] = ()
    loosened: tuple[YardstickChange, ...] = ()
    unpinned: tuple[
        str, ...
    ] = ()  # models (answering, judging, embedding) whose weights have no pin
    regraded: Regraded
    ledger: LedgerHead | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A resource descriptor of in-toto, by digest."""

    uri: str
    digest: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifierId:
    id: str
    version: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """SLSA's verification summary v1: whether an identity may serve an environment, and by what."""

    verifier: VerifierId
    time_verified: datetime
    resource_uri: str  # of the stack, in its environment
    policy: Resource  # the environment
    input_attestations: tuple[Resource, ...]
    verification_result: Verdict
    verified_levels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """A person's consent that an identity serves an environment."""

    stack: str
    environment: str
    approved_on: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """That an environment took an identity, by which evidence; recorded once."""

    stack: str
    environment: str
    commit: str
    admitted_on: datetime
    evidence: tuple[Digest, ...]


Predicate: TypeAlias = Evaluation | Summary | Approval | Admission

TYPES: Mapping[type, str] = {
    Evaluation: f"{PROJECT}/evaluation/v1",
    Summary: "https://slsa.dev/verification_summary/v1",
    Approval: f"{PROJECT}/approval/v1",
    Admission: f"{PROJECT}/admission/v1",
}
_KINDS = {uri: kind for kind, uri in TYPES.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A predicate about an identity; `name` of the subject is for people."""

    identity: Digest
    name: str
    predicate: Predicate


def resource_uri(environment: str, stack: str) -> str:
    """What a verification summary is about: a stack in an environment."""
    return f"tetrad://{environment}/{stack}"


def write_statement(statement: Statement) -> bytes:
    """The payload of an envelope: canonical JSON."""
    return payload_of(
        statement.identity,
        statement.name,
        TYPES[type(statement.predicate)],
        _CODEC.dump(statement.predicate),
    )


def payload_of(identity: Digest, name: str, predicate_type: str, predicate: Json) -> bytes:
    """A statement of any type about an identity, as canonical JSON."""
    return canonical_json(
        {
            "_type": STATEMENT,
            "subject": [{"name": name, "digest": {identity.algorithm: identity.hex}}],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def predicate_type_of(payload: bytes) -> str:
    """The type of a statement that may be of any; Refused where the payload is none."""
    return _type_of(_document(payload))


def _type_of(document: Mapping[str, Any]) -> str:
    value = document.get("predicateType")
    if not isinstance(value, str) or not value:
        raise Refused("statement", "predicateType is missing")
    return value


def read_statement(payload: bytes) -> Statement:
    """Read what `write_statement` wrote, and nothing else; raises Refused."""
    document = _document(payload)
    predicate_type = _type_of(document)
    kind = _KINDS.get(predicate_type)
    if kind is None:
        raise Refused("predicate-type", f"unknown predicate type {predicate_type}")
    identity, name = _subject(document.get("subject"))
    try:
        predicate: Any = _CODEC.load(kind, document.get("predicate"))
    except ShapeError as error:
        where = f"predicate{_camel(error.path)}"
        raise Refused("statement", f"{where}: {error.message}") from None
    statement = Statement(identity=identity, name=name, predicate=predicate)
    try:
        is_canonical = write_statement(statement) == payload
    except ValueError as error:
        raise Refused("statement", str(error)) from None
    if not is_canonical:
        raise Refused(
            "statement", "not in canonical form: a field is unknown, repeated or misplaced"
        )
    return statement


def _document(payload: bytes) -> Mapping[str, Any]:
    try:
        document = read_json(payload.decode())
    except ValueError as error:
        raise Refused("statement", f"not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("_type") != STATEMENT:
        raise Refused("statement", f"not a {STATEMENT}")
    return document


def _subject(value: Any) -> tuple[Digest, str]:
    """One subject with one SHA-256: more of either would leave it open what is meant."""
    if not isinstance(value, list) or len(value) != 1:
        raise Refused("subject", "not exactly one subject")
    (entry,) = value
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise Refused("subject", "the subject has no name")
    digests = entry.get("digest")
    if not isinstance(digests, dict) or digests.keys() != {"sha256"}:
        raise Refused("subject", "the subject's digest is not one SHA-256")
    try:
        return Digest.parse(f"sha256:{digests['sha256']}"), entry["name"]
    except ValueError as error:
        raise Refused("subject", str(error)) from None


def _configure(converter: Converter) -> None:
    converter.register_unstructure_hook(datetime, written_time)
    converter.register_structure_hook(datetime, lambda value, _: _read_time(value))
    for kind in _NAMED_IN_CAMEL_CASE:
        _rename(converter, kind)


def _rename(converter: Converter, kind: type) -> None:
    """Fields in lower camel case, and those at their default left out."""
    from cattrs.gen import make_dict_unstructure_fn, override

    names: dict[str, Any] = {
        f.name: override(rename=_camel(f.name)) for f in dataclasses.fields(kind)
    }
    write: Any = make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True, **names)
    converter.register_unstructure_hook(kind, write)
    converter.register_structure_hook(kind, fields_reader(converter, kind, **names))


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda match: match[1].upper(), name)


# Those inside others first.
_NAMED_IN_CAMEL_CASE = (
    Commit, Harness, RequirementResult, WaiverUse, AcceptanceUse, Helper, YardstickChange, Regraded,
    LedgerHead, SuiteEvaluation, YardstickEvaluation, Resource, VerifierId,
    Evaluation, Summary, Approval, Admission,
)  # fmt: skip


def written_time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ShapeError("must be a text")
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ShapeError("must be a time like 2026-01-31T12:00:00Z") from None


_CODEC = Codec(_configure)
