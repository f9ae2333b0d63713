"""Addresses of the door, below the console's path: each view behind a guard of its own."""

from allauth.account.views import ReauthenticateView
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as keys
from django.conf import settings
from django.contrib import admin
from django.urls import path

from backoffice.guards import AnyoneGuard, StaffGuard
from backoffice.login.forgotten import Forgotten, NewPassword, Sent
from backoffice.login.pages import Sessions, page
from backoffice.views import guarded

STAFF, ANYONE = StaffGuard(), AnyoneGuard()

urlpatterns = [
    path("login/", guarded(ANYONE)(admin.site.login), name="account_login"),
    path("login/factor/", page(mfa.authenticate, ANYONE, "Second factor"), name="mfa_authenticate"),
    path("login/again/", page(ReauthenticateView.as_view(), STAFF, "Log in again"), name="account_reauthenticate"),
    path("login/again/code/", page(mfa.reauthenticate, STAFF, "Log in again"), name="mfa_reauthenticate"),
    path("login/again/key/", page(keys.reauthenticate_webauthn, STAFF, "Log in again"), name="mfa_reauthenticate_webauthn"),
    path("login/own/", page(mfa.index, STAFF, "Your login"), name="mfa_index"),
    path("login/own/sessions/", page(Sessions.as_view(), STAFF, "Your sessions"), name="usersessions_list"),
    path("login/own/app/", page(app.activate_totp, STAFF, "Set up an app"), name="mfa_activate_totp"),
    path("login/own/app/off/", page(app.deactivate_totp, STAFF, "Take off the app"), name="mfa_deactivate_totp"),
    path("login/own/keys/", page(mfa.index, STAFF, "Your login"), name="mfa_list_webauthn"),
    path("login/own/keys/add/", page(keys.add_webauthn, STAFF, "Set up a security key"), name="mfa_add_webauthn"),
    path("login/own/keys/<int:pk>/off/", page(keys.remove_webauthn, STAFF, "Take off a key"), name="mfa_remove_webauthn"),
    path("login/own/codes/", page(codes.view_recovery_codes, STAFF, "Recovery codes"), name="mfa_view_recovery_codes"),
    path("login/own/codes/new/", page(codes.generate_recovery_codes, STAFF, "New recovery codes"), name="mfa_generate_recovery_codes"),
]  # fmt: skip

if settings.PASSWORD_RESET:
    urlpatterns += [
        path("login/forgotten/", page(Forgotten.as_view(), ANYONE, "Forgotten password"), name="admin_password_reset"),
        path("login/forgotten/sent/", page(Sent.as_view(), ANYONE, "Look at your e-mail"), name="login_forgotten_done"),
        path("login/new/", page(NewPassword.as_view(), ANYONE, "Set your password"), name="login_new_password"),
    ]
