"""Credentials by their published forms: anchored patterns as data, and what tells a placeholder.

Every pattern begins with the literal that its vendor puts in front, so that a digest, a revision or
a long word is never taken for a key. Entropy alone finds nothing here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

_WORD_BEFORE = r"(?<![A-Za-z0-9_-])"
_WORD_AFTER = r"(?![A-Za-z0-9_-])"


class Form(NamedTuple):
    """What a kind of credential looks like.

    `anchor` is a literal of every match: a text without it is not searched. `secret` is a regular
    expression whose group 1, or else the whole match, is the secret itself.
    """

    what: str
    anchor: str
    secret: str
    minimum_entropy: float = 3.0  # bits a character; a placeholder has less
    named: bool = False  # the anchor is a name that may be written in capitals


def _token(what: str, anchor: str, rest: str) -> Form:
    """A token that is a word: its literal beginning, then `rest`."""
    return Form(what, anchor, f"{_WORD_BEFORE}({re.escape(anchor)}{rest}){_WORD_AFTER}")


def _assigned(what: str, name: str, value: str) -> Form:
    """A value that has no form of its own, behind the name that it is assigned to."""
    written = rf"(?i:{name})[\"']?\s*[:=]\s*[\"']?({value})(?![A-Za-z0-9/+=_-])"
    return Form(what, name, written, named=True)


FORMS: tuple[Form, ...] = (
    # model vendors and model hubs
    _token("OpenAI API key", "sk-", r"(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,200}"),
    _token("OpenAI API key", "sk-", r"[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    _token("Anthropic API key", "sk-ant-", r"[a-z]+\d{2}-[A-Za-z0-9_-]{80,120}"),
    _token("OpenRouter API key", "sk-or-v1-", r"[0-9a-f]{64}"),
    _token("Google API key", "AIza", r"[A-Za-z0-9_-]{35}"),
    _token("Google OAuth client secret", "GOCSPX-", r"[A-Za-z0-9_-]{28}"),
    _token("Hugging Face token", "hf_", r"[A-Za-z0-9]{34,40}"),
    _token("Hugging Face organization token", "api_org_", r"[A-Za-z0-9]{34}"),
    _token("Groq API key", "gsk_", r"[A-Za-z0-9]{50,54}"),
    _token("xAI API key", "xai-", r"[A-Za-z0-9_]{80}"),
    _token("Replicate token", "r8_", r"[A-Za-z0-9_-]{37}"),
    _token("Perplexity API key", "pplx-", r"[A-Za-z0-9]{48}"),
    _token("NVIDIA API key", "nvapi-", r"[A-Za-z0-9_-]{64}"),
    _token("Fireworks API key", "fw_", r"[A-Za-z0-9]{22,24}"),
    _token("LangSmith API key", "lsv2_", r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _token("Langfuse secret key", "sk-lf-", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    _token("Pinecone API key", "pcsk_", r"[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}"),
    _token("Tavily API key", "tvly-", r"(?:dev-|prod-)?[A-Za-z0-9]{32}"),
    _token("Databricks token", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    # clouds
    _token("AWS access key id", "AKIA", r"[A-Z2-7]{16}"),
    _token("AWS temporary access key id", "ASIA", r"[A-Z2-7]{16}"),
    Form(
        "Amazon Bedrock API key",
        "ABSK",
        rf"{_WORD_BEFORE}(ABSK[A-Za-z0-9+/]{{100,270}}={{0,2}})",
    ),
    _assigned("AWS secret access key", "aws_secret_access_key", r"[A-Za-z0-9/+]{40}"),
    _assigned("AWS secret access key", "secretaccesskey", r"[A-Za-z0-9/+]{40}"),
    Form("Azure storage key", "AccountKey=", r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    Form(
        "Azure client secret",
        "Q~",
        r"(?<![A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34})(?![A-Za-z0-9_~.-])",
    ),
    _assigned("Azure OpenAI key", "azure_openai_api_key", r"[0-9a-f]{32}|[A-Za-z0-9]{84}"),
    Form(
        "Azure shared access signature",
        "sig=",
        r"[?&]sv=[^\s\"'<>]{1,400}?&sig=([A-Za-z0-9%+/]{40,100}={0,2})",
    ),
    _token("DigitalOcean token", "dop_v1_", r"[0-9a-f]{64}"),
    # code, packages and delivery
    _token("GitHub personal access token", "ghp_", r"[A-Za-z0-9]{36}"),
    _token("GitHub fine-grained token", "github_pat_", r"[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    _token("GitHub OAuth token", "gho_", r"[A-Za-z0-9]{36}"),
    _token("GitHub user token", "ghu_", r"[A-Za-z0-9]{36}"),
    _token("GitHub server token", "ghs_", r"[A-Za-z0-9]{36}"),
    _token("GitHub refresh token", "ghr_", r"[A-Za-z0-9]{36,76}"),
    _token("GitLab token", "glpat-", r"[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2}[0-9a-z]{7})?"),
    _token("npm token", "npm_", r"[A-Za-z0-9]{36}"),
    _token("PyPI token", "pypi-AgE", r"[A-Za-z0-9_-]{50,1000}"),
    _token("Pulumi token", "pul-", r"[0-9a-f]{40}"),
    _token("HashiCorp Vault token", "hvs.", r"[A-Za-z0-9_-]{24,120}"),
    _token("Grafana service account token", "glsa_", r"[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),
    # services
    _token("Tetrad API key", "tetrad_", r"[0-9a-f]{64}"),
    _token("Slack token", "xox", r"[abeoprs]-(?:[A-Za-z0-9]{1,14}-){1,4}[A-Za-z0-9-]{10,170}"),
    _token("Slack app token", "xapp-", r"\d-[A-Z0-9]+-\d+-[a-z0-9]{32,}"),
    Form(
        "Slack webhook",
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{40,60})",
    ),
    _token("Stripe secret key", "sk_live_", r"[A-Za-z0-9]{16,250}"),
    _token("Stripe secret key", "sk_test_", r"[A-Za-z0-9]{16,250}"),
    _token("Stripe restricted key", "rk_live_", r"[A-Za-z0-9]{16,250}"),
    _token("SendGrid API key", "SG.", r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    _token("Twilio API key", "SK", r"[0-9a-f]{32}"),
    # forms that many services share
    Form(
        "private key",
        "PRIVATE KEY",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*\S",
        minimum_entropy=0.0,
    ),
    _token("age secret key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    Form(
        "JSON web token",
        "eyJ",
        rf"{_WORD_BEFORE}(eyJ[A-Za-z0-9_-]{{14,}}\.eyJ[A-Za-z0-9_-]{{14,}}\.[A-Za-z0-9_-]{{20,}})",
    ),
    Form(
        "password in a URL",
        "://",
        r"[a-z][a-z0-9+.-]{1,20}://[^\s:@/\"'<>${}]{1,64}:([^\s:@/\"'<>${}*]{6,128})@[A-Za-z0-9]",
        minimum_entropy=2.5,
    ),
)

# Documents of the vendors themselves use these in examples.
_PLACEHOLDER = (
    r"(?i)example|x{6,}|0{8,}|1234567890|redacted|your[_-]|placeholder|dummy"
    r"|\A(?:pass(?:word|wd|phrase)?|secret|token|changeme)\Z"
)


class Credential(NamedTuple):
    """A match: what it is, where its secret stands, and as much of it as may be shown."""

    what: str
    start: int
    end: int
    shown: str


def forms_in(text: str, forms: Sequence[Form] = FORMS) -> Sequence[Form]:
    """The forms that a text may hold credentials of, by what they always contain."""
    lowered = text.lower()
    return [
        form for form in forms if form.anchor in text or (form.named and form.anchor in lowered)
    ]


def credentials_in(text: str, forms: Sequence[Form] = FORMS) -> Iterator[Credential]:
    """Every credential of a text in one of the forms, each place once."""
    taken: set[int] = set()
    for form in forms_in(text, forms):
        pattern = _compiled(form.secret)
        for match in pattern.finditer(text):
            group = 1 if pattern.groups else 0
            start, end = match.span(group)
            if start in taken or _is_placeholder(match[group], form):
                continue
            taken.add(start)
            yield Credential(form.what, start, end, _shown(form, match[group]))


def _is_placeholder(secret: str, form: Form) -> bool:
    return (
        _compiled(_PLACEHOLDER).search(secret) is not None
        or _entropy(secret) < form.minimum_entropy
    )


def _shown(form: Form, secret: str) -> str:
    """The vendor's own beginning is no secret; nothing else is shown."""
    beginning = form.anchor if secret.startswith(form.anchor) else ""
    return f"{beginning}…, {len(secret)} characters"


def _entropy(text: str) -> float:
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


@cache
def _compiled(secret: str) -> re.Pattern[str]:
    """Compiled where an anchor is met, because compiling all of them takes longer than a lint."""
    return re.compile(secret)
