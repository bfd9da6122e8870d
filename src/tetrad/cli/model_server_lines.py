"""Which model servers an environment in Kubernetes has: what of each is ready, why not all, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tetrad.pointer import Pointer, StackPointer

# In this order. The last two: what is checked out and was not deployed yet; what served lately.
_ROLES = ("live", "new", "warm", "withdrawn", "merged", "earlier")


def with_roles(servers: Sequence[Mapping[str, Any]], pointer: Pointer | None) -> list[Any]:
    """What `infra/status.py` told, with what the pointer says of each identity."""
    return [
        {
            **server,
            "used_by": None
            if server["used_by"] is None
            else [
                {
                    "stack": used["stack"],
                    "identity": used["identity"],
                    "role": _role(pointer, used),
                }
                for used in server["used_by"]
            ],
        }
        for server in servers
    ]


def _role(pointer: Pointer | None, used: Mapping[str, Any]) -> str:
    from tetrad.identity import written_identity

    stack = None if pointer is None else pointer.stacks.get(used["stack"])
    for role, identities in _by_role(stack):
        if used["identity"] in map(written_identity, identities):
            return role
    return "merged" if used["merged"] else "earlier"


def _by_role(stack: StackPointer | None) -> Iterator[tuple[str, list[Any]]]:
    if stack is None:
        return
    yield "live", [stack.live.identity]
    yield "new", [] if stack.rollout is None else [stack.rollout.to.identity]
    yield "warm", [served.identity for served in stack.warm]
    yield "withdrawn", [withdrawal.identity for withdrawal in stack.withdrawn]


def server_lines(servers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Two or more lines a server. What others wrote into objects of the cluster begins no line."""
    from tetrad.text import one_line

    for server in servers:
        of = f" ({server['model']})" if server["model"] else ""
        why = f": {'; '.join(server['why'])}" if server["why"] else ""
        ready = f"{server['ready']} of {server['wanted']} ready"
        said = f"{server['name']}{of}, {ready}{why}"
        yield f"  {one_line(said)}"
        if server["used_by"] is None:
            yield "    used by: unknown"
        elif not server["used_by"]:
            yield "    used by: nothing"
        else:
            yield from _users(server["used_by"])


def _users(used_by: Sequence[Mapping[str, str]]) -> Iterator[str]:
    from tetrad.identity import read_identity, short

    for role in _ROLES:
        named = [
            f"{used['stack']} {short(read_identity(used['identity']))}"
            for used in used_by
            if used["role"] == role
        ]
        if named:
            yield f"    {role}: {', '.join(named)}"
