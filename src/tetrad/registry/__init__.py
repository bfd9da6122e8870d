"""What is kept between runs: answers of engines, runs and their results.

One SQLite file, shared by every process that evaluates this repository.
"""

from tetrad.registry.registry import (
    Registry,
    RunRecord,
    files_of,
    make_kept_folder,
    registry_path,
)

__all__ = ["Registry", "RunRecord", "files_of", "make_kept_folder", "registry_path"]
