"""Room on Python's stack: all that a request calls lies in one piece of it.

CPython keeps the frames of functions in pieces of 16 KB, asks the operating system for another where a call does not fit any
more, and gives it back when that call returns (`push_chunk` in its Python/pystate.c). A loop whose calls happen to begin at
an edge does so at every turn, in lists of the console 50 to 500 times a page: which loop that is changes with every function
in between (docs/adr/0012). A frame that needs more gets a piece of twice its size or less, and leaves it the rest.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
WORDS = 33_000  # a little over 256 KB, so that the piece is of 512 KB; memory that nothing is written to takes none


def roomy(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that does the same, with 240 KB of the stack for all that it calls."""

    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    called.__code__ = called.__code__.replace(co_stacksize=WORDS)
    return wraps(function)(called)
