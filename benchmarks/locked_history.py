"""A repository whose one stack had many identities, created for the benchmark of the ledger."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tetrad.canonical import canonical_json
from tetrad.identity import identity_document
from tetrad.identity.lock import dump_lock, lock_of
from tetrad.loading.repositories import load_repository

_PROMPT = """\
kind: prompt
variables:
  message: {{type: string, trust: untrusted, max_chars: 1000}}
messages:
  - role: system
    content: Sort the message into a queue, by version {n} of the rules.
  - role: user
    content: "<message>{{{{ message }}}}</message>"
"""
_FILES = {
    "stacks/models/m.yaml": """\
kind: model
source: vendor://openai/gpt-4o-2024-08-06
engine: {openai: {model: gpt-4o-2024-08-06, base_url_env: LLM_URL, api_key_env: LLM_KEY}}
""",
}
_AUTHOR = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")


def lay_down(root: Path, stack: str, identities: int) -> list[bytes]:
    """Commit so many states of a stack, with their locks; the documents of its identities."""
    for path, text in {
        **_FILES,
        f"{stack}.yaml": "kind: stack\nprompt: prompts/sort\nmodel: stacks/models/m\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    (root / "prompts").mkdir()
    subprocess.run(["git", "-C", str(root), "init", "-q", "-b", "main"], check=True)
    return [_commit(root, stack, number) for number in range(identities)]


def _commit(root: Path, stack: str, number: int) -> bytes:
    (root / "prompts/sort.yaml").write_text(_PROMPT.format(n=number), encoding="utf-8")
    loaded = load_repository(root).stacks[stack]
    (root / f"{stack}.lock").write_text(dump_lock(lock_of(loaded, ())), encoding="utf-8")
    for command in (("add", "-A"), (*_AUTHOR, "commit", "-qm", f"Version {number}")):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    return canonical_json(identity_document(loaded))
