"""`tetrad status [ENV…]`: what serves where, since when, and on whose evidence."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tetrad.cli.folding import folded
from tetrad.cli.infra_program import ask_script, has_script
from tetrad.cli.model_server_lines import server_lines, with_roles
from tetrad.cli.options import add_format
from tetrad.cli.output import print_status, print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.tables import table_lines
from tetrad.errors import ClusterError, DatabaseError, ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.canonical import Digest
    from tetrad.cli.signed_statements import SignedStatement
    from tetrad.model import Environment
    from tetrad.pointer import GatewayState, Pointer, ServedIdentity, StackPointer
    from tetrad.pointer.daily_budgets import DailyBudget
    from tetrad.registry.spent import SpentToday


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "environments", nargs="*", metavar="ENV", help="environments (default: all)"
    )
    add_format(parser, "text", "json")


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """An environment, as the registry has it."""

    environment: Environment
    pointer: Pointer | None
    gateways: tuple[GatewayState, ...] = ()
    lost: tuple[GatewayState, ...] = ()
    ignores_last: bool = False
    problem: str = ""  # why nothing is known of it
    spent: SpentToday | None = None  # None where nothing has a limit of money, or nobody knows
    servers: Sequence[Any] | None = None  # of models; None where nobody tells, or outside a cluster


# What was signed about an identity for an environment.
_Signed: TypeAlias = "dict[tuple[str, Digest], list[SignedStatement]]"
_SCRIPT = "status.py"


def run(args: Namespace) -> ExitCode:
    root = root_of(args)
    environments = _environments(root, args.environments)
    standing = [_with_servers(root, _standing(root, one)) for one in environments]
    said, problem = _said_if_known(root, standing)
    if args.format == "json":
        write_out(json.dumps([_document(one, said) for one in standing], indent=2) + "\n")
    else:
        blocks = ["\n".join(_lines(one, said)) for one in standing if not one.problem]
        print_text(folded("\n\n".join(blocks)) + "\n" if blocks else "")
    problems = [*(one.problem for one in standing if one.problem), *([problem] if problem else [])]
    problems += [
        f"{one.environment.name}: cannot tell which model servers there are"
        for one in standing
        if _has_servers(root, one) and one.servers is None
    ]
    print_status("".join(f"{text}\n" for text in problems))
    return ExitCode.INCONCLUSIVE if problems else ExitCode.PASSED


def _environments(root: Path, names: Sequence[str]) -> Sequence[Environment]:
    from tetrad.loading.environments import environment_named
    from tetrad.loading.files import Tree
    from tetrad.loading.repositories import load_repository
    from tetrad.model import ENVIRONMENTS
    from tetrad.trees import WorkingTree

    if names:
        return [environment_named(root, name) for name in names]
    files = Tree(WorkingTree(root)).below(ENVIRONMENTS)
    found = [file for file in files if file.endswith((".yaml", ".yml"))]
    if not found:
        raise UsageError(f"no environments\n  help: {ENVIRONMENTS}/NAME.yaml describes one")
    return tuple(load_repository(root, found).environments.values())


def _standing(root: Path, environment: Environment) -> Standing:
    from tetrad.deploy.deployer import existing_store

    store = existing_store(root, environment)
    if store is None:
        return Standing(environment=environment, pointer=None)
    try:
        with store:
            pointer = store.current()
            return Standing(
                environment=environment,
                pointer=pointer,
                spent=None if pointer is None else _spent(root, environment, pointer),
                gateways=store.gateways(),
                lost=store.lost_gateways(),
                ignores_last=store.ignores_last(),
            )
    except ClusterError as error:
        problem = f"{environment.name}: {error}"
        return Standing(environment=environment, pointer=None, problem=problem)


def _has_servers(root: Path, one: Standing) -> bool:
    return one.environment.cluster is not None and not one.problem and has_script(root, _SCRIPT)


def _with_servers(root: Path, one: Standing) -> Standing:
    if not _has_servers(root, one):
        return one
    _, servers = ask_script(root, _SCRIPT, str(root), one.environment.name)
    return one if servers is None else replace(one, servers=with_roles(servers, one.pointer))


def _spent(root: Path, environment: Environment, pointer: Pointer) -> SpentToday | None:
    from tetrad.deploy.deployer import registry_of
    from tetrad.pointer.daily_budgets import budgets_of
    from tetrad.registry.spent import spent_today

    if not budgets_of(pointer, {}):
        return None
    try:
        return spent_today(registry_of(root), environment.name)
    except DatabaseError:
        if environment.cluster is None:
            raise
        return None  # a cluster says what serves without its registry


def _said_if_known(root: Path, standing: Sequence[Standing]) -> tuple[_Signed | None, str]:
    """What was signed; None, and why, where only clusters answer."""
    try:
        return _said(root, standing), ""
    except DatabaseError as error:
        if not any(one.pointer is not None and one.environment.cluster for one in standing):
            raise
        return None, f"cannot tell who signed: {error}"


def _said(root: Path, standing: Sequence[Standing]) -> _Signed:
    """What was signed for an environment about each identity that it keeps ready."""
    from tetrad.admission import KeptEvidence
    from tetrad.cli.signed_statements import statements_about

    wanted = {
        (one.environment.name, served.identity): one.environment
        for one in standing
        if one.pointer is not None
        for _, served in one.pointer.loaded()
    }
    with KeptEvidence(root) as kept:
        envelopes = kept.about_each({identity for _, identity in wanted})
    return {
        (name, identity): [
            said
            for said in statements_about(envelopes[identity], identity, [environment])
            if said.environment == name
        ]
        for (name, identity), environment in wanted.items()
    }


def _lines(one: Standing, said: _Signed | None) -> Iterator[str]:
    name, pointer = one.environment.name, one.pointer
    if pointer is None:
        yield f"{name}: nothing is deployed"
    if one.ignores_last:
        file = one.environment.location.file
        yield (
            f"{name}: the last version there is ignored: no deployer of {file} signed it,"
            " or it is an old one"
        )
    if pointer is None:
        yield from _server_lines(one)
        return
    by = f" by {pointer.change.by}" if pointer.change.by else ""
    yield (
        f"{name} {pointer.number}: {pointer.change.kind}{by},"
        f" {pointer.at:%Y-%m-%d %H:%M} UTC, commit {pointer.commit[:12]}"
    )
    rows = [
        (role, *_row(stack, served), _signers(said, name, stack.stack, served))
        for stack in pointer.stacks.values()
        for role, served in _roles(stack)
    ]
    yield from table_lines(("", "STACK", "IDENTITY", "SINCE (UTC)", "COMMIT", "SIGNED BY"), rows)
    yield from _withdrawn(pointer)
    yield from _server_lines(one)
    yield from _spent_lines(one, pointer)
    yield from _gateways(one, pointer)


def _roles(stack: StackPointer) -> Iterator[tuple[str, ServedIdentity]]:
    if stack.rollout is None:
        yield "live", stack.live
    else:
        yield f"live {100 - stack.rollout.percent:g} %", stack.live
        yield f"new {stack.rollout.percent:g} %", stack.rollout.to
    for served in stack.warm:
        yield "warm", served


def _row(stack: StackPointer, served: ServedIdentity) -> tuple[str, ...]:
    from tetrad.identity import short

    since = f"{served.since:%Y-%m-%d %H:%M}"
    return stack.stack, short(served.identity), since, served.commit[:12]


def _signers(said: _Signed | None, environment: str, stack: str, served: ServedIdentity) -> str:
    if said is None:
        return "unknown"
    found = [one for one in said.get((environment, served.identity), []) if one.stack == stack]
    return ", ".join(dict.fromkeys(name for one in found for name in one.signers)) or "nobody"


def _withdrawn(pointer: Pointer) -> Iterator[str]:
    from tetrad.identity import short

    for stack in pointer.stacks.values():
        for withdrawal in stack.withdrawn:
            yield f"  {stack.stack}: {short(withdrawal.identity)} was {withdrawal.why}"


def _server_lines(one: Standing) -> Iterator[str]:
    if one.servers is not None:
        yield from server_lines(one.servers)
    elif one.environment.cluster is not None:
        yield "  which model servers there are is unknown"


def _budgets(one: Standing) -> Sequence[DailyBudget]:
    from tetrad.pointer.daily_budgets import budgets_of

    if one.pointer is None or one.spent is None:
        return ()
    return budgets_of(one.pointer, one.spent.usd)


def _spent_lines(one: Standing, pointer: Pointer) -> Iterator[str]:
    from tetrad.pointer.daily_budgets import budgets_of

    if one.spent is None:
        if budgets_of(pointer, {}):
            yield "  today's spending is unknown: the registry does not answer"
        return
    for budget in _budgets(one):
        of = "" if budget.limit_usd is None else f" of {budget.limit_usd:.2f}"
        over = budget.warn_usd is not None and budget.usd >= budget.warn_usd
        warns = f", above the warning at {budget.warn_usd:.2f}" if over else ""
        spent = f"{budget.usd:.2f}{of} USD on {one.spent.day} (UTC)"
        yield f"  {budget.account} has spent {spent}{warns}"


def _gateways(one: Standing, pointer: Pointer) -> Iterator[str]:
    from tetrad.deploy.acknowledging import called

    for gateway in one.gateways:
        follows = "follows" if gateway.number >= pointer.number else "is behind at"
        ready = "ready" if gateway.ready else "not ready"
        why = f": {gateway.problem}" if gateway.problem else ""
        yield f"  gateway {called(gateway)} {follows} {gateway.number}, {ready}{why}"
    for gateway in one.lost:
        yield f"  gateway {called(gateway)} was last seen {gateway.seen:%Y-%m-%d %H:%M:%S} UTC"
    if not one.gateways:
        cluster = one.environment.cluster
        how = (
            f"tetrad serve {pointer.environment}"
            if cluster is None
            else f"kubectl --context {cluster.context} --namespace {cluster.namespace} get pods"
        )
        yield f"  no gateway is running\n  help: {how}"


def _document(one: Standing, said: _Signed | None) -> Any:
    from tetrad.identity import written_identity
    from tetrad.pointer.pointer_json import as_json

    name, pointer = one.environment.name, one.pointer
    identities = [s.identity for _, s in pointer.loaded()] if pointer else []
    return {
        "environment": name,
        "pointer": None if pointer is None else as_json(pointer),
        "signed": {
            written_identity(identity): [
                {"envelope": str(s.digest), "signers": list(s.signers), "says": s.text}
                for s in (said or {}).get((name, identity), [])
            ]
            for identity in identities
        },
        "ignores_last": one.ignores_last,
        "problem": one.problem,
        "spent": None
        if one.spent is None
        else {"day": str(one.spent.day), "accounts": [asdict(budget) for budget in _budgets(one)]},
        "model_servers": one.servers,
        "gateways": [as_json(gateway) for gateway in one.gateways],
        "lost": [as_json(gateway) for gateway in one.lost],
    }
