"""A stack's bill of materials: CycloneDX 1.7 JSON, the same bytes for the same tree.

cyclonedx-python-lib, the usual library, knows neither model cards nor `data` components; the tests hold
what is written here against the schema that it carries.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tetrad import __version__
from tetrad.canonical import Digest, Json, digest_of
from tetrad.identity import component_digest, identity_of, written_identity
from tetrad.identity.behaviour import Component
from tetrad.identity.suite_digest import suite_digest
from tetrad.inventory.model_components import (
    BillEntry,
    adapter_entries,
    as_uri,
    container_entry,
    described,
    model_entry,
    owned,
    properties,
)
from tetrad.model import (
    Corpus,
    HttpRun,
    McpRun,
    Model,
    Prompt,
    PythonRun,
    Stack,
    Suite,
    Tool,
    VllmEngine,
)
from tetrad.plan.changes import prompt_files

SPEC = "1.7"


@dataclass(frozen=True, kw_only=True, slots=True)
class Materials:
    """A stack, the suites that judge it, and the digests of the files that its identity comes from."""

    stack: Stack
    suites: Sequence[Suite]
    files: Mapping[str, Digest]
    documents: int = 0  # of its corpus


def bill_of_materials(materials: Materials) -> str:
    """The document's text. It has no time of its own: the identity stands for what it is about."""
    identity = written_identity(identity_of(materials.stack))
    components, services, dependencies = _collected(materials, identity)
    said: dict[str, Json] = {
        "metadata": _metadata(materials.stack, identity),
        "components": components,
        "dependencies": dependencies,
    }
    if services:
        said["services"] = services
    document: dict[str, Json] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        # another document of the same identity has another one: its suites and owners can differ
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, str(digest_of(said)))}",
        "version": 1,
        **said,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _metadata(stack: Stack, identity: str) -> Mapping[str, Json]:
    tetrad: Json = {"type": "application", "name": "tetrad", "version": __version__}
    component: dict[str, Json] = {
        "type": "application",
        "bom-ref": identity,
        "name": stack.ref,
        "version": identity,
        **described(stack.description),
        "properties": properties(identity=identity, owner=stack.owner),
    }
    return {"tools": {"components": [tetrad]}, "component": component}


def _collected(materials: Materials, identity: str) -> tuple[list[Json], list[Json], list[Json]]:
    """Components, services and dependencies, in the order of their references."""
    entries = {entry.ref: entry for entry in _needed(materials)}
    direct = sorted(entry.ref for entry in _direct(materials))
    for entry in _judging(materials):
        entries.setdefault(entry.ref, entry)
    ordered = [entries[ref] for ref in sorted(entries)]
    needs: list[Json] = [{"ref": identity, "dependsOn": direct}]
    needs += [
        {"ref": entry.ref, "dependsOn": sorted(entry.needs)} if entry.needs else {"ref": entry.ref}
        for entry in ordered
    ]
    components: list[Json] = [entry.document for entry in ordered if not entry.is_service]
    services: list[Json] = [entry.document for entry in ordered if entry.is_service]
    return components, services, needs


def _direct(materials: Materials) -> Iterator[BillEntry]:
    """What the stack itself names."""
    stack = materials.stack
    yield _prompt_entry(stack.prompt, materials.files)
    yield model_entry(stack.model)
    if stack.retrieval is not None:
        yield _corpus_entry(stack.retrieval.corpus, materials.documents)
    yield from (_tool_entry(tool, materials.files) for tool in stack.tools)


def _needed(materials: Materials) -> Iterator[BillEntry]:
    """All of it: what the stack names, and what that needs."""
    stack = materials.stack
    yield from _direct(materials)
    yield from _of_model(stack.model)
    if stack.retrieval is not None:
        yield from _of_model(stack.retrieval.corpus.embedding)
    if stack.prompt.select is not None:
        yield from _of_model(stack.prompt.select.embedding)


