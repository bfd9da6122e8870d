"""The wiring that every evaluating command needs: registry, store, workbench, trees to compare."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tetrad.artifacts.progress import Progress
from tetrad.artifacts.store import store_from_environment
from tetrad.cli.trees import Compared, TreeFiles
from tetrad.engines.count import count_tokens
from tetrad.evals import Workbench
from tetrad.plan import Plan, Tree, plan_stacks
from tetrad.plan.estimate import Estimates
from tetrad.registry import Registry, registry_path
from tetrad.spec.model import Model, Repository, Stack


@contextmanager
def workbench(root: Path, args: Namespace, progress: Progress) -> Iterator[Workbench]:
    """What the command evaluates with; the registry is closed at the end."""
    store = store_from_environment()
    with Registry.open(registry_path(root)) as registry:
        yield Workbench(
            registry=registry,
            store=store,
            cache=store.root / "embeddings",
            offline=args.offline,
            progress=progress,
            engine=args.engine,
        )


def plan_of(trees: Compared, stacks: tuple[Stack, ...], bench: Workbench) -> Plan:
    """The plan of a comparison, rendered on both trees."""

    def tree(repository: Repository) -> Tree:
        return Tree(
            repository=repository,
            files=TreeFiles(repository.root),
            prepare=lambda stack, cases: bench.prepare(stack, cases, root=repository.root),
        )

    def count(model: Model, text: str) -> int:
        return count_tokens(model, text, bench.store)[0]

    def pace(stack: Stack) -> float | None:
        return bench.registry.seconds_a_call(bench.engine_of(stack, root=trees.head.root).name)

    return Plan(
        base=trees.base_commit,
        head=trees.head_commit,
        dirty=trees.dirty,
        stacks=plan_stacks(
            tree(trees.head),
            tree(trees.base) if trees.base else None,
            stacks=stacks,
            estimate=Estimates(registry=bench.registry, count=count, pace=pace),
        ),
    )
