"""An environment by its file alone, so that a rollback waits for no other."""

from __future__ import annotations

from pathlib import Path

from tetrad.errors import SpecError
from tetrad.loading.files import Tree
from tetrad.loading.loader import Loader
from tetrad.model import ENVIRONMENTS, Environment
from tetrad.model.references import candidates
from tetrad.trees import WorkingTree


def environment_named(root: Path, name: str) -> Environment:
    """SpecError where its file is not sound, UsageError where there is none."""
    tree = Tree(WorkingTree(root))
    files = [file for file in candidates(f"{ENVIRONMENTS}/{name}") if tree.has(file)]
    if len(files) == 1:
        loader = Loader(tree)
        environment = loader.build(files[0])
        if loader.issues():
            raise SpecError(loader.issues())
        if isinstance(environment, Environment):
            return environment
    from tetrad.loading.repositories import find, load_repository  # for what is said of it

    repository = load_repository(root, files or None)
    return repository.environments[find(repository, name, repository.environments)]
