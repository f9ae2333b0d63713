"""Django's entry for the app, and what django-auditlog wants to be told."""

from django.apps import AppConfig


class CaptureAppConfig(AppConfig):
    """Registers the model that django-auditlog records."""

    name = "bench.capture_app"
    label = "bench"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from auditlog.registry import auditlog  # noqa: PLC0415  apps are loaded only now

        auditlog.register(self.get_model("Auditlog"))
