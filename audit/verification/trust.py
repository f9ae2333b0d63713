"""What a verification trusts: the keys of the trusted file, and the heads that were published and are signed by them.

A line of either that cannot be read is a finding; the rest counts all the same.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from audit.chain import HEAD, Header, canonical_json
from audit.keys import good
from audit.trusted import TrustedKey, broken
from audit.verification.findings import Finding

KNOWN = "SELECT id, public, from_block, signed_by, signature FROM audit_key ORDER BY from_block"


class Trust:
    """Trusted keys in the order of their use, and every head by its block: a tail may be cut and grow again."""

    def __init__(self, known: Sequence[TrustedKey], heads: Sequence[dict[str, Any]] = ()) -> None:
        self.trusted = list(known)
        self.known = {key.key: key for key in self.trusted}
        self.heads: dict[int, list[dict[str, Any]]] = {}
        for one in heads:
            self.heads.setdefault(one["block"], []).append(one)

    def keys(self, store: Any) -> Iterator[Finding]:
        """Say what is wrong with the trusted keys, and where the store names others."""
        if trouble := broken(self.trusted):
            yield Finding(None, None, "key", trouble)
        store.execute(KNOWN)
        stored = [TrustedKey.of(row) for row in store.fetchall()]
        for key in stored:
            if key not in self.trusted:
                text = (
                    f"The store's key {key.key} from block {key.from_block} on is not so in the file of trusted keys."
                )
                yield Finding(None, None, "key", text)
        for key in self.trusted:
            if stored and key.key not in {one.key for one in stored}:
                yield Finding(None, None, "key", f"The trusted key {key.key} is gone from the store's own list.")

    def signature(self, header: Header, signature: bytes) -> str:
        """Return what is wrong with a block's signature, in a sentence, or nothing."""
        number, name = header.number, header.key
        key = self.known.get(name)
        if key is None:
            return f"Block {number} is signed with the key {name}, which is not among the trusted ones."
        if [name] != [one.key for one in self.trusted if one.from_block <= number][-1:]:
            return f"Block {number} is signed with the key {name}, which was not the one in use then."
        if not good(key.public, signature, header.signed()):
            return f"The signature of block {number} is not that of the key {name}: it was replaced."
        return ""

    def published(self, number: int, digest: bytes) -> Iterator[Finding]:
        """Say so where a published head names another block of this number, once for each that was named."""
        others = {one["hash"]: one for one in self.heads.get(number, ()) if one["hash"] != digest.hex()}
        for one in others.values():
            text = f"Block {number} is not the one that was published on {one['published']}."
            yield Finding(number, None, "head", text if self._is_signed(one) else _untrusted(one))

    def tail(self, last: int) -> Iterator[Finding]:
        """Say so where a head tells of blocks after the last one that there is."""
        missing: dict[str, Any] | None = None
        for one in (one for number in sorted(self.heads) if number > last for one in self.heads[number]):
            if self._is_signed(one):
                missing = one
            else:
                yield Finding(one["block"], None, "head", _untrusted(one))
        if missing:
            text = f"Block {missing['block']} was published on {missing['published']}, and the store ends with block {last}."
            yield Finding(last + 1, None, "tail", text)

    def _is_signed(self, one: dict[str, Any]) -> bool:
        facts = {name: one[name] for name in ("block", "hash", "published", "key")}
        key = self.known.get(one["key"])
        return key is not None and good(key.public, one["signature"], HEAD + canonical_json(facts))


def _untrusted(one: dict[str, Any]) -> str:
    return f"The head of block {one['block']} published on {one['published']} bears no trusted signature."
