"""Deploying the merged state: every identity is verified, or nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tetrad.admission import KeptEvidence, Question, verified_each
from tetrad.admission.admitting import admit
from tetrad.deploy.deployer import Deployer, opened_store
from tetrad.deploy.merged_state import MergedState, merged_state, refuse_unrelated
from tetrad.errors import UsageError
from tetrad.evidence import Verification
from tetrad.loading.parsed import Parsed
from tetrad.loading.repositories import find
from tetrad.model import Environment, Stack
from tetrad.pointer import Pointer
from tetrad.pointer.kept_pointers import KeptPointers
from tetrad.pointer.transitions import Merged, Wanted, deployed
from tetrad.registry import open_ledger, registry_place
from tetrad.snapshots import Snapshot, keeping, take_snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployCandidate:
    """An identity that is to serve, and whether it may."""

    asked: Question
    found: Verification
    snapshot: Snapshot
    commit: str

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            identity=self.found.identity,
            snapshot=self.snapshot.digest,
            commit=self.commit,
            serving=self.asked.stack.serving,
        )


# Makes ready what identities need before traffic moves to them: those named, or for none all that are
# merged.
Provision: TypeAlias = Callable[[Sequence[DeployCandidate]], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeploymentRequest:
    """What is to be deployed in place of what."""

    state: MergedState
    before: Pointer | None
    candidates: tuple[DeployCandidate, ...]
    named: bool  # whether somebody named these stacks: they are all that is deployed


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What became of a deployment. With refusals, nothing was written."""

    before: Pointer | None
    after: Pointer | None  # as it serves now; None where nothing was ever deployed
    stacks: tuple[str, ...] = ()  # that it was about
    refused: tuple[DeployCandidate, ...] = ()
    # withdrawn, and not asked for by name: they stay as they are
    left: tuple[DeployCandidate, ...] = ()
    doubtful: tuple[DeployCandidate, ...] = ()  # they serve, and would not be admitted today

    @property
    def changes(self) -> bool:
        return self.before != self.after


def deploy(
    root: Path,
    deployer: Deployer,
    names: Sequence[str],
    *,
    reason: str = "",
    provision: Provision = lambda _: None,
) -> Deployment:
    """Serve the commit that is checked out, or some of its stacks, once what they need is provided."""
    _record(root, deployer.environment)
    with merged_state(root) as state, opened_store(root, deployer.environment) as store:
        request = _request(root, deployer.environment, state, store.current(), names)
        return settle(root, store, deployer, request, reason=reason, provision=provision)


def previewed(
    root: Path, deployer: Deployer, names: Sequence[str], *, provision: Provision
) -> Deployment:
    """What `deploy` would make of the pointer, after what would be provided; nothing is written."""
    _record(root, deployer.environment)
    with merged_state(root) as state, opened_store(root, deployer.environment) as store:
        request = _request(root, deployer.environment, state, store.current(), names)
        partition = _partition(request)
        if partition.refused:
            return Deployment(
                before=request.before, after=request.before, refused=partition.refused
            )
        provision(request.candidates if request.named else ())
        return _deployment(request, partition, _next(request, deployer, store))


def _record(root: Path, environment: Environment) -> None:
    """Let the registry know the pointer of a cluster: withdrawals are looked up there, and somebody may
    have rolled back while it was away.
    """
    if environment.cluster is not None:
        with opened_store(root, environment) as store:
            store.current()


def _request(
    root: Path,
    environment: Environment,
    state: MergedState,
    before: Pointer | None,
    names: Sequence[str],
) -> DeploymentRequest:
    if before is not None:
        refuse_unrelated(root, last=before.commit, new=state.commit, where=environment.name)
    stacks = _stacks(state, environment, names)
    candidates = _candidates(root, state, stacks, environment)
    return DeploymentRequest(
        state=state,
        before=before,
        candidates=tuple(candidates),
        named=bool(names),
    )


def settle(
    root: Path,
    store: KeptPointers,
    deployer: Deployer,
    request: DeploymentRequest,
    *,
    reason: str,
    provision: Provision = lambda _: None,
) -> Deployment:
    """Append the pointer by which the candidates serve, unless some of them may not; PointerMoved where
    the pointer is no longer the one that the commit was held against.

    `provision` is called in between, with the candidates if stacks were named.
    """
    partition = _partition(request)
    if partition.refused:
        return Deployment(before=request.before, after=request.before, refused=partition.refused)
    provision(request.candidates if request.named else ())
    _keep(root, deployer, request.state.commit, partition.others)
    after = _next(request, deployer, store, reason)
    if after is not None:
        store.append(deployer.seal(after))
    return _deployment(request, partition, after)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Partition:
    """The candidates, by what becomes of them."""

    refused: tuple[DeployCandidate, ...]
    left: tuple[DeployCandidate, ...]
    doubtful: tuple[DeployCandidate, ...]
    others: tuple[DeployCandidate, ...]  # that are to serve


