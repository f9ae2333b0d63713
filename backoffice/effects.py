"""What a request would do, as a checker sees it: rows of before and after, or the refusal, and a digest of both.

No names of people are in here: it is kept with the request for good.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self


class Refusal(Protocol):
    """An error with a stable code and a sentence."""

    @property
    def code(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing that changes, in words."""

    what: str
    before: str
    after: str
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that would happen, or `code` and `text` of what refuses it."""

    effects: tuple[Effect, ...] = ()
    code: str = ""
    text: str = ""

    @property
    def as_json(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"effects": [asdict(effect) for effect in self.effects], "code": self.code, "text": self.text}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """Return what `as_json` made."""
        return cls(effects=tuple(Effect(**row) for row in kept["effects"]), code=kept["code"], text=kept["text"])

    @classmethod
    def refused(cls, error: Refusal) -> Self:
        """Return a refusal."""
        return cls(code=error.code, text=str(error))

    @property
    def digest(self) -> str:
        """What a checker's decision is bound to."""
        return digest(self.as_json).hex()


def digest(of: dict[str, Any]) -> bytes:
    """Return the SHA-256 of JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).digest()
