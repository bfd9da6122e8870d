"""A repository whose stack serves environments, and gateways that do nothing but follow."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pointing import gateway
from trees import Tree, scripted_tree

from tetrad.loading.environments import environment_named
from tetrad.pointer import Deployers, Figures, GatewayState, Pointer
from tetrad.pointer.pointer_store import PointerStore
from tetrad.registry import Place, registry_place

REF = "stacks/feedback"
QUESTION = "is it positive or negative?"


def deployable_tree(folder: Path, **serving: Any) -> Tree:
    """`folder/repository`, committed: the scripted stack serves `staging` and `production`, where
    deployers sign; the private key lies in `folder`.
    """
    tree = scripted_tree(folder / "repository")
    private = str(folder / "deploy.pem")
    assert tree.tetrad("keys", "new", "deploy", "--role", "deployer", "--private", private) == 0
    signers = {"deploy": {"ed25519": "infra/keys/deploy.pub", "role": "deployer"}}
    for name in ("staging", "production"):
        write_environment(tree, name, signers=signers)
    serve(tree, **serving)
    tree.commit("Serve staging and production")
    return tree


def write_environment(tree: Tree, name: str, **said: Any) -> None:
    unpinned = {"models": {"stacks/models/scripted": {"unpinned": True}}}
    document = {"kind": "environment", **unpinned, **said}
    tree.write(f"infra/environments/{name}.yaml", json.dumps(document, indent=2) + "\n")


def serve(tree: Tree, **serving: Any) -> None:
    """Write the stack's serving, and its lock; without committing."""
    path = "stacks/feedback.yaml"
    text = (tree.root / path).read_text().split("serving:")[0]
    said = {"environments": ["staging", "production"], **serving}
    tree.write(path, f"{text}serving: {json.dumps(said)}\n")
    tree.tetrad("lock")


def add_second(tree: Tree) -> None:
    """Commit a stack `second` with a prompt of its own, which serves where the first one does."""
    for folder in ("stacks", "prompts"):
        text = (tree.root / folder / "feedback.yaml").read_text()
        tree.write(f"{folder}/second.yaml", text.replace("prompts/feedback", "prompts/second"))
    tree.tetrad("lock")
    tree.commit("Add a second stack")


def improve(tree: Tree, number: int = 1, *, stack: str = "feedback") -> str:
    """Commit another prompt of a stack; the commit."""
    path = f"prompts/{stack}.yaml"
    text = (tree.root / path).read_text()
    marked = "negative?" + "!" * number
    tree.write(path, text.replace("negative?", marked, 1))
    tree.tetrad("lock")
    tree.commit(f"Ask with {number} more marks")
    return tree.git("rev-parse", "HEAD").strip()


def key_of(tree: Tree) -> tuple[str, str]:
    return "--key", f"file:{tree.root.parent / 'deploy.pem'}"


def place_of(tree: Tree) -> Place:
    return registry_place(tree.root)


@contextmanager
def store_of(tree: Tree, environment: str = "production") -> Iterator[PointerStore]:
    deployers = Deployers.of(environment_named(tree.root, environment))
    with PointerStore(place_of(tree), deployers) as store:
        yield store


def pointer_of(tree: Tree, environment: str = "production") -> Pointer:
    with store_of(tree, environment) as store:
        pointer = store.current()
    assert pointer is not None
    return pointer


class Follower:
    """A gateway's side of the registry: it follows, and says what it counted."""

    def __init__(
        self,
        place: Place,
        deployers: Deployers,
        name: str = "g1",
        counted: Callable[[Pointer], Mapping[str, Figures]] = lambda _: {},
    ) -> None:
        self.state = gateway(name, 0, environment=deployers.environment)
        self._store = PointerStore(place, deployers)
        self._watched = PointerStore(place, deployers)
        self._counted = counted
        self._follower = threading.Thread(target=self._follow)
        self._reporter = threading.Thread(target=self._report)
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        self._store.report(self.state)
        self._follower.start()
        self._reporter.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._reporter.join()
        self._watched.close()
        self._follower.join()
        self._store.leave(self.state.gateway)
        self._store.close()

    def _follow(self) -> None:
        for pointer in self._watched.watch():
            self.state = self._counting(replace(self.state, number=pointer.number), pointer)
            self._store.report(self.state)

    def _report(self) -> None:
        while not self._closed.wait(0.05):
            current = self._store.current()
            if current is not None:
                self.state = self._counting(self.state, current)
                self._store.report(self.state)

    def _counting(self, state: GatewayState, pointer: Pointer) -> GatewayState:
        return replace(state, figures=self._counted(pointer))
