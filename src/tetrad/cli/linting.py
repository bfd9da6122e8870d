"""What `tetrad lint` is asked to look at, and looking at it."""

from __future__ import annotations

from collections import ChainMap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tetrad.cli.repository_root import root_of
from tetrad.errors import UsageError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from tetrad.lint import Finding, LintTree, Selection
    from tetrad.lint.known import Known
    from tetrad.lint.looked import Processes
    from tetrad.loading.checked import Checked
    from tetrad.model import Model, Settings
    from tetrad.trees import FileTree

Found = tuple["LintTree", tuple["Finding", ...]]


class LintRequest(NamedTuple):
    """Files of our kinds, all where `asked` is None, and those of other tools."""

    root: Path
    files: FileTree
    own: bool  # whether files of ours are asked for
    asked: tuple[str, ...] | None
    foreign: tuple[str, ...] = ()
    prompty: frozenset[str] = frozenset()  # of `foreign`, those that are Prompty by whatever name


def request_of(args: Namespace) -> LintRequest:
    """What the command line asks for; UsageError where it is not there."""
    from tetrad.lint.other_tools import is_of_other_tool
    from tetrad.lint.scope import asked_files
    from tetrad.trees import WorkingTree

    others = [path for path in args.paths if is_of_other_tool(path) and not path.is_dir()]
    own = [path for path in args.paths if path not in others]
    if not (others or args.prompty or any(path.is_dir() for path in own)):
        root = root_of(args)
        return LintRequest(root, WorkingTree(root), own=True, asked=asked_files(root, own))
    root = any_root(args)
    asked = asked_files(root, own)
    folder = next((path for path in args.prompty if path.is_dir()), None)
    if folder is not None:
        raise UsageError(f"{folder} is a folder\n  help: name the files in it after --prompty")
    prompty = frozenset(asked_files(root, args.prompty) or ())
    foreign = dict.fromkeys([*(asked_files(root, others) or ()), *sorted(prompty)])
    foreign |= dict.fromkeys(_in_folders(root, own, asked))
    is_ours = bool(own) and (not foreign or _is_ours(root))
    if own and not foreign:
        root_of(args)  # there is nothing that another tool's repository could be asked for
    files = WorkingTree(root)
    return LintRequest(
        root, files, own=is_ours, asked=asked, foreign=tuple(foreign), prompty=prompty
    )


def request_of_text(
    root: Path, name: str, edited: Mapping[str, bytes], args: Namespace
) -> LintRequest:
    """One of the files that an editor holds; they are named by where they would be saved."""
    from tetrad.lint.edited import EditedTree
    from tetrad.lint.other_tools import is_of_other_tool

    files = EditedTree(root, edited)
    prompty = frozenset({name} if args.prompty else ())
    if prompty or is_of_other_tool(Path(name)):
        return LintRequest(root, files, own=False, asked=None, foreign=(name,), prompty=prompty)
    return LintRequest(root, files, own=True, asked=(name,))


def any_root(args: Namespace) -> Path:
    """The repository, of our shape or of any other."""
    from tetrad.places import checkout_above

    try:
        return root_of(args)
    except UsageError:
        if args.root is not None:
            raise
        return checkout_above(Path.cwd()) or Path.cwd().resolve()


def _in_folders(root: Path, own: Sequence[Path], asked: Sequence[str] | None) -> Iterator[str]:
    from tetrad.lint.foreign.foreign_tree import foreign_files
    from tetrad.trees import WorkingTree

    folders = [name for name in asked or () if name.endswith("/")]
    for folder in folders if asked is not None else ["."] if own else []:
        yield from foreign_files(WorkingTree(root), folder)


def _is_ours(root: Path) -> bool:
    """Whether any file is of one of our kinds: `prompts/` is a folder's name elsewhere, too."""
    from tetrad.loading.files import Tree as Folder
    from tetrad.schemas.kinds import KINDS
    from tetrad.trees import WorkingTree

    tree = Folder(WorkingTree(root))
    return any(tree.says(file, kind) for file in tree.components() for kind in KINDS)


def lint(request: LintRequest, args: Namespace, *, by_known: bool = False) -> Found:
    """What is found; `by_known`: with what earlier runs found out of the whole repository."""
    whole = by_known and request.asked is None
    found = (_known if whole else _linted)(request, args) if request.own else None
    if not request.foreign:
        return found or _linted(request, args)
    foreign = _foreign(request, args)
    return _joined(found, foreign) if found else foreign


