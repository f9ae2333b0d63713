"""What every answer tells the browser, and how large a request may be.

Invariants:
- Every answer has the headers below, error pages and refusals of other middleware too: `HeadersMiddleware` stands first,
  beside the one of django-csp, whose policy is in the settings.
- Nothing but static files is kept by a browser or a proxy, and the texts of the admin's scripts by a browser: an answer that
  says nothing of caching says `no-store`. So the Back button shows nothing of a customer once somebody has logged out.
- A body is refused by the length that it declares, before any of it is read; a server gives no more than that.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from backoffice.middleware import GetResponse

# What a page of the console never needs; security keys (publickey-credentials-*) stay allowed to our own pages.
UNUSED = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "Cache-Control": "no-store",
}


class HeadersMiddleware:
    """Sets HEADERS where an answer has not said otherwise: static files may be kept."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then set them."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class BodyLimitMiddleware:
    """Answers 413 to bodies of more than `settings.MOST_BODY` bytes."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse it before anything reads it."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) <= settings.MOST_BODY:
            return self.get_response(request)
        return render(request, "413.html", status=413)
