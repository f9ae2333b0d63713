"""The signing key: weighed in production, made and kept for everything else."""

import math
from collections import Counter
from pathlib import Path

from django.core.management.utils import get_random_secret_key

SHORTEST = 50  # characters; django.core.checks.security.base.SECRET_KEY_MIN_LENGTH
FEWEST_BITS = 128  # of entropy by letter frequency; a hand-typed word repeated stays far below


def weakness_of(key: str, shortest: int = SHORTEST) -> str:
    """Return why a key is too weak to sign with, or nothing."""
    if len(key) < shortest:
        return f"it has {len(key)} characters, {shortest} are the least"
    if key.startswith("django-insecure-"):
        return "it is one that Django made for development"
    frequencies = [count / len(key) for count in Counter(key).values()]
    if -sum(part * math.log2(part) for part in frequencies) * len(key) < FEWEST_BITS:
        return "it repeats itself, take one from `openssl rand -base64 48`"
    return ""


def local_secret_key(data: Path) -> str:
    """Return the key of this data folder, made on first use and readable by its owner alone."""
    path = data / "secret_key"
    if path.exists() and (key := path.read_text()):
        return key
    data.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(key := get_random_secret_key())
    return key