def _known(request: LintRequest, args: Namespace) -> Found:
    from datetime import UTC, datetime

    from tetrad.cli.remembered import kept
    from tetrad.cli.share_processes import ShareProcesses

    root, today = request.root, datetime.now(tz=UTC).date()
    select, ignore = _names(args.select), _names(args.ignore)
    order = {"root": str(root), "select": select, "ignore": ignore, "today": today.isoformat()}
    processes = ShareProcesses("tetrad.cli.lint_share", order)
    with kept(root, "lint", writes=False) as checked:
        return known_of(root, checked, select, ignore, today, processes).lint()


def known_of(
    root: Path,
    checked: Checked,
    select: Sequence[str],
    ignore: Sequence[str],
    today: date,
    processes: Processes | None = None,
) -> Known:
    """Lint of a repository by what is known of it; `select` and `ignore` as the command line says."""
    from tetrad.lint.known import Known

    return Known(
        checked,
        asked=("select", *select, "ignore", *ignore),
        selection=lambda settings: _selection(select, ignore, settings),
        today=today,
        count=_count,
        merged=partial(_merged, root),
        processes=processes,
    )


def _linted(request: LintRequest, args: Namespace) -> Found:
    from dataclasses import replace
    from datetime import UTC, datetime

    from tetrad.lint import lint_tree, read_tree

    root, today = request.root, datetime.now(tz=UTC).date()
    tree = read_tree(root, asked=request.asked, today=today, count=_count, files=request.files)
    tree = replace(tree, merged=partial(_merged, root))
    return tree, lint_tree(tree, _asked(args, tree.repository.settings))


def _foreign(request: LintRequest, args: Namespace) -> Found:
    from datetime import UTC, datetime

    from tetrad.lint.foreign.foreign_tree import foreign_tree, lint_foreign
    from tetrad.loading.files import Tree as Folder
    from tetrad.loading.repositories import read_tree

    reading = read_tree(Folder(request.files), ("waivers.yaml", "waivers.yml"))
    about = {"pyproject.toml", "tetrad.toml", "waivers.yaml", "waivers.yml"}
    tree, converted = foreign_tree(
        reading.repository,
        [issue for issue in reading.issues if issue.location.file in about and not request.own],
        request.foreign,
        root=request.root,
        prompty=request.prompty,
        today=datetime.now(tz=UTC).date(),
    )
    return tree, lint_foreign(tree, converted, _asked(args, reading.repository.settings))


def _joined(own: Found, foreign: Found) -> Found:
    """Both, as they are shown and fixed."""
    from dataclasses import replace

    (tree, findings), (other, more) = own, foreign
    joined = replace(
        tree,
        documents={**tree.documents, **other.documents},
        texts=ChainMap(dict(other.texts), tree.texts),  # type: ignore[arg-type] # it is only read
        names=(*tree.names, *other.names),
    )
    return joined, tuple(sorted((*findings, *more), key=lambda finding: finding.order))


def _merged(root: Path, file: str) -> str | None:
    from tetrad import git

    return git.merged_text(root, file)


def _count(model: Model, text: str) -> tuple[int, bool]:
    """Tokens by the pinned tokenizer where it is in the cache, by bytes where it is not."""
    from tetrad.artifacts.store import store_from_environment
    from tetrad.engines.count import count_tokens

    return count_tokens(model, text, store_from_environment())


def _asked(args: Namespace, settings: Settings) -> Selection:
    return _selection(_names(args.select), _names(args.ignore), settings)


def _selection(select: Sequence[str], ignore: Sequence[str], settings: Settings) -> Selection:
    from tetrad.lint import Selection
    from tetrad.lint.rules import RULES
    from tetrad.lint.selection import check_selectors

    per_file = settings.lint_per_file_ignores
    in_files = [selector for selectors in per_file.values() for selector in selectors]
    in_settings = [*settings.lint_select, *settings.lint_ignore, *in_files]
    check_selectors([*select, *ignore, *in_settings], RULES)
    return Selection(
        select=tuple(select),
        ignore=tuple(ignore),
        settings_select=settings.lint_select,
        settings_ignore=settings.lint_ignore,
        per_file_ignores=per_file,
    )


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() for names in given for name in names.split(",") if name.strip())
