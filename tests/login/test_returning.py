"""Who comes back with a session is who the ORM knows, with the rights of now, and costs two statements."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from backoffice.login.factors import has_factor
from backoffice.login.returning import ReturningBackend, SessionStore
from backoffice.models import User
from backoffice.roles import AGENT
from tests.login.door import is_in, staff, try_password, with_app

pytestmark = pytest.mark.django_db(databases=["default", "audit"])


def back(user: User) -> User:
    found = ReturningBackend().get_user(user.pk)
    assert found is not None
    return found


def test_person_is_the_same_as_read_by_the_orm() -> None:
    user = staff("somebody", AGENT, email="somebody@example.com", first_name="Jana", phone="+420 777 123 456")
    found, known = back(user), User.objects.get(pk=user.pk)
    values = [(getattr(found, field.attname), getattr(known, field.attname)) for field in User._meta.concrete_fields]
    assert all(here == there for here, there in values)
    assert (found._state.adding, found._state.db, found.get_deferred_fields()) == (False, "default", set())


def test_rights_are_those_of_groups_and_of_the_person(client: Client) -> None:
    user = staff("somebody", AGENT)
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    with CaptureQueriesContext(connection) as asked:
        found = back(user).get_all_permissions()
    assert len(asked) == 1
    assert found == ModelBackend().get_all_permissions(User.objects.get(pk=user.pk))
    assert {"ledger.deposit", "audit.view_event"} <= found
    user.groups.clear()
    assert back(user).get_all_permissions() == {"audit.view_event"}
    user.user_permissions.clear()
    assert back(user).get_all_permissions() == set()


def test_second_factor_is_known_of_its_owner_alone() -> None:
    with_app(owner := staff("owner"))
    Authenticator.objects.create(user=(keyed := staff("keyed")), type=Authenticator.Type.WEBAUTHN, data={})
    RecoveryCodes.activate(codes := staff("codes"))
    people = (owner, keyed, codes, staff("other"))
    assert [back(user).has_factor for user in people] == [True, True, False, False]
    assert [has_factor(User.objects.get(pk=user.pk)) for user in people] == [True, True, False, False]


def test_session_of_a_way_that_is_gone_lets_nobody_in_and_comes_back_under_another_key(client: Client) -> None:
    staff("somebody")
    try_password(client, "somebody")
    session, old = client.session, client.session.session_key
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    assert not is_in(client)
    try_password(client, "somebody")
    assert is_in(client)
    assert client.session.session_key != old
    assert not Session.objects.filter(pk=old).exists()


@pytest.mark.parametrize("gone", [{"is_active": False}, {"is_void": True}])
def test_who_is_gone_does_not_come_back(client: Client, gone: dict[str, bool]) -> None:
    user = staff("somebody", AGENT)
    try_password(client, "somebody")
    assert is_in(client)
    User.all_objects_including_void().filter(pk=user.pk).update(**gone)
    assert ReturningBackend().get_user(user.pk) is None
    assert not is_in(client)


def test_session_is_read_until_it_ends(client: Client) -> None:
    staff("somebody")
    try_password(client, "somebody")
    kept = Session.objects.get(pk=client.session.session_key)
    with CaptureQueriesContext(connection) as asked:
        found = SessionStore(kept.pk).load()
    assert len(asked) == 1
    assert found == kept.get_decoded()
    Session.objects.filter(pk=kept.pk).update(expire_date="2020-01-01T00:00Z")
    ended = SessionStore(kept.pk)
    assert (ended.load(), ended.session_key) == ({}, None)
