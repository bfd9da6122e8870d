"""The documents of a corpus as text."""

from __future__ import annotations

from dataclasses import dataclass

from tetrad.canonical import Digest, digest_bytes, merkle_root, with_lf
from tetrad.errors import Issue, Location, SpecError
from tetrad.loading.documents import MAX_DOCUMENT_BYTES, documents_of
from tetrad.loading.files import Tree, leaves_repository
from tetrad.model import Corpus
from tetrad.trees import FileTree

MAX_CORPUS_BYTES = 256_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusDocument:
    """A document: `id` is its path under the corpus's folder."""

    id: str
    text: str
    digest: Digest  # of the text, its line ends as Git keeps them


def read_documents(
    corpus: Corpus, files: FileTree, *, max_bytes: int = MAX_CORPUS_BYTES
) -> tuple[CorpusDocument, ...]:
    """The documents of a corpus, sorted by id; SpecError with every one that cannot be read.

    Of a corpus of more than `max_bytes` no further document is read.
    """
    documents: list[CorpusDocument] = []
    issues: list[Issue] = []
    total = 0
    for name, file in documents_of(Tree(files), corpus.documents):
        place = Location(file)
        if not files.is_inside(file):
            issues.append(leaves_repository(place))
            continue
        size = files.size(file)
        total += size
        too_large = _too_large(size, total, max_bytes, place)
        if too_large is not None:
            issues.append(too_large)
            continue
        data = with_lf(files.read(file))
        not_text = _not_text(data, place)
        if not_text is not None:
            issues.append(not_text)
        else:
            documents.append(CorpusDocument(id=name, text=data.decode(), digest=digest_bytes(data)))
    if issues:
        raise SpecError(issues)
    _check_digest(corpus, documents)
    return tuple(documents)


def _too_large(size: int, total: int, max_bytes: int, place: Location) -> Issue | None:
    if size > MAX_DOCUMENT_BYTES:
        what, limit = f"the document has {size:,} bytes", MAX_DOCUMENT_BYTES
    elif total > max_bytes:
        what, limit = f"with this document the corpus has {total:,} bytes", max_bytes
    else:
        return None
    return Issue(
        location=place,
        code="SCH101",
        message=f"{what}; {limit:,} are the limit",
        hint="split it, or leave it out with documents.include",
    )


def _not_text(data: bytes, place: Location) -> Issue | None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        return Issue(
            location=Location(place.file, line, column),
            code="SCH100",
            message="the document is not UTF-8",
            hint="save it as UTF-8, or leave it out with documents.include",
        )
    return None


def _check_digest(corpus: Corpus, documents: list[CorpusDocument]) -> None:
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
