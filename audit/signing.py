"""The signature of exported files: Ed25519 over the file's bytes, detached, in a small JSON file beside it.

`check(file, signature)` needs nothing but the public key; `audit_verify --export FILE` and anybody with another tool can
do the same: `signature` is over the file as it is, `public_key` the raw 32 bytes, both in base64.
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def _path() -> Path:
    if settings.AUDIT_EXPORT_KEY:
        return Path(settings.AUDIT_EXPORT_KEY)
    if settings.PRODUCTION:
        raise ImproperlyConfigured(
            "Set AUDIT_EXPORT_KEY to the path of an Ed25519 private key (PEM): exports are signed."
        )
    return Path(settings.BACKOFFICE_DATA) / "audit_export_key.pem"


def _made(path: Path) -> bytes:
    """Make a key that its owner alone can read, unless another process was quicker."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return pem


def private_key() -> Ed25519PrivateKey:
    """Return the key that signs: named by AUDIT_EXPORT_KEY, else made on first use in the data folder."""
    path = _path()
    pem = path.read_bytes() if path.exists() or settings.AUDIT_EXPORT_KEY else _made(path)
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"{path} holds no Ed25519 key: exports are signed with one.")
    return key


def public_key() -> bytes:
    """Return the raw public key."""
    return private_key().public_key().public_bytes_raw()


def sign(content: bytes) -> bytes:
    """Return the signature of a file."""
    return private_key().sign(content)


def verify(content: bytes, signature: bytes, key: bytes) -> bool:
    """Whether the signature is of this file by this raw public key."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def signed(content: bytes, **facts: Any) -> bytes:
    """Return the JSON that goes beside a file; `facts` say what it is, such as its name, rows and search."""
    told = {
        **facts,
        "sha256": hashlib.sha256(content).hexdigest(),
        "algorithm": "Ed25519",
        "public_key": base64.b64encode(public_key()).decode(),
        "signature": base64.b64encode(sign(content)).decode(),
    }
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"


def check(content: bytes, signature: bytes, *, trusted: bytes | None = None) -> list[str]:
    """Return what is wrong with an exported file, each in a sentence; `trusted` is our own public key unless given."""
    try:
        told = json.loads(signature)
        key, signed_with = base64.b64decode(told["public_key"]), base64.b64decode(told["signature"])
    except (ValueError, KeyError, TypeError):
        return ["The signature file cannot be read."]
    if key != (trusted or public_key()):
        return ["The file was signed with another key than this site's."]
    if not verify(content, signed_with, key):
        return ["The file is not the one that was signed: it was changed, or the signature belongs to another."]
    return []
