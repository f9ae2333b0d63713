"""A new key in the place of the old one, vouched for by it.

The old key's last block tells of the new one; the store and the trusted file get its public half, signed by the old key.
The new key is made beside the old one's file and takes its place at the end, so that whatever is interrupted can be
finished by doing it again. The old private key is gone then: nobody can sign with it what a thief may have wanted to.
"""

from django.conf import settings
from django.db import connections

from audit import keys, trusted
from audit.seal import CURRENT, add, event_line, head, sealing
from backoffice.databases import EVENT_STORE

ADD = "INSERT INTO audit_key (id, public, from_block, signed_by, signature) VALUES (%s, %s, %s, %s, %s)"
KNOWN = "SELECT id, public, from_block, signed_by, signature FROM audit_key ORDER BY from_block"


def rotate() -> trusted.TrustedKey:
    """Replace the signing key; return the public half of the new one. Callers connect as the relay.

    Raises:
        ImproperlyConfigured: the present key is not the one that the store goes on with.
        OSError: the key's folder cannot be written to.
    """
    old = keys.signing_key()
    beside = settings.AUDIT_KEY_FILE.with_name(f"{settings.AUDIT_KEY_FILE.name}.next")
    new = keys.read_key(beside) if beside.exists() else keys.make_key(beside)
    if _current() != new.id:
        _hand_over(old, new)
    trust_known()
    beside.replace(settings.AUDIT_KEY_FILE)
    return trusted.trusted_keys()[-1]


def trust_known() -> None:
    """Bring the trusted file up to the store's keys, as far as each is vouched for by the one before."""
    known = trusted.trusted_keys()
    with connections[EVENT_STORE].cursor() as store:
        store.execute(KNOWN)
        for facts in store.fetchall():
            key = trusted.TrustedKey.of(facts)
            if key not in known and not trusted.broken([*known, key]):
                trusted.trust(key)
                known.append(key)


def _current() -> str:
    with connections[EVENT_STORE].cursor() as store:
        store.execute(CURRENT)
        found = store.fetchone()
    return str(found[0]) if found else ""


def _hand_over(old: keys.SigningKey, new: keys.SigningKey) -> None:
    with sealing(old) as store:
        first = head(store).number + 2  # after the block that tells of it
        key = trusted.TrustedKey(key=new.id, public=new.public.hex(), from_block=first, signed_by=old.id)
        signature = old.sign(key.vouched()).hex()
        data = {"from": old.id, "to": new.id, "public": key.public, "from_block": first}
        add(store, [event_line(store, "audit.key_rotated", data)], old)
        store.execute(ADD, [key.key, key.public, first, old.id, signature])
