"""`tetrad pin`: write into a model's YAML what fixes it: the exact revision and the digests of its files,
or the fingerprint of one that a vendor serves.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tetrad.cli.output import print_text
from tetrad.cli.pin_fingerprint import pin_fingerprints
from tetrad.cli.repository_root import root_of
from tetrad.errors import ExitCode, UsageError
from tetrad.places import refuse_links
from tetrad.writing import replace_file

if TYPE_CHECKING:
    from tetrad.artifacts.pin import Pin
    from tetrad.model import Source
    from tetrad.yamldoc.parse import Document


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="a model's YAML file (default: the fingerprints of all models)",
    )


def run(args: Namespace) -> ExitCode:
    from tetrad.artifacts.pin import resolve
    from tetrad.artifacts.store import store_from_environment
    from tetrad.cli.progress_display import progress_bars
    from tetrad.git import refuse_committed

    root, store = root_of(args), store_from_environment()
    if args.file is None:
        pin_fingerprints(root, None)
        return ExitCode.PASSED
    refuse_committed(root, store.root)
    document = _read(args.file, root)
    if _has_only_a_fingerprint(document):
        pin_fingerprints(root, document.origin)
        return ExitCode.PASSED
    source, names = _source(document)
    pin = resolve(source, names, root=root, store=store, progress=progress_bars())
    edited = _written(document, pin)
    if edited.text == document.text:
        print_text(f"{document.origin}: up to date with its source\n")
        return ExitCode.PASSED
    replace_file(args.file, edited.encoded())
    print_text("".join(f"{line}\n" for line in _changes(document, pin)))
    return ExitCode.PASSED


def _read(file: Path, root: Path) -> Document:
    from tetrad.yamldoc.parse import parse

    refuse_links(file)  # errors quote what they are about
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    path = file.resolve()
    return parse(
        data, path.relative_to(root).as_posix() if path.is_relative_to(root) else str(file)
    )


def _has_only_a_fingerprint(document: Document) -> bool:
    value: Any = document.value if isinstance(document.value, dict) else {}
    source = value.get("source")
    is_served = isinstance(source, str) and source.startswith(("vendor://", "endpoint://"))
    return is_served and value.get("fingerprint") is not None


def _source(document: Document) -> tuple[Source, tuple[str, ...]]:
    """Where the files come from and which are named; digests need not be there yet.

    The schema is not asked: it refuses the very files that are still to be pinned.
    """
    from tetrad.artifacts.sources import SCHEMES
    from tetrad.model import Source

    value: Any = document.value if isinstance(document.value, dict) else {}
    if value.get("kind") != "model":
        raise UsageError(
            f"{document.origin}: only models are pinned"
            "\n  help: a corpus gets its digest from `tetrad lock`"
        )
    engine = value.get("engine")
    if isinstance(engine, Mapping) and "scripted" in engine:
        raise UsageError(
            f"{document.origin}: a script needs no pin"
            "\n  help: its answers are in the repository, and are part of the identity"
        )
    uri, files = value.get("source"), value.get("files") or {}
    scheme = uri.partition("://")[0] if isinstance(uri, str) else ""
    if scheme not in SCHEMES:
        raise UsageError(
            f"{document.at(('source',))}: `source` is not the source of a model"
            f"\n  help: it begins with one of {', '.join(f'{known}://' for known in SCHEMES)}"
        )
    if not isinstance(files, Mapping):
        raise UsageError(f"{document.at(('files',))}: `files` is not a mapping of names to digests")
    return Source(uri=str(uri), scheme=cast("Any", scheme)), tuple(files)


def _written(document: Document, pin: Pin) -> Document:
    from tetrad.yamldoc.edit import set_value

    files = {name: str(digest) for name, digest in pin.files.items()}
    return set_value(set_value(document, ("source",), pin.uri), ("files",), files)


def _changes(document: Document, pin: Pin) -> list[str]:
    before = document.value.get("files") or {}
    lines = [f"{document.origin}: pinned"]
    if document.value["source"] != pin.uri:
        lines.append(f"  source: {document.value['source']} → {pin.uri}")
    lines += [
        f"  {name}: {digest}"
        for name, digest in pin.files.items()
        if before.get(name) != str(digest)
    ]
    return lines
