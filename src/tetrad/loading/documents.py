"""Which files of a tree are the documents of a corpus, and their digests."""

from __future__ import annotations

from tetrad.canonical import Digest, digest_text
from tetrad.loading.files import Tree
from tetrad.model import Documents
from tetrad.trees import FileTree

MAX_DOCUMENT_BYTES = 4_000_000


def document_digest(files: FileTree, file: str) -> Digest:
    """The digest of a document's text; of one that is too large to be read, that of its bytes."""
    if files.size(file) > MAX_DOCUMENT_BYTES:
        return files.digest(file)
    return digest_text(files.read(file))


def documents_of(tree: Tree, documents: Documents) -> tuple[tuple[str, str], ...]:
    """The documents of a corpus, each with its id and its path from the root, sorted by id; hidden
    files are none.
    """
    return tuple(sorted(tree.matching(documents.path, documents.include)))
