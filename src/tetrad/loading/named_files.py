"""What the files of each kind name: followed also where a schema refuses something else in them.

A key that is misspelt in one place must not hide a reference that leads nowhere in another, so an
ill file's references are looked up by this table. Builders look up those of the others themselves,
by the same functions and so in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from tetrad.loading.build_access import check_stack
from tetrad.loading.build_cluster import check_replicas
from tetrad.loading.build_corpus import documents_at
from tetrad.loading.build_environment import (
    check_days,
    check_key,
    check_model,
    check_root,
    check_suite,
)
from tetrad.loading.build_model import answers_at, probes_at
from tetrad.loading.build_prompt import content_at, examples_at
from tetrad.loading.build_serving import (
    check_environment,
    check_fallback,
    check_limits,
    check_steps,
)
from tetrad.loading.build_suite import check_golden
from tetrad.loading.build_tool import python_at
from tetrad.loading.build_waivers import day_at, waiver_at
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.fields import Fields
from tetrad.loading.opened_files import opened_file
from tetrad.schemas.violations import Problem
from tetrad.yamldoc.parse import Path

_Follow: TypeAlias = Callable[[Fields, Context, Path], object]


def _prompt(fields: Fields, context: Context, path: Path) -> object:
    return context.prompt(fields, path)


def _model(fields: Fields, context: Context, path: Path) -> object:
    return context.model(fields, path)


def _corpus(fields: Fields, context: Context, path: Path) -> object:
    return context.corpus(fields, path)


def _tool(fields: Fields, context: Context, path: Path) -> object:
    return context.tool(fields, path)


def _stack(fields: Fields, context: Context, path: Path) -> object:
    return context.stack(fields, path)


# Paths of values by kind; * is any key or place. `extends` is the loader's own.
_FIELDS: Mapping[str, Sequence[tuple[str, _Follow]]] = {
    "prompt": (
        ("messages.*.content", content_at),
        ("examples", examples_at),
        ("examples.from", examples_at),
        ("examples.select.embedding", _model),
    ),
    "model": (("engine.scripted.answers", answers_at), ("fingerprint.probes", probes_at)),
    "corpus": (("documents", documents_at), ("embedding", _model)),
    "tool": (("run.python", python_at), ("run.files.*", opened_file)),
    "stack": (
        ("prompt", _prompt),
        ("model", _model),
        ("corpus.use", _corpus),
        ("tools.*", _tool),
        ("serving.fallback", check_fallback),
        ("serving.environments.*", check_environment),
        ("serving.rollout.steps", check_steps),
        ("serving.budget", check_limits),
    ),
    "suite": (
        ("stacks.*", _stack),
        ("golden", check_golden),
        ("files.*", opened_file),
        ("judges.*.model", _model),
        ("judges.*.prompt", _prompt),
    ),
    "environment": (
        ("requires.evidence.suites.*", check_suite),
        ("signers.*.ed25519", check_key),
        ("signers.*.sigstore.root", check_root),
        ("signers.*.valid", check_days),
        ("signers.*.revoked", day_at),
        ("models.*", check_model),
        ("models.*.replicas", check_replicas),
        ("kubernetes.gateways.*.replicas", check_replicas),
        ("limits", check_limits),
        ("clients.*.stacks.*", check_stack),
        ("clients.*.budget", check_limits),
    ),
    "waivers": (("waivers.*", waiver_at),),
}


def follow_references(
    fields: Fields, context: Context, kind: str, problems: Sequence[Problem]
) -> list[object]:
    """What the references of an ill file lead to, but for those that are themselves refused."""
    found = []
    unsound = Unsound(problems)
    for pattern, follow in _FIELDS[kind]:
        for path in _matching(fields.values, pattern.split(".")):
            if path not in unsound:
                try:
                    found.append(follow(fields, context, path))
                except NotBuilt:
                    continue
    return found


class Unsound(Container[Path]):
    """The paths of values that a problem is about, or about a part or a whole of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._wholes: set[Path] = set()  # what is below them is unsound too
        self._holders: set[Path] = set()
        for problem in problems:
            if not problem.missing:
                self._wholes.add(problem.path)
            self._holders.update(problem.path[:end] for end in range(len(problem.path) + 1))

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, tuple):
            return False
        return path in self._holders or any(
            path[:end] in self._wholes for end in range(len(path) + 1)
        )


def _matching(value: Any, steps: Sequence[str], path: Path = ()) -> Iterator[Path]:
    if not steps:
        yield path
    elif steps[0] == "*":
        keys: Sequence[Any] = range(len(value)) if isinstance(value, list) else ()
        for key in value if isinstance(value, Mapping) else keys:
            yield from _matching(value[key], steps[1:], (*path, key))
    elif isinstance(value, Mapping) and steps[0] in value:
        yield from _matching(value[steps[0]], steps[1:], (*path, steps[0]))
