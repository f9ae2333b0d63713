"""Production: `check --deploy` is clean, cookies and HSTS are as they should be, and what is weak is refused by name."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import get_hashers, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, override_settings
from django.urls import reverse

from backoffice import settings as production_settings
from backoffice.models import User
from tests.cast import PASSWORD
from tests.test_settings import PRODUCTION, ROOT, STRONG, URLS, start

SOCKET = {name: f"postgresql://backoffice_app@/{name.lower()}?host=/run/postgresql" for name in URLS}
LOCAL = {**PRODUCTION, **SOCKET}
WEBHOOK = {
    "AUDIT_WEBHOOK_URL": "https://hooks.example.com/x",
    "AUDIT_WEBHOOK_SECRET": "Zk3!" * 2 + "q8Rw-mB5tYx0uPn7cVh2jLs9dFg4aQe6",
}


def run(tmp_path: Path, environment: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in the environment of production and nothing else."""
    clean = {"PATH": os.environ["PATH"], "BACKOFFICE_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, check=False
    )


def settings_of(tmp_path: Path, environment: dict[str, str], *names: str) -> dict[str, Any]:
    """Return settings as production has them."""
    script = f"import json; from django.conf import settings as s; print(json.dumps({{n: getattr(s, n) for n in {names!r}}}))"
    done = run(tmp_path, {**environment, "DJANGO_SETTINGS_MODULE": "backoffice.settings"}, "-c", script)
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def test_deployment_check_is_clean(tmp_path: Path) -> None:
    done = run(tmp_path, {**PRODUCTION, **WEBHOOK}, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("System check identified no issues (")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("SECRET_KEY", "short", "50 are the least"),
        ("SECRET_KEY_FALLBACKS", f"{PRODUCTION['SECRET_KEY']},changeme", "too weak"),
        ("DEBUG", "true", "must be off"),
        ("ALLOWED_HOSTS", "*", "must name each host"),
        ("ALLOWED_HOSTS", "console.example.com,*.example.com", "must name each host"),
        ("ALLOWED_HOSTS", ".example.com", "must name each host"),
        ("CSRF_TRUSTED_ORIGINS", "http://console.example.com", "must be https://"),
        ("CSRF_TRUSTED_ORIGINS", "https://*.example.com", "must be https://"),
        ("AUDIT_EMAIL_TO", "a@example.com", "EMAIL_HOST is not"),
        ("AUDIT_WEBHOOK_URL", "http://hooks.example.com/", "must begin with https://"),
        ("AUDIT_WEBHOOK_URL", "https://hooks.example.com/", "AUDIT_WEBHOOK_SECRET, which signs"),
        ("AUDIT_SLACK_URL", "http://hooks.example.com/", "must begin with https://"),
        ("AUDIT_WEBHOOK_URL", "file:///etc/passwd", "does not match expected pattern"),
        ("AUDIT_SLACK_URL", "gopher://x", "does not match expected pattern"),
        *((name, f"{URLS[name]}?sslmode={mode}", f"says sslmode={mode}") for name in URLS for mode in ("disable", "prefer")),
        ("DATABASE_OWNER_URL", "postgresql://o@db.example.com/x?sslmode=allow", "says sslmode=allow"),
        ("DATABASE_RELAY_URL", "postgresql://r@10.0.0.5/x?sslmode=disable", "says sslmode=disable"),
    ],
)  # fmt: skip
def test_what_is_weak_is_refused_by_name_and_rule(tmp_path: Path, name: str, value: str, rule: str) -> None:
    said = start(tmp_path, {**PRODUCTION, name: value})
    assert name in said
    assert rule in said


def test_mail_to_another_machine_is_encrypted(tmp_path: Path) -> None:
    plain = {"EMAIL_USE_TLS": "false"}
    assert "EMAIL_USE_TLS must be on" in start(tmp_path, {**PRODUCTION, **plain, "EMAIL_HOST": "mail.example.com"})
    assert start(tmp_path, {**PRODUCTION, **plain, "EMAIL_HOST": "127.0.0.1"}) == ""


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    said = start(tmp_path, {**PRODUCTION, "DEBUG": "true", "ALLOWED_HOSTS": "*", "SECRET_KEY": "short"})
    assert all(name in said for name in ("DEBUG", "ALLOWED_HOSTS", "SECRET_KEY"))


