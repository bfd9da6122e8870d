"""The two trees of a comparison, and the plan of what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO, TextIOWrapper

from tetrad import git
from tetrad.errors import BaseUnusable, SpecError, TetradError
from tetrad.evals.forecast import Forecast
from tetrad.evals.session import Session
from tetrad.loading.documents import document_digest, documents_of
from tetrad.loading.files import Tree as SpecTree
from tetrad.loading.parsed import Parsed
from tetrad.loading.repositories import (
    Reading,
    files_on_both,
    load_base,
    read_tree,
    sound,
)
from tetrad.model import Case, Model, Repository, ScriptedEngine, Stack, TorchEngine
from tetrad.plan import (
    Estimator,
    Partners,
    Plan,
    Side,
    coverage_changes,
    partners_of,
    plan_stacks,
    yardstick_changes,
)
from tetrad.runtime.answering import Prepared
from tetrad.trees import FileTree

# How an engine's name begins in a run's record, by what asks for it; all others are endpoints.
_ENGINES: Mapping[type, str] = {TorchEngine: "torch", ScriptedEngine: "scripted"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The head and, where one was asked for, the base.

    Commits are None outside of Git; `base` and `partners` are None where none was asked for.
    """

    head: Repository
    head_commit: str | None = None
    dirty: bool = True
    base: Repository | None = None
    base_commit: str | None = None
    partners: Partners | None = None


def compare(
    tree: SpecTree,
    base: tuple[str, SpecTree] | None,
    *,
    head_commit: str | None,
    dirty: bool,
    names: Sequence[str] = (),
    only: Sequence[str] | None = None,
    heard: Callable[[Reading], None] | None = None,
) -> Comparison:
    """Load a working tree and the base's, given with its commit; of stacks that are named, what
    concerns them.

    `only` names the files where loading begins instead, on both sides; `heard` is told what was read.

    Raises SpecError with every issue of the head, BaseUnusable with every issue of the base, and
    GitError where a sparse checkout leaves files of the head out.
    """
    absent = git.not_checked_out(tree.files.folder())
    git.refuse_absent(absent)
    if only is None:
        only = files_on_both(tree, base[1] if base else None, names)
    parsed = Parsed()
    reading = read_tree(tree, only, parsed)
    head = sound(reading)
    if heard is not None:
        heard(reading)
    git.refuse_absent(absent, [corpus.documents.path for corpus in head.corpora.values()])
    before = _loaded(*base, only, parsed) if base else None
    return Comparison(
        head=head,
        head_commit=head_commit,
        dirty=dirty,
        base=before,
        base_commit=base[0] if base else None,
        partners=partners_of(head, before) if before else None,
    )


def _loaded(commit: str, tree: SpecTree, only: Sequence[str] | None, parsed: Parsed) -> Repository:
    try:
        return load_base(tree, only, parsed)
    except SpecError as error:
        raise BaseUnusable(commit, error) from error


def plan_comparison(
    trees: Comparison,
    stacks: Sequence[Stack],
    session: Session,
    *,
    estimate: Estimator,
    everything: bool = False,
) -> Plan:
    """What differs, seen by rendering every case on both trees; asks no engine. `everything` plans
    the suites that the change does not touch, too.
    """

    def on_base(stack: Stack, cases: Sequence[Case], *, files: FileTree) -> Sequence[Prepared]:
        try:
            return session.prepare(stack, cases, files=files)
        except TetradError as error:
            raise BaseUnusable(trees.base_commit, error) from error

    def tree(repository: Repository, prepare: Callable[..., Sequence[Prepared]]) -> Side:
        return Side(
            repository=repository,
            files=TreeFiles(repository.files),
            prepare=partial(prepare, files=repository.files),
        )

    return Plan(
        base=trees.base_commit,
        head=trees.head_commit,
        dirty=trees.dirty,
        stacks=plan_stacks(
            tree(trees.head, session.prepare),
            tree(trees.base, on_base) if trees.base else None,
            trees.partners,
            stacks=stacks,
            estimate=estimate,
            everything=everything,
        ),
        coverage=coverage_changes(trees.head, trees.base, trees.partners),
        yardstick=yardstick_changes(trees.head, trees.base, trees.partners),
    )


def estimates(session: Session) -> Estimator:
    """What is left to ask, by the kept answers, the pinned tokenizers and the time calls took of late."""
    from tetrad.engines.count import count_tokens

    def count(model: Model, text: str) -> tuple[int, bool]:
        return count_tokens(model, text, session.store)

    def pace(stack: Stack) -> float | None:
        engine = _ENGINES.get(type(session.answering(stack).model.engine), "openai")
        return session.runs.seconds_a_call(stack.ref, engine)

    return Forecast(session=session, count=count, pace=pace)


class TreeFiles:
    """The texts of one tree."""

    def __init__(self, files: FileTree) -> None:
        self._files = files

    def text(self, path: str) -> str | None:
        if not self._files.has(path):
            return None
        try:
            with TextIOWrapper(BytesIO(self._files.read(path)), encoding="utf-8") as stream:
                return stream.read()
        except UnicodeDecodeError:
            return None

    def documents(self, stack: Stack) -> Mapping[str, str]:
        if stack.retrieval is None:
            return {}
        documents = stack.retrieval.corpus.documents
        return {
            file: str(document_digest(self._files, file))
            for _, file in documents_of(SpecTree(self._files), documents)
        }
