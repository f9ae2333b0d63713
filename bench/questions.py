"""The questions of a bench: one module each, of which those are measured whose question a pattern finds."""

import importlib
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.report import Row


def measured(package: str, questions: Mapping[str, str], only: re.Pattern[str]) -> Iterator["Row"]:
    """Give the rows of the modules of a package whose name or question the pattern finds, and say how long each took."""
    for module, asks in questions.items():
        if only.search(f"{module}: {asks}"):
            started = time.perf_counter()
            yield from importlib.import_module(f"{package}.{module}").rows()
            sys.stderr.write(f"{module}: {time.perf_counter() - started:.0f} s\n")
