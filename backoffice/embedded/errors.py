"""What can go wrong with the embedded server, always as one sentence that says what to do."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be used; the message is fit to be shown as it is."""
