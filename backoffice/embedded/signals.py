"""Put off the signals that stop a process while it must not be stopped half-way."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stopping_signals() -> list[signal.Signals]:
    """Return the signals that are to stop this process; one started by nohup is to survive its terminal."""
    return [number for number in STOPPING if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def put_off() -> Iterator[None]:
    """Deliver a stopping signal after the block instead of within it; only the main thread gets signals at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, remember) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if came:
            signal.raise_signal(came[0])


def raise_exit(number: int, _frame: FrameType | None) -> None:
    """Leave through Python's own exit, so that `finally` and `atexit` run."""
    raise SystemExit(128 + number)
