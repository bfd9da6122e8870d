"""What the pointers of environments say against identities."""

from __future__ import annotations

from pathlib import Path

from tetrad.identity import identity_of
from tetrad.model import Environment, Stack
from tetrad.pointer import Deployers, Pointer
from tetrad.registry import registry_place


class Withdrawals:
    """The withdrawals of a registry; each environment's pointer is read once."""

    def __init__(self, root: Path) -> None:
        self._place = registry_place(root)
        self._pointers: dict[str, Pointer | None] = {}

    def why(self, environment: Environment, stack: Stack) -> str:
        """Why a stack's identity is withdrawn from an environment; empty where it is not."""
        if environment.name not in self._pointers:
            self._pointers[environment.name] = self._pointer(environment)
        pointer = self._pointers[environment.name]
        served = None if pointer is None else pointer.stacks.get(stack.ref)
        withdrawal = None if served is None else served.withdrawal_of(identity_of(stack))
        return "" if withdrawal is None else withdrawal.why

    def _pointer(self, environment: Environment) -> Pointer | None:
        from tetrad.pointer.pointer_store import PointerStore

        store = PointerStore.existing(self._place, Deployers.of(environment))
        if store is None:
            return None
        with store:
            return store.current()
