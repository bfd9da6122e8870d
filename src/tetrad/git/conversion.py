"""What Git's checkout rewrites: line ends, encodings, and the ids that it puts into files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.git.checkout import Checkout

_ATTRIBUTES = ("eol", "ident", "working-tree-encoding")
_NONE = frozenset({"unspecified", "unset"})
_TRUE = frozenset({"", "1", "on", "true", "yes"})


def rewritten(checkout: Checkout, commit: str, paths: Iterable[str]) -> frozenset[str]:
    """Those of a commit's files whose content is not checked out as Git keeps it.

    By the commit's own attributes, those of the repository and the user's settings; filters, which
    are programs, stay off.
    """
    asked = list(paths)
    if _writes_crlf(checkout):
        return frozenset(asked)
    with TemporaryDirectory(prefix="tetrad-index-") as folder:
        apart = Checkout(git_folder=checkout.git_folder, top=Path(folder), root=Path(folder))
        own = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        apart.git("read-tree", commit, extra=own)
        question = ("check-attr", "--cached", "-z", "--stdin", *_ATTRIBUTES)
        answers = apart.git(*question, extra=own, told="\0".join([*asked, ""]))
    return frozenset(_converted(answers.split("\0")))


def _converted(answers: list[str]) -> Iterator[str]:
    triples = zip(answers[::3], answers[1::3], answers[2::3], strict=False)
    for path, attribute, value in triples:
        if value == "crlf" if attribute == "eol" else value not in _NONE:
            yield path


def _writes_crlf(checkout: Checkout) -> bool:
    """Whether the settings ask for Windows' line ends, in the files that Git takes for text."""
    said = checkout.ask("config", "--null", "--get-regexp", r"^core\.(autocrlf|eol)$").out
    pairs = (line.partition("\n") for line in said.split("\0") if line)
    settings = {key: value.lower() for key, _, value in pairs}  # the last one counts
    return settings.get("core.autocrlf", "false") in _TRUE or settings.get("core.eol") == "crlf"
