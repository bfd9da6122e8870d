"""What an environment admits: the evidence that is kept, and the answer that it gives."""

from typing import TYPE_CHECKING

from tetrad.reexports import importer

if TYPE_CHECKING:
    from tetrad.admission.asking import Question, has_evidence, question, verified, verified_each
    from tetrad.admission.kept_evidence import KeptEvidence
    from tetrad.admission.retaining import Retained, kept, retained

__all__ = [
    "KeptEvidence",
    "Question",
    "Retained",
    "has_evidence",
    "kept",
    "question",
    "retained",
    "verified",
    "verified_each",
]

if not TYPE_CHECKING:
    __getattr__ = importer(
        __name__,
        {
            "asking": ["Question", "has_evidence", "question", "verified", "verified_each"],
            "kept_evidence": ["KeptEvidence"],
            "retaining": ["Retained", "kept", "retained"],
        },
    )
