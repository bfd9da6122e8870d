"""A tree of files becomes a `Repository`, with every problem of every file in one run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tetrad.errors import Issue, Location, SpecError, UsageError
from tetrad.loading.checked import Seen
from tetrad.loading.files import Tree, linked_folder
from tetrad.loading.garbage import collecting_later
from tetrad.loading.loader import Loader
from tetrad.loading.parsed import Parsed
from tetrad.loading.reach import files_of
from tetrad.loading.settings import load_settings
from tetrad.model import ENVIRONMENTS, Acceptance, Repository, Waiver
from tetrad.model.references import candidates, last_part, reference_of
from tetrad.schemas.kinds import Kind
from tetrad.schemas.nearest import nearest
from tetrad.trees import WorkingTree
from tetrad.yamldoc.document import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What could be built of a tree, and all that is wrong with the rest."""

    repository: Repository
    issues: tuple[Issue, ...]
    documents: Mapping[str, Document]  # YAML files by path
    seen: Mapping[str, Seen]  # components by path


def load_repository(root: Path, only: Sequence[str] | None = None) -> Repository:
    """Everything that a folder says, or what the given files reach; SpecError with all its issues."""
    return sound(read_repository(root, only))


def sound(reading: Reading) -> Repository:
    """What was read; SpecError with all that keeps it from being used."""
    issues = [issue for issue in reading.issues if issue.blocks != "nothing"]
    if issues:
        raise SpecError(issues)
    return reading.repository


def load_named(root: Path, names: Sequence[str], kinds: Sequence[Kind] = ("stack",)) -> Repository:
    """What is named with all that it reaches, and the suites that judge it; of no name everything."""
    tree = Tree(WorkingTree(root))
    return sound(read_tree(tree, files_of(tree, names, kinds) if names else None))


def environments_of(tree: Tree) -> list[str]:
    """The files of all environments."""
    return [file for file in tree.components() if file.startswith(f"{ENVIRONMENTS}/")]


def files_on_both(head: Tree, base: Tree | None, names: Sequence[str]) -> Sequence[str] | None:
    """Where loading begins on both sides of a comparison of stacks; None: everywhere.

    A suite that judges one of the stacks on either side is looked at on both, with all its stacks.
    """
    found = files_of(head, names, ("stack",)) if names else None
    if found is None or base is None:
        return found
    there = files_of(base, names, ("stack",)) or ()
    only = [*found, *there]
    if not set(found) <= set(there):  # a new stack may be one of the base that was renamed
        now, then = dict.fromkeys(head.components()), dict.fromkeys(base.components())
        only += [file for file in (*then, *now) if file not in now or file not in then]
    read = [read_tree(side, only).repository for side in (head, base)]
    named = [stack.location.file for repository in read for stack in repository.stacks.values()]
    return [*dict.fromkeys([*only, *named])]


def load_base(
    tree: Tree, only: Sequence[str] | None = None, parsed: Parsed | None = None
) -> Repository:
    """A tree to compare with; SpecError as of `load_repository`, but for cases that cannot be judged.

    Another tree's suites judge this one, and the change may be what fixes its own.
    """
    reading = read_tree(tree, only, parsed)
    issues = [issue for issue in reading.issues if issue.blocks == "load"]
    if issues:
        raise SpecError(issues)
    return reading.repository


def read_repository(root: Path, only: Sequence[str] | None = None) -> Reading:
    """What can be built of the tree in a folder; `only` restricts it to what the given files reach."""
    return read_tree(Tree(WorkingTree(root)), only)


def read_tree(
    tree: Tree, only: Sequence[str] | None = None, parsed: Parsed | None = None
) -> Reading:
    """The same of any tree; `parsed` is shared with other trees of the same files.

    Where `only` names an environment, the suites that it requires of the stacks are read, too.
    """
    with collecting_later():
        return _read(tree, only, parsed or Parsed())


def _read(tree: Tree, only: Sequence[str] | None, parsed: Parsed) -> Reading:
    loader = Loader(tree, parsed)
    settings, issues = load_settings(tree.files)
    loader.report(*issues)
    there = tree.components()
    loader.report(*_of_one_name(there), *_of_no_name(there))
    loader.report(*map(linked_folder, tree.linked_folders))
    for file in there if only is None else _starting_points(only, there):
        loader.build(file)
    if only is not None:
        _build_required(loader)
    built = loader.built()
    lines = [line for lines in built["waivers"].values() for line in lines]
    repository = Repository(
        files=tree.files,
        settings=settings,
        prompts=built["prompt"],
        models=built["model"],
        corpora=built["corpus"],
        tools=built["tool"],
        stacks=built["stack"],
        suites=built["suite"],
        environments=built["environment"],
        waivers=tuple(line for line in lines if isinstance(line, Waiver)),
        acceptances=tuple(line for line in lines if isinstance(line, Acceptance)),
    )
    loader.report(*_of_required_suites(repository))
    return Reading(
        repository=repository,
        issues=loader.issues(),
        documents=dict(loader.documents),
        seen=loader.seen(),
    )


