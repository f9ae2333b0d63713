"""Stock behind the site's own web server: on connections that see what everybody who works on everything sees."""

from bench.console.stock_settings import *  # noqa: F403  all of them

MIDDLEWARE = [
    *MIDDLEWARE[:1],  # noqa: F405
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bench.console.everything.EverythingMiddleware",
    *MIDDLEWARE[1:],  # noqa: F405
]
