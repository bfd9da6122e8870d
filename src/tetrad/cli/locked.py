"""Whether every lock is up to date, looking again only at what may have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tetrad.identity.lock import is_lock
from tetrad.loading.checked import Checked
from tetrad.loading.repositories import Reading, environments_of, read_tree
from tetrad.model import Repository
from tetrad.model.references import reference_of

_PART = 4  # of more than one component in so many, looking at all of them is as quick


def locks_up_to_date(
    root: Path, checked: Checked, is_stale: Callable[[Repository], bool]
) -> int | None:
    """How many locks there are, all up to date; None where only the whole tree shows what is not.

    `is_stale` says it of what a part of the tree holds.
    """
    if checked.is_empty:
        return None
    there = list(checked.content.tree.components())
    checked.forget(there)
    settings = "".join(checked.content.of(f).hex() for f in ("pyproject.toml", "tetrad.toml"))
    fresh = [f for f in there if not checked.holds("loads", settings, f, checked.digest(f))]
    if fresh:
        if len(fresh) * _PART > len(there):
            return None
        tree = checked.content.tree
        reading = read_tree(tree, [*fresh, *environments_of(tree)])
        if not _is_sound(reading, there):
            return None
        checked.learn(reading.seen)
    facts = dict(_facts(checked))
    unknown = [file for file, fact in facts.items() if not checked.holds(*fact)]
    if unknown:
        users = [user for file in unknown for user in checked.users(file)]
        reading = read_tree(checked.content.tree, [*unknown, *users])
        if not _is_sound(reading, there) or is_stale(_only(reading.repository, unknown)):
            return None
        for file in unknown:
            checked.note(*facts[file])
    for file in fresh:
        checked.note("loads", settings, file, checked.digest(file))
    stacks = [file for file, seen in checked.components.items() if seen.kind == "stack"]
    return None if _has_orphan(root, stacks) else len(stacks)


def _only(repository: Repository, files: Sequence[str]) -> Repository:
    """Without the stacks that suites brought along, of which not all suites were read."""
    known = set(files)
    return replace(
        repository,
        stacks={r: s for r, s in repository.stacks.items() if s.location.file in known},
        corpora={r: c for r, c in repository.corpora.items() if c.location.file in known},
    )


def note_up_to_date(checked: Checked, reading: Reading) -> None:
    """Keep that all of a tree loads, and that its locks are up to date."""
    there = list(checked.content.tree.components())
    if not _is_sound(reading, there):
        return
    checked.learn(reading.seen)
    settings = "".join(checked.content.of(f).hex() for f in ("pyproject.toml", "tetrad.toml"))
    for file in there:
        checked.note("loads", settings, file, checked.digest(file))
    for _, fact in _facts(checked):
        checked.note(*fact)


def _is_sound(reading: Reading, there: Sequence[str]) -> bool:
    return not reading.issues and reading.seen.keys() <= set(there)


def _facts(checked: Checked) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is said of each stack whose lock, and each corpus whose digest, is as it should be."""
    locked = [f for f, seen in checked.components.items() if seen.kind in {"stack", "corpus"}]
    for file in locked:
        lock = checked.content.of(f"{reference_of(file)}.lock").hex()
        judging = [checked.digest(user) for user in checked.users(file)]
        yield file, ("locked", file, checked.digest(file), lock, *judging)


def _has_orphan(root: Path, stacks: Sequence[str]) -> bool:
    """Whether a lock of ours has no stack."""
    known = {f"{reference_of(file)}.lock" for file in stacks}
    for path in (root / "stacks").glob("**/*.lock"):
        name = path.relative_to(root).as_posix()
        if name not in known and path.is_file() and is_lock(path.read_bytes()):
            return True
    return False
