"""Where loading begins for what a command names, so that the rest of a large tree stays unread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tetrad.loading.files import Tree
from tetrad.model.references import ENDINGS, last_part, reference_of
from tetrad.schemas.kinds import Kind


def files_of(tree: Tree, names: Sequence[str], kinds: Sequence[Kind]) -> list[str] | None:
    """The files that names can mean, of stacks and suites, and those of suites that may judge them.

    None where a name means no file of these kinds: only the whole tree shows what there is instead.
    """
    components = list(tree.components())
    found = files_meant(tree, names, kinds)
    if found is None:
        return None
    stacks = [file for file in found if not file.startswith("evals/")]
    suites = [file for file in components if file.startswith("evals/")]
    waivers = [file for file in components if "/" not in file]
    return [*dict.fromkeys([*found, *_naming(tree, stacks, suites), *waivers])]


def files_meant(tree: Tree, names: Sequence[str], kinds: Sequence[Kind]) -> list[str] | None:
    """The files of these kinds that names can mean; None where one means none."""
    found: list[str] = []
    components = [(file, reference_of(file)) for file in tree.components()]
    for name in names:
        meant = [file for file, ref in components if _means(name, ref)]
        fitting = [file for file in meant if any(tree.says(file, kind) for kind in kinds)]
        if not fitting:
            return None
        found += fitting
    return found


def _means(name: str, ref: str) -> bool:
    exact = name.removeprefix("./").removesuffix("/").removesuffix("/suite")
    for ending in ENDINGS:
        exact = exact.removesuffix(ending)
    return ref in {exact, exact.removesuffix("/suite")} or last_part(ref) == name


def _naming(tree: Tree, stacks: Sequence[str], suites: Sequence[str]) -> Iterator[str]:
    """The suites whose text may name one of the stacks.

    A reference ends in a slash and the stack's own name, in whichever way it is written; only an
    escape, which has a backslash, or another form of a letter hides it.
    """
    written = [last_part(reference_of(file)) for file in stacks]
    ascii_names = [name for name in written if name.isascii()]
    named = re.compile(rf"/(?:{'|'.join(map(re.escape, ascii_names))})(?![A-Za-z0-9_-])".encode())
    for file in suites if written else ():
        text = tree.bytes(file)
        if len(ascii_names) < len(written) or b"\\" in text or named.search(text):
            yield file
