"""Moments as people write them, in the zone of the settings."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

CLOCKS = (
    "The clocks change on that day: this time is there twice, or not at all. Choose one an hour before it or after."
)


class Moment(forms.DateTimeField):
    """A moment; what the clocks say twice or never is refused in words that help."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def clean(self, value: Any) -> Any:
        try:
            return super().clean(value)
        except ValidationError as error:
            if error.code != "ambiguous_timezone":
                raise
            raise ValidationError(CLOCKS) from error


class KeptMoment(Moment):
    """A moment that may be kept already: sent as it was shown it stays what it is, to the microsecond."""

    kept: datetime | None = None  # given by the form

    def to_python(self, value: Any) -> Any:
        """Return what is kept where nobody has touched it: the page shows whole minutes of it."""
        shown = self.kept and self.widget.format_value(self.prepare_value(self.kept))
        return self.kept if shown and value == shown else super().to_python(value)
