"""The documents of a corpus as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tetrad.canonical import Digest, digest_bytes, merkle_root
from tetrad.errors import Issue, Location, SpecError
from tetrad.spec.build.corpus import documents_of
from tetrad.spec.model import Corpus
from tetrad.spec.tree import Tree, leaves_repository

MAX_DOCUMENT_BYTES = 4_000_000
MAX_CORPUS_BYTES = 256_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A document: `id` is its path under the corpus's folder."""

    id: str
    text: str
    digest: Digest  # of the file's bytes


def read_documents(corpus: Corpus, root: Path) -> tuple[Document, ...]:
    """The documents of a corpus, sorted by id; SpecError with every one that cannot be read."""
    tree = Tree(root)
    documents: list[Document] = []
    issues: list[Issue] = []
    total = 0
    for name, path in documents_of(tree, corpus.documents):
        place = Location(path.relative_to(root).as_posix())
        if not tree.is_inside(path):
            issues.append(leaves_repository(place))
            continue
        data = path.read_bytes()
        total += len(data)
        found = list(_problems(data, total, place))
        issues.extend(found)
        if not found:
            documents.append(Document(id=name, text=data.decode(), digest=digest_bytes(data)))
    if issues:
        raise SpecError(issues)
    _check_digest(corpus, documents)
    return tuple(documents)


def _problems(data: bytes, total: int, place: Location) -> Iterator[Issue]:
    if len(data) > MAX_DOCUMENT_BYTES:
        yield _too_large(place, f"the document has {len(data):,} bytes", MAX_DOCUMENT_BYTES)
    elif total > MAX_CORPUS_BYTES:
        yield _too_large(place, "with this document the corpus is too large", MAX_CORPUS_BYTES)
    else:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - data.rfind(b"\n", 0, error.start)
            yield Issue(
                location=Location(place.file, line, column),
                code="SCH100",
                message="the document is not UTF-8",
                hint="save it as UTF-8, or leave it out with documents.include",
            )


def _too_large(place: Location, what: str, limit: int) -> Issue:
    return Issue(
        location=place,
        code="SCH101",
        message=f"{what}; {limit:,} are the limit",
        hint="split it, or leave it out with documents.include",
    )


def _check_digest(corpus: Corpus, documents: list[Document]) -> None:
    """The text searched is the text that the identity names."""
    found = merkle_root(f"{d.id}\0{d.digest.hex}".encode() for d in documents)
    if found != corpus.digest:
        raise SpecError(
            [
                Issue(
                    location=corpus.location,
                    code="COR951",
                    message=f"the documents of {corpus.ref} changed while they were read",
                    hint="run the command again",
                )
            ]
        )
