"""A model's fingerprint in its file: the digest of what it answers to its probes today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.output import print_status, print_text
from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.canonical import Digest
    from tetrad.model import Model, Repository
    from tetrad.trees import FileTree


def pin_fingerprints(root: Path, file: str | None) -> None:
    """Ask the probes of one model, or of all that have a fingerprint, and write what moved."""
    from tetrad.evals import interrupts
    from tetrad.loading.repositories import load_repository

    repository = load_repository(root, None if file is None else [file])
    for model in _with_fingerprints(repository, file):
        found = interrupts.run(_asked(model, repository.files))
        _write(root / model.location.file, model, found)


def _with_fingerprints(repository: Repository, file: str | None) -> list[Model]:
    models = [
        model
        for model in repository.models.values()
        if model.fingerprint is not None and file in {None, model.location.file}
    ]
    if not models:
        print_status(
            "no model has a fingerprint"
            "\n  help: write `fingerprint: {probes: ./NAME.jsonl}` into a model's file\n"
        )
    return models


async def _asked(model: Model, files: FileTree) -> Digest:
    from tetrad.artifacts.store import store_from_environment
    from tetrad.engines.fingerprints import fingerprint
    from tetrad.engines.wiring import build_engine

    probes = () if model.fingerprint is None else model.fingerprint.probes
    if not probes:
        raise UsageError(f"{model.location.file}: its fingerprint has no probes")
    engine = build_engine(model, files=files, store=store_from_environment())
    try:
        return await fingerprint(engine, probes)
    finally:
        await engine.aclose()


def _write(path: Path, model: Model, found: Digest) -> None:
    from tetrad.places import refuse_links
    from tetrad.writing import replace_file
    from tetrad.yamldoc.edit import set_value
    from tetrad.yamldoc.parse import parse

    before = None if model.fingerprint is None else model.fingerprint.digest
    if found == before:
        print_text(f"{model.location.file}: fingerprint unchanged\n")
        return
    refuse_links(path)
    document = parse(path.read_bytes(), model.location.file)
    replace_file(path, set_value(document, ("fingerprint", "digest"), str(found)).encoded())
    print_text(f"{model.location.file}: fingerprint {before or 'none'} → {found}\n")
