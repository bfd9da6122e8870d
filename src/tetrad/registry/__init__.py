"""What happened: runs and their results.

One SQLite file, shared by every process that evaluates this repository.
"""

from tetrad.registry.runs import Registry, RunRecord, registry_path

__all__ = ["Registry", "RunRecord", "registry_path"]
