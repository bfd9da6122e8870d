"""What engines answered, kept by model, build and request: calls that need not be paid for again.

One SQLite file, shared by every process that evaluates this repository, with the results of runs
and how long calls took. Deleting it loses nothing that happened; its questions are asked anew.
"""

from tetrad.answers.kept_answers import Answers, answers_files, answers_path
from tetrad.answers.kept_runs import KeptRuns, RunRecord

__all__ = ["Answers", "KeptRuns", "RunRecord", "answers_files", "answers_path"]