@pytest.mark.parametrize(
    ("url", "mode", "of_libpq"),
    [
        ("postgresql://a@/x", "verify-full", {"PGHOST": "10.0.0.5", "PGSSLMODE": "disable"}),
        ("postgresql://a@127.0.0.1/x", "verify-full", {"PGHOSTADDR": "10.0.0.5"}),
        ("postgresql://a@/x", "verify-full", {"PGSERVICE": "bank"}),
        ("postgresql://a@localhost/x?hostaddr=10.0.0.5", "verify-full", {}),
        ("postgresql://a@db.example.com/x", "verify-full", {}),
        ("postgresql://a@db.example.com/x?sslmode=require", "require", {}),
        ("postgresql://a@db.example.com,127.0.0.1/x", "verify-full", {}),
        ("postgresql://a@127.0.0.1/x", None, {}),
        ("postgresql://a@localhost/x", None, {}),
        ("postgresql://a@/x?host=/run/postgresql", None, {}),
        ("postgresql://a@/x?hostaddr=10.0.0.5", "verify-full", {}),
    ],
)
def test_databases_elsewhere_prove_who_they_are(
    tmp_path: Path, url: str, mode: str | None, of_libpq: dict[str, str]
) -> None:
    [databases] = settings_of(tmp_path, {**PRODUCTION, "DATABASE_URL": url, **of_libpq}, "DATABASES").values()
    assert databases["default"]["OPTIONS"].get("sslmode") == mode


def test_other_machines_reach_production_alone_unless_that_is_said(tmp_path: Path) -> None:
    hosts = {"ALLOWED_HOSTS": "localhost,[::1],console.example.com"}
    said = start(tmp_path, hosts)
    assert "ALLOWED_HOSTS names console.example.com, by which other machines reach a console" in said
    assert start(tmp_path, {**hosts, "EXPOSED": "true"}) == ""


SECRETS = {"SECRET_KEY": PRODUCTION["SECRET_KEY"], "SECRET_KEY_FALLBACKS": STRONG + "efgh", **URLS, **WEBHOOK}
NO_SECRET = {"AUDIT_WEBHOOK_URL"}


@pytest.mark.parametrize("name", sorted(set(SECRETS) - NO_SECRET))
def test_secret_is_read_from_a_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRETS[name] + "\n")
    others = {key: value for key, value in {**PRODUCTION, **WEBHOOK}.items() if key != name}
    assert start(tmp_path, {**others, f"{name}_FILE": str(file)}) == ""


def test_file_of_a_secret_that_cannot_be_used_is_refused_by_name(tmp_path: Path) -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != "SECRET_KEY"}
    empty = tmp_path / "empty"
    empty.touch()
    missing = {"SECRET_KEY_FILE": str(tmp_path / "nowhere")}
    assert "SECRET_KEY_FILE names" in start(tmp_path, {**without, **missing})
    assert "which is empty" in start(tmp_path, {**without, "SECRET_KEY_FILE": str(empty)})
    assert "SECRET_KEY and SECRET_KEY_FILE are both set" in start(tmp_path, {**PRODUCTION, **missing})


def test_no_secret_is_in_what_a_bad_setting_says(tmp_path: Path) -> None:
    weak = "hunter2" * 3
    assert weak not in run(tmp_path, {**PRODUCTION, "SECRET_KEY": weak}, "-c", "import backoffice.settings").stderr


@pytest.fixture
def as_in_production(tmp_path: Path, settings: Any) -> None:
    """The settings of cookies and of transport that production has, in this process."""
    names = [name for name in dir(django_settings) if name.startswith(("SESSION_COOKIE", "CSRF_COOKIE", "SECURE_"))]
    for name, value in settings_of(tmp_path, LOCAL, *names).items():
        setattr(settings, name, tuple(value) if isinstance(value, list) else value)


@pytest.mark.django_db(databases=["default", "audit"])
@pytest.mark.usefixtures("as_in_production")
def test_cookies_of_production_are_for_this_host_over_https_alone(admin: User) -> None:
    client = Client()
    client.get(reverse("console:login"), secure=True)
    client.post(reverse("console:login"), {"username": "admin", "password": PASSWORD}, secure=True)
    assert set(client.cookies) == {"__Host-session", "__Host-csrf"}
    for cookie in client.cookies.values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")


