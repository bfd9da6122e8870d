"""`tetrad show NAME`: what a stack or a suite is made of, and the bytes that its digest is of."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tetrad.cli.folding import folded
from tetrad.cli.output import print_text, write_out
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tetrad.identity.behaviour import Component
    from tetrad.model import Prompt, Repository, Stack, Suite


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a stack or a suite")
    parser.add_argument(
        "--identity-json",
        action="store_true",
        help="print the exact bytes whose sha256sum is the identity, or the suite's digest",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.canonical import canonical_json
    from tetrad.identity import identity_document
    from tetrad.identity.suite_digest import suite_document
    from tetrad.loading.repositories import find, load_named

    repository = load_named(root_of(args), [args.name], ("stack", "suite"))
    ref = find(repository, args.name)
    if ref in repository.stacks:
        stack = repository.stacks[ref]
        document, lines = identity_document(stack), _lines(repository, stack)
    elif ref in repository.suites:
        suite = repository.suites[ref]
        document, lines = suite_document(suite), _suite_lines(suite)
    else:
        known = ", ".join([*repository.stacks, *repository.suites])
        raise UsageError(f"{ref} is neither a stack nor a suite\n  help: there are {known}")
    if args.identity_json:
        write_out(canonical_json(document).decode())
    else:
        print_text(folded("".join(f"{line}\n" for line in lines)))
    return ExitCode.PASSED


def _suite_lines(suite: Suite) -> Iterator[str]:
    from tetrad.identity.suite_digest import suite_digest
    from tetrad.text import pluralize

    yield suite.ref
    if suite.description:
        yield f"  {suite.description}"
    yield f"  suite       {suite_digest(suite)}"
    yield f"  golden set  {suite.golden.digest}  {suite.golden.path}"
    yield f"              {pluralize(len(suite.golden.cases), 'case')}"
    yield f"  metrics     {', '.join(suite.metrics)}"
    for judge in suite.judges.values():
        yield f"  {_row('judge', judge.model)}"
    for stack in suite.stacks:
        yield f"  judges      {stack.ref}"


def _lines(repository: Repository, stack: Stack) -> Iterator[str]:
    from tetrad.canonical import digest_of
    from tetrad.identity import identity_of, settings_of, short, written_identity
    from tetrad.text import pluralize

    yield stack.ref
    if stack.description:
        yield f"  {stack.description}"
    yield f"  identity    {written_identity(identity_of(stack))}"
    yield from (f"  {row}" for row in _components(stack))
    yield f"  settings    {short(digest_of(settings_of(stack)))}"
    for suite in repository.suites_by_stack.get(stack.ref, ()):
        cases = pluralize(len(suite.golden.cases), "case")
        yield f"  suite       {short(suite.golden.digest)}  {suite.ref} ({cases})"


def _components(stack: Stack) -> Iterator[str]:
    prompt, model = stack.prompt, stack.model
    yield _row("prompt", prompt)
    yield from _includes(prompt)
    if prompt.select is not None:
        yield f"{_row('embedding', prompt.select.embedding)}"
    yield _row("model", model)
    if stack.retrieval is not None:
        yield _row("corpus", stack.retrieval.corpus)
        yield f"{_row('embedding', stack.retrieval.corpus.embedding)}"
    for tool in stack.tools:
        yield _row("tool", tool)


def _includes(prompt: Prompt) -> Iterator[str]:
    """The files that the prompt's messages include, each with the digest of its text."""
    from tetrad.canonical import digest_bytes
    from tetrad.identity import short

    texts = {
        piece.file: piece.text
        for message in prompt.messages
        for piece in message.pieces
        if piece.file != message.location.file
    }
    for file, text in texts.items():
        yield f"{'include':<10}  {short(digest_bytes(text.encode()))}  {file}"


def _row(label: str, component: Component) -> str:
    from tetrad.identity import component_digest, short

    return f"{label:<10}  {short(component_digest(component))}  {component.ref}"