def find(repository: Repository, name: str, among: Iterable[str] | None = None) -> str:
    """The reference that a name means: itself, its file, or an unambiguous last part.

    A stack comes before a suite of the same name, and both before components; `among` names the
    references that a command takes.
    """
    components = [
        *repository.prompts, *repository.models, *repository.corpora, *repository.tools,
        *repository.environments,
    ]  # fmt: skip
    everything = [list(repository.stacks), list(repository.suites), components]
    groups = everything if among is None else [list(among)]
    ref = _match(name, groups)
    if ref is None:
        raise _not_found(name, [ref for refs in groups for ref in refs], _match(name, everything))
    return ref


def _match(name: str, groups: Sequence[Sequence[str]]) -> str | None:
    """The reference of the first group in which the name means one; UsageError where it means two."""
    exact = name.removeprefix("./").removesuffix("/").removesuffix(".yaml").removesuffix(".yml")
    for refs in groups:
        if exact in refs or exact.removesuffix("/suite") in refs:
            return exact if exact in refs else exact.removesuffix("/suite")
    for refs in groups:
        matching = [ref for ref in refs if last_part(ref) == name]
        if len(matching) == 1:
            return matching[0]
        if matching:
            message = f"{name!r} is ambiguous: {', '.join(matching)}"
            raise UsageError(f"{message}\n  help: write the whole reference")
    return None


def _not_found(name: str, refs: Sequence[str], elsewhere: str | None) -> UsageError:
    """What is said of a name that means none of `refs`, but perhaps something `elsewhere`."""
    close = nearest(name, [*refs, *map(last_part, refs)])
    known = f"there are {', '.join(refs)}" if refs else "there is nothing to choose from yet"
    if elsewhere is not None:
        return UsageError(f"{elsewhere} is not expected here\n  help: {known}")
    hint = f"did you mean {close}?" if close else known
    return UsageError(f"there is nothing named {name!r}\n  help: {hint}")


def _of_one_name(files: Sequence[str]) -> Iterator[Issue]:
    """Files that the same reference means."""
    seen: dict[str, str] = {}
    for file in files:
        first = seen.setdefault(reference_of(file), file)
        if first != file:
            message = f"{first} has the same reference {reference_of(file)}"
            yield Issue(location=Location(file), message=message, hint="rename one of them")


def _build_required(loader: Loader) -> None:
    """Load the suites that environments require of stacks, which may bring further stacks."""
    built: set[str] = set()
    while wanted := _required(loader) - built:
        built |= wanted
        for ref in sorted(wanted):
            for file in filter(loader.tree.has, candidates(ref)):
                loader.build(file)


def _required(loader: Loader) -> set[str]:
    built = loader.built()
    serving = {name for stack in built["stack"].values() for name in stack.environments}
    environments = built["environment"].values()
    rules = [e.evidence for e in environments if e.evidence and e.name in serving]
    return {suite for rule in rules for suite in rule.suites}


def _of_required_suites(repository: Repository) -> Iterator[Issue]:
    """Suites that an environment requires, and that do not judge a stack that serves there."""
    serving = [(name, stack) for stack in repository.stacks.values() for name in stack.environments]
    for environment in repository.environments.values():
        for ref in environment.evidence.suites if environment.evidence else ():
            suite = repository.suites.get(ref)
            judged = {stack.ref for stack in suite.stacks} if suite else set()
            for name, stack in serving:
                if suite is not None and name == environment.name and stack.ref not in judged:
                    message = f"{environment.name} requires {ref}, which does not judge {stack.ref}"
                    hint = f"add {stack.ref} to stacks: of {suite.location.file}"
                    yield Issue(location=stack.location, message=message, hint=hint)


def _of_no_name(files: Sequence[str]) -> Iterator[Issue]:
    """Files whose name no reference, lock or digest can hold."""
    for file in files:
        try:
            file.encode()
        except UnicodeEncodeError:
            message, hint = "the name of this file is not UTF-8", "rename it"
            yield Issue(location=Location(file), code="SCH100", message=message, hint=hint)
        if len(file.splitlines()) > 1:
            message, hint = "the name of this file holds a line break", "rename it"
            yield Issue(
                location=Location(file), code="SCH100", message=message, hint=hint, blocks="judge"
            )


def _starting_points(only: Sequence[str], files: Sequence[str]) -> Iterable[str]:
    """The component files among the given ones; a golden set stands for its suite."""
    known = set(files)
    for file in only:
        if file in known:
            yield file
        elif "/" in file:
            folder = file.rsplit("/", 1)[0]
            yield from (
                f"{folder}/{n}" for n in ("suite.yaml", "suite.yml") if f"{folder}/{n}" in known
            )
