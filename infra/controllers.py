"""Who else owns objects: a controller that reconciles them would undo what another applies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tetrad

# What they leave on each object that they apply: annotations, labels, and names in managedFields.
_ARGO = "Argo CD"
_FLUX = "Flux"
_MARKS = {
    "argocd.argoproj.io/tracking-id": _ARGO,
    "argocd.argoproj.io/instance": _ARGO,
    "kustomize.toolkit.fluxcd.io/name": _FLUX,
    "helm.toolkit.fluxcd.io/name": _FLUX,
}
_MANAGERS = {
    "argocd-controller": _ARGO,
    "argocd-application-controller": _ARGO,
    "kustomize-controller": _FLUX,
    "helm-controller": _FLUX,
}


@dataclass(frozen=True, kw_only=True)
class Owned:
    """An object that a controller owns."""

    object: str
    controller: str

    def __str__(self) -> str:
        return f"{self.controller} owns {self.object}"


class OwnedByController(tetrad.TetradError):
    """Nothing is applied: the controller would put back what it knows."""

    exit_code = tetrad.ExitCode.REFUSED

    def __init__(self, owned: Sequence[Owned], environment: str) -> None:
        super().__init__(
            f"{_told(owned)}: nothing was applied"
            f"\n  help: let {owned[0].controller} apply what `tetrad render {environment}` writes,"
            f" then `tetrad deploy {environment} --no-apply`"
        )


def said_of_owners(owned: Sequence[Owned], environment: str) -> Iterator[str]:
    """Who applies what a preview shows."""
    if owned:
        yield f"{_told(owned)}: it applies this from what `tetrad render {environment}` writes"


def owned(names: Iterable[str], live: Mapping[str, Mapping[str, Any]]) -> list[Owned]:
    """Which of the objects that are to be applied a controller applies already."""
    found = []
    for name in names:
        controller = _controller(live[name]["metadata"]) if name in live else None
        if controller is not None:
            found.append(Owned(object=name, controller=controller))
    return found


def _told(owned: Sequence[Owned]) -> str:
    more = f", and {len(owned) - 1} more objects" if len(owned) > 1 else ""
    return f"{owned[0]}{more}"


def _controller(metadata: Mapping[str, Any]) -> str | None:
    marks = {**metadata.get("labels", {}), **metadata.get("annotations", {})}
    for mark, controller in _MARKS.items():
        if mark in marks:
            return controller
    for entry in metadata.get("managedFields", ()):
        if entry.get("subresource") is None and entry.get("manager") in _MANAGERS:
            return _MANAGERS[entry["manager"]]
    return None
