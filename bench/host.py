"""The program that a bench's clients are: processes of one operation, each on a connection of its own, kept between rounds.

Processes and not threads: Python runs one thread at a time, so threads would leave a second core to the server alone.
Forked once Django is ready. Standard library and Django only, because the peers run it in an environment of their own.
Protocol: one JSON object as argument (`operation`, `arguments`, `clients`); says `ready`; then for each line on standard
input, a number of seconds, one line of JSON with what was done. Ends with its standard input.
"""

import gc
import importlib
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

Operation = Callable[[], int]  # does one thing and returns how many postings that was; 0: refused


def main(asked: str) -> None:
    """Serve rounds until standard input ends."""
    import django  # noqa: PLC0415  the environment names the settings

    django.setup()
    options = json.loads(asked)
    module, name = options["operation"].split(":")
    make: Callable[..., Operation] = getattr(importlib.import_module(module), name)
    pipes = [_start(make, options["arguments"], seed) for seed in range(options["clients"])]
    for pipe in pipes:
        pipe.recv()
    print("ready", flush=True)
    for line in sys.stdin:
        for pipe in pipes:
            pipe.send(float(line))
        print(json.dumps([pipe.recv() for pipe in pipes]), flush=True)


def _start(make: Callable[..., Operation], arguments: dict[str, Any], seed: int) -> Connection:
    """Fork a client and return the pipe to it; it ends with the pipe."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    fork.Process(target=_client, args=(theirs, make, arguments, seed), daemon=True).start()
    theirs.close()
    return ours


def _client(pipe: Connection, make: Callable[..., Operation], arguments: dict[str, Any], seed: int) -> None:
    random.seed(seed)
    operation = make(**arguments)
    gc.collect()
    gc.freeze()  # as a server's worker does, of every arm: else who has loaded more is held up longer
    pipe.send("ready")
    while True:
        pipe.send(_round(operation, pipe.recv()))


def _round(operation: Operation, seconds: float) -> dict[str, float]:
    """Repeat the operation for so long; what has begun is finished and counted with the time it takes."""
    done = refused = 0
    cpu, started = time.process_time(), time.perf_counter()
    while time.perf_counter() - started < seconds:
        made = operation()
        done += made
        refused += not made
    return {
        "done": done,
        "refused": refused,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
    }


if __name__ == "__main__":
    main(sys.argv[1])
