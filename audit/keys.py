"""Private keys, kept outside of every database: of the relay, which seals blocks, and of the site, which signs exports.

A key is a PEM file that only its owner may read. Production names it by a setting and refuses to sign without it; elsewhere
it is made on first use.
"""

import os
import secrets
import stat
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


def key_id(public: bytes) -> str:
    """Return the short name of a public key."""
    return sha256(public).hexdigest()[:16]


def good(public: str, signature: bytes | str, text: bytes) -> bool:
    """Return whether a signature is that of the key; either may be in hexadecimal, and nothing else raises."""
    try:
        given = bytes.fromhex(signature) if isinstance(signature, str) else signature
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(given, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key() -> SigningKey:
    """Return the key that seals the event store. Raises as `key_in` does."""
    return key_in(
        settings.AUDIT_KEY_FILE, "AUDIT_SIGNING_KEY", "the file of the Ed25519 key that seals the event store"
    )


def key_in(path: Path, setting: str, what: str) -> SigningKey:
    """Return the key of a file that a setting names; outside of production it is made on first use.

    Raises:
        ImproperlyConfigured: it is missing in production, others may read it, or it is no Ed25519 key.
    """
    if settings.PRODUCTION and not getattr(settings, setting):
        raise ImproperlyConfigured(f"Production needs {setting}: {what}.")
    if not path.exists():
        if settings.PRODUCTION:
            raise ImproperlyConfigured(f"{setting} names {path}, which is not there.")
        return make_key(path)
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
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        os.link(fresh, path)  # whole or not at all, and never over another's
    except FileExistsError:
        return read_key(path)
    finally:
        fresh.unlink()
    return SigningKey(key)
