"""All that the files of one tree say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.model.corpus import Corpus
    from tetrad.model.environment import Environment
    from tetrad.model.models import Model
    from tetrad.model.prompt import Prompt
    from tetrad.model.stack import Stack
    from tetrad.model.suite import Suite
    from tetrad.model.tool import Tool
    from tetrad.model.waivers import Acceptance, Waiver
    from tetrad.trees import FileTree


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`[tool.tetrad]` of pyproject.toml, or tetrad.toml."""

    lint_select: tuple[str, ...] = ()  # empty: all
    lint_ignore: tuple[str, ...] = ()
    lint_per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by glob


@dataclass(frozen=True, kw_only=True)
class Repository:
    """All that the files of one tree say; keys are references, in order."""

    files: FileTree
    settings: Settings = Settings()
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    corpora: Mapping[str, Corpus] = field(default_factory=dict)
    tools: Mapping[str, Tool] = field(default_factory=dict)
    stacks: Mapping[str, Stack] = field(default_factory=dict)
    suites: Mapping[str, Suite] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()

    @property
    def root(self) -> Path:
        """The tree on disk; a commit's is laid out whole for that."""
        return self.files.folder()

    @cached_property
    def suites_by_stack(self) -> Mapping[str, Sequence[Suite]]:
        """The suites that judge a stack, by its reference."""
        found: dict[str, list[Suite]] = {}
        for suite in self.suites.values():
            for ref in dict.fromkeys(stack.ref for stack in suite.stacks):
                found.setdefault(ref, []).append(suite)
        return found
