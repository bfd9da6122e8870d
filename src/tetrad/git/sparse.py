"""Files that a sparse checkout leaves out: they are committed, and not removed by anybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tetrad.errors import GitError
from tetrad.git.checkout import Checkout
from tetrad.places import may_be_sparse

# Where components lie, and what belongs to them.
_OF_A_SYSTEM = ("prompts", "stacks", "evals", "infra", "waivers.yaml", "waivers.yml")
_NAMED = 3


def not_checked_out(root: Path) -> tuple[str, ...]:
    """The files below the root that a sparse checkout leaves out; asks Git only where there may be
    any.
    """
    if not may_be_sparse(root):
        return ()
    checkout = Checkout.of(root)
    listed = checkout.git("ls-files", "-t", "-z", "--", ".").split("\0")
    left_out = (line.removeprefix("S ") for line in listed if line.startswith("S "))
    return tuple(name for name in left_out if not (checkout.root / name).exists())


def of_a_system(absent: Iterable[str], folders: Sequence[str] = _OF_A_SYSTEM) -> list[str]:
    """Those of the files left out that lie in the given folders, at first those of components."""
    return [
        name
        for name in absent
        if any(folder in {".", name} or name.startswith(f"{folder}/") for folder in folders)
    ]


def refuse_absent(absent: Iterable[str], folders: Sequence[str] = _OF_A_SYSTEM) -> None:
    """GitError where a file of the system is left out: what it says would count as removed."""
    missing = of_a_system(absent, folders)
    if missing:
        raise GitError(sparse_message(missing))


def sparse_message(missing: Sequence[str]) -> str:
    more = "" if len(missing) <= _NAMED else f" and {len(missing) - _NAMED:,} more"
    return (
        f"this is a sparse checkout without {', '.join(missing[:_NAMED])}{more}"
        "\n  help: git sparse-checkout add FOLDER, or git sparse-checkout disable"
    )
