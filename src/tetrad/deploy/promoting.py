"""Promoting: the identity that is live in one environment, of the same snapshot, into the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tetrad.admission import Question, Retained, kept, verified
from tetrad.deploy.deployer import Deployer, opened_store, stack_named
from tetrad.deploy.deploying import (
    DeployCandidate,
    Deployment,
    DeploymentRequest,
    Provision,
    settle,
)
from tetrad.deploy.merged_state import MergedState, merged_state, refuse_unrelated
from tetrad.errors import UsageError
from tetrad.model import Environment, Stack
from tetrad.pointer import ServedIdentity
from tetrad.registry import open_ledger, registry_place
from tetrad.snapshots.keeping import keep


def promote(
    root: Path,
    deployer: Deployer,
    stack: str,
    origin: Environment,
    *,
    reason: str = "",
    provision: Provision = lambda _: None,
) -> Deployment:
    """Serve what `origin` serves, once what it needs is provided; limits, keys and the rollout are those
    of the merged state.
    """
    with merged_state(root) as state, opened_store(root, deployer.environment) as store:
        ref, served, live = _live(root, stack, origin)
        before = store.current()
        target = deployer.environment.name
        if before is not None:
            refuse_unrelated(root, last=before.commit, new=state.commit, where=target)
            if ref in before.stacks:
                last = before.stacks[ref].live.commit
                refuse_unrelated(root, last=last, new=served.commit, where=target)
        candidate = _candidate(root, state, deployer.environment, served, live)
        request = DeploymentRequest(state=state, before=before, candidates=(candidate,), named=True)

        def provided(named: Sequence[DeployCandidate]) -> None:
            with open_ledger(registry_place(root)) as ledger:
                keep(ledger, live.snapshot)  # where who provides finds it
            provision(named)

        return settle(root, store, deployer, request, reason=reason, provision=provided)


def _live(root: Path, stack: str, origin: Environment) -> tuple[str, ServedIdentity, Retained]:
    with opened_store(root, origin) as store:
        pointer = store.current()
    if pointer is None:
        raise UsageError(f"nothing is deployed to {origin.name}")
    ref = stack_named(pointer, stack)
    if pointer.stacks[ref].rollout is not None:
        raise UsageError(
            f"{ref} is being rolled out in {origin.name}"
            f"\n  help: tetrad rollout continue {origin.name} {stack}"
        )
    served = pointer.stacks[ref].live
    return ref, served, kept(root, origin, served.snapshot)


def _candidate(
    root: Path, state: MergedState, environment: Environment, served: ServedIdentity, live: Retained
) -> DeployCandidate:
    stack = _served_by(state, environment, live)
    asked = Question(repository=state.repository, stack=stack, environment=environment)
    found = verified(root, asked)
    return DeployCandidate(asked=asked, found=found, snapshot=live.snapshot, commit=served.commit)


def _served_by(state: MergedState, environment: Environment, live: Retained) -> Stack:
    """The stack of a snapshot, served as the merged state says."""
    ref = live.snapshot.stack
    merged = state.repository.stacks.get(ref)
    if merged is None or environment.name not in merged.environments:
        raise UsageError(
            f"{ref} does not serve {environment.name} in the merged state"
            f"\n  help: add {environment.name} to serving: environments: of its file"
        )
    return replace(live.stack, serving=merged.serving)
