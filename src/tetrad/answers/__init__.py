"""What engines answered, kept by model, build and request: calls that need not be paid for again.

One SQLite file, shared by every process that evaluates this repository. Deleting it loses nothing
that happened; its questions are asked anew.
"""

from tetrad.answers.kept_answers import Answers, answers_files, answers_path

__all__ = ["Answers", "answers_files", "answers_path"]
