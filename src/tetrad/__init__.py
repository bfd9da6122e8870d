"""Tetrad: a declarative GitOps config-and-test harness for LLM systems."""

import sys

TYPE_CHECKING = (
    False  # for type checkers it is True; `typing` would be imported before the guard below
)
if TYPE_CHECKING:
    from tetrad.api import (
        Adapter,
        Bundle,
        Case,
        Cluster,
        ClusterApi,
        ClusterConflict,
        ClusterError,
        Corpus,
        Environment,
        ExitCode,
        GatewayRelease,
        HeldLease,
        Issue,
        Model,
        ModelHosting,
        Monitoring,
        OpenAIEngine,
        Replicas,
        Report,
        Repository,
        Retained,
        RunnerHosting,
        SecretKey,
        Snapshot,
        SpecError,
        Stack,
        StackReport,
        Suite,
        SuiteReport,
        TetradError,
        UsageError,
        VectorStoreHosting,
        Verification,
        VllmEngine,
        WeightsVolume,
        bundle_of,
        environment_of,
        identity_of,
        index_digest,
        kept_identity,
        load_repository,
        longest_answer_s,
        model_digest,
        read_report,
        retained,
        snapshot_parts,
        snapshots_of,
        verify,
        verify_each,
        write_layout,
    )

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "Bundle",
    "Case",
    "Cluster",
    "ClusterApi",
    "ClusterConflict",
    "ClusterError",
    "Corpus",
    "Environment",
    "ExitCode",
    "GatewayRelease",
    "HeldLease",
    "Issue",
    "Model",
    "ModelHosting",
    "Monitoring",
    "OpenAIEngine",
    "Replicas",
    "Report",
    "Repository",
    "Retained",
    "RunnerHosting",
    "SecretKey",
    "Snapshot",
    "SpecError",
    "Stack",
    "StackReport",
    "Suite",
    "SuiteReport",
    "TetradError",
    "UsageError",
    "VectorStoreHosting",
    "Verification",
    "VllmEngine",
    "WeightsVolume",
    "__version__",
    "bundle_of",
    "environment_of",
    "identity_of",
    "index_digest",
    "kept_identity",
    "load_repository",
    "longest_answer_s",
    "model_digest",
    "read_report",
    "retained",
    "snapshot_parts",
    "snapshots_of",
    "verify",
    "verify_each",
    "write_layout",
]

# `python -m tetrad` puts the working folder, which may be a stranger's, before all that is installed:
# a yaml.py there would run in the place of ours. Until Python has found the module that it is to
# run, which begins here, its name for the program is "-m".
if (
    sys.argv[:1] == ["-m"]
    and not sys.flags.safe_path
    and any(part.rpartition("-m")[2].partition(".")[0] == __name__ for part in sys.orig_argv)
):
    del sys.path[0]

if not TYPE_CHECKING:  # or every name would be one of any type

    def __getattr__(name: str) -> object:
        """A name of the public interface, imported when it is used: `import tetrad` alone is quick."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from tetrad import api

        return getattr(api, name)
