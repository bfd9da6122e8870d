"""The page of a rule: what `tetrad explain` prints and docs/rules/ holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tetrad.lint.rule import Rule
from tetrad.lint.rules import RULES

_SCOPES = {
    "file": "a single file",
    "stack": "a stack and everything it references",
    "repository": "the whole repository",
}
_FIXES = {
    "": "none",
    "safe": "`tetrad lint --fix`",
    "unsafe": "`tetrad lint --fix --unsafe-fixes`",
}


def page_of(rule: Rule) -> str:
    """A rule's page, in Markdown."""
    _, _, parts = rule.explanation.partition("\n")
    sealed = "yes: only `waivers.yaml` can suppress it" if rule.sealed else "no"
    return f"""\
# {rule.code}: {rule.name}

{_sentence(rule.summary)}

| severity | sealed | fix | looks at |
|---|---|---|---|
| {rule.severity} | {sealed} | {_FIXES[rule.fixable]} | {_SCOPES[rule.scope]} |

{parts.strip()}

## How to allow it
{_how_to_allow(rule)}
"""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _how_to_allow(rule: Rule) -> str:
    if rule.sealed:
        return f"""\
In `waivers.yaml`, which a code owner approves:
```yaml
- {{rule: {rule.code}, file: PATH, reason: WHY, owner: "@TEAM", until: YYYY-MM-DD}}
```"""
    return f"""\
On the line of the key, or on the line above it:
```yaml
key: value  # tetrad: allow {rule.name} -- why
```"""


def index_of(rules: Sequence[Rule]) -> str:
    """The table of all rules, in Markdown."""
    head = """\
# Rules of `tetrad lint`

Generated from the rules by `python docs/rules/generate.py`. E: error, W: warning, I: information,
S: sealed (only `waivers.yaml` can suppress it).

| code | name | | fix | finds |
|---|---|---|---|---|"""
    lines = [head]
    for rule in rules:
        weight = rule.severity[0].upper() + (" S" if rule.sealed else "")
        page = f"[{rule.name}]({rule.name}.md)"
        lines.append(f"| {rule.code} | {page} | {weight} | {rule.fixable} | {rule.summary} |")
    return "\n".join([*lines, *_precision()]) + "\n"


# Findings on the prompts of tests/lint/corpus that are right, and all; a test counts them again.
MEASURED_PROMPTS, MEASURED_ON = 186, "2026-11-30"
MEASURED: Mapping[str, tuple[int, int]] = {
    "INJ300": (65, 65),
    "INJ301": (51, 52),
    "INJ302": (14, 14),
    "INJ303": (13, 13),
    "INJ304": (96, 96),
    "INJ308": (67, 67),
    "OUT701": (4, 4),
    "OUT704": (9, 9),
    "STY993": (2, 2),
    "STY994": (2, 2),
    "TPL208": (5, 5),
    "TPL209": (3, 3),
    "TPL210": (2, 2),
    "TPL211": (4, 4),
}


def _precision() -> Sequence[str]:
    """How often rules that read a prompt's words are right."""
    rows = [f"| {code} | {right} | {made} |" for code, (right, made) in MEASURED.items()]
    text = f"""
## How often they are right
Measured on the {MEASURED_PROMPTS} prompts of `tests/lint/corpus` ({MEASURED_ON}). They were written
for this purpose, each with the findings that a person would report, and the rules were developed
with them at hand: on other prompts, expect less. `pytest tests/lint/test_precision.py` counts again,
and fails for a rule that is right in less than 95 % of its errors or 90 % of its warnings. A rule that is
not listed found nothing in them, right or wrong.

| code | right | of findings |
|---|---|---|"""
    return [*text.split("\n"), *rows, *_PUBLIC.split("\n")]


# Counted by hand: the prompts are not ours to keep.
_PUBLIC = """
These rules were also tried on public prompts (2026-11-30). Some were developed on 2,390 prompts from 19
repositories, so on others expect less: there STY993 was right in 42 of 45 findings, STY994 in 19 of 19,
TPL208 in 33 of 33, TPL209 in 3 of 3 and TPL210 in 12 of 12. On 523 other
prompts from 19 repositories, INJ303 was right in 23 of 23 findings and OUT704 in 6 of 6; of the findings
of INJ304, INJ308 and TPL211, looked through by eye, about 97, 96 and 90 of 100 were right."""


def all_pages() -> Mapping[str, str]:
    """Every file of docs/rules/ by its name."""
    pages = {f"{rule.name}.md": page_of(rule) for rule in RULES}
    return {"README.md": index_of(RULES), **pages}
