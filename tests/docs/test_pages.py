"""What the pages say exists: links lead somewhere, commands are understood, files are valid."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest
from docs.walkthrough import blocks, typed

from tetrad.cli import COMMANDS, build_parser
from tetrad.errors import UsageError
from tetrad.loading.repositories import load_repository
from tetrad.schemas.check import check_value, issue_of
from tetrad.yamldoc.parse import parse

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\[[^\]\n]*\]\((?!https?:|mailto:)([^)\s]+)\)")
_INLINE = re.compile(r"`(tetrad [^`\n]+)`")
_KIND = re.compile(r"^kind: (\w+)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"[…\[\]]")


def _pages() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    # documents of a corpus, cases and examples are data, not pages
    return [page for page in listed if page.startswith(("docs/", ".github/")) or "/" not in page]


PAGES = _pages()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = _without_code((ROOT / page).read_text(encoding="utf-8"))
    folder = (ROOT / page).parent

    dead = [
        target
        for target in _LINK.findall(text)
        if not _leads_somewhere(folder, page, unquote(target))
    ]

    assert dead == []


# One says what does not exist.
@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/not-there-yet.md"])
def test_commands_are_understood(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")

    refused = [line for line in _commands(text) if not _is_understood(line)]

    assert refused == [], capsys.readouterr().err


# The pages of rules and kinds show what is wrong, too, and are generated from tested cases.
@pytest.mark.parametrize("page", [page for page in PAGES if re.fullmatch(r"docs/[\w-]+\.md", page)])
def test_yaml_of_a_kind_is_valid(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    issues = [
        str(issue_of(document, problem))
        for block in blocks(text)
        if block.language == "yaml" and (kind := _KIND.search(block.text))
        for document in [parse(block.text.encode(), f"{page}:{block.line}")]
        for problem in check_value(document.value, kind[1])
    ]

    assert issues == []


def test_the_files_of_bring_your_own_make_a_repository(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
    for block in blocks(page):
        if block.mark.startswith("file: "):
            path = tmp_path / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")

    repository = load_repository(tmp_path)

    assert repository.stacks
    assert all(suite.golden.cases for suite in repository.suites.values())


def _without_code(text: str) -> str:
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def _leads_somewhere(folder: Path, page: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = folder / path if path else ROOT / page
    if not file.exists():
        return False
    return not anchor or anchor in _anchors(file)


def _anchors(file: Path) -> set[str]:
    """GitHub's names for the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands(text: str) -> list[str]:
    """The command lines of tetrad in a page, typed or named in a sentence."""
    lines = [
        one.command.replace("\\\n", " ")
        for block in blocks(text)
        if block.language == "console"
        for one in typed(block)
    ]
    parts = [part.strip() for line in lines for part in re.split(r"&&|\||;|>+", line)]
    named = [line for line in _INLINE.findall(text) if not _PLACEHOLDER.search(line)]
    return [line for line in (*parts, *named) if _words(line)[:1] == ["tetrad"]]


def _words(line: str) -> list[str]:
    """Without what is set for the one command: `TETRAD_CACHE=/x tetrad pull`."""
    words = shlex.split(line, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def _is_understood(line: str) -> bool:
    arguments = _words(line)[1:]
    if len(arguments) == 1 and arguments[0] in COMMANDS:
        return True  # a sentence about the command
    try:
        build_parser(arguments).parse_args(arguments)
    except SystemExit as left:
        return not left.code
    except UsageError:
        return False
    return True
