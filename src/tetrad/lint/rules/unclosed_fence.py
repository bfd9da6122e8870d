"""Allow unclosed-fence: a code fence that is not closed.

## What it does
Reports, once a message, a code fence of three or more backticks without its other end. A message
that ends with the opening line is left alone, because the answer is meant to continue it. So are
assistant messages and prompts with `style: completion`.

## Why is this bad?
Everything after it reads as code: the model may copy your instructions instead of following them,
and cannot tell where the data ends.

## Example
````yaml
messages:
  - role: user
    content: |
      ```
      print("hello")

      Explain what this program does.
````

## Use instead
````yaml
messages:
  - role: user
    content: |
      ```
      print("hello")
      ```

      Explain what this program does.
````
"""

from __future__ import annotations

from collections.abc import Iterator

from tetrad.lint.fences import unclosed_fence
from tetrad.lint.finding import Finding
from tetrad.lint.prompts import prompts_asked
from tetrad.lint.rule import Rule
from tetrad.lint.tree import LintTree


def check(tree: LintTree) -> Iterator[Finding]:
    for prompt in prompts_asked(tree):
        if prompt.style == "completion":
            continue
        for index, message in enumerate(prompt.messages):
            fence = None if message.role == "assistant" else unclosed_fence(message.content)
            if fence is not None:
                yield RULE.at(
                    tree.within_message(message, index, fence.start, fence.opened),
                    "this code fence has no other end",
                    hint="write ``` on a line of its own where the code begins and where it ends",
                )


RULE = Rule(
    code="TPL210",
    name="unclosed-fence",
    summary="a code fence that is not closed",
    severity="warning",
    check=check,
)
