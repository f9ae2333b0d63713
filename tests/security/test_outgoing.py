"""The site calls nobody but the addresses of its settings: over HTTP, without following, for seconds."""

import ast
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.apps import apps
from django.conf import settings
from django.db.models import URLField

from audit import subscribers
from audit.subscribers import REGISTERED, register_configured, send
from tests.audit.test_subscribers import Received, web  # noqa: F401  a fixture

CALLS = {
    "urllib.request",
    "http.client",
    "socket",
    "requests",
    "httpx",
    "urllib3",
    "aiohttp",
    "ftplib",
    "telnetlib",
    "smtplib",
}
# What may: webhooks, the demo that waits for its own server, and letters, which name an error of smtplib.
MAY_CALL = {"audit/subscribers.py", "backoffice/letters.py", "backoffice/serve.py"}
SOURCES = [path for app in ("audit", "backoffice", "bulk", "imports", "ledger", "sandbox") for path in (settings.BASE_DIR / app).rglob("*.py")]  # fmt: skip


def imported(path: Path) -> set[str]:
    """Return the names of modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{name.name}" for name in node.names}
    return found


# What starts programs, evaluates text or revives objects. Programs: the demo, the embedded database, and the relay, which
# publishes heads by AUDIT_HEAD_COMMAND. In a request runs the scanner of uploads alone, which its setting names.
DANGEROUS = {"subprocess", "pickle", "marshal", "shelve", "yaml", "ctypes", "dill", "code", "pty"}
MAY_START = {
    "audit/heads.py", "imports/scanning.py", "backoffice/serve.py", "backoffice/management/commands/demo.py", "backoffice/embedded/programs.py",
    "backoffice/embedded/state.py",
}  # fmt: skip
MAY_MARK = [  # they join pieces that are escaped one by one: the choices of a filter, the cells of a row
    "backoffice/admin/choices.py", "backoffice/admin/table.py",
]  # fmt: skip
CALLED = {"eval", "exec", "compile", "os.system", "popen", "Template", "from_string", "mark_safe"}


def called(path: Path) -> set[str]:
    """Return the names of functions that a file calls, with and without what they are of; `re.compile` is not meant."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            of = ast.unparse(node.func)
            found |= {of, of.rpartition(".")[2]} if of != "re.compile" else set()
    return found


def test_site_starts_no_program() -> None:
    starting = {str(path.relative_to(settings.BASE_DIR)) for path in SOURCES if imported(path) & DANGEROUS}
    assert starting == MAY_START
    assert [str(path.relative_to(settings.BASE_DIR)) for path in SOURCES if called(path) & CALLED] == MAY_MARK


def test_nothing_calls_out_but_what_is_known_to() -> None:
    calling = {str(path.relative_to(settings.BASE_DIR)) for path in SOURCES if imported(path) & CALLS}
    assert calling == MAY_CALL


def test_no_row_holds_an_address_to_call() -> None:
    assert [field for model in apps.get_models() for field in model._meta.fields if isinstance(field, URLField)] == []


def test_addresses_come_from_the_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribers, "REGISTERED", {})
    for name in ("AUDIT_EMAIL_TO", "AUDIT_WEBHOOK_URL", "AUDIT_SLACK_URL"):
        assert not getattr(settings, name)
    register_configured()
    assert subscribers.REGISTERED == {}
    assert not {"webhook", "slack", "email"} & set(REGISTERED)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "gopher://x", "data:,x", "//x/y", "HTTPS:x", "unix:/run/x", ""]
)
def test_other_schemes_are_never_called(url: str) -> None:
    with pytest.raises(ValueError, match="begins with https:// or http://"):
        send(url, b"{}", {})


def test_answer_that_points_elsewhere_is_not_followed(web: Received) -> None:  # noqa: F811  the fixture
    web.status = 302
    with pytest.raises(OSError, match="The address answers with another one"):
        send(web.url, b"{}", {})
    assert len(web.requests) == 1


def test_other_side_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribers, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="timed out"):
        send(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})


def test_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    )
    signed = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(
        key, None
    )
    file = tmp_path / "server.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with context.wrap_socket(socket.create_server(("localhost", 0)), server_side=True) as server:
        thread = threading.Thread(target=lambda: suppressed(server.accept))
        thread.start()
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            send(f"https://localhost:{server.getsockname()[1]}/", b"{}", {})
        thread.join()


def suppressed(work: Callable[[], object]) -> None:
    with suppress(OSError):  # the client goes away, as it should
        work()
