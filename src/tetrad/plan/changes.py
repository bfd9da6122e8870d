"""Which parts of a stack moved between two trees, and what their files say of it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Protocol

from tetrad.identity import identity_document
from tetrad.model import Model, Prompt, PythonRun, ScriptedEngine, Stack, Suite, Tool
from tetrad.results.gate_report import ComponentChange
from tetrad.text import lines_of

# A diff is there to be read; a larger one is for git.
MAX_DIFF_LINES = 400
PARTS = ("prompt", "model", "corpus", "tools", "settings", "runtime")


class Files(Protocol):
    """The text files of one tree, by path from its root."""

    def text(self, path: str) -> str | None:
        """The file's text, or None where there is none or it is not text."""

    def documents(self, stack: Stack) -> Mapping[str, str]:
        """Digest of each document of the stack's corpus, by path from the root."""


def changed_parts(head: Stack, base: Stack) -> tuple[str, ...]:
    """The parts of the identity that differ, in its own order: prompt, model, corpus, tools, settings."""
    new, old = identity_document(head), identity_document(base)
    return tuple(part for part in PARTS if new[part] != old[part])


def describe_changes(
    head: Stack, base: Stack, parts: tuple[str, ...], new: Files, old: Files
) -> tuple[ComponentChange, ...]:
    """A unified diff of every file behind the parts that moved."""
    return tuple(
        ComponentChange(component=part, ref=path, diff=diff)
        for part in parts
        for path in sorted(
            _paths(part, head) | _paths(part, base) | _documents(part, head, base, new, old)
        )
        if (diff := unified(old.text(path), new.text(path), path))
    )


def touched_files(head: Stack, base: Stack, new: Files, old: Files) -> tuple[str, ...]:
    """The files of the stack whose text differs, whatever that means for its identity."""
    paths = {path for part in PARTS for stack in (head, base) for path in _paths(part, stack)}
    here, there = head.location.file, base.location.file  # which differ where it was renamed
    before = dict.fromkeys(paths - {there}) | {here: there}
    return tuple(p for p in sorted(before) if new.text(p) != old.text(before[p] or p))


def unified(before: str | None, after: str | None, path: str) -> str:
    """The unified diff of two texts, None being no file; empty where they are equal."""
    if before == after:
        return ""
    lines = list(_unified(before or "", after or "", path))
    if len(lines) > MAX_DIFF_LINES:
        left_out = len(lines) - MAX_DIFF_LINES
        lines = [*lines[:MAX_DIFF_LINES], f"… {left_out} more lines"]
    return "\n".join(lines)


def _unified(before: str, after: str, path: str) -> Iterator[str]:
    return difflib.unified_diff(lines_of(before), lines_of(after), path, path, lineterm="", n=2)


def _paths(part: str, stack: Stack) -> set[str]:
    """The files that hold a part of a stack."""
    match part:
        case "prompt":
            select = stack.prompt.select
            return prompt_files(stack.prompt) | (model_files(select.embedding) if select else set())
        case "model":
            return model_files(stack.model)
        case "corpus" if stack.retrieval is not None:
            corpus = stack.retrieval.corpus
            return {corpus.location.file} | model_files(corpus.embedding)
        case "tools":
            return {file for tool in stack.tools for file in _tool_files(tool)}
        case _:
            return {stack.location.file}


def _tool_files(tool: Tool) -> set[str]:
    """A tool's file, its module, and what of the repository this imports and opens."""
    run = tool.run
    if not isinstance(run, PythonRun):
        return {tool.location.file}
    needed = {module.file for module in run.modules}.union(file.file for file in run.opens)
    return {tool.location.file, run.path} | needed


def prompt_files(prompt: Prompt) -> set[str]:
    """A prompt's file, those that it extends, and those of its texts, what these include, and examples."""
    return {
        location.file
        for location in (
            prompt.location,
            *prompt.sources,
            *(example.location for example in prompt.examples),
        )
    }.union(*(message.files for message in prompt.messages))


def model_files(model: Model) -> set[str]:
    """A model's file, and its script's answers."""
    script = model.engine.location if isinstance(model.engine, ScriptedEngine) else None
    return {model.location.file} | ({script.file} if script else set())


def suite_files(suite: Suite) -> set[str]:
    """A suite's file, its golden set with the files which that names, and its judges."""
    judges = suite.judges.values()
    return {suite.location.file, suite.golden.path, *suite.golden.files}.union(
        *(model_files(judge.model) for judge in judges),
        *(prompt_files(judge.prompt) for judge in judges if judge.prompt),
    )


def _documents(part: str, head: Stack, base: Stack, new: Files, old: Files) -> set[str]:
    """The documents that differ between the two corpora, by path from the root."""
    if part != "corpus":
        return set()
    after, before = new.documents(head), old.documents(base)
    return {path for path in {*after, *before} if after.get(path) != before.get(path)}
