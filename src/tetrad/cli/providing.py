"""What identities need in Kubernetes: there and ready before traffic moves to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from tetrad.cli.infra_program import waiting_script
from tetrad.errors import ExitCode, NotApplied, UsageError

if TYPE_CHECKING:
    from tetrad.deploy.deploying import DeployCandidate, Provision
    from tetrad.model import Environment


class _Takes(Protocol):
    def add_argument(self, *names: str, action: str, help: str) -> object: ...  # noqa: A002 - argparse's


def add_no_apply(parser: _Takes) -> None:
    parser.add_argument(
        "--no-apply",
        action="store_true",
        help="in Kubernetes: do not apply the objects; check that Argo CD or Flux has applied the"
        " output of `tetrad render`, and begin the rollout",
    )


@contextmanager
def provisioning(
    root: Path, environment: Environment, how: Literal["up", "check", "preview", "compare"]
) -> Iterator[Provision]:
    """What applies what the merged state needs, or the identities named; NotApplied where that is not ready.

    It loads its modules while identities are judged.
    """
    if environment.cluster is None:
        yield lambda _: None
        return
    if unset := environment.cluster.unset:  # before anything asks the cluster
        where = environment.location.file
        raise UsageError("\n".join(f"{where}: {one}" for one in unset))
    with waiting_script(root, "apply.py", str(root), environment.name, how) as run:

        def provide(named: Sequence[DeployCandidate]) -> None:
            code = run([f"{one.asked.stack.ref}@{one.snapshot.digest}" for one in named])
            if code != ExitCode.PASSED:
                raise NotApplied(code)

        yield provide
