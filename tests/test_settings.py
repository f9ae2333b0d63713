"""Settings: bad values are refused by name, production refuses what is weak, and README's table is complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STRONG = "kX9#mQ2$vL7!pR4@wN8%zT1^bY6&cF3*gH5(jD0)sA_eU+iO"
URLS = {
    f"{prefix}DATABASE_URL": f"postgresql://backoffice_app@db.example.com/{prefix or 'x'}"
    for prefix in ("", "SANDBOX_", "AUDIT_")
}
PRODUCTION = {
    "BACKOFFICE_MODE": "production",
    "SECRET_KEY": STRONG + "abcd",
    "ALLOWED_HOSTS": "console.example.com",
    "WEBAUTHN_RP_ID": "example.com",
    **URLS,
}


def start(tmp_path: Path, environment: dict[str, str]) -> str:
    """Load the settings in a process of their own; return its last line on standard error, empty when all is well."""
    clean = {"PATH": os.environ["PATH"], "BACKOFFICE_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", "import backoffice.settings"],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip().rpartition("\n")[2]


def test_production_starts_when_everything_is_set(tmp_path: Path) -> None:
    assert start(tmp_path, PRODUCTION) == ""


@pytest.mark.parametrize(
    "name",
    ["SECRET_KEY", "ALLOWED_HOSTS", "WEBAUTHN_RP_ID", "DATABASE_URL", "SANDBOX_DATABASE_URL", "AUDIT_DATABASE_URL"],
)
def test_production_refuses_what_is_missing_by_its_name(tmp_path: Path, name: str) -> None:
    said = start(tmp_path, {key: value for key, value in PRODUCTION.items() if key != name})
    assert re.search(rf"\b{name}\b", said)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 60),
        ("SECRET_KEY", "django-insecure-" + STRONG),
        ("DEBUG", "true"),
        ("ALLOWED_HOSTS", "*"),
        ("SECOND_FACTOR", "false"),
        ("WEBAUTHN_RP_ID", "example.org"),
        ("WEBAUTHN_RP_ID", "ample.com"),
        ("LOGIN_AGAIN_MINUTES", "61"),
        ("LOGIN_LOCKED_MINUTES", "4"),
    ],
)
def test_production_refuses_what_is_weak_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    assert name in start(tmp_path, {**PRODUCTION, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BACKOFFICE_MODE", "prod"),
        ("CONSOLE_PATH", "/console"),
        ("CONSOLE_PATH", "console"),
        ("DEBUG", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
        ("LOGIN_FAILURES", "100"),
        ("DATABASE_URL", "mysql://x"),
        ("SANDBOX_DATABASE_URL", ""),
    ],
)
def test_bad_value_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    assert name in start(tmp_path, {**URLS, name: value})


def test_development_needs_nothing_and_keeps_its_key(tmp_path: Path) -> None:
    assert start(tmp_path, {}) == ""
    key = tmp_path / "secret_key"
    assert (len(key.read_text()), key.stat().st_mode & 0o777) == (50, 0o600)


def test_staging_is_production_by_another_name(tmp_path: Path) -> None:
    assert start(tmp_path, {**PRODUCTION, "STAGING": "true"}) == ""
    assert "SECRET_KEY" in start(tmp_path, {**PRODUCTION, "STAGING": "true", "SECRET_KEY": "short"})


def test_readme_has_a_line_for_every_variable() -> None:
    source = (ROOT / "backoffice/settings.py").read_text() + (ROOT / "backoffice/databases.py").read_text()
    read = set(re.findall(r'env\.\w+\("([A-Z_]+)"', source)) | set(re.findall(r'": "([A-Z_]+_URL)"', source))
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("## ")[0]
    written = set(
        re.findall(r"`([A-Z_]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|")))
    )
    assert written == read
