"""Calls in a loop take no memory from the system, however deep the loop begins."""

import resource
from collections.abc import Callable

from django.conf import settings

from backoffice.room import roomy

CALLS = 500
DEPTHS = range(0, 200, 2)  # more than a piece of the stack holds, in steps of less than an edge is wide


def leaf(depth: int) -> int:
    one = two = three = four = depth
    return one + two + three + four


def calls(depth: int) -> None:
    """Call a function again and again, so many calls deep."""
    if depth:
        calls(depth - 1)
    else:
        for turn in range(CALLS):
            leaf(turn)


def far_down(depth: int, levels: int = 190) -> None:
    """Take 190 KB of the stack first."""
    if levels:
        far_down(depth, levels - 1)
    else:
        calls(depth)


far_down.__code__ = far_down.__code__.replace(co_stacksize=120)


def faults(work: Callable[[int], None], depth: int) -> int:
    """Return how often the system had to give memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work(depth)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_loop_takes_no_memory_at_any_depth() -> None:
    assert max(faults(roomy(far_down), depth) for depth in DEPTHS) < CALLS // 5


def test_python_still_needs_it() -> None:
    """Where this fails, Python keeps a piece that it will need again: then `backoffice.room` can go."""
    assert max(faults(calls, depth) for depth in DEPTHS) >= CALLS


def test_function_is_the_same_but_for_that() -> None:
    assert roomy(divmod)(7, 3) == (2, 1)
    assert (roomy(leaf).__name__, roomy(leaf)(depth=2)) == ("leaf", 8)


def test_whole_request_has_room() -> None:
    assert settings.MIDDLEWARE[0] == "backoffice.room.roomy"
