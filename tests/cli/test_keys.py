"""`tetrad keys client`: a key that an environment knows by its digest alone."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from tetrad.cli import main
from tetrad.errors import ExitCode
from tetrad.runtime.credentials import credentials_in
from tetrad.schemas.check import check_value


def test_a_key_is_printed_once_and_its_digest_fits_into_an_environment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["keys", "client", "shop"]) == ExitCode.PASSED
    first = capsys.readouterr().out
    assert main(["keys", "client", "shop"]) == ExitCode.PASSED
    second = capsys.readouterr().out

    (key,) = re.findall(r"^key  (\S+)", first, re.MULTILINE)
    lines = yaml.safe_load(first[first.index("clients:") :])
    digest = hashlib.sha256(key.encode()).hexdigest()
    assert lines == {"clients": {"shop": {"keys": [f"sha256:{digest}"]}}}
    assert not list(check_value({"kind": "environment", **lines}, "environment"))
    assert [found.what for found in credentials_in(first)] == ["Tetrad API key"]
    assert key not in second


@pytest.mark.parametrize("name", ["", "-x", "_", "a/b", "\u0430da", "x\u00b2", "x" * 64, "ada\n"])
def test_what_cannot_name_a_signer_gets_no_key(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    private = str(tmp_path / "key.pem")
    root = ("-C", str(tmp_path))
    assert main([*root, "keys", "new", "--private", private, "--", name]) == ExitCode.MISUSE
    assert "cannot be the name of a key\n  help: a signer has letters" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tenant", ["", "a shop", "-x", "x" * 64, "sh\x1bop"])
def test_what_cannot_name_a_tenant_gets_no_key(
    tenant: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["keys", "client", "--", tenant]) == ExitCode.MISUSE

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "cannot be a tenant" in captured.err
