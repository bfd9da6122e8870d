"""Credentials are found by their forms, nothing else is, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint.vectors import VECTORS, random_text

from tetrad.runtime.credentials import FORMS, credentials_in

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("name", VECTORS)
def test_every_form_is_found_wherever_it_stands(name: str) -> None:
    for text in (VECTORS[name], f'key: "{VECTORS[name]}"', f"a\n- ({VECTORS[name]})\nb"):
        assert len(list(credentials_in(text))) == 1, text


def test_every_form_has_a_vector() -> None:
    found = {found.what for vector in VECTORS.values() for found in credentials_in(vector)}

    assert {form.what for form in FORMS} == found


@pytest.mark.parametrize("name", VECTORS)
def test_no_secret_is_shown(name: str) -> None:
    (found,) = credentials_in(VECTORS[name])
    secret = VECTORS[name][found.start : found.end]

    assert not any(secret[i : i + 12] in found.shown for i in range(16, len(secret) - 12))


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + random_text(64, "0123456789abcdef"),
        "hf://Qwen/Qwen3-8B@" + random_text(40, "0123456789abcdef"),
        "task-force-and-risk-management-and-desk-research-and-so-on-and-so-forth",
        "sk-" + "proj-" + "x" * 80,
        "AK" + "IA" + "IOSFODNN7EXAMPLE",
        "gh" + "p_" + "your_token_here",
        "postgres://app:${PASSWORD}@db.internal/app",
        "https://user:password@example.org",
        "-----BEGIN PUBLIC KEY-----\nMIIB",
        "-----BEGIN CERTIFICATE-----\nMIIB",
        "api_key_env: LLM_KEY",
        "the key begins with sk-" + "ant- and goes on",
        "dapi" + "DataGetTopLongShortPositionRatio",
        "npm_package_config_registry_and_other_names",
    ],
)
def test_what_only_looks_like_a_credential_is_let_through(text: str) -> None:
    assert list(credentials_in(text)) == []


def test_no_file_of_this_repository_holds_what_looks_like_a_credential() -> None:
    files = [
        path
        for folder in ("src", "tests", "docs", "prompts", "stacks", "evals")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".md", ".jsonl", ".json"}
    ]
    found = {
        str(path): [
            credential.what for credential in credentials_in(path.read_text("utf-8", "replace"))
        ]
        for path in files
    }

    assert {path: whats for path, whats in found.items() if whats} == {}