@pytest.mark.django_db(databases=["default", "audit"])
@pytest.mark.usefixtures("as_in_production")
def test_production_answers_over_https_alone_and_says_so_for_a_year() -> None:
    client = Client()
    plain = client.get(reverse("console:login"))
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://testserver{reverse('console:login')}")
    for address in (reverse("console:login"), "/nothing/here"):
        said = client.get(address, secure=True).headers["Strict-Transport-Security"]
        assert said == "max-age=31536000; includeSubDomains; preload"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("elevenchars", False),
        ("password1234", False),
        ("importer-smith", False),  # like the user name
        ("only small letters here", True),
        ("        žluťoučký        ", True),
        ("x" * 40 + "Long one, as managers make them. " * 3, True),
    ],
)
def test_passwords_are_judged_as_they_should_be(password: str, good: bool) -> None:
    person = User.objects.create(username="importer-smith")
    if not good:
        with pytest.raises(ValidationError):
            validate_password(password, person)
        return
    validate_password(password, person)
    with override_settings(PASSWORD_HASHERS=production_settings.PASSWORD_HASHERS):
        person.set_password(password)
        assert person.check_password(password)
        assert not person.check_password(password.strip() + "?")
        assert not person.check_password(password.swapcase())


def test_passwords_are_kept_as_argon2() -> None:
    with override_settings(PASSWORD_HASHERS=production_settings.PASSWORD_HASHERS):
        assert [hasher.algorithm for hasher in get_hashers()] == ["argon2"]
        assert make_password("correct horse battery").startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")


@pytest.mark.django_db(databases=["default", "audit"])
def test_password_fields_hide_what_is_typed_and_let_managers_fill_them(client: Client, admin: User) -> None:
    pages = [client.get(reverse("console:login")).content.decode()]
    client.force_login(admin)
    pages.append(client.get(reverse("console:password_change")).content.decode())
    fields = [field for page in pages for field in re.findall(r'<input[^>]+name="[^"]*password[^"]*"[^>]*>', page)]
    assert len(fields) == 4
    assert all('type="password"' in field and 'autocomplete="off"' not in field for field in fields)
    assert not any(re.search(r"hint|secret question|onpaste", page, re.IGNORECASE) for page in pages)


def test_every_package_is_pinned_with_a_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.findall(r'^    "([A-Za-z0-9_.-]+)(?:\[[a-z-]+\])?[~=]=[^"]*",(.*)$', project, re.MULTILINE)
    assert len(wanted) > 20
    assert [name for name, why in wanted if not why.strip().startswith("# ")] == []
    assert not re.search(r"[a-z0-9]>=|git\+|https?://", "".join(name for name, _ in wanted))
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / file).read_text().splitlines() if line and line[0] not in "# "]
        assert all(re.match(r"[A-Za-z0-9_.\[\]-]+==[0-9]", line) for line in lines)


AUDIT = runpy.run_path(str(ROOT / ".ci/audit.py"))
GOOD: dict[str, Any] = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}


def test_check_asks_about_known_faults_of_packages() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert ".ci/audit.py" in recipe
    assert AUDIT["FILES"] == ("requirements.txt", "requirements-dev.txt")
    assert AUDIT["verdict"]({"dependencies": [GOOD, BAD]}) == (
        1,
        "bad 2: PYSEC-1, mended in 3.\nPackages compared with their advisories: 2. Known faults: 1.",
    )
    assert AUDIT["verdict"]({"dependencies": [GOOD, UNKNOWN]}) == (
        0,
        "Packages compared with their advisories: 1. Known faults: 0.\nNot compared: unknown.",
    )


def test_check_says_where_no_package_was_compared(tmp_path: Path) -> None:
    assert AUDIT["verdict"]({"dependencies": [UNKNOWN]})[1].startswith("SKIPPED: ")
    done = run(tmp_path, {"HTTPS_PROXY": "http://127.0.0.1:9"}, ".ci/audit.py", str(tmp_path / "cache"))
    assert (done.returncode, done.stdout[:8]) == (0, "SKIPPED:")
