"""Proof that the event store holds what was sealed: every event, in every block, and no other.

What is trusted: the file of trusted keys and the published heads; nothing in a database. `run` goes over the store's blocks,
in ranges that several processes share; `blocks` checks what a block says of itself, `events` its events, `trust` signatures
and heads, `attested` what is rightly gone, `archive` the months that were moved to files.
"""

from audit.verification.findings import Finding, Report
from audit.verification.run import verify

__all__ = ["Finding", "Report", "verify"]
