"""Logging in: second factors, lock-outs, sessions, logging in again before what is dangerous, forgotten passwords.

Ready libraries do it (django-allauth, django-axes); what stands here tells them our rules, shows their pages in the console
and records what happens. docs/login.md says what people see.
"""
