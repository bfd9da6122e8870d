"""The command line: a table of subcommands, one file each, and one boundary for errors.

A command prints data on standard output and talk on standard error, and returns an `ExitCode`.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from tetrad import __version__
from tetrad.cli.arguments import Parser
from tetrad.cli.output import open_streams, print_status
from tetrad.errors import ExitCode, TetradError


class Command(Protocol):
    """What a file of this folder offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> ExitCode: ...


# In the order in which a newcomer meets them. What a command does stands here and not in its file,
# so that only the file of the command that is asked for is read.
COMMANDS: Mapping[str, str] = {
    "init": "create a small working system: a prompt, a stack, a golden set",
    "lint": "check prompts, models, corpora, tools, stacks and golden sets",
    "lsp": "run the language server for editors",
    "explain": "explain a lint rule, by its code or its name",
    "plan": "show what a change affects: stacks, cases to run, calls, tokens and cost",
    "try": "answer one request and show every step",
    "eval": "run cases of a golden set and show the results, without a decision",
    "gate": "evaluate what a change affects, compare it with its base, and decide",
    "report": "render a report of `tetrad gate`: for a terminal, a pull request, CI, a browser",
    "attest": "check a report against its commit and sign the result as evidence",
    "approve": "sign your approval of an identity for an environment",
    "verify": "check whether an identity may serve an environment, and list every unmet clause",
    "admit": "record that an environment admits an identity",
    "deploy": "deploy the merged state to an environment, step by step",
    "smoke": "run tagged golden cases against a live gateway",
    "rollout": "show, continue or abort a rollout",
    "promote": "deploy to one environment what is live in another",
    "rollback": "return all traffic to an earlier identity and withdraw the current one",
    "release": "lift the withdrawal of a stack's identities",
    "status": "show what each environment serves, since when and on whose evidence",
    "history": "show every change to what an environment serves",
    "drift": "show what differs from the merged state: objects, identities, corpora, models",
    "cost": "show what an environment's model servers cost per month, and its traffic",
    "render": "write Kubernetes manifests for the identities that may serve an environment",
    "evidence": "show signed statements about an identity",
    "log": "show a stack's identities over time: what changed, scores, evidence, approvals",
    "serve": "serve an environment's stacks over HTTP",
    "keys": "create a key pair for signing, or an API key for a client",
    "show": "show the components and digests of a stack or a suite",
    "lock": "write the locks of all stacks and the digests of all corpora",
    "diff": "show the differences between two identities, with their scores",
    "bundle": "write everything an identity needs to answer into one file",
    "unbundle": "verify a bundle and unpack it into a new repository",
    "bom": "write a stack's bill of materials (CycloneDX)",
    "card": "write a stack's card: what it is, what it is for, its limits, its scores",
    "index": "build and verify the vector store indexes of corpora",
    "pull": "download and verify the files of models",
    "pin": "pin a model: write its revision, file digests or fingerprint into its file",
    "registry": "verify, export or erase the record of identities, runs, decisions and evidence",
    "feedback": "list user feedback, turn it into candidate cases, or erase it",
    "monitor": "check whether live answers have drifted from the golden sets",
    "schema": "print the JSON Schema of a kind of file",
}

# What a machine may refuse to anybody, or a folder in the place of a file; everything else that the
# system complains of is our bug.
REFUSALS = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG,
    errno.ENOTDIR, errno.EISDIR,
}  # fmt: skip

DESCRIPTION = """\
Prompt, model, corpus and tools in one repository, under one identity,
evaluated before every merge.
"""
EPILOG = """\
exit codes: 0 passed; 1 failed (findings, failed gate); 2 usage error, or a file
that does not load; 3 inconclusive (an engine or a service failed); 4 a bug in
Tetrad; 130 interrupted (Ctrl-C or SIGTERM).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if argv is None:
        _begin_in_utf8()
    open_streams()
    if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # CI cancels by SIGTERM; the base's folder is removed then, too. A shell's background job
        # ignores SIGINT, and is ended by SIGTERM at once.
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        args = build_parser(arguments).parse_args(arguments)
        return _command(args.command).run(args)
    except TetradError as error:
        print_status(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            "interrupted; received answers are cached, and the next run continues from there\n"
        )
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the boundary: a bug of ours becomes a report
        return _failed(error, arguments)


def _begin_in_utf8() -> None:
    """Begin anew where Python would read names of files by another encoding, as in a Latin-1 locale:
    in a repository they are UTF-8, as Git keeps them.
    """
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable:
        return
    if os.environ.get("PYTHONUTF8") != "1":
        arguments = [sys.executable, "-P", "-m", "tetrad", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser. The command that is asked for loads its own arguments, and no other is made where
    its name comes first, so start-up stays short.
    """
    parser = Parser(prog="tetrad", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"tetrad {__version__}")
    parser.add_argument(
        "-C",
        "--root",
        type=Path,
        metavar="DIR",
        help="the repository (default: the nearest one above this folder)",
    )
    commands = parser.add_subparsers(
        title="commands", prog=parser.prog, dest="command", metavar="COMMAND", required=True
    )
    asked = _asked_first(arguments)
    for name, does in COMMANDS.items() if asked is None else [(asked, COMMANDS[asked])]:
        sub = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        if name in arguments:
            _command(name).add_arguments(sub)
    return parser


def _asked_first(arguments: Sequence[str]) -> str | None:
    """The command, where nothing but `-C DIR` stands before it."""
    rest = iter(arguments)
    for argument in rest:
        if argument in {"-C", "--root"}:
            next(rest, None)
        else:
            return argument if argument in COMMANDS else None
    return None


def _failed(error: Exception, arguments: Sequence[str]) -> ExitCode:
    if isinstance(error, OSError) and error.errno in REFUSALS:
        place = f"{error.filename}: " if error.filename else ""
        print_status(f"{place}{error.strerror}\n")
        return ExitCode.MISUSE
    from tetrad.cli.bug import report_bug

    return report_bug(error, arguments)


def _command(name: str) -> Command:
    # `try` is a word of the language, so its file is `try_`
    return cast("Command", import_module(f"tetrad.cli.{'try_' if name == 'try' else name}"))
