"""Which CI job evaluates, by the variables that CI services set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tetrad.evidence.standard import CiJob


def ci_job(environment: Mapping[str, str]) -> CiJob | None:
    """The run of a GitHub workflow or a GitLab pipeline; None anywhere else."""
    from tetrad.evidence.standard import CiJob

    def given(*names: str) -> bool:
        return all(environment.get(name) for name in names)

    if given("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"):
        repository = f"{environment['GITHUB_SERVER_URL']}/{environment['GITHUB_REPOSITORY']}"
        kind = environment.get("RUNNER_ENVIRONMENT") or "github-hosted"
        return CiJob(
            builder=f"https://github.com/actions/runner/{kind}",
            source=f"git+{repository}",
            run=f"{repository}/actions/runs/{environment['GITHUB_RUN_ID']}",
        )
    if given("CI_SERVER_URL", "CI_PROJECT_URL", "CI_PIPELINE_URL"):
        return CiJob(
            builder=f"{environment['CI_SERVER_URL']}/-/runners",
            source=f"git+{environment['CI_PROJECT_URL']}",
            run=environment["CI_PIPELINE_URL"],
        )
    return None
