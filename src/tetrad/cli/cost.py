"""`tetrad cost ENV`: what an environment's model servers cost per month, and what its traffic cost."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tetrad.cli.infra_program import ask_script
from tetrad.cli.options import add_environment, add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.cli.tables import table_lines
from tetrad.errors import ExitCode

_DAYS = 30


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    add_format(parser, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.environments import environment_named

    root = root_of(args)
    environment = environment_named(root, args.environment)
    servers: list[Mapping[str, Any]] = []
    if environment.target == "kubernetes":
        code, told = ask_script(root, "cost.py", str(root), environment.name)
        if told is None:
            return code
        servers = told["servers"]
    spent = _spent(root, environment.name)
    if args.format == "json":
        document = {
            "environment": environment.name,
            "servers": servers,
            "usd_per_month": _total(servers),
            "traffic": {"days": _DAYS, "usd": spent},
        }
        write_out(json.dumps(document, indent=2) + "\n")
    else:
        print_text("".join(f"{line}\n" for line in _lines(environment.name, servers, spent)))
    return ExitCode.PASSED


def _spent(root: Path, environment: str) -> Mapping[str, float]:
    from tetrad.deploy.deployer import registry_of
    from tetrad.registry.spent import spent_since

    today = datetime.now(UTC).date()
    return spent_since(registry_of(root), environment, today - timedelta(days=_DAYS - 1))


def _total(servers: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
    return {key: sum(one["usd_per_month"][key] for one in servers) for key in ("min", "max")}


def _lines(
    environment: str, servers: Sequence[Mapping[str, Any]], spent: Mapping[str, float]
) -> Iterator[str]:
    if servers:
        rows = [_row(one) for one in servers]
        total = _total(servers)
        rows.append(("total", "", "", "", _usd(total["min"]), _usd(total["max"]), ""))
        head = ("MODEL", "SERVER", "EACH ASKS FOR", "REPLICAS", "USD/MONTH", "AT MOST", "")
        yield f"{environment}: model servers"
        yield from table_lines(head, rows)
    else:
        yield f"{environment}: no model servers"
    unpriced = sorted({name for one in servers for name in one["unpriced"]})
    if unpriced:
        yield f"  no price for {', '.join(unpriced)}\n  help: write kubernetes.usd_per_hour"
    if spent:
        yield f"\ntraffic of the last {_DAYS} days"
        rows = [(account, _usd(usd)) for account, usd in spent.items()]
        yield from table_lines(("", "USD"), rows)
    else:
        yield (
            f"\ntraffic of the last {_DAYS} days: unknown"
            "\n  help: gateways count money where limits: or a stack's budget: name usd_per_day"
        )


def _row(server: Mapping[str, Any]) -> tuple[str, ...]:
    least, most = server["replicas"]["min"], server["replicas"]["max"]
    asks = [f"{size} {name}" for name, size in server["resources"].items() if "/" in name]
    monthly, is_priced = server["usd_per_month"], not server["unpriced"]
    return (
        server["model"],
        server["name"],
        ", ".join(asks) or "no GPU",
        str(least) if most <= least else f"{least} to {most}",
        _usd(monthly["min"]) if is_priced else "?",
        _usd(monthly["max"]) if is_priced else "?",
        "kept for a rollback" if server["kept"] else "",
    )


def _usd(amount: float) -> str:
    return f"{amount:,.2f}"
