"""From a report to evidence: everything in it is derived again from the commit, then it is signed.

Nothing of the change runs here: no code of the repository, no model, no tool.
"""

from tetrad.attestation.attest import Attested, ReportedCommit, SignedReport, Signing, attest
from tetrad.attestation.disagreement import Disagreement

__all__ = ["Attested", "Disagreement", "ReportedCommit", "SignedReport", "Signing", "attest"]
