"""Models in a bill of materials: pinned files, licence, card, adapters with their lineage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import quote

from tetrad.canonical import Digest, Json, as_digested
from tetrad.identity import component_digest
from tetrad.identity.behaviour import behaviour
from tetrad.inventory.licences import licences
from tetrad.inventory.package_urls import container_url, package_url, version_of
from tetrad.model import Adapter, Model, Source, VllmEngine

# Keys of a `card` that CycloneDX has a place for; it keeps the others as properties.
_CONSIDERATIONS = {
    "users": "users",
    "intended_users": "users",
    "intended_use": "useCases",
    "intended_uses": "useCases",
    "use_cases": "useCases",
    "limits": "technicalLimitations",
    "limitations": "technicalLimitations",
    "tradeoffs": "performanceTradeoffs",
}


@dataclass(frozen=True, slots=True)
class BillEntry:
    """A component or a service of the document, and the references of what it needs."""

    ref: str
    document: Mapping[str, Json]
    needs: tuple[str, ...] = ()
    is_service: bool = field(default=False, kw_only=True)

    def excluded(self) -> Self:
        """The same as something that is no part of the stack."""
        return replace(self, document={**self.document, "scope": "excluded"})


def model_entry(model: Model) -> BillEntry:
    image = (model.engine.image,) if isinstance(model.engine, VllmEngine) else ()
    document: dict[str, Json] = {
        "type": "machine-learning-model",
        "bom-ref": model.ref,
        "name": model.ref,
        "version": version_of(model.source) or str(component_digest(model)),
        **described(model.description),
        **_licensed(model.license),
        **_origin(model.source),
        **_pinned(model.files),
        "modelCard": _card(model),
        "properties": properties(
            owner=model.owner,
            digest=str(component_digest(model)),
            engine=json.dumps(behaviour(model)["engine"], sort_keys=True),
        ),
    }
    adapters = tuple(entry.ref for entry in adapter_entries(model))
    return BillEntry(model.ref, document, (*adapters, *image))


def adapter_entries(model: Model) -> Iterator[BillEntry]:
    for number, adapter in enumerate(model.adapters, 1):
        ref = f"{model.ref}#adapter-{number}"
        document: dict[str, Json] = {
            "type": "machine-learning-model",
            "bom-ref": ref,
            "name": adapter.source.uri,
            **({"version": version} if (version := version_of(adapter.source)) else {}),
            **_origin(adapter.source),
            **_pinned(adapter.files),
            "pedigree": _pedigree(adapter),
            "modelCard": _trained_on(adapter.training_data),
        }
        yield BillEntry(ref, {key: value for key, value in document.items() if value != {}})


def container_entry(image: str) -> BillEntry:
    name, _, digest = image.partition("@")
    document: dict[str, Json] = {
        "type": "container",
        "bom-ref": image,
        "name": name,
        **({"version": digest} if digest else {}),
        "purl": container_url(image),
    }
    return BillEntry(image, document)


def described(description: str) -> dict[str, Json]:
    return {"description": description} if description else {}


def owned(owner: str) -> dict[str, Json]:
    governance: Json = {"owners": [{"organization": {"name": owner}}]}
    return {"governance": governance} if owner else {}


def as_uri(written: str) -> str:
    """An address with what no URI may hold written by percent signs."""
    return quote(written, safe="/:?#[]@!$&'()*+,;=%~")


def properties(**values: str) -> list[Json]:
    """Properties in Tetrad's name, of what has a value."""
    return [
        {"name": f"tetrad:{name}", "value": value} for name, value in values.items() if value != ""
    ]


def _licensed(written: str) -> dict[str, Json]:
    return {"licenses": found} if (found := licences(written)) else {}


def _origin(source: Source) -> dict[str, Json]:
    place: Json = {"type": "distribution", "url": as_uri(source.uri)}
    purl = package_url(source)
    return {**({"purl": purl} if purl else {}), "externalReferences": [place]}


def _pinned(files: Mapping[str, Digest]) -> dict[str, Json]:
    """The files, each with its digest; a model of one file has that digest too."""
    hashes = {
        name: [{"alg": "SHA-256", "content": digest.hex}] for name, digest in sorted(files.items())
    }
    inner: Json = [
        {"type": "file", "name": name, "hashes": digests} for name, digests in hashes.items()
    ]
    own = {"hashes": next(iter(hashes.values()))} if len(hashes) == 1 else {}
    return {**own, "components": inner} if hashes else {}


def _card(model: Model) -> Mapping[str, Json]:
    considerations: dict[str, list[Json]] = {}
    others: list[Json] = []
    for key, value in (model.card or {}).items():
        place = _CONSIDERATIONS.get(key)
        if place:
            considerations.setdefault(place, []).extend(map(_text, _listed(value)))
        else:
            others.append({"name": f"card:{key}", "value": _text(value)})
    card: dict[str, Json] = {"bom-ref": f"{model.ref}#card"}
    if considerations:
        card["considerations"] = considerations
    if others:
        card["properties"] = others
    return card


def _trained_on(data: Digest | None) -> Mapping[str, Json]:
    if data is None:
        return {}
    dataset: Json = {
        "type": "dataset",
        "name": "training data",
        "contents": {"properties": properties(digest=str(data))},
    }
    return {"modelParameters": {"datasets": [dataset]}}


def _pedigree(adapter: Adapter) -> Mapping[str, Json]:
    data = f" on {adapter.training_data}" if adapter.training_data else ""
    return {
        "ancestors": [{"type": "machine-learning-model", "name": adapter.base_model}],
        "notes": f"an adapter (LoRA), trained{data}",
    }


def _listed(value: Json) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(as_digested(value), ensure_ascii=False)
