"""Candidate cases as a commit on a branch: for a person to review, and for nobody to run before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tetrad.errors import UsageError
from tetrad.git import CommitTree, SideBranch
from tetrad.learning.candidates import Candidate, Skipped, candidates
from tetrad.learning.golden_file import with_cases
from tetrad.loading.files import Tree
from tetrad.loading.repositories import read_tree, sound
from tetrad.model import Suite
from tetrad.text import pluralize
from tetrad.traffic import Feedback, KeptAnswer
from tetrad.trees import FileTree


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What became of feedback; `commit` is None where nothing new was in it."""

    made: tuple[Candidate, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    commit: str | None = None


def propose(
    root: Path,
    branch: SideBranch,
    suite: str,
    chosen: Sequence[Feedback],
    answers: Mapping[str, KeptAnswer],
) -> Proposal:
    """Commit the cases that the suite's golden set lacks on top of the branch, if there are any."""
    with _tree_of(root, branch.tip) as files:
        known = _suite_in(files, suite, branch.tip)
        made, skipped = candidates(chosen, answers, known)
        if not made:
            return Proposal(skipped=skipped)
        file = known.golden.path
        data = with_cases(file, files.read(file), [candidate.document for candidate in made])
    commit = branch.commit(file, data, _message(suite, made))
    _check(root, commit, suite, made)
    branch.move_to(commit)
    return Proposal(made=made, skipped=skipped, commit=commit)


def _check(root: Path, commit: str, suite: str, made: Sequence[Candidate]) -> None:
    """The golden set must say what was meant: what users write could mean more to its reader."""
    with _tree_of(root, commit) as files:
        cases = {case.id: case for case in _suite_in(files, suite, commit).golden.cases}
    for candidate in made:
        case = cases.get(candidate.id)
        if case is None or case.vars != candidate.document["vars"]:
            raise UsageError(
                f"feedback {candidate.feedback} does not become a case of its own words\n"
                "  help: leave it out, and write the case by hand"
            )


@contextmanager
def _tree_of(root: Path, commit: str) -> Iterator[FileTree]:
    with (
        TemporaryDirectory(prefix="tetrad-feedback-") as folder,
        closing(CommitTree(root, commit, Path(folder))) as files,
    ):
        yield files


def _suite_in(files: FileTree, ref: str, commit: str) -> Suite:
    suites = sound(read_tree(Tree(files))).suites
    if ref not in suites:
        raise UsageError(f"{ref} is not in the commit {commit[:12]}\n  help: commit it first")
    return suites[ref]


def _message(suite: str, made: Sequence[Candidate]) -> str:
    ids = "\n".join(f"Feedback: {candidate.feedback}" for candidate in made)
    return f"Propose {pluralize(len(made), 'case')} for {suite}, from feedback\n\n{ids}\n"
