"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tetrad.errors import UsageError

if TYPE_CHECKING:
    from tetrad.model import EngineSpec, Repository, Stack


_ENVIRONMENT = "an environment, described in infra/environments"


def add_names(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="STACK", help="stacks (default: all)")


def add_environment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV", help=_ENVIRONMENT)


def add_env(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", required=True, metavar="ENV", help=_ENVIRONMENT)


def add_base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        metavar="REF",
        help="compare with the merge base of HEAD and this branch, tag or commit",
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        type=_engine,
        metavar="torch|openai:MODEL",
        help="answer with another engine; the result is a preview, never evidence (openai: the endpoint"
        " in LLM_URL, with the key in LLM_KEY)",
    )
    add_offline(parser)


def add_offline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--offline", action="store_true", help="download nothing; list missing files"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write to this file instead of standard output",
    )


def add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    parser.add_argument(
        "--format",
        choices=formats,
        default=formats[0],
        help=f"output format (default: {formats[0]})",
    )


def _engine(written: str) -> EngineSpec:
    from tetrad.model import OpenAIEngine, TorchEngine

    kind, _, model = written.partition(":")
    if written == "torch":
        return TorchEngine()
    if kind == "openai" and model:
        key = "LLM_KEY" if "LLM_KEY" in os.environ else None
        return OpenAIEngine(model=model, base_url_env="LLM_URL", api_key_env=key)
    raise argparse.ArgumentTypeError(f"{written!r} is neither torch nor openai:MODEL")


def stacks_named(repository: Repository, names: Sequence[str]) -> tuple[Stack, ...]:
    """The stacks of the given names, all where none is given; UsageError for an unknown one."""
    from tetrad.loading.repositories import find

    if not repository.stacks:
        raise UsageError("no stacks under stacks/ yet\n  help: `tetrad init` creates one")
    if not names:
        return tuple(repository.stacks.values())
    return tuple(repository.stacks[find(repository, name, repository.stacks)] for name in names)
