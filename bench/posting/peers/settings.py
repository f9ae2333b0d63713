"""Settings of the peers' environment: hordak and oscar-accounts with what they need, on a database of the bench's server.

The driver and its options are those of our own settings.
"""

import json
import os

from oscar.defaults import *  # noqa: F403  oscar wants all of its settings
from psycopg.conninfo import conninfo_to_dict

parts = conninfo_to_dict(os.environ["BENCH_SUPERUSER"])
SECRET_KEY = "of the bench alone"  # noqa: S105  signs nothing that leaves it
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts["dbname"],
        "USER": parts["user"],
        "HOST": parts["host"],
        "PORT": parts["port"],
        "CONN_MAX_AGE": None,
        "OPTIONS": json.loads(os.environ["BENCH_OPTIONS"]),
    }
}
DEFAULT_CURRENCY = HORDAK_INTERNAL_CURRENCY = "CZK"
CURRENCIES = HORDAK_CURRENCIES = ["CZK"]
SITE_ID = 1
ROOT_URLCONF = "bench.posting.peers.settings"
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
OSCAR_APPS = {
    "analytics": "AnalyticsConfig",
    "checkout": "CheckoutConfig",
    "address": "AddressConfig",
    "shipping": "ShippingConfig",
    "catalogue": "CatalogueConfig",
    "catalogue.reviews": "CatalogueReviewsConfig",
    "communication": "CommunicationConfig",
    "partner": "PartnerConfig",
    "basket": "BasketConfig",
    "payment": "PaymentConfig",
    "offer": "OfferConfig",
    "order": "OrderConfig",
    "customer": "CustomerConfig",
    "search": "SearchConfig",
    "voucher": "VoucherConfig",
    "wishlists": "WishlistsConfig",
    "dashboard": "DashboardConfig",
    **{
        f"dashboard.{name}": f"{name.title()}DashboardConfig"
        for name in (
            "catalogue",
            "communications",
            "offers",
            "orders",
            "pages",
            "partners",
            "ranges",
            "reports",
            "reviews",
            "shipping",
            "users",
            "vouchers",
        )
    },
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.flatpages",
    "oscar.config.Shop",
    *(f"oscar.apps.{name}.apps.{config}" for name, config in OSCAR_APPS.items()),
    "oscar_accounts.apps.AccountsConfig",
    "widget_tweaks",
    "haystack",
    "treebeard",
    "django_tables2",
    "mptt",
    "hordak",
]
