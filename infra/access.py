"""Which rights people and jobs have in an environment's namespace: an administrator applies them, and
nothing here does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import tetrad
from objects.kubernetes import Object, object_name

_FOLDER = "infra/access"
_KINDS = ("Role", "RoleBinding", "ServiceAccount")


def given_access(root: Path, namespace: str) -> dict[str, Object]:
    """By KIND/NAME, from the manifests of the folder; what they say of other namespaces and of the whole
    cluster is left out.
    """
    return {
        object_name(obj): obj
        for file in sorted((root / _FOLDER).glob("*.yaml"))
        for obj in _read(file)
        if obj["kind"] in _KINDS and obj["metadata"].get("namespace") == namespace
    }


def _read(file: Path) -> Iterator[Any]:
    try:
        documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise tetrad.UsageError(f"{_FOLDER}/{file.name} cannot be read: {error}") from error
    for obj in filter(None, documents):
        if not _is_object(obj):
            raise tetrad.UsageError(f"{_FOLDER}/{file.name} has a document that is no object")
        yield obj


def _is_object(obj: Any) -> bool:
    try:
        return all(isinstance(obj[key], str) for key in ("apiVersion", "kind")) and isinstance(
            obj["metadata"]["name"], str
        )
    except (KeyError, TypeError):
        return False
