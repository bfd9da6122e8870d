"""Allow breakable-delimiter: a fence or quotes that the text within may contain.

## What it does
Reports untrusted text that only a fence (three backticks or tildes), triple quotes or the quotes of a
JSON value mark as data. Text written with the filter `tojson` is not reported, nor is text from which
`replace` removes the marks.

If a variable's trust is not stated, only text in a block of its own is reported: between delimiters,
or alone in its line.

## Why is this bad?
Issues, mails, code and model answers often contain fences and quotes: the block ends there, and the
rest reads as part of the prompt. An attacker does this on purpose (OWASP LLM01, prompt injection). An
attacker can also write a closing tag, but no text contains yours by chance.

## Example
```yaml
- role: user
  content: |
    '''
    {{ message }}
    '''
```

## Use instead
```yaml
- role: user
  content: |
    <message>
    {{ message }}
    </message>
```
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.data_lines import is_told_apart
from tetrad.lint.finding import Finding
from tetrad.lint.prompts import Untrusted, prompts_asked, untrusted_in
from tetrad.lint.rule import Rule
from tetrad.lint.template import breakable_in
from tetrad.lint.tree import LintTree
from tetrad.lint.wrapping import tag_of


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        for found in untrusted_in(tree, prompt):
            if found.message.role == "assistant" or not is_told_apart(found):
                continue
            marks = breakable_in(found.message.content)
            outputs = tuple(
                w
                for w in found.outputs
                if w.start in marks and "replace" not in found.expression(w)
            )
            if outputs:
                yield _finding(tree, found._replace(outputs=outputs), marks[outputs[0].start])


def _finding(tree: LintTree, found: Untrusted, mark: str) -> Finding:
    tag = found.variable if found.outputs[0].looped else tag_of(found)
    hint = f"put it between <{tag}> and </{tag}>"
    if mark == "JSON":
        text = f"{found.called} may contain quotes, and end the JSON value it stands in"
        hint = "write it with the filter tojson, without quotes around it"
    else:
        text = f"{found.called} may contain {mark}, and end the block it stands in"
    return RULE.at(found.place(tree), f"{text}{found.elsewhere}", hint=hint)


RULE = Rule(
    code="INJ303",
    name="breakable-delimiter",
    summary="untrusted text between marks that it may contain: a fence, triple quotes, quotes in JSON",
    severity="info",
    scope="stack",
    check=check,
)
