"""The signature of exported files: a small JSON file beside each, which says what the file is and is signed as a whole.

`signature` is Ed25519, in base64, over "backoffice export 1", a newline, and the other facts as JSON with sorted keys and no spaces;
`sha256` among them is that of the file, `public_key` the raw 32 bytes in base64. `check` needs nothing but the public key.
The key is one of the site's own, which seals nothing.
"""

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Any

from django.conf import settings

from audit import keys
from audit.chain import canonical_json

EXPORT = b"backoffice export 1\n"
WHAT = "the file of the Ed25519 key that signs exports"


def path() -> Path:
    """Return the file of the key: named by AUDIT_EXPORT_KEY, else made on first use in the data folder."""
    return Path(settings.AUDIT_EXPORT_KEY or settings.BACKOFFICE_DATA / "audit_export_key.pem").expanduser()


def export_key() -> keys.SigningKey:
    """Return the key that signs exports. Raises as `keys.key_in` does."""
    return keys.key_in(path(), "AUDIT_EXPORT_KEY", WHAT)


def public_key() -> bytes:
    """Return the raw public key."""
    return export_key().public


def signed(content: bytes, **facts: Any) -> bytes:
    """Return the JSON that goes beside a file; `facts` say what it is, such as its name, rows, maker and search."""
    key = export_key()
    told = {
        **facts,
        "sha256": hashlib.sha256(content).hexdigest(),
        "algorithm": "Ed25519",
        "public_key": base64.b64encode(key.public).decode(),
    }
    told["signature"] = base64.b64encode(key.sign(EXPORT + canonical_json(told))).decode()
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"


def check(content: bytes, signature: bytes, *, trusted: bytes | None = None) -> list[str]:
    """Return what is wrong with an exported file, each in a sentence; `trusted` is our own public key unless given.

    Raises:
        ImproperlyConfigured: our own key is asked for, and cannot be read.
    """
    try:
        told = json.loads(signature)
        signed_with = base64.b64decode(told.pop("signature"), validate=True)
        key, digest = base64.b64decode(told["public_key"], validate=True), str(told["sha256"])
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return ["The signature file cannot be read."]
    if trusted is None and not path().exists():
        return ["This site has no key yet that it signs exports with: say which public key is to be trusted."]
    if key != (trusted or public_key()):
        return ["The file was signed with another key than this site's."]
    if not keys.good(key.hex(), signed_with, EXPORT + canonical_json(told)):
        return ["What the signature file tells of the file was changed after it was signed."]
    if digest != hashlib.sha256(content).hexdigest():
        return ["The file is not the one that was signed: it was changed, or the signature belongs to another."]
    return []
