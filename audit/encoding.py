"""JSON as Django writes it, but for moments, which keep their microseconds: events are told apart and found by them."""

from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder


class Encoder(DjangoJSONEncoder):
    """Writes a moment in ISO 8601, to the microsecond."""

    def default(self, o: Any) -> Any:
        """Return what JSON has for a value."""
        return o.isoformat().replace("+00:00", "Z") if isinstance(o, datetime) else super().default(o)
