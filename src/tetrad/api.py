"""The public interface, for notebooks, scripts and the infrastructure program.

`import tetrad` gives its names, which `tetrad.__all__` lists; every other module may change with any
release.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from tetrad import admission, corpora, identity
from tetrad.admission import Retained as Retained
from tetrad.admission import question, verified, verified_each
from tetrad.canonical import Digest
from tetrad.cluster_api import ClusterApi as ClusterApi
from tetrad.cluster_api.held_lease import HeldLease as HeldLease
from tetrad.errors import ClusterConflict as ClusterConflict
from tetrad.errors import ClusterError as ClusterError
from tetrad.errors import ExitCode as ExitCode
from tetrad.errors import Issue as Issue
from tetrad.errors import SpecError as SpecError
from tetrad.errors import TetradError as TetradError
from tetrad.errors import UsageError as UsageError
from tetrad.evidence import Verification as Verification
from tetrad.loading import repositories
from tetrad.loading.parsed import Parsed
from tetrad.model import Adapter as Adapter
from tetrad.model import Case as Case
from tetrad.model import Cluster as Cluster
from tetrad.model import Corpus as Corpus
from tetrad.model import Environment as Environment
from tetrad.model import Model as Model
from tetrad.model import ModelHosting as ModelHosting
from tetrad.model import OpenAIEngine as OpenAIEngine
from tetrad.model import Repository as Repository
from tetrad.model import Stack as Stack
from tetrad.model import Suite as Suite
from tetrad.model import VllmEngine as VllmEngine
from tetrad.model.cluster import GatewayRelease as GatewayRelease
from tetrad.model.cluster import Monitoring as Monitoring
from tetrad.model.cluster import Replicas as Replicas
from tetrad.model.cluster import RunnerHosting as RunnerHosting
from tetrad.model.cluster import SecretKey as SecretKey
from tetrad.model.cluster import VectorStoreHosting as VectorStoreHosting
from tetrad.model.cluster import WeightsVolume as WeightsVolume
from tetrad.report import load_report
from tetrad.results.gate_report import Report as Report
from tetrad.results.gate_report import StackReport as StackReport
from tetrad.results.gate_report import SuiteReport as SuiteReport
from tetrad.snapshots import Snapshot as Snapshot
from tetrad.snapshots import take_snapshot
from tetrad.snapshots.bundle import Bundle as Bundle
from tetrad.snapshots.bundle import bundle_of as bundle_of
from tetrad.snapshots.layout import write_layout as write_layout
from tetrad.snapshots.named_parts import snapshot_parts as snapshot_parts


def load_repository(root: str | os.PathLike[str] = ".") -> Repository:
    """Everything that the files of a repository say, with every reference resolved.

    `root` is the folder that holds `prompts/`, `stacks/` and `evals/`. Nothing is fetched and no
    code of the repository runs. Raises `SpecError` with every problem of every file.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    return repositories.load_repository(folder)


def identity_of(stack: Stack) -> str:
    """The composed identity as locks and reports write it: `tetrad:` and 64 hexadecimal digits.

    docs/identity.md has the algorithm, with test vectors.
    """
    return identity.written_identity(identity.identity_of(stack))


def model_digest(model: Model) -> str:
    """The digest of what of a model shapes its answers: model servers are named by it."""
    return str(identity.component_digest(model))


def index_digest(corpus: Corpus) -> str:
    """The digest of what decides the rows of a corpus's index in a vector store."""
    return str(corpora.index_digest(corpus))


def longest_answer_s(stack: Stack) -> float:
    """Seconds after which a gateway has answered a request to a stack, or has failed to."""
    from tetrad.runtime import longest_answer

    return longest_answer.longest_answer_s(stack, stack.serving.queue)


def snapshots_of(repository: Repository, stacks: Iterable[Stack]) -> tuple[Snapshot, ...]:
    """Everything that each of the stacks needs to answer again, as the repository has it."""
    parsed = Parsed()
    return tuple(take_snapshot(repository.files, stack.ref, parsed) for stack in stacks)


def environment_of(repository: Repository, name: str) -> Environment:
    """An environment by its name or reference; raises `UsageError` where there is none."""
    return repository.environments[repositories.find(repository, name, repository.environments)]


def retained(
    environment: Environment,
    root: str | os.PathLike[str] = ".",
    *,
    since: datetime,
    known: Iterable[tuple[Stack, Snapshot]] = (),
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[Retained, ...]:
    """The identities that an environment's pointer names, and those that it has named since a moment.

    Loaded from the snapshots in the cluster or the registry, but for those that are `known`; nothing
    where nothing was deployed yet. Where neither can tell what the pointer names, `warn` is told so.
    """
    return admission.retained(Path(root), environment, since=since, known=known, warn=warn)


def kept_identity(
    environment: Environment, snapshot: str, root: str | os.PathLike[str] = "."
) -> Retained:
    """An identity by the digest of its snapshot, which the registry keeps.

    Raises `ArtifactError`, a `TetradError`, where neither it nor the environment's cluster does.
    """
    return admission.kept(Path(root), environment, Digest.parse(snapshot))


def read_report(file: str | os.PathLike[str]) -> Report:
    """The report that `tetrad gate` wrote as JSON; `.tetrad/report.json` is the last one.

    A report is what its file says: nothing here proves who wrote it. Raises `UsageError` for a file
    that cannot be read or is not a report.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{path} cannot be read: {why}\n  help: `tetrad gate` writes one"
        ) from error
    return load_report(text, origin=str(path))


def verify(
    stack: str | Stack,
    environment: str,
    root: str | os.PathLike[str] = ".",
    *,
    repository: Repository | None = None,
) -> Verification:
    """Whether a stack, as it is checked out, may serve an environment.

    By the evidence that is kept here, without a network; `unmet` names what is missing to a yes. A
    `Stack` may be another than the checkout has: one that was loaded from a snapshot.
    `repository` is what `load_repository` gave, if it was loaded already. Raises `UsageError` where
    there is no such stack or environment.
    """
    loaded = load_repository(root) if repository is None else repository
    if isinstance(stack, str):
        stack = loaded.stacks[repositories.find(loaded, stack, loaded.stacks)]
    return verified(Path(root), question(loaded, stack, environment))


def verify_each(
    stacks: Iterable[Stack],
    environment: str,
    root: str | os.PathLike[str] = ".",
    *,
    repository: Repository | None = None,
) -> tuple[Verification, ...]:
    """The same of many stacks, for which what is kept is read once."""
    loaded = load_repository(root) if repository is None else repository
    asked = [question(loaded, stack, environment) for stack in stacks]
    return verified_each(Path(root), asked)
