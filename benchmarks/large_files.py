"""How long `tetrad lint` takes for one large file, of each shape in which something is wrong.

    python benchmarks/large_files.py [SHAPE ...]

Every shape is linted at a quarter of a megabyte and at a whole one, with an empty cache, and the
processor time of the user is taken. The limits: 5 s for a megabyte, and time that grows at most
5 times as the file grows 4 times, beyond what `tetrad lint` takes for nothing.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

MEGABYTE = 1_000_000
SMALL, WHOLE = MEGABYTE // 4, MEGABYTE - 10_000  # a component may have a megabyte at most
LIMIT_S = 5.0
GROWTH = 5.0

COMPONENTS = {
    "prompts/p.yaml": (
        "kind: prompt\nvariables: {message: {trust: untrusted, max_chars: 1000}}\n"
        'messages: [{role: user, content: "<m>{{ message }}</m>"}]\n'
        "output: {format: text, enum: [a, b]}\ngeneration: {max_tokens: 8}\n"
    ),
    "stacks/s.yaml": "kind: stack\nprompt: prompts/p\nmodel: stacks/models/m\n",
    "stacks/models/m.yaml": (
        "kind: model\nsource: endpoint://m\nlicense: MIT\ncontext_window: 32000\n"
        "engine: {openai: {model: m, base_url: http://localhost:8000/v1}}\n"
    ),
}
PROMPT = "prompts/big.yaml"
GOLDEN = "evals/e/golden"
HEAD = "kind: prompt\nmessages: [{role: user, content: hi}]\n"


def filled(head: str, lines: Iterator[str], size: int, tail: str = "") -> str:
    """A head with as many lines as a file of that size has room for."""
    parts, length = [head], len(head) + len(tail)
    for line in lines:
        length += len(line)
        if length > size:
            break
        parts.append(line)
    return "".join([*parts, tail])


def each(form: str) -> Iterator[str]:
    return (form.replace("#", str(n)) for n in count())


def word(number: int) -> str:
    """A word that no other number has, as letters."""
    return "".join(chr(97 + int(digit)) for digit in f"{number:06}")


def of_prompt(head: str, form: str, tail: str = "") -> Callable[[int], tuple[str, str]]:
    return lambda size: (PROMPT, filled(head, each(form), size, tail))


def of_cases(head: str, form: str, ending: str = ".yaml") -> Callable[[int], tuple[str, str]]:
    return lambda size: (GOLDEN + ending, filled(head, each(form), size))


def near_misses(size: int) -> tuple[str, str]:
    return PROMPT, filled(HEAD, (f"messag{word(n)}s: x\n" for n in count()), size)


def undefined(size: int) -> tuple[str, str]:
    head = "kind: prompt\nvariables: {message: {}}\nmessages:\n  - role: user\n    content: |\n"
    return PROMPT, filled(head, (f"      {{{{ {word(n)} }}}}\n" for n in count()), size)


def one_character(size: int) -> tuple[str, str]:
    head = 'kind: prompt\nvariables: {a: {}}\nmessages: [{role: user, content: "'
    return PROMPT, filled(head, each("{{a}}"), size, '"}]\n')


def nested(size: int) -> tuple[str, str]:
    deep = "[" * 30 + "1" + "]" * 30
    return GOLDEN + ".yaml", filled("", each(f"- vars: {{message: {deep}}}\n"), size)


def too_deep(size: int) -> tuple[str, str]:
    return PROMPT, "kind: prompt\nmessages: " + "[" * (size // 2) + "]" * (size // 2)


def declared_and_used(size: int, *, typo: str = "") -> tuple[str, str]:
    names = [word(n) for n in range(size // 40)]
    variables = "".join(f"  {name}: {{}}\n" for name in names)
    used = "".join(f"      {{{{ {name}{typo} }}}}\n" for name in names)
    return PROMPT, (
        f"kind: prompt\nvariables:\n{variables}messages:\n  - role: user\n    content: |\n{used}"
    )


def aliases(size: int) -> tuple[str, str]:
    head = "x-a: &a [{type: contains, value: 3.10}]\nx-v: &v {message: 3.10}\ntests:\n"
    return GOLDEN + ".yaml", filled(head, each("- {id: c#, vars: *v, assert: *a}\n"), size)


def anchors(size: int) -> tuple[str, str]:
    lines = each("- &c# {id: c#, vars: {message: m#}, assert: &a# [{type: contains, value: a}]}\n")
    return GOLDEN + ".yaml", filled("", lines, size)


ASSERT = "assert: [{type: contains, value: a}]"
SHAPES: dict[str, Callable[[int], tuple[str, str]]] = {
    "unknown keys": of_prompt(HEAD, "key#: x\n"),
    "near misses": near_misses,
    "unknown keys of cases": of_cases("", f"- {{id: c#, valu#: 1, {ASSERT}}}\n"),
    "rows that are no cases": of_cases("", "- [1, 2]\n"),
    "texts that are no cases": of_cases("tests:\n", "- file://no-#.yaml\n"),
    "misspelt types": of_cases("", "- {id: c#, assert: [{type: contians#, value: a}]}\n"),
    "duplicate ids": of_cases("", f"- {{id: a, vars: {{message: m#}}, {ASSERT}}}\n"),
    "equal cases": of_cases("", f"- {{vars: {{message: m}}, {ASSERT}}}\n"),
    "unknown case variables": of_cases("", f"- {{id: c#, vars: {{message: m, v#: 1}}, {ASSERT}}}\n"),
    "variables of one case": lambda size: (
        GOLDEN + ".yaml",
        filled("- id: a\n  assert: []\n  vars:\n", each("    v#: 3.10\n"), size),
    ),
    "templated values": of_cases(
        "", "- {id: c#, vars: {message: m}, assert: [{type: contains, value: 'a {{ mesage# }}'}]}\n"
    ),
    "templated variables": lambda size: (
        GOLDEN + ".yaml",
        filled("tests:\n- vars:\n    message: m\n", each("    v#: 'a {{ v0 }} b'\n"), size),
    ),
    "respelled numbers": of_cases("", "- {id: c#, vars: {message: 3.10}, assert: [{type: equals, value: 1.0}]}\n"),
    "undefined variables": undefined,
    "one-character variables": one_character,
    "declared variables": declared_and_used,
    "misspelt variables": partial(declared_and_used, typo="x"),
    "outputs in JSON": of_prompt(
        "kind: prompt\nvariables: {a: {}}\nmessages:\n  - role: user\n    content: |\n",
        '      "k#": "{{ a }}"\n',
    ),
    "unused variables": of_prompt(f"{HEAD}variables:\n", "  v#: {}\n"),
    "bad messages": of_prompt("kind: prompt\nmessages:\n", "  - {role: usr, content: a}\n"),
    "bad examples": of_prompt(f"{HEAD}examples:\n", "  - {vars: {v#: 1}, outputs: b}\n"),
    "labels": of_prompt(f"{HEAD}output:\n  enum:\n", "    - label #\n"),
    "schema properties": of_prompt(
        f"{HEAD}output:\n  format: json\n  schema:\n    type: object\n    properties:\n",
        "      p#: {type: string, format: datetime}\n",
    ),
    "duplicate keys": of_prompt(HEAD, "owner: x\n"),
    "merge keys": of_cases("x-v: &v {message: m}\ntests:\n", f"- {{id: c#, vars: {{<<: *v}}, {ASSERT}}}\n"),
    "aliases": aliases,
    "anchors": anchors,
    "deep values": nested,
    "too deep": too_deep,
    "bad lines of JSON": of_cases("", '{"id": "c#", "vars": {"message": "m"}, "assrt": []}\n', ".jsonl"),
    "no JSON": of_cases("", "{no}\n", ".jsonl"),
    "numbers in JSON": of_cases(
        "", '{"id": "c#", "vars": {"message": 3.10}, "assert": [{"type": "equals", "value": "a"}]}\n', ".jsonl"
    ),
    "bad rows of CSV": of_cases("message,__expected\n", "a,b,c\n", ".csv"),
    "misspelt types in CSV": of_cases("message,__expected\n", "m#,contians#: a\n", ".csv"),
    "columns of CSV": lambda size: (
        GOLDEN + ".csv",
        filled("message", each(",c#"), size // 2) + "\n" + "a" + filled("", each(",b#"), size // 2),
    ),
    "thresholds in CSV": lambda size: (
        GOLDEN + ".csv",
        filled("message", each(",__config:__expected1#:threshold"), size) + "\n",
    ),
    "suppressions": of_prompt(HEAD, "# tetrad: allow unused-variable -- because of #\n"),
    "long lines": lambda size: (PROMPT, f'{HEAD.strip()}\ndescription: "{"a " * (size // 2)}"\n'),
}  # fmt: skip


def seconds(shape: Callable[[int], tuple[str, str]], size: int) -> float:
    """The user's processor time of a lint of a repository with that file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        name, text = shape(size)
        files = {**COMPONENTS, name: text}
        if name.startswith(GOLDEN):
            suite = f"kind: suite\nstacks: [stacks/s]\ngolden: ./{Path(name).name}\n"
            files["evals/e/suite.yaml"] = suite
        for file, content in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(content)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        found = subprocess.run(
            [sys.executable, "-m", "tetrad", "-C", folder, "lint"],
            env={**os.environ, "TETRAD_CACHE": f"{folder}/cache"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if found.returncode not in {0, 1}:
            raise SystemExit(f"tetrad lint exits {found.returncode}: {found.stderr}")
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def least(shape: Callable[[int], tuple[str, str]], size: int) -> float:
    """Of three times: the growth of a short one is no more than what disturbs it."""
    return min(seconds(shape, size) for _ in range(3))


def main(names: list[str]) -> int:
    start = least(SHAPES["labels"], 1_000)
    slow = []
    print(f"nothing {start:.2f} s\n{'shape':<26}{'0.25 MB':>9}{'1 MB':>9}  growth")
    for name in names or SHAPES:
        small, whole = (least(SHAPES[name], size) for size in (SMALL, WHOLE))
        growth = (whole - start) / max(small - start, 0.05)
        is_slow = whole > LIMIT_S or growth > GROWTH
        slow += [name] if is_slow else []
        print(
            f"{name:<26}{small:>8.2f}s{whole:>8.2f}s  {growth:>5.1f}{'  slow' if is_slow else ''}"
        )
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
