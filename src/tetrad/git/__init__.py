"""What Tetrad asks of Git, by the `git` command; `root` may be any folder inside a repository.

Nothing here writes into the repository but `EvidenceBranch` and `SideBranch`; `export` writes into a folder of the
caller's.
"""

from typing import TYPE_CHECKING

from tetrad.reexports import importer

if TYPE_CHECKING:
    from tetrad.git.base import base_tree
    from tetrad.git.brought import refuse_committed
    from tetrad.git.checkout import Checkout
    from tetrad.git.commit_export import export
    from tetrad.git.committed import CommitTree
    from tetrad.git.evidence_branch import EvidenceBranch
    from tetrad.git.history import Version, history_of
    from tetrad.git.locks import lock_with
    from tetrad.git.reverting import MergedCommit, merged_between
    from tetrad.git.revisions import (
        authors,
        head,
        id_algorithm,
        is_ancestor,
        is_dirty,
        is_known,
        merge_base,
        merged_text,
        resolve,
        state,
        tree_of,
        user_email,
    )
    from tetrad.git.side_branch import SideBranch
    from tetrad.git.sparse import not_checked_out, of_a_system, refuse_absent, sparse_message

__all__ = [
    "Checkout",
    "CommitTree",
    "EvidenceBranch",
    "MergedCommit",
    "SideBranch",
    "Version",
    "authors",
    "base_tree",
    "export",
    "head",
    "history_of",
    "id_algorithm",
    "is_ancestor",
    "is_dirty",
    "is_known",
    "lock_with",
    "merge_base",
    "merged_between",
    "merged_text",
    "not_checked_out",
    "of_a_system",
    "refuse_absent",
    "refuse_committed",
    "resolve",
    "sparse_message",
    "state",
    "tree_of",
    "user_email",
]

if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "base": ["base_tree"],
            "brought": ["refuse_committed"],
            "checkout": ["Checkout"],
            "committed": ["CommitTree"],
            "evidence_branch": ["EvidenceBranch"],
            "commit_export": ["export"],
            "history": ["Version", "history_of"],
            "locks": ["lock_with"],
            "reverting": ["MergedCommit", "merged_between"],
            "revisions": [
                "authors",
                "head",
                "id_algorithm",
                "is_ancestor",
                "is_dirty",
                "is_known",
                "merge_base",
                "merged_text",
                "resolve",
                "state",
                "tree_of",
                "user_email",
            ],
            "side_branch": ["SideBranch"],
            "sparse": ["not_checked_out", "of_a_system", "refuse_absent", "sparse_message"],
        },
    )
