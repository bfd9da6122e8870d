"""What an environment's pointer says against an identity."""

from __future__ import annotations

from pathlib import Path

from tetrad.identity import identity_of
from tetrad.model import Environment, Stack
from tetrad.pointer import Deployers
from tetrad.registry import registry_place


def withdrawn_from(root: Path, environment: Environment, stack: Stack) -> str:
    """Why a stack's identity is withdrawn from an environment; empty where it is not."""
    from tetrad.pointer.pointer_store import PointerStore

    store = PointerStore.existing(registry_place(root), Deployers.of(environment))
    if store is None:
        return ""
    with store:
        pointer = store.current()
    served = None if pointer is None else pointer.stacks.get(stack.ref)
    withdrawal = None if served is None else served.withdrawal_of(identity_of(stack))
    return "" if withdrawal is None else withdrawal.why
