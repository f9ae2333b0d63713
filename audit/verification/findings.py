"""What a verification looked at and what it found."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_FINDINGS = 1_000  # told; the others are counted


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed; docs/sealing.md lists the kinds."""

    block: int | None
    event: str | None
    kind: str
    text: str


@dataclass(slots=True)
class Report:
    """What was looked at and what was found; `head` is the last block's number and hash."""

    events: int = 0
    blocks: int = 0
    findings: list[Finding] = field(default_factory=list)
    unsaid: int = 0
    head: str = ""

    def add(self, found: Iterable[Finding]) -> None:
        """Add findings, and count those that are too many to tell."""
        for finding in found:
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)
            else:
                self.unsaid += 1

    def told(self) -> list[dict[str, Any]]:
        """Return the findings as JSON has them."""
        told = [asdict(finding) for finding in self.findings]
        if self.unsaid:
            told.append(asdict(Finding(None, None, "more", f"{self.unsaid} findings more are not listed.")))
        return told
