"""What an environment admits: the evidence that is kept, and the answer that it gives."""

from tetrad.admission.asking import Question, has_evidence, question, verified, verified_each
from tetrad.admission.kept_evidence import KeptEvidence
from tetrad.admission.retaining import Retained, retained

__all__ = [
    "KeptEvidence",
    "Question",
    "Retained",
    "has_evidence",
    "question",
    "retained",
    "verified",
    "verified_each",
]
