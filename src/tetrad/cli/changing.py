"""What the commands share that change what an environment serves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.output import print_status, print_text
from tetrad.cli.signing_keys import VARIABLE, read_key, refuse_role
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.canonical import Digest
    from tetrad.deploy.acknowledging import Acknowledged
    from tetrad.deploy.deployer import Deployer
    from tetrad.deploy.deploying import Deployment
    from tetrad.deploy.rollouts import Ended
    from tetrad.model import Environment
    from tetrad.pointer import Pointer
    from tetrad.pointer.kept_pointers import KeptPointers


def add_deployer_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--key",
        default=f"env:{VARIABLE}",
        metavar="env:NAME|file:PATH",
        help="a deployer's private key in PEM, required where the environment names deployers"
        f" (default: env:{VARIABLE})",
    )


def add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="why; recorded with the change"
    )


def add_no_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="stop at the first step of a rollout; `tetrad rollout continue` resumes it",
    )


def deployer_of(root: Path, environment: Environment, key: str) -> Deployer:
    """Whoever changes the environment by this key; where it names no deployers, none is asked for."""
    from tetrad import git
    from tetrad.deploy.deployer import Deployer
    from tetrad.pointer import Deployers

    if not Deployers.of(environment).signers:
        return Deployer(environment=environment, name=git.user_email(root))
    private = read_key(key)
    signer = refuse_role(private, environment, "deployer")
    return Deployer(environment=environment, name=signer.name, key=private)


def settled(root: Path, deployer: Deployer, deployment: Deployment, *, waits: bool) -> ExitCode:
    """Say what became of a deployment, and drive the rollouts that it began or found."""
    from tetrad.deploy.arriving import arrived
    from tetrad.deploy.deployer import opened_store

    if deployment.refused:
        print_text("".join(f"{line}\n" for line in refused_lines(deployment)))
        print_status("nothing was deployed\n")
        return ExitCode.REFUSED
    print_text("".join(f"{line}\n" for line in _deployed(root, deployment)))
    pointer = deployment.after
    if pointer is None:
        return ExitCode.PASSED
    rolling = dict(_rolling(deployment, pointer))
    brought = dict(_brought(deployment.before, pointer))
    if rolling and not waits:
        for ref in rolling:
            print_status(f"help: tetrad rollout continue {pointer.environment} {ref}\n")
        return ExitCode.PASSED
    with opened_store(root, deployer.environment) as store:
        if rolling.keys() >= brought.keys() and rolling:
            return driven(store, deployer, rolling)
        found, back = arrived(store, deployer, pointer.number, brought, _say)
        for one in back:
            rolling.pop(one.stack, None)
        if rolling or back:
            return driven(store, deployer, rolling, over=back)
        say_acknowledged(found)
    return ExitCode.PASSED


def refused_lines(deployment: Deployment) -> Iterator[str]:
    from tetrad.cli.verification_lines import lines_of

    for one in deployment.refused:
        yield from lines_of(one.found, one.asked)


def driven(
    store: KeptPointers,
    deployer: Deployer,
    rollouts: Mapping[str, Digest],
    *,
    over: Sequence[Ended] = (),
) -> ExitCode:
    """Drive rollouts to their end, and say how each ended, and how those that are over."""
    from tetrad.deploy.rollouts import drive
    from tetrad.identity import short

    ended = (*over, *drive(store, deployer, rollouts, _say))
    for one in ended:
        why = f": {one.why}" if one.why else ""
        print_text(f"{one.stack} ({short(one.identity)}): {one.how}{why}\n")
    last = store.current()
    if last is not None:
        say_acknowledged(follow(store, last.number))
    if any(one.how != "finished" for one in ended):
        name = deployer.environment.name
        print_status(f"help: `tetrad release {name} STACK` lets an identity be deployed again\n")
        return ExitCode.REFUSED
    return ExitCode.PASSED


def follow(store: KeptPointers, number: int) -> Acknowledged:
    """Wait until every gateway that is there follows a pointer."""
    from tetrad.deploy.acknowledging import LOADS_S, acknowledged

    return acknowledged(store, number, within_s=LOADS_S, print_status=_say)


def _say(line: str) -> None:
    print_status(f"{line}\n")


def say_acknowledged(found: Acknowledged) -> None:
    from tetrad.text import pluralize

    if found.gateways:
        count = pluralize(len(found.gateways), "gateway")
        sys.stderr.write(f"{count} followed within {found.seconds:.2f} s\n")
    else:
        sys.stderr.write("no gateway is running; the next one to start serves this\n")


def _rolling(deployment: Deployment, pointer: Pointer) -> Iterator[tuple[str, Digest]]:
    """The rollouts of the stacks that a deployment was about."""
    for ref in deployment.stacks:
        rollout = pointer.stacks[ref].rollout if ref in pointer.stacks else None
        if rollout is not None:
            yield ref, rollout.to.identity


def _brought(before: Pointer | None, after: Pointer) -> Iterator[tuple[str, Digest]]:
    """The identities that a pointer lets answer, and the one before it did not."""
    for ref, stack in after.stacks.items():
        known = before.stacks.get(ref) if before else None
        newest = stack.answering[-1].identity
        if known is None or known.answering[-1].identity != newest:
            yield ref, newest


def _deployed(root: Path, deployment: Deployment) -> Iterator[str]:
    from tetrad.cli.pointer_lines import changed_lines
    from tetrad.deploy.deploying import stranded
    from tetrad.identity import short

    after = deployment.after
    if after is None or not deployment.changes:
        yield "no changes"
    else:
        yield f"{after.environment} {after.number}"
        yield from changed_lines(deployment.before, after)
    for one in deployment.left:
        name = f"{one.asked.stack.ref} ({short(one.found.identity)})"
        yield f"  {name} stays {one.found.withdrawn}"
    for one in deployment.doubtful:
        clauses = ", ".join(dict.fromkeys(unmet.clause for unmet in one.found.unmet))
        name = f"{one.asked.stack.ref} ({short(one.found.identity)})"
        yield f"  {name} serves, and would not be admitted today: {clauses}"
    for ref, identity, release in stranded(root, after) if after is not None else ():
        yield (
            f"  {ref}: {identity} needs a gateway of Tetrad {release}:"
            " this release cannot return to it"
        )
