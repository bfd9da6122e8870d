"""Who may ask an environment's gateway: clients with their keys, and limits."""

from __future__ import annotations

from typing import Any

from tetrad.canonical import Digest
from tetrad.loading.build_serving import check_limits
from tetrad.loading.context import Context
from tetrad.loading.fields import Fields
from tetrad.model.references import reference_of
from tetrad.model.serving import Access, Client, UseLimits
from tetrad.yamldoc.parse import Path


def build_access(fields: Fields, context: Context) -> Access:
    clients: dict[str, Client] = {}
    given: dict[str, str] = {}
    for tenant, raw in fields.get("clients", {}).items():
        path: Path = ("clients", tenant)
        for number, key in enumerate(raw["keys"]):
            if key in given:
                message = f"{given[key]} has this key already"
                hint = "give each client keys of its own: `tetrad keys client TENANT`"
                context.report(fields.issue((*path, "keys", number), message, hint))
            given.setdefault(key, tenant)
        clients[tenant] = _client(fields, context, path, raw)
    limits = check_limits(fields, context, ("limits",)) if "limits" in fields.values else None
    return Access(clients=clients, limits=limits or UseLimits())


def _client(fields: Fields, context: Context, path: Path, raw: dict[str, Any]) -> Client:
    count = len(raw.get("stacks", ()))
    stacks = [check_stack(fields, context, (*path, "stacks", number)) for number in range(count)]
    limits = check_limits(fields, context, (*path, "budget")) if "budget" in raw else UseLimits()
    return Client(
        tenant=str(path[-1]),
        keys=tuple(map(Digest.parse, raw["keys"])),
        stacks=tuple(stack for stack in stacks if stack is not None),
        limits=limits,
    )


def check_stack(fields: Fields, context: Context, path: Path) -> str | None:
    """The reference of a stack; None, reported, where there is none."""
    file = context.names(fields, path, "stack")
    return None if file is None else reference_of(file)
