"""What is kept between runs: answers of engines, runs and their results.

One SQLite file, shared by every process that evaluates this repository.
"""

from tetrad.registry.registry import Registry, RunRecord, make_folder, registry_path

__all__ = ["Registry", "RunRecord", "make_folder", "registry_path"]
