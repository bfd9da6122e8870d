"""`tetrad drift ENV`: how an environment differs from the merged state."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tetrad.cli.infra_program import ask_script
from tetrad.cli.options import add_environment, add_format
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode

if TYPE_CHECKING:
    from tetrad.model import Environment, Repository

_WORDS = {
    "missing": "is missing",
    "extra": "is not in the merged state",
    "changed": "differs",
}
_LONGEST = 80


def add_arguments(parser: ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--no-probes",
        action="store_true",
        help="do not probe the fingerprints of models",
    )
    add_format(parser, "text", "json")


def run(args: Namespace) -> ExitCode:
    from tetrad.loading.repositories import find, load_repository

    root = root_of(args)
    repository = load_repository(root)
    environment = repository.environments[
        find(repository, args.environment, repository.environments)
    ]
    found = _found(root, repository, environment, probes=not args.no_probes)
    if environment.cluster is not None:
        code, objects = ask_script(root, "drift.py", str(root), environment.name)
        if objects is None:
            return code
        found["objects"] = objects
    if args.format == "json":
        document = {"environment": environment.name, **{k: _plain(v) for k, v in found.items()}}
        write_out(json.dumps(document, indent=2) + "\n")
    else:
        print_text("".join(f"{line}\n" for line in _lines(environment.name, found)))
    return _exit(found)


def _found(
    root: Path, repository: Repository, environment: Environment, *, probes: bool
) -> dict[str, Sequence[Any]]:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.deploy import drifting
    from tetrad.deploy.deployer import existing_store
    from tetrad.evals import interrupts

    store = existing_store(root, environment)
    pointer = None
    if store is not None:
        with store:
            pointer = store.current()
    stacks = drifting.served_stacks(repository, environment)
    models = []
    if probes:
        asked = drifting.models(stacks, repository.files, store_from_environment())
        models = interrupts.run(asked)
    return {
        "objects": [],
        "identities": list(drifting.identities(pointer, stacks)),
        "corpora": list(drifting.corpora(stacks)),
        "sources": list(drifting.sources(root, stacks)),
        "models": models,
    }


def _exit(found: Mapping[str, Sequence[Any]]) -> ExitCode:
    asked = [*found["sources"], *found["models"]]
    unanswered = [one for one in asked if one.found is None]
    drifted = [one for each in found.values() for one in each if one not in unanswered]
    if drifted:
        return ExitCode.REFUSED
    return ExitCode.INCONCLUSIVE if unanswered else ExitCode.PASSED


def _plain(found: Sequence[Any]) -> list[Any]:
    return [one if isinstance(one, dict) else asdict(one) for one in found]


def _lines(environment: str, found: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    if not any(found.values()):
        yield f"{environment}: no drift"
        return
    yield f"{environment}:"
    for obj in found["objects"]:
        yield f"  {obj['object']} {_WORDS[obj['drift']]}"
        for field in obj["fields"]:
            yield f"    {field['path']}: {_short(field['merged'])} → {_short(field['live'])}"
    for kind in ("identities", "corpora", "sources", "models"):
        for one in found[kind]:
            yield f"  {one}"


def _short(value: str | None) -> str:
    from tetrad.text import one_line, shorten

    return "absent" if value is None else shorten(one_line(value), _LONGEST)
