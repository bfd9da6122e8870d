"""Tetrad: a declarative GitOps config-and-test harness for LLM systems."""

import sys

__version__ = "0.1.0"

# `python -m tetrad` puts the working folder, which may be a stranger's, before all that is installed:
# a yaml.py there would run in the place of ours. Until Python has found the module that it is to
# run, which begins here, its name for the program is "-m".
if (
    sys.argv[:1] == ["-m"]
    and not sys.flags.safe_path
    and any(part.rpartition("-m")[2].partition(".")[0] == __name__ for part in sys.orig_argv)
):
    del sys.path[0]
