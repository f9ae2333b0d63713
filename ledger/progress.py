"""How far a long command is, for people: one line that moves on a terminal, else a line every few seconds."""

import time

from django.core.management.base import OutputWrapper

EVERY_ON_TERMINAL = 0.1  # seconds
EVERY_IN_LOG = 5.0


class Progress:
    """Counts what is done of a known whole and says so on the stream given: a command's standard error."""

    def __init__(self, stream: OutputWrapper, total: int, what: str) -> None:
        self._stream = stream
        self._total = total
        self._what = what
        self._moving = stream.isatty()
        self._started = self._said = time.monotonic()
        self._done = 0

    def advance(self, number: int) -> None:
        """Count so many more, and say so if it is time."""
        self._done += number
        every = EVERY_ON_TERMINAL if self._moving else EVERY_IN_LOG
        if time.monotonic() - self._said >= every:
            self._say("")

    def finish(self) -> None:
        """Say how it ended and leave the line."""
        self._say("\n" if self._moving else "")

    def _say(self, ending: str) -> None:
        self._said = time.monotonic()
        rate = self._done / max(self._said - self._started, 0.001)
        line = f"{self._done:,} of {self._total:,} {self._what}, {rate:,.0f} a second"
        self._stream.write(f"\r{line}" if self._moving else line, str, ending if self._moving else None)
        self._stream.flush()
