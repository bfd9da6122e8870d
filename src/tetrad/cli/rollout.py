"""`tetrad rollout status|continue|abort ENV STACK`: what is on its way to all traffic."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tetrad.cli.changing import (
    add_deployer_key,
    add_reason,
    deployer_of,
    driven,
    follow,
    say_acknowledged,
)
from tetrad.cli.options import add_environment, add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tetrad.deploy.deployer import Deployer
    from tetrad.pointer import Figures, GatewayState, Rollout
    from tetrad.pointer.kept_pointers import KeptPointers

_ACTIONS = {
    "status": "show the step of a rollout and what gateways measured",
    "continue": "continue a rollout, step by step, to its end",
    "abort": "return all traffic to the live identity and withdraw the new one",
}


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    for name, does in _ACTIONS.items():
        action = actions.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        add_environment(action)
        action.add_argument("stack", metavar="STACK", help="a stack that is being rolled out")
        if name == "status":
            add_format(action, "text", "json")
        else:
            add_deployer_key(action)
        if name == "abort":
            add_reason(action)


def run(args: Namespace) -> ExitCode:
    from tetrad.deploy.deployer import opened_store, stack_named
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    with opened_store(root, environment) as store:
        pointer = store.current()
        if pointer is None:
            raise UsageError(f"nothing is deployed to {environment.name}")
        ref = stack_named(pointer, args.stack)
        rollout = pointer.stacks[ref].rollout
        if rollout is None:
            raise UsageError(f"{ref} has no rollout in {environment.name}")
        if args.action == "status":
            return _show(ref, rollout, store.gateways(), args.format)
        deployer = deployer_of(root, environment, args.key)
        if args.action == "continue":
            return driven(store, deployer, {ref: rollout.to.identity})
        return _abort(store, deployer, ref, args.reason)


def _abort(store: KeptPointers, deployer: Deployer, ref: str, reason: str) -> ExitCode:
    from tetrad.cli.pointer_lines import changed_lines
    from tetrad.deploy.rolling_back import abort

    change = abort(store, deployer, ref, reason=reason)
    after = change.after
    lines = [f"{after.environment} {after.number}", *changed_lines(change.before, after)]
    print_text("".join(f"{line}\n" for line in lines))
    say_acknowledged(follow(store, after.number))
    return ExitCode.PASSED


def _show(ref: str, rollout: Rollout, gateways: Sequence[GatewayState], written: str) -> ExitCode:
    figures = _figures(rollout, gateways)
    if written == "json":
        write_out(json.dumps(_document(ref, rollout, figures), indent=2) + "\n")
    else:
        print_text("".join(f"{line}\n" for line in _lines(ref, rollout, figures)))
    return ExitCode.PASSED


def _figures(rollout: Rollout, gateways: Sequence[GatewayState]) -> Figures:
    from tetrad.deploy.measuring import Measure

    return Measure(identity=rollout.to.identity).look(gateways)


def _lines(ref: str, rollout: Rollout, figures: Figures) -> Iterator[str]:
    from tetrad.identity import short

    plan = rollout.serving.rollout
    steps = ", ".join(f"{share:g}" for share in plan.steps)
    yield f"{ref}: {short(rollout.to.identity)} answers {rollout.percent:g} % (steps {steps})"
    yield f"  since {rollout.step_began:%Y-%m-%d %H:%M:%S} UTC, began {rollout.began:%H:%M:%S}"
    yield f"  at least {plan.pause_s:g} s and {plan.min_requests} requests a step"
    yield (
        f"  {figures.requests} requests, {figures.errors} errors, {figures.contract} broken"
        f" contracts, {figures.guarded} guarded, p95 {figures.quantile_ms(0.95):.0f} ms"
    )


def _document(ref: str, rollout: Rollout, figures: Figures) -> Any:
    from tetrad.pointer.pointer_json import as_json

    p95 = figures.quantile_ms(0.95)
    return {
        "stack": ref,
        "rollout": as_json(rollout),
        "percent": rollout.percent,
        "figures": as_json(figures),
        "p95_ms": None if p95 == float("inf") else p95,
    }
