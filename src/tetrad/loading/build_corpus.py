"""Corpora: the digest is that of the documents in the tree, whatever the file says."""

from __future__ import annotations

from typing import Any

from tetrad.canonical import Digest, merkle_root
from tetrad.loading.context import Context, NotBuilt
from tetrad.loading.documents import document_digest, documents_of
from tetrad.loading.fields import Fields
from tetrad.loading.lfs_pointers import MAX_BYTES, pointed_at
from tetrad.model import MOST_EMBEDDED_TOKENS, Chunking, Corpus, Documents, Hnsw, Index, Model
from tetrad.model.defaults import picked
from tetrad.model.references import ReferenceRefused, normalised
from tetrad.trees import FileTree
from tetrad.yamldoc.parse import Path


def build_corpus(fields: Fields, context: Context) -> Corpus:
    embedding = context.embedder(fields, ("embedding",))
    chunking = Chunking(**fields.get("chunking", {}))
    if chunking.overlap >= chunking.size:
        context.report(
            fields.issue(
                ("chunking", "overlap"),
                f"neighbours share {chunking.overlap} tokens of {chunking.size}",
                "write an overlap that is less than the size",
            )
        )
    if embedding is not None:
        _check_window(fields, context, chunking, embedding)
    digest, documents = documents_at(fields, context, ("documents",))
    if embedding is None:
        raise NotBuilt
    written = fields.get("digest")
    return Corpus(
        ref=fields.ref,
        location=fields.location,
        description=fields.text("description"),
        owner=fields.text("owner"),
        documents=documents,
        written_digest=Digest.parse(written) if written else None,
        digest=digest,
        chunking=chunking,
        embedding=embedding,
        index=_index(fields, context),
    )


def _check_window(fields: Fields, context: Context, chunking: Chunking, embedding: Model) -> None:
    """Report chunks that the embedding model would not read at once."""
    window = min(embedding.context_window or MOST_EMBEDDED_TOKENS, MOST_EMBEDDED_TOKENS)
    if chunking.size > window:
        message = f"a chunk has {chunking.size} tokens, and {embedding.ref} reads {window} at once"
        hint = f"write a size of at most {window}"
        context.report(fields.issue(("chunking", "size"), message, hint))


def _index(fields: Fields, context: Context) -> Index:
    raw = fields.get("index", {})
    weights: dict[str, Any] = {
        name: float(weight) for name, weight in raw.get("hybrid", {}).items()
    }
    hnsw = Hnsw(**raw["hnsw"]) if "hnsw" in raw else None
    index = Index(**picked(raw, "store"), **weights, hnsw=hnsw)
    if hnsw is not None and index.store != "pgvector":
        message = f"the store {index.store} compares every chunk"
        hint = "write store: pgvector, or remove hnsw"
        context.report(fields.issue(("index", "hnsw"), message, hint))
    if hnsw is not None and hnsw.ef_construction < 2 * hnsw.m:
        message = f"ef_construction is {hnsw.ef_construction}, and pgvector takes no less than 2 m"
        hint = f"write at least {2 * hnsw.m}"
        context.report(fields.issue(("index", "hnsw"), message, hint))
    return index


def documents_at(fields: Fields, context: Context, path: Path) -> tuple[Digest, Documents]:
    """The documents of a corpus, and their digest."""
    raw = fields.value(path)
    path = (*path, "path")
    if "://" in raw["path"]:
        message = "documents are read from a folder of this repository, and from nowhere else yet"
        context.report(fields.issue(path, message, "commit the documents, and name their folder"))
        raise NotBuilt
    try:
        folder = normalised(raw["path"], fields.source(path).origin)
    except ReferenceRefused as error:
        context.report(fields.issue(path, str(error), code="SCH107"))
        raise NotBuilt from None
    if not context.tree.has_folder(folder):
        message = f"there is no folder {folder}"
        context.report(fields.issue(path, message, "create it, or correct the path", code="SCH107"))
        raise NotBuilt
    include = {key: tuple(value) for key, value in picked(raw, "include").items()}
    documents = Documents(path=folder, **include)
    return _digest(fields, context, documents), documents


def _digest(fields: Fields, context: Context, documents: Documents) -> Digest:
    files = documents_of(context.tree, documents)
    if not files:
        included = ", ".join(documents.include)
        message = f"no file under {documents.path} matches {included}"
        context.report(fields.issue(("documents",), message, "correct path or include"))
        raise NotBuilt
    refused = [
        (name, why) for name, file in files if (why := _no_document(context.tree.files, name, file))
    ]
    for name, why in refused:
        message = f"{documents.path}/{name} {why}"
        hint = "fix or remove it, or leave it out with documents.include"
        context.report(fields.issue(("documents", "path"), message, hint, code="SCH100"))
    if refused:
        raise NotBuilt
    return merkle_root(
        f"{name}\0{document_digest(context.tree.files, file).hex}".encode() for name, file in files
    )


def _no_document(files: FileTree, name: str, file: str) -> str:
    """Why a file can be no document, whatever is in it; empty where it can."""
    if not files.is_inside(file):
        return "is a symbolic link out of the repository"
    if not files.has(file):
        return "is not a regular file (a dead link, a pipe or a device)"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8, and so no id"
    if files.size(file) <= MAX_BYTES and pointed_at(files.read(file)):
        return "is a Git LFS pointer, not the document that it stands for: run `git lfs pull`"
    return ""