def _of_model(model: Model) -> Iterator[BillEntry]:
    yield model_entry(model)
    yield from adapter_entries(model)
    if isinstance(model.engine, VllmEngine):
        yield container_entry(model.engine.image)


def _judging(materials: Materials) -> Iterator[BillEntry]:
    """Golden sets and the models of judges: what evaluated the stack, and is no part of it."""
    for suite in materials.suites:
        yield _golden_entry(suite)
        for judge in suite.judges.values():
            for entry in _of_model(judge.model):
                yield entry.excluded()


def _prompt_entry(prompt: Prompt, files: Mapping[str, Digest]) -> BillEntry:
    needs = (prompt.select.embedding.ref,) if prompt.select else ()
    document: dict[str, Json] = {
        **_head("data", prompt),
        "data": [_data("configuration", prompt)],
        "components": _files(prompt_files(prompt), files),
        "properties": properties(owner=prompt.owner),
    }
    return BillEntry(prompt.ref, _without_nothing(document), needs)


def _corpus_entry(corpus: Corpus, documents: int) -> BillEntry:
    document: dict[str, Json] = {
        **_head("data", corpus),
        "data": [_data("dataset", corpus)],
        "properties": properties(
            owner=corpus.owner,
            documents=str(documents),
            root=str(corpus.digest),
            path=corpus.documents.path,
        ),
    }
    return BillEntry(corpus.ref, _without_nothing(document), (corpus.embedding.ref,))


def _golden_entry(suite: Suite) -> BillEntry:
    golden = suite.golden
    document: dict[str, Json] = {
        "type": "data",
        "bom-ref": golden.path,
        "name": golden.path,
        "version": str(golden.digest),
        "scope": "excluded",
        **described(suite.description),
        "data": [{"type": "dataset", "name": golden.path, **owned(suite.owner)}],
        "properties": properties(
            suite=suite.ref, suite_digest=str(suite_digest(suite)), cases=str(len(golden.cases))
        ),
    }
    return BillEntry(golden.path, document)


def _tool_entry(tool: Tool, files: Mapping[str, Digest]) -> BillEntry:
    """Code of the repository is a component; what answers over the network is a service."""
    about = properties(
        owner=tool.owner, effect=tool.effect or "", name=tool.name, digest=_digest(tool)
    )
    if isinstance(tool.run, PythonRun):
        code = {tool.location.file, tool.run.path, *(m.file for m in tool.run.modules)}
        document: dict[str, Json] = {
            **_head("application", tool),
            "version": str(tool.version),
            "components": _files(code, files),
            "properties": about,
        }
        return BillEntry(tool.ref, _without_nothing(document))
    service: dict[str, Json] = {
        "bom-ref": tool.ref,
        "name": tool.ref,
        "version": str(tool.version),
        **described(tool.description),
        "properties": about,
    }
    if isinstance(tool.run, HttpRun):
        service |= {
            "endpoints": [as_uri(tool.run.url)],
            "authenticated": bool(tool.run.headers_env),
            "x-trust-boundary": True,
        }
    elif isinstance(tool.run, McpRun):
        service["properties"] = [*about, *properties(mcp_server=tool.run.server)]
    return BillEntry(tool.ref, service, is_service=True)


def _head(kind: str, component: Prompt | Corpus | Tool) -> dict[str, Json]:
    return {
        "type": kind,
        "bom-ref": component.ref,
        "name": component.ref,
        "version": _digest(component),
        **described(component.description),
    }


def _digest(component: Component) -> str:
    return str(component_digest(component))


def _data(kind: str, component: Prompt | Corpus) -> Json:
    return {"type": kind, "name": component.ref, **owned(component.owner)}


def _files(paths: Iterable[str], files: Mapping[str, Digest]) -> list[Json]:
    return [
        {
            "type": "file",
            "name": path,
            "hashes": [{"alg": "SHA-256", "content": files[path].hex}],
        }
        for path in sorted(set(paths))
        if path in files
    ]


def _without_nothing(document: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in document.items() if value not in ([], "")}
