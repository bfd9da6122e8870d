"""docs/evidence.md: the verification by hand is followed to the letter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from evidenced import answering, evidenced_tree, key_of

from tetrad.errors import ExitCode
from tetrad.evidence.refused import Clause

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("jq")), reason="needs openssl and jq"
)
def test_an_envelope_verifies_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = evidenced_tree(tmp_path)
    with answering(monkeypatch):
        assert tree.tetrad("gate") == ExitCode.PASSED
    assert tree.tetrad("attest", "--key", key_of(tree, "ci")) == ExitCode.PASSED
    for path in tree.git("ls-tree", "-r", "--name-only", "tetrad/evidence").splitlines():
        (tree.root / "envelope.json").write_text(tree.git("show", f"tetrad/evidence:{path}"))
        said = subprocess.run(
            ["sh", "-e"],
            input=block().replace("triage", "feedback"),
            cwd=tree.root,
            env=os.environ
            | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        verified, subject, *_, identity = said.splitlines()
        assert verified == "Signature Verified Successfully"
        assert identity.split()[0] == subject


def block() -> str:
    (found,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_every_clause_is_explained() -> None:
    named = set(re.findall(r"`([a-z-]+)`", PAGE.split("| clause |")[1].split("\n\n")[0]))
    assert named >= set(get_args(Clause))
