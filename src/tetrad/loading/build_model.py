"""Models: source, pins, engine; a scripted engine's answers are read here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tetrad.canonical import Digest, digest_of
from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.model import (
    Adapter,
    EngineSpec,
    Fingerprint,
    Model,
    OpenAIEngine,
    Prices,
    Probe,
    ScriptedAnswer,
    ScriptedEngine,
    Source,
    TorchEngine,
    VllmEngine,
)
from tetrad.model.defaults import picked
from tetrad.schemas.check import check_value, issue_at, issue_of
from tetrad.yamldoc.jsonl import json_lines
from tetrad.yamldoc.parse import Path, parse


def build_model(fields: Fields, context: Context) -> Model:
    return Model(
        ref=fields.ref,
        location=fields.location,
        description=fields.text("description"),
        owner=fields.text("owner"),
        source=_source(fields.text("source")),
        files=_files(fields.get("files")),
        engine=_engine(fields, context),
        context_window=fields.get("context_window"),
        adapters=tuple(_adapter(raw) for raw in fields.get("adapters", ())),
        license=fields.text("license"),
        resources=fields.get("resources", {}),
        load_seconds=fields.get("load_seconds"),
        prices=_prices(fields.get("prices")),
        fingerprint=_fingerprint(fields, context),
        card=fields.get("card"),
    )


def _source(uri: str) -> Source:
    scheme: Any = uri.split("://", 1)[0]
    return Source(uri=uri, scheme=scheme)


def _files(raw: Mapping[str, str] | None) -> Mapping[str, Digest]:
    return {name: Digest.parse(written) for name, written in (raw or {}).items()}


def _adapter(raw: Mapping[str, Any]) -> Adapter:
    data = raw.get("training_data")
    return Adapter(
        source=_source(raw["source"]),
        files=_files(raw["files"]),
        base_model=raw["base_model"],
        training_data=Digest.parse(data) if data else None,
    )


def _prices(raw: Mapping[str, float] | None) -> Prices | None:
    if raw is None:
        return None
    return Prices(**raw)


def _engine(fields: Fields, context: Context) -> EngineSpec:
    ((name, raw),) = fields.values["engine"].items()
    if name == "torch":
        return TorchEngine(**raw)
    if name == "openai":
        return OpenAIEngine(**raw)
    if name == "vllm":
        return VllmEngine(**raw)
    return _scripted(*answers_at(fields, context, ("engine", "scripted", "answers")))


def _fingerprint(fields: Fields, context: Context) -> Fingerprint | None:
    raw = fields.get("fingerprint")
    if raw is None:
        return None
    digest = raw.get("digest")
    return Fingerprint(
        probes=probes_at(fields, context, ("fingerprint", "probes")),
        digest=Digest.parse(digest) if digest else None,
    )


def probes_at(fields: Fields, context: Context, path: Path) -> tuple[Probe, ...]:
    """The probes in the file that a fingerprint names, one a line."""
    found = context.data(fields, path, fields.value(path))
    if found is None:
        return ()
    probes = []
    for location, value in json_lines(found[1], found[0], context.report):
        problems = list(check_value(value, "model", "probe"))
        context.report(*(issue_at(location, problem) for problem in problems))
        if not problems:
            probes.append(Probe(**value))
    return tuple(probes)


def answers_at(fields: Fields, context: Context, path: Path) -> tuple[str, list[Mapping[str, Any]]]:
    """The file that a scripted engine names, and the answers in it."""
    found = context.data(fields, path, fields.value(path))
    if found is None:
        raise NotBuilt
    try:
        return found[0], [raw for _, raw in _answers(*found)]
    except SpecError as error:
        context.report(*error.issues)
        raise NotBuilt from None


def _scripted(file: str, answers: list[Mapping[str, Any]]) -> ScriptedEngine:
    return ScriptedEngine(
        answers=tuple(
            ScriptedAnswer(
                tool_calls=tuple(raw.get("tool_calls", ())),
                **picked(raw, "contains", "output"),
            )
            for raw in answers
        ),
        digest=digest_of(answers),
        location=Location(file),
    )


def _answers(file: str, data: bytes) -> Iterator[tuple[Location, Mapping[str, Any]]]:
    """Answers of a .jsonl file, one a line, or of a YAML list; all are checked first."""
    if file.endswith(".jsonl"):
        issues: list[Issue] = []
        lines = list(json_lines(data, file, issues.append))
        issues += [
            issue_at(location, problem)
            for location, value in lines
            for problem in check_value(value, "model", "answer")
        ]
        if issues:
            raise SpecError(issues)
        yield from lines
        return
    document = parse(data, file)
    issues = [issue_of(document, p) for p in check_value(document.value, "model", "answers")]
    if issues:
        raise SpecError(issues)
    for number, value in enumerate(document.value):
        yield document.at((number,)), value
