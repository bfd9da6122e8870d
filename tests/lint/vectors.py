"""Credentials that nobody issued, put together at run time.

Scanners of code hosts read this repository too, so no file of it holds a whole one.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha512
from itertools import count

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
_HEX = "0123456789abcdef"


def random_text(length: int, alphabet: str = _LETTERS) -> str:
    """The same text in every run, with nothing regular about it."""
    digests = (sha512(f"{length} {alphabet} {n}".encode()).digest() for n in count())
    letters: list[str] = []
    while len(letters) < length:
        letters += [alphabet[byte % len(alphabet)] for byte in next(digests)]
    return "".join(letters[:length])


def _uuid() -> str:
    return "-".join(random_text(n, _HEX) for n in (8, 4, 4, 4, 12))


VECTORS: Mapping[str, str] = {
    "TETRAD": "tet" + "rad_" + random_text(64, _HEX),
    "OPENAI": "sk-" + "proj-" + random_text(74) + "T3Blbk" + "FJ" + random_text(74),
    "OPENAI_OLD": "sk-" + random_text(20) + "T3Blbk" + "FJ" + random_text(20),
    "OPENAI_SERVICE": "sk-" + "svcacct-" + random_text(116),
    "ANTHROPIC": "sk-" + "ant-" + "api03-" + random_text(93) + "AA",
    "ANTHROPIC_ADMIN": "sk-" + "ant-" + "admin01-" + random_text(93) + "AA",
    "OPENROUTER": "sk-" + "or-v1-" + random_text(64, _HEX),
    "GOOGLE": "AI" + "za" + "Sy" + random_text(33),
    "GOOGLE_OAUTH": "GOC" + "SPX-" + random_text(28),
    "HUGGING_FACE": "h" + "f_" + random_text(34),
    "HUGGING_FACE_ORG": "api_" + "org_" + random_text(34),
    "GROQ": "gs" + "k_" + random_text(52),
    "XAI": "xa" + "i-" + random_text(80),
    "REPLICATE": "r" + "8_" + random_text(37),
    "PERPLEXITY": "pp" + "lx-" + random_text(48),
    "NVIDIA": "nv" + "api-" + random_text(64),
    "FIREWORKS": "f" + "w_" + random_text(24),
    "LANGSMITH": "ls" + "v2_pt_" + random_text(32, _HEX) + "_" + random_text(10, _HEX),
    "LANGFUSE": "sk-" + "lf-" + _uuid(),
    "PINECONE": "pc" + "sk_" + random_text(6) + "_" + random_text(63),
    "TAVILY": "tv" + "ly-" + random_text(32),
    "DATABRICKS": "da" + "pi" + random_text(32, _HEX),
    "AWS": "AK" + "IA" + random_text(16, _BASE32),
    "AWS_TEMPORARY": "AS" + "IA" + random_text(16, _BASE32),
    "AWS_SECRET": "aws_secret_" + "access_key: " + random_text(40),
    "BEDROCK": "AB" + "SK" + random_text(128),
    "AZURE_STORAGE": "Account" + "Key=" + random_text(86) + "==",
    "AZURE_CLIENT": random_text(3) + "8" + "Q~" + random_text(34),
    "AZURE_OPENAI": "AZURE_OPENAI_" + "API_KEY=" + random_text(32, _HEX),
    "AZURE_SAS": "https://a.blob.core.windows.net/b?sv=2024-01-01&sig" + "=" + random_text(44),
    "DIGITALOCEAN": "dop" + "_v1_" + random_text(64, _HEX),
    "GITHUB": "gh" + "p_" + random_text(36),
    "GITHUB_FINE": "github_" + "pat_" + random_text(22) + "_" + random_text(59),
    "GITHUB_OAUTH": "gh" + "o_" + random_text(36),
    "GITHUB_USER": "gh" + "u_" + random_text(36),
    "GITHUB_SERVER": "gh" + "s_" + random_text(36),
    "GITHUB_REFRESH": "gh" + "r_" + random_text(76),
    "GITLAB": "gl" + "pat-" + random_text(20),
    "NPM": "np" + "m_" + random_text(36),
    "PYPI": "py" + "pi-" + "AgEIcHlwaS5vcmc" + random_text(120),
    "PULUMI": "pu" + "l-" + random_text(40, _HEX),
    "VAULT": "hv" + "s." + random_text(95),
    "GRAFANA": "gl" + "sa_" + random_text(32) + "_" + random_text(8, _HEX),
    "SLACK": "xo" + "xb-" + "123056078901-" + "123456078901-" + random_text(24),
    "SLACK_APP": "xa" + "pp-" + "1-A0B1C2D3E4-" + "123056078901-" + random_text(64, _HEX),
    "SLACK_WEBHOOK": "https://hooks.slack" + ".com/services/" + random_text(44),
    "STRIPE": "sk_" + "live_" + random_text(24),
    "STRIPE_TEST": "sk_" + "test_" + random_text(24),
    "STRIPE_RESTRICTED": "rk_" + "live_" + random_text(24),
    "SENDGRID": "S" + "G." + random_text(22) + "." + random_text(43),
    "TWILIO": "S" + "K" + random_text(32, _HEX),
    "PRIVATE_KEY": "-----BEGIN " + "RSA PRIVATE " + "KEY-----\n" + random_text(64),
    "PKCS8": "-----BEGIN " + "PRIVATE " + "KEY-----\n" + random_text(64),
    "OPENSSH": "-----BEGIN " + "OPENSSH PRIVATE " + "KEY-----\n" + random_text(64),
    "AGE": "AGE-SECRET-" + "KEY-1" + random_text(58, _BECH32),
    "JWT": "ey" + "J" + random_text(20) + ".ey" + "J" + random_text(40) + "." + random_text(43),
    "URL_PASSWORD": "postgres://app:" + random_text(16) + "@db.internal/app",
}
