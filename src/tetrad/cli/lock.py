"""`tetrad lock`: write what every stack is now; `--check` only says which locks are stale."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.cli.folding import folded
from tetrad.cli.output import print_status, print_text
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode
from tetrad.places import linked
from tetrad.writing import remove_file, replace_file

if TYPE_CHECKING:
    from tetrad.loading.checked import Checked
    from tetrad.model import Corpus, Repository


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if anything is out of date"
    )


def run(args: Namespace) -> ExitCode:
    root = root_of(args)
    _refuse_sparse(root)
    if not args.check:
        return _run(args, root, None)
    from tetrad.cli.locked import locks_up_to_date
    from tetrad.cli.remembered import kept
    from tetrad.loading.garbage import collect_nothing_at_exit, collecting_later

    collect_nothing_at_exit()
    with collecting_later(), kept(root, "lock") as checked:
        count = locks_up_to_date(root, checked, _is_stale)
        if count is None:
            return _run(args, root, checked)
    _report_up_to_date(count)
    return ExitCode.PASSED


def _is_stale(repository: Repository) -> bool:
    return any(True for _ in (*_corpora(repository), *stale_locks(repository)))


def _report_up_to_date(count: int) -> None:
    from tetrad.text import pluralize

    sys.stderr.write(f"{pluralize(count, 'lock')} checked: up to date\n")


def _run(args: Namespace, root: Path, checked: Checked | None) -> ExitCode:
    """Look at the whole tree."""
    from tetrad.loading.repositories import read_repository, read_tree, sound

    reading = read_repository(root) if checked is None else read_tree(checked.content.tree)
    repository = sound(reading)
    stale = [*_corpora(repository), *stale_locks(repository), *_orphans(repository)]
    for path, said, content in stale:
        if args.check:
            print_text(folded(f"{path}: {said}\n"))
        else:
            _write(root / path, content)
            done = "removed" if content is None else "written"
            print_status(folded(f"{path}: {said}; {done}\n"))
    if args.check and stale:
        sys.stderr.write("  help: run `tetrad lock` and commit what it writes\n")
        return ExitCode.REFUSED
    if not stale:
        _report_up_to_date(len(repository.stacks))
    if not stale and checked is not None:
        from tetrad.cli.locked import note_up_to_date

        note_up_to_date(checked, reading)
    return ExitCode.PASSED


def _refuse_sparse(root: Path) -> None:
    """A lock says which suites judge its stack: where some are left out, it would say less."""
    from tetrad.places import may_be_sparse

    if may_be_sparse(root):
        from tetrad import git

        git.refuse_absent(git.not_checked_out(root))


def _corpora(repository: Repository) -> Iterator[tuple[str, str, bytes | None]]:
    """Corpus files whose digest is not that of the documents."""
    for corpus in repository.corpora.values():
        if corpus.written_digest != corpus.digest:
            path = corpus.location.file
            what = "missing" if corpus.written_digest is None else "stale"
            yield path, f"the corpus digest is {what}", _with_digest(repository.root, corpus)


def _with_digest(root: Path, corpus: Corpus) -> bytes:
    from tetrad.yamldoc.edit import set_value
    from tetrad.yamldoc.parse import parse

    path = corpus.location.file
    document = parse((root / path).read_bytes(), path)
    return set_value(document, ("digest",), str(corpus.digest)).encoded()


def stale_locks(repository: Repository) -> Iterator[tuple[str, str, bytes]]:
    """Locks that are missing or stale: where, what of them, and what they should hold."""
    from tetrad.identity import short, written_identity
    from tetrad.identity.lock import dump_lock, lock_of, path_of

    for stack in repository.stacks.values():
        path = path_of(stack)
        lock = lock_of(stack, repository.suites_by_stack.get(stack.ref, ()))
        content = dump_lock(lock).encode()
        if not repository.files.is_inside(path):
            raise linked(repository.root / path)
        try:
            there: bytes | None = (repository.root / path).read_bytes()
        except FileNotFoundError:
            there = None
        # Git may have checked it out with Windows' line ends.
        if there is None or there.replace(b"\r\n", b"\n") != content:
            said = "the lock is missing" if there is None else "the lock is stale"
            still = written_identity(lock.identity).encode() in (there or b"")
            identity = f"the identity is {'still ' if still else ''}{short(lock.identity)}"
            yield path, f"{said}, {identity}", content


def _orphans(repository: Repository) -> Iterator[tuple[str, str, bytes | None]]:
    """Locks of stacks that are gone; those of other programs (uv.lock, say) are theirs."""
    from tetrad.identity.lock import is_lock, path_of

    known = {path_of(stack) for stack in repository.stacks.values()}
    for path in sorted((repository.root / "stacks").glob("**/*.lock")):
        file = path.relative_to(repository.root).as_posix()
        if file in known or not path.is_file() or not repository.files.is_inside(file):
            continue
        if is_lock(path.read_bytes()):
            yield file, "the lock's stack is gone", None


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        remove_file(path)
    else:
        replace_file(path, content)
