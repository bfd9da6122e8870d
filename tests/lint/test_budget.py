"""When a context window overflows: bytes first, the pinned tokenizer only where they exceed."""

from __future__ import annotations

from pathlib import Path

from lint.case_files import PARTS, TODAY, write_files

from tetrad.lint import Finding, lint_tree, read_tree
from tetrad.lint.tree import CountTokens
from tetrad.model import Model

WORD = "word "


class Counter:
    """A tokenizer whose tokens are words, and which remembers that it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, model: Model, text: str) -> tuple[int, bool]:
        del model
        self.asked += 1
        return len(text.split()), True


def found(root: Path, words: int, max_chars: int, count: CountTokens) -> list[Finding]:
    prompt = (
        "kind: prompt\n"
        f"variables: {{message: {{type: string, max_chars: {max_chars}}}}}\n"
        f'messages: [{{role: user, content: "{WORD * words}<m>{{{{ message }}}}</m>"}}]\n'
        "generation: {max_tokens: 84}\n"
    )
    model = (
        "kind: model\nsource: endpoint://t\nengine: {openai: {model: m}}\ncontext_window: 1000\n"
    )
    files = {"prompts/sort.yaml": prompt, "stacks/models/test.yaml": model, **PARTS["stack"]}
    write_files(root, files)
    tree = read_tree(root, asked=None, today=TODAY, count=count)
    return [finding for finding in lint_tree(tree) if finding.code == "BUD601"]


def test_what_fits_in_bytes_asks_no_tokenizer(tmp_path: Path) -> None:
    count = Counter()

    assert found(tmp_path, words=100, max_chars=95, count=count) == []
    assert count.asked == 0


def test_what_exceeds_in_bytes_is_counted_by_the_tokenizer(tmp_path: Path) -> None:
    count = Counter()

    assert found(tmp_path, words=300, max_chars=145, count=count) == []
    assert count.asked == 1


def test_what_exceeds_in_tokens_is_found_with_its_parts(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, words=499, max_chars=401, count=Counter())

    assert finding.severity == "error"
    assert finding.message == (
        "a request can need up to 2,204 of 1,000 tokens, 1,001 at one token a character:"
        " fixed text 516, variables 1,604, answer 84"
        " (fixed text counted by the pinned tokenizer; variables at 4 tokens a character)"
    )


def test_what_exceeds_only_where_a_character_takes_several_tokens_is_a_warning(
    tmp_path: Path,
) -> None:
    (finding,) = found(tmp_path, words=299, max_chars=400, count=Counter())

    assert finding.severity == "warning"
    assert finding.message == (
        "a request can need up to 2,000 of 1,000 tokens, 800 at one token a character:"
        " fixed text 316, variables 1,600, answer 84"
        " (fixed text counted by the pinned tokenizer; variables at 4 tokens a character)"
    )


def test_a_lower_limit_never_needs_more(tmp_path: Path) -> None:
    needs = []
    for max_chars in (800, 400, 300):
        (finding,) = found(
            tmp_path / str(max_chars), words=400, max_chars=max_chars, count=Counter()
        )
        needs.append(int(finding.message.split()[6].replace(",", "")))

    assert needs == sorted(needs, reverse=True)
    assert len(set(needs)) == 3