def _partition(request: DeploymentRequest) -> _Partition:
    candidates = request.candidates
    doubtful = [one for one in candidates if not one.found.is_yes and _answers(request.before, one)]
    left = [one for one in candidates if one.found.withdrawn and not request.named]
    set_apart = {one.asked.stack.ref for one in (*doubtful, *left)}
    others = [one for one in candidates if one.asked.stack.ref not in set_apart]
    refused = [one for one in others if not one.found.is_yes]
    if left and len(left) == len(candidates):
        refused = refused or left
    return _Partition(
        refused=tuple(refused), left=tuple(left), doubtful=tuple(doubtful), others=tuple(others)
    )


def _next(
    request: DeploymentRequest, deployer: Deployer, store: KeptPointers, reason: str = ""
) -> Pointer | None:
    """The pointer by which the candidates serve; None where that is so already."""
    environment = deployer.environment
    merged = Merged(
        environment=environment.name,
        commit=request.state.commit,
        stacks={one.asked.stack.ref: one.wanted for one in request.candidates},
        access=environment.access,
        retain=environment.retain,
    )
    only = [one.asked.stack.ref for one in request.candidates] if request.named else None
    return deployed(request.before, merged, deployer.act(store.now(), reason), only=only)


def _deployment(
    request: DeploymentRequest, partition: _Partition, after: Pointer | None
) -> Deployment:
    return Deployment(
        before=request.before,
        after=after or request.before,
        stacks=tuple(one.asked.stack.ref for one in request.candidates),
        left=partition.left,
        doubtful=partition.doubtful,
    )


def stranded(root: Path, pointer: Pointer) -> Iterator[tuple[str, str, str]]:
    """The identities that are kept ready and that a gateway of this release cannot load: each as its
    stack, itself, and the release that can.
    """
    import json

    from tetrad.identity import RUNTIME, short

    with open_ledger(registry_place(root)) as ledger:
        for stack, served in pointer.loaded():
            manifest = ledger.content(served.snapshot)
            said = {} if manifest is None else json.loads(manifest)
            if said and said.get("runtime") != RUNTIME:
                yield stack.stack, short(served.identity), str(said.get("release"))


def _stacks(state: MergedState, environment: Environment, names: Sequence[str]) -> list[Stack]:
    """The stacks of the merged state that serve the environment, or those named."""
    known = state.repository.stacks
    serving = [stack for stack in known.values() if environment.name in stack.environments]
    if not serving:
        raise UsageError(
            f"no stack serves {environment.name}"
            f"\n  help: serving: {{environments: [{environment.name}]}} in a stack's file"
        )
    named = [known[find(state.repository, name, known)] for name in names]
    for stack in named:
        if stack not in serving:
            raise UsageError(
                f"{stack.ref} does not serve {environment.name}"
                f"\n  help: add {environment.name} to serving: environments: of"
                f" {stack.location.file}"
            )
    return named or serving


def _candidates(
    root: Path, state: MergedState, stacks: Sequence[Stack], environment: Environment
) -> list[DeployCandidate]:
    questions = [
        Question(repository=state.repository, stack=stack, environment=environment)
        for stack in stacks
    ]
    parsed = Parsed()
    return [
        DeployCandidate(
            asked=asked,
            found=found,
            snapshot=take_snapshot(state.repository.files, asked.stack.ref, parsed),
            commit=state.commit,
        )
        for asked, found in zip(questions, verified_each(root, questions), strict=True)
    ]


def _answers(pointer: Pointer | None, candidate: DeployCandidate) -> bool:
    """Whether an identity answers already: it is not taken away by being deployed again."""
    stack = pointer.stacks.get(candidate.asked.stack.ref) if pointer else None
    return stack is not None and candidate.found.identity in {s.identity for s in stack.answering}


def _keep(
    root: Path, deployer: Deployer, commit: str, candidates: Sequence[DeployCandidate]
) -> None:
    """Record admissions, once each, and keep what gateways load."""
    with KeptEvidence(root) as kept, open_ledger(registry_place(root)) as ledger:
        if deployer.key is None:
            keeping.keep_each(ledger, [one.snapshot for one in candidates])
            return
        keeping.keep_each(ledger, [one.snapshot for one in candidates if one.found.admitted])
        for one in candidates:
            if not one.found.admitted:
                admit(
                    kept,
                    one.asked.stack,
                    one.found,
                    commit=commit,
                    key=deployer.key,
                    snapshot=one.snapshot,
                )
