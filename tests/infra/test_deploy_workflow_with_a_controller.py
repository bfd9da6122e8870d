"""The workflow that deploys, played where Argo CD applies: it renders, waits, and moves the pointer alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from control_plane import ControlPlane
from provisioned import ROOT, Provisioned, fresh
from workflows import Job

pytestmark = pytest.mark.campaign  # real servers, for minutes

# What the workflow asks of GitHub's command line.
GH = """\
#!/bin/sh
[ "$GH_TOKEN" = token ] || exit 1
case "$1 $2 $3" in
  "auth setup-git ") ;;
  "repo clone acme/manifests") exec git clone --quiet "$ORIGIN" "$4" ;;
  *) exit 1 ;;
esac
"""
# While the workflow sleeps, the controller applies what it watches.
SLEEP = """\
#!/bin/sh
rm -rf "$ORIGIN-seen" && git clone --quiet "$ORIGIN" "$ORIGIN-seen" &&
  "$CONTROLLER" apply --server-side --field-manager argocd-controller -f "$ORIGIN-seen/production"
"""
CONTEXT = {
    "vars.TETRAD_APPLY": "false",
    "vars.TETRAD_MANIFESTS": "acme/manifests",
    "vars.PULUMI_BACKEND_URL": "",
    "secrets.PULUMI_CONFIG_PASSPHRASE": "",
    "secrets.MANIFESTS_TOKEN": "token",
    "secrets.TETRAD_SIGNING_KEY": "",
    "github.server_url": "https://git.example.com",
    "github.repository": "acme/support",
    "github.run_id": "7",
}


def play(where: Provisioned, folder: Path, number: int) -> Job:
    """The job of production on a fresh runner, which has no engine of Pulumi."""
    checkout = folder / f"job-{number}"
    subprocess.run(["git", "clone", "--quiet", where.root, checkout], check=True)
    context = {**CONTEXT, "secrets.TETRAD_REGISTRY": str(folder / "registry.db")}
    job = Job(
        checkout=checkout,
        workflow="deploy",
        name="production",
        context=context,
        path=str(folder / "commands"),
    )
    assert job.play() == 0, job.output
    return job


def test_a_merge_is_rendered_applied_by_argo_cd_and_rolled_out(
    plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, origin = fresh(plane, tmp_path), tmp_path / "manifests.git"
    shutil.copytree(ROOT / ".github/workflows", where.root / ".github/workflows")
    where.commit()
    subprocess.run(["git", "init", "--quiet", "--bare", origin], check=True)
    (tmp_path / "commands").mkdir()
    for name, text in {"gh": GH, "sleep": SLEEP}.items():
        command = tmp_path / "commands" / name
        command.write_text(text)
        command.chmod(0o755)
    kubeconfig = where.environment["KUBECONFIG"]
    controller = tmp_path / "controller"
    controller.write_text(
        f'#!/bin/sh\nexec "{plane.programs}/kubectl" --kubeconfig "{kubeconfig}" --context prod "$@"\n'
    )
    controller.chmod(0o755)
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    monkeypatch.setenv("ORIGIN", str(origin))
    monkeypatch.setenv("CONTROLLER", str(controller))

    first = play(where, tmp_path, 1)
    again = play(where, tmp_path, 2)

    assert "is live" in first.output[-1]
    assert "no changes" in again.output[-1]
    rendered = subprocess.run(
        ["git", "-C", origin, "log", "--format=%s"], capture_output=True, text=True, check=True
    )
    (subject,) = rendered.stdout.splitlines()
    assert subject.startswith("Render production of ")
