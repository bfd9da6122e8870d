"""Allow credential: a key, token, password or private key in a file.

## What it does
Searches every file of the repository's components, golden sets, examples and documents for
credentials by their published forms: keys of model vendors (OpenAI, Anthropic, Google, xAI, Groq,
Hugging Face, Replicate, …), clouds, code hosts and package registries, private keys, tokens, and
passwords in URLs. Placeholders are not reported. The secret itself is never printed.

## Why is this bad?
Whatever is in Git is in every clone and stays in its history, and a model repeats what is in its
prompt to anyone who asks (OWASP LLM02, sensitive information disclosure).

## Example
```yaml
engine: {openai: {model: gpt-4.1-2025-04-14, api_key: sk-proj-…}}
```

## Use instead
```yaml
engine: {openai: {model: gpt-4.1-2025-04-14, api_key_env: LLM_KEY}}
```
Then revoke the key: removing the line does not take it out of the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tetrad.lint.finding import Finding
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree
from tetrad.runtime.credentials import credentials_in, forms_in

HINT = "revoke it, and name an environment variable instead (api_key_env: …)"


def check(tree: LintTree) -> Iterator[Finding]:
    texts = {file: tree.texts.get(file, "") for file in tree.names}
    # Files have most of their lines in common, and few forms, or none, are in any.
    lines = dict.fromkeys(chain.from_iterable(text.split("\n") for text in texts.values()))
    forms = forms_in("\n".join(lines))
    for file, text in texts.items():
        for found in credentials_in(text, forms):
            place = tree.place(file, found.start, found.end)
            yield RULE.at(place, f"{found.what} ({found.shown})", hint=HINT, hidden=True)


RULE = Rule(
    code="SEC401",
    name="credential",
    summary="a key, token, password or private key in a file",
    sealed=True,
    check=check,
)
