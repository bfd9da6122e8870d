"""A stack that answers from a corpus in the vector store, with the real embedder of the examples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tetrad.artifacts.fetch import missing
from tetrad.artifacts.store import store_from_environment
from tetrad.loading.repositories import load_repository

HOUSE = Path(__file__).parent / "integration" / "handbook"
SCRIPTED = """\
kind: model
source: file://stacks/models/answers.yaml
engine: {scripted: {answers: ./answers.yaml}}
"""


def guest_house(
    root: Path, index: str = "{store: pgvector, hybrid: {dense: 0.6, bm25: 0.4}}"
) -> Path:
    """The stack of a guest house, with a scripted model."""
    shutil.copytree(HOUSE, root)
    (root / "stacks/models/scripted.yaml").write_text(SCRIPTED)
    (root / "stacks/models/answers.yaml").write_text(
        "- {contains: sauna is, output: Until ten.}\n- {output: I do not know.}\n"
    )
    stack = root / "stacks/house.yaml"
    stack.write_text(stack.read_text().replace("models/smollm2-135m", "models/scripted"))
    corpus = root / "stacks/corpora/house.yaml"
    head, _, _ = corpus.read_text().partition("index: ")
    corpus.write_text(f"{head}index: {index}\n")
    store = store_from_environment()
    for model in load_repository(root).models.values():
        if missing(model, store):
            pytest.skip(f"{model.ref} is not in the cache: `make models` fetches it")
    return root
