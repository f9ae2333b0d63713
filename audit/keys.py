"""The key that signs blocks, kept outside of every database, and the file of the public keys that are trusted.

- The private key is a PEM file that only its owner may read. Production names it by AUDIT_SIGNING_KEY and refuses to relay
  without it; elsewhere it is made on first use.
- The trusted file has one JSON line a key, in the order of their use. Each but the first is signed by the one before it,
  so that whoever kept the first line can check all others; `from_block` is the first block that a key may sign.
"""

import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from audit.chain import NEXT_KEY, canonical_json

OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the name that blocks know it by."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def id(self) -> str:
        return key_id(self.public)

    def sign(self, text: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self.private.sign(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """A public key, from which block on it counts, and who vouched for it."""

    key: str
    public: str
    from_block: int
    signed_by: str = ""
    signature: str = ""

    def vouched(self) -> bytes:
        """Return the bytes that the key before signs."""
        return NEXT_KEY + canonical_json({"from_block": self.from_block, "key": self.key, "public": self.public})

    def line(self) -> str:
        """Return the line of the trusted file."""
        facts = {name: getattr(self, name) for name in ("key", "public", "from_block", "signed_by", "signature")}
        return json.dumps(facts)


def key_id(public: bytes) -> str:
    """Return the short name of a public key."""
    return sha256(public).hexdigest()[:16]


def good(public: str, signature: bytes, text: bytes) -> bool:
    """Return whether a signature is that of the key, given in hexadecimal."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key() -> SigningKey:
    """Return the key that signs.

    Raises:
        ImproperlyConfigured: it is missing in production, others may read it, or it is no Ed25519 key.
    """
    path: Path = settings.AUDIT_KEY_FILE
    if settings.PRODUCTION and not settings.AUDIT_SIGNING_KEY:
        raise ImproperlyConfigured(
            "Production needs AUDIT_SIGNING_KEY: the file of the Ed25519 key that seals the event store."
        )
    if not path.exists():
        if settings.PRODUCTION:
            raise ImproperlyConfigured(f"AUDIT_SIGNING_KEY names {path}, which is not there.")
        make_key(path)
    return read_key(path)


def read_key(path: Path) -> SigningKey:
    """Read a key file.

    Raises:
        ImproperlyConfigured: others may read it, or it is no Ed25519 key.
    """
    if path.stat().st_mode & OTHERS:
        raise ImproperlyConfigured(f"Others may read the signing key {path}: chmod 600 it, or make a new one.")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"The signing key {path} cannot be read: {error}") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"The signing key {path} is no Ed25519 key.")
    return SigningKey(private)


def make_key(path: Path) -> SigningKey:
    """Make a key in a file of its owner's alone; where another process was faster, return that one's."""
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        os.link(fresh, path)  # whole or not at all, and never over another's
    except FileExistsError:
        return read_key(path)
    finally:
        fresh.unlink()
    return SigningKey(key)


def trusted_keys(path: Path | None = None) -> list[TrustedKey]:
    """Return the trusted keys in the order of their use; none where there is no file yet."""
    file = path or settings.AUDIT_TRUSTED_FILE
    lines = file.read_text().splitlines() if file.exists() else []
    return [TrustedKey(**json.loads(line)) for line in lines if line.strip()]


def trust(key: TrustedKey) -> None:
    """Add a line to the trusted file, unless it is there."""
    if key not in trusted_keys():
        append(settings.AUDIT_TRUSTED_FILE, key.line())


def broken(keys: Sequence[TrustedKey]) -> str:
    """Return what is wrong with a list of trusted keys, as a sentence, or nothing."""
    for before, key in zip([None, *keys], keys, strict=False):
        if key.key != key_id(bytes.fromhex(key.public)):
            return f"The trusted key {key.key} does not bear the name of its public key."
        if before is None:
            continue
        vouched = key.signed_by == before.key and good(before.public, bytes.fromhex(key.signature), key.vouched())
        if not vouched or key.from_block <= before.from_block:
            return f"The trusted key {key.key} is not vouched for by the key before it, {before.key}."
    return ""


def append(path: Path, line: str) -> None:
    """Add a line to a file and see that it reaches the disk."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
