"""What an inventory is made from: a stack with its suites and files, read from the tree it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.cli.subject import Subject
    from tetrad.inventory.bill_of_materials import Materials


def materials_of(subject: Subject) -> Materials:
    from tetrad.canonical import digest_bytes
    from tetrad.inventory.bill_of_materials import Materials
    from tetrad.loading.documents import documents_of
    from tetrad.loading.files import Tree
    from tetrad.loading.reach import files_of
    from tetrad.loading.repositories import read_tree, sound

    tree, ref = Tree(subject.files), subject.stack.ref
    repository = sound(read_tree(tree, files_of(tree, [ref], ("stack",))))
    snapshot = subject.snapshot()
    stack = repository.stacks[ref]
    corpus = stack.retrieval.corpus if stack.retrieval else None
    return Materials(
        stack=stack,
        suites=repository.suites_by_stack.get(ref, ()),
        files={path: digest_bytes(data) for path, data in snapshot.files.items()},
        documents=len(documents_of(tree, corpus.documents)) if corpus else 0,
    )
